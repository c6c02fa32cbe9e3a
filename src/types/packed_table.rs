//! A hash table of byte strings for large hashes and sets, lean, and cheap to clone.
//!
//! It is laid out as [`super::table`] is: a directory maps the leading bits of a hash's
//! [`position`] to segments, which split when full and merge when almost empty, so that no insert
//! moves more than one segment. Here a segment is one packed run of up to 64 entries
//! (`packed_table/segment.rs`) behind an `Arc`: a clone of the table shares the segments, and a
//! change copies just the one that it touches.
//!
//! An entry costs about ten bytes above its payload. With `VALUES` an entry is a key and a value
//! (a hash), without just a key (a set).
//!
//! A cursor is a position, with the promise of [`super::table`]: a walk returns each entry that
//! was there throughout, exactly once.

use triomphe::Arc;

use crate::hash::{self, POSITION_BITS, position};

mod segment;

use segment::{SEGMENT_LEN_MAX, Segment};

/// Two neighbours merge when both together hold no more than this.
const MERGE_LEN_MAX: usize = SEGMENT_LEN_MAX / 2;
/// Bits of a position that can tell segments apart.
const DEPTH_MAX: u32 = 32;

/// An entry outside of the segments: key and value.
type Entry = (Box<[u8]>, Box<[u8]>);

/// The table; see the module's description.
#[derive(Clone, Debug)]
pub(crate) struct PackedTable<const VALUES: bool> {
    directory: Vec<u32>,
    segments: Vec<Arc<Segment<VALUES>>>,
    /// Places in `segments` that no directory slot refers to.
    free: Vec<u32>,
    /// Entries whose segment is full and cannot split: only where hashes were made to collide.
    overflow: Vec<Entry>,
    len: usize,
    depth: u32,
    depth_max: u32,
    /// Do segments get more room than they need at once? So while the table is filled.
    is_roomy: bool,
}

impl<const VALUES: bool> Default for PackedTable<VALUES> {
    fn default() -> Self {
        Self {
            directory: Vec::new(),
            segments: Vec::new(),
            free: Vec::new(),
            overflow: Vec::new(),
            len: 0,
            depth: 0,
            depth_max: DEPTH_MAX,
            is_roomy: false,
        }
    }
}

impl<const VALUES: bool> PackedTable<VALUES> {
    /// A table that many entries are about to be put into; [`PackedTable::fit`] is to follow.
    pub(crate) fn to_fill() -> Self {
        Self { is_roomy: true, ..Self::default() }
    }

    /// Gives back the room that was taken to fill the table.
    pub(crate) fn fit(&mut self) {
        self.is_roomy = false;
        self.segments.iter_mut().for_each(|segment| Arc::make_mut(segment).fit());
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The value of `key`, empty in a table without values; `None` if the key is not there.
    pub(crate) fn find(&self, key: &[u8]) -> Option<&[u8]> {
        let hash = hash::of(key);
        let segment = &self.segments[self.slot(hash)?];
        match segment.find(hash, key) {
            Some(index) => Some(segment.entry(index).1),
            None => self.find_overflow(key).map(|at| &*self.overflow[at].1),
        }
    }

    /// Sets the value of `key`; replies whether the key is new.
    pub(crate) fn insert(&mut self, key: &[u8], value: &[u8]) -> bool {
        let hash = hash::of(key);
        if self.segments.is_empty() {
            self.segments.push(Arc::new(Segment::new(0, 0)));
            self.directory.push(0);
        }
        let slot = self.directory[self.directory_index(hash)] as usize;
        if let Some(index) = self.segments[slot].find(hash, key) {
            if VALUES {
                Arc::make_mut(&mut self.segments[slot]).set_value(index, value);
            }
            return false;
        }
        if let Some(at) = self.find_overflow(key) {
            self.overflow[at].1 = value.into();
            return false;
        }
        self.insert_new(hash, key, value);
        true
    }

    fn insert_new(&mut self, hash: u64, key: &[u8], value: &[u8]) {
        self.len += 1;
        loop {
            let slot = self.directory[self.directory_index(hash)] as usize;
            if self.segments[slot].len() < SEGMENT_LEN_MAX {
                let segment = Arc::make_mut(&mut self.segments[slot]);
                if self.is_roomy {
                    segment.make_room(key, value);
                }
                return segment.push(hash, key, value);
            }
            if self.segments[slot].depth() >= self.depth_max {
                return self.overflow.push((key.into(), value.into()));
            }
            self.split(slot, hash);
        }
    }

    /// Removes `key`; `false` if it was not there.
    pub(crate) fn remove(&mut self, key: &[u8]) -> bool {
        let hash = hash::of(key);
        let Some(slot) = self.slot(hash) else { return false };
        if let Some(index) = self.segments[slot].find(hash, key) {
            Arc::make_mut(&mut self.segments[slot]).remove(index);
            self.len -= 1;
            self.shrink(slot, hash);
            return true;
        }
        let Some(at) = self.find_overflow(key) else { return false };
        self.overflow.swap_remove(at);
        self.len -= 1;
        true
    }

    /// All entries, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let entries = self.segments.iter().flat_map(|segment| segment.iter());
        entries.chain(self.overflow.iter().map(|(key, value)| (&**key, &**value)))
    }

