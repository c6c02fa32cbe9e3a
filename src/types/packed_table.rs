//! A hash table of byte strings for large hashes and sets, lean, and cheap to clone.
//!
//! A segment is one packed run of up to 64 entries (`packed_table/segment.rs`) behind an `Arc`: a
//! clone of the table shares the segments, and a change copies just the one that it touches. How
//! they are found, split and merged, and what a cursor is, says [`super::directory`].
//!
//! An entry costs about ten bytes above its payload. With `VALUES` an entry is a key and a value
//! (a hash), without just a key (a set).

use smallvec::SmallVec;
use triomphe::Arc;

use super::directory::{self, Directory};
use crate::hash::{self, POSITION_BITS, position};

mod segment;

use segment::{SEGMENT_LEN_MAX, Segment};

/// Two neighbours merge when both together hold no more than this.
const MERGE_LEN_MAX: usize = SEGMENT_LEN_MAX / 2;
/// Bits of a position that can tell segments apart.
const DEPTH_MAX: u32 = 32;
/// Keys whose entries are prefetched at a time, as a rule.
const PREFETCHED: usize = 32;

/// An entry outside of the segments: key and value.
type Entry = (Box<[u8]>, Box<[u8]>);

/// The table; see the module's description.
#[derive(Clone, Debug)]
pub(crate) struct PackedTable<const VALUES: bool> {
    directory: Directory<Arc<Segment<VALUES>>>,
    /// Entries whose segment is full and cannot split: only where hashes were made to collide.
    overflow: Vec<Entry>,
    len: usize,
    depth_max: u32,
    /// Do segments get more room than they need at once? So while the table is filled.
    is_roomy: bool,
}

impl<const VALUES: bool> directory::Segment for Arc<Segment<VALUES>> {
    fn depth(&self) -> u32 {
        Segment::depth(self)
    }
}

impl<const VALUES: bool> Default for PackedTable<VALUES> {
    fn default() -> Self {
        Self {
            directory: Directory::default(),
            overflow: Vec::new(),
            len: 0,
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
        self.directory.segments.iter_mut().for_each(|segment| Arc::make_mut(segment).fit());
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The value of `key`, empty in a table without values; `None` if the key is not there.
    pub(crate) fn find(&self, key: &[u8]) -> Option<&[u8]> {
        let hash = hash::of(key);
        let segment = self.directory.segment(hash)?;
        match segment.find(hash, key) {
            Some(index) => Some(segment.entry(index).1),
            None => self.find_overflow(key).map(|at| &*self.overflow[at].1),
        }
    }

    /// Has the entries of some keys fetched into the processor's caches side by side.
    pub(crate) fn prefetch<'k>(&self, keys: impl Iterator<Item = &'k [u8]>) {
        let segment = |key| {
            let hash = hash::of(key);
            self.directory.segment(hash).map(|segment| (hash, &**segment))
        };
        let found: SmallVec<[_; PREFETCHED]> = keys.filter_map(segment).collect();
        found.iter().for_each(|(_, segment)| segment.prefetch());
        found.iter().for_each(|(hash, segment)| segment.prefetch_entry(*hash));
    }

    /// Sets the value of `key`; returns whether the key is new.
    pub(crate) fn insert(&mut self, key: &[u8], value: &[u8]) -> bool {
        let hash = hash::of(key);
        let number = self.directory.number_or_first(hash, empty);
        let segment = &mut self.directory.segments[number];
        if let Some(index) = segment.find(hash, key) {
            if VALUES {
                Arc::make_mut(segment).set_value(index, value);
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
            let number = self.directory.number_or_first(hash, empty);
            let segment = &mut self.directory.segments[number];
            if segment.len() < SEGMENT_LEN_MAX {
                let segment = Arc::make_mut(segment);
                if self.is_roomy {
                    segment.make_room(key, value);
                }
                return segment.push(hash, key, value);
            }
            if segment.depth() >= self.depth_max {
                return self.overflow.push((key.into(), value.into()));
            }
            self.split(number, hash);
        }
    }

    /// Removes `key`; `false` if it was not there.
    pub(crate) fn remove(&mut self, key: &[u8]) -> bool {
        let hash = hash::of(key);
        let Some(number) = self.directory.number(hash) else { return false };
        let segment = &mut self.directory.segments[number];
        if let Some(index) = segment.find(hash, key) {
            Arc::make_mut(segment).remove(index);
            self.len -= 1;
            self.shrink(number, hash);
            return true;
        }
        let Some(at) = self.find_overflow(key) else { return false };
        self.overflow.swap_remove(at);
        self.len -= 1;
        true
    }

    /// All entries, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let entries = self.directory.segments.iter().flat_map(|segment| segment.iter());
        entries.chain(self.overflow.iter().map(|(key, value)| (&**key, &**value)))
    }

    /// The entries whose key has this hash.
    pub(crate) fn with_hash(&self, hash: u64) -> impl Iterator<Item = (&[u8], &[u8])> {
        let tagged =
            self.directory.segment(hash).into_iter().flat_map(move |segment| segment.tagged(hash));
        let over = self.overflow.iter().map(|(key, value)| (&**key, &**value));
        tagged.chain(over).filter(move |(key, _)| hash::of(key) == hash)
    }

    /// Visits entries from `cursor` (a position) on until about `count` were seen; returns where
    /// to go on, or `None` at the end.
    pub(crate) fn scan<'t>(
        &'t self,
        cursor: u64,
        count: usize,
        mut visit: impl FnMut(&'t [u8], &'t [u8]),
    ) -> Option<u64> {
        if cursor == 0 {
            self.overflow.iter().for_each(|(key, value)| visit(key, value));
        }
        let entries = |segment: &'t Arc<Segment<VALUES>>| {
            segment.iter().map(|entry| (position(hash::of(entry.0)), entry))
        };
        self.directory.scan(cursor, count, entries, |(key, value)| visit(key, value))
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
        let segments = &self.directory.segments;
        for _ in 0..1000 {
            let segment = &segments[below(segments.len())];
            let index = below(SEGMENT_LEN_MAX);
            if index < segment.len() {
                return Some(segment.entry(index));
            }
        }
        self.iter().next()
    }

    /// Bytes taken in memory.
    pub(crate) fn bytes(&self) -> usize {
        let segments: usize = self.directory.segments.iter().map(|segment| segment.bytes()).sum();
        let overflow: usize =
            self.overflow.iter().map(|(key, value)| key.len() + value.len()).sum();
        size_of::<Self>()
            + segments
            + self.directory.bytes()
            + overflow
            + self.overflow.capacity() * size_of::<Entry>()
    }

    fn find_overflow(&self, key: &[u8]) -> Option<usize> {
        self.overflow.iter().position(|(found, _)| **found == *key)
    }

    /// Parts a full segment, in which `hash` belongs, at the next bit.
    fn split(&mut self, number: usize, hash: u64) {
        let segment = &mut self.directory.segments[number];
        let (lower, upper) = segment.split(1 << (POSITION_BITS - segment.depth() - 1));
        *segment = Arc::new(lower);
        self.directory.split(hash, Arc::new(upper));
    }

    /// After a removal: merges the segment, in which `hash` belongs, with its buddy.
    fn shrink(&mut self, number: usize, hash: u64) {
        if self.len == 0 {
            *self = Self { depth_max: self.depth_max, ..Self::default() };
            return;
        }
        let segment = &self.directory.segments[number];
        if segment.len() > MERGE_LEN_MAX / 2 {
            return;
        }
        let Some(buddy) = self.directory.buddy(hash, segment.depth()) else { return };
        let other = &self.directory.segments[buddy];
        if segment.len() + other.len() > MERGE_LEN_MAX {
            return;
        }
        self.directory.segments[number] = Arc::new(segment.join(other));
        self.directory.segments[buddy] = empty();
        self.directory.merge(hash);
    }
}

/// A segment of all positions, without entries.
fn empty<const VALUES: bool>() -> Arc<Segment<VALUES>> {
    Arc::new(Segment::new(0, 0))
}

#[cfg(test)]
mod tests;