    /// The entries whose key has this hash.
    pub(crate) fn with_hash(&self, hash: u64) -> impl Iterator<Item = (&[u8], &[u8])> {
        let segment = self.slot(hash).map(|slot| &self.segments[slot]);
        let tagged = segment.into_iter().flat_map(move |segment| segment.tagged(hash));
        let over = self.overflow.iter().map(|(key, value)| (&**key, &**value));
        tagged.chain(over).filter(move |(key, _)| hash::of(key) == hash)
    }

    /// Visits entries from `cursor` (a position) on until about `count` were seen; replies where
    /// to go on, or `None` at the end.
    pub(crate) fn scan<'t>(
        &'t self,
        cursor: u64,
        count: usize,
        mut visit: impl FnMut(&'t [u8], &'t [u8]),
    ) -> Option<u64> {
        let (mut from, mut seen) = (cursor, 0);
        if cursor == 0 {
            self.overflow.iter().for_each(|(key, value)| visit(key, value));
        }
        let mut found = Vec::new();
        while seen < count {
            if self.segments.is_empty() || from >> POSITION_BITS != 0 {
                return None;
            }
            let index = usize::try_from(from >> (POSITION_BITS - self.depth)).unwrap_or(0);
            let segment = &self.segments[self.directory[index] as usize];
            let shift = POSITION_BITS - segment.depth();
            let end = ((from >> shift) + 1) << shift;
            found.clear();
            let places = segment.iter().map(|entry| (position(hash::of(entry.0)), entry));
            found.extend(places.filter(|(place, _)| *place >= from));
            let take = cut(&mut found, count - seen);
            found[..take].iter().for_each(|(_, (key, value))| visit(key, value));
            seen += take;
            from = found.get(take).map_or(end, |(place, _)| *place);
        }
        (from >> POSITION_BITS == 0).then_some(from)
    }

    /// An entry chosen at random with equal chances; `random` gives numbers over all of `u64`.
    pub(crate) fn random(&self, mut random: impl FnMut() -> u64) -> Option<(&[u8], &[u8])> {
        let mut below = |end: usize| usize::try_from(random() % end as u64).unwrap_or(0);
        if self.len == 0 {
            return None;
        }
        let chosen = if self.overflow.is_empty() { self.len } else { below(self.len) };
        if let Some((key, value)) = self.overflow.get(chosen) {
            return Some((key, value));
        }
        // Every place of every segment is drawn with the same chance; an empty one is drawn again.
        for _ in 0..1000 {
            let segment = &self.segments[below(self.segments.len())];
            let index = below(SEGMENT_LEN_MAX);
            if index < segment.len() {
                return Some(segment.entry(index));
            }
        }
        self.iter().next()
    }

    /// Bytes taken in memory.
    pub(crate) fn bytes(&self) -> usize {
        let segments: usize = self.segments.iter().map(|segment| segment.bytes()).sum();
        let overflow: usize =
            self.overflow.iter().map(|(key, value)| key.len() + value.len()).sum();
        size_of::<Self>()
            + segments
            + self.segments.capacity() * size_of::<Arc<Segment<VALUES>>>()
            + (self.directory.capacity() + self.free.capacity()) * size_of::<u32>()
            + overflow
            + self.overflow.capacity() * size_of::<Entry>()
    }

    fn find_overflow(&self, key: &[u8]) -> Option<usize> {
        self.overflow.iter().position(|(found, _)| **found == *key)
    }

    fn directory_index(&self, hash: u64) -> usize {
        usize::try_from(position(hash) >> (POSITION_BITS - self.depth)).unwrap_or(0)
    }

    fn slot(&self, hash: u64) -> Option<usize> {
        if self.segments.is_empty() {
            return None;
        }
        Some(self.directory[self.directory_index(hash)] as usize)
    }

    /// Parts a full segment, in which `hash` belongs, at the next bit.
    fn split(&mut self, slot: usize, hash: u64) {
        let depth = self.segments[slot].depth() + 1;
        if depth > self.depth {
            self.directory = self.directory.iter().flat_map(|&slot| [slot, slot]).collect();
            self.depth += 1;
        }
        let (lower, upper) = self.segments[slot].split(1 << (POSITION_BITS - depth));
        self.segments[slot] = Arc::new(lower);
        let new = self.add_segment(upper);
        let half = 1usize << (self.depth - depth);
        let start = (self.directory_index(hash) & !(2 * half - 1)) + half;
        self.directory[start..start + half].fill(new);
    }

    fn add_segment(&mut self, segment: Segment<VALUES>) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.segments[slot as usize] = Arc::new(segment);
            return slot;
        }
        self.segments.push(Arc::new(segment));
        u32::try_from(self.segments.len() - 1).expect("segments are numbered by u32")
    }

    /// After a removal: merges the segment, in which `hash` belongs, with its neighbour.
    fn shrink(&mut self, slot: usize, hash: u64) {
        if self.len == 0 {
            *self = Self { depth_max: self.depth_max, ..Self::default() };
            return;
        }
        let (depth, len) = (self.segments[slot].depth(), self.segments[slot].len());
        if depth == 0 || len > MERGE_LEN_MAX / 2 {
            return;
        }
        let span = 1usize << (self.depth - depth);
        let buddy_start = (self.directory_index(hash) & !(span - 1)) ^ span;
        let buddy = self.directory[buddy_start];
        let other = &self.segments[buddy as usize];
        if other.depth() != depth || len + other.len() > MERGE_LEN_MAX {
            return;
        }
        self.segments[slot] = Arc::new(self.segments[slot].join(other));
        self.segments[buddy as usize] = Arc::new(Segment::new(0, 0));
        let kept = u32::try_from(slot).expect("segments are numbered by u32");
        self.directory[buddy_start..buddy_start + span].fill(kept);
        self.free.push(buddy);
        if self.free.len() * 2 > self.segments.len() {
            self.compact();
        }
    }

    /// Drops the free places, and halves the directory as far as its segments allow.
    fn compact(&mut self) {
        let mut places = vec![u32::MAX; self.segments.len()];
        let mut kept = Vec::with_capacity(self.segments.len() - self.free.len());
        for slot in &mut self.directory {
            let place = &mut places[*slot as usize];
            if *place == u32::MAX {
                *place = u32::try_from(kept.len()).expect("segments are numbered by u32");
                kept.push(Arc::clone(&self.segments[*slot as usize]));
            }
            *slot = *place;
        }
        self.segments = kept;
        self.free = Vec::new();
        let deepest = self.segments.iter().map(|segment| segment.depth()).max().unwrap_or(0);
        let step = 1 << (self.depth - deepest);
        self.directory = self.directory.iter().step_by(step).copied().collect();
        self.depth = deepest;
    }
}

/// An entry and its position.
type Placed<'t> = (u64, (&'t [u8], &'t [u8]));

/// How many of `found` make at least `count` without parting entries of one position; sorts them
/// if that is not all.
fn cut(found: &mut [Placed<'_>], count: usize) -> usize {
    if found.len() <= count {
        return found.len();
    }
    found.sort_unstable_by_key(|(place, _)| *place);
    let last = found[count - 1].0;
    found.partition_point(|(place, _)| *place <= last)
}

#[cfg(test)]
mod tests;
