//! A hash table that grows without pauses and can be walked with a cursor while it changes.
//!
//! Elements are ordered by the [`position`] of their hash (40 bits). A *directory* of `2^depth`
//! slots maps the leading bits of a position to a *segment*, a small open-addressing table that
//! holds a contiguous range of positions:
//!
//! ```text
//! directory   00   01   10   11          depth 2
//!              \   /     |    |
//! segments     [ 0 ]    [1]  [2]         depth 1, 2, 2
//! ```
//!
//! A full segment splits in two at the next bit (a few microseconds); two neighbours that became
//! almost empty merge. So no insert ever moves more than one segment, however large the table.
//!
//! A cursor is a position. As every segment covers a fixed range of positions, a walk that goes on
//! at the end of the range it has seen returns each element that was there throughout, exactly
//! once, whatever was inserted, removed, split or merged meanwhile.

use hashbrown::HashTable;

use crate::hash::{POSITION_BITS, position};

/// Elements a segment may hold before it splits: what hashbrown keeps in 512 buckets.
const SEGMENT_LEN_MAX: usize = 448;
/// A segment that holds no more than this looks for a neighbour to merge with.
const SMALL_LEN_MAX: usize = SEGMENT_LEN_MAX / 3;
/// Two neighbours merge when both together hold no more than this: far from where they split, and
/// near enough that a table whose elements come and go at random does not wear thin.
const MERGE_LEN_MAX: usize = SEGMENT_LEN_MAX * 5 / 8;

/// What a [`Table`] can hold: something that knows the hash of its key.
pub(crate) trait Hashed {
    /// The hash of the key, from [`crate::hash::of`].
    fn hash(&self) -> u64;
}

/// Where an element is, until the table changes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    segment: u32,
    bucket: u32,
}

/// The table; see the module's description.
#[derive(Clone, Debug)]
pub(crate) struct Table<T> {
    directory: Vec<u32>,
    segments: Vec<Segment<T>>,
    free: Vec<u32>,
    depth: u32,
    len: usize,
}

#[derive(Clone, Debug)]
struct Segment<T> {
    depth: u32,
    elements: HashTable<T>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { directory: Vec::new(), segments: Vec::new(), free: Vec::new(), depth: 0, len: 0 }
    }
}

impl<T: Hashed> Table<T> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The element with this hash for which `same` holds.
    pub(crate) fn find(&self, hash: u64, same: impl FnMut(&T) -> bool) -> Option<&T> {
        self.segment(hash)?.elements.find(hash, same)
    }

    /// As [`Table::find`], to change it; its hash must stay as it is.
    pub(crate) fn find_mut(&mut self, hash: u64, same: impl FnMut(&T) -> bool) -> Option<&mut T> {
        let slot = self.slot(hash)?;
        self.segments[slot].elements.find_mut(hash, same)
    }

    /// Where the element with this hash is for which `same` holds.
    pub(crate) fn locate(&self, hash: u64, same: impl FnMut(&T) -> bool) -> Option<Place> {
        let segment = self.slot(hash)?;
        let bucket = self.segments[segment].elements.find_bucket_index(hash, same)?;
        Some(Place { segment: segment.try_into().ok()?, bucket: bucket.try_into().ok()? })
    }

    /// The element at a place, to change it; its hash must stay as it is. After a change of the
    /// table another one may be there, or none.
    pub(crate) fn at_mut(&mut self, place: Place) -> Option<&mut T> {
        let segment = self.segments.get_mut(place.segment as usize)?;
        segment.elements.get_bucket_mut(place.bucket as usize)
    }

    /// Adds an element whose key is not in the table yet.
    pub(crate) fn insert(&mut self, element: T) -> &mut T {
        let hash = element.hash();
        if self.segments.is_empty() {
            self.segments.push(Segment { depth: 0, elements: HashTable::new() });
            self.directory.push(0);
        }
        let mut slot = self.directory[self.directory_index(hash)] as usize;
        while self.segments[slot].elements.len() >= SEGMENT_LEN_MAX
            && self.segments[slot].depth < POSITION_BITS - 8
        {
            self.split(slot);
            slot = self.directory[self.directory_index(hash)] as usize;
        }
        self.len += 1;
        self.segments[slot].elements.insert_unique(hash, element, T::hash).into_mut()
    }

    /// Takes the element with this hash for which `same` holds.
    pub(crate) fn remove(&mut self, hash: u64, same: impl FnMut(&T) -> bool) -> Option<T> {
        let slot = self.slot(hash)?;
        let elements = &mut self.segments[slot].elements;
        let (element, _) = elements.find_entry(hash, same).ok()?.remove();
        self.len -= 1;
        self.shrink(slot, hash);
        Some(element)
    }

    /// All elements, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.segments.iter().flat_map(|segment| segment.elements.iter())
    }

    /// Visits all elements, to change all but their hash.
    pub(crate) fn for_each_mut(&mut self, visit: impl FnMut(&mut T)) {
        self.segments.iter_mut().flat_map(|segment| segment.elements.iter_mut()).for_each(visit);
    }

    /// Visits elements from `cursor` (a position) on until about `count` were seen; replies
    /// where to go on, or `None` at the end.
    pub(crate) fn scan(&self, cursor: u64, count: usize, mut visit: impl FnMut(&T)) -> Option<u64> {
        let mut from = cursor;
        let mut seen = 0;
        let mut found: Vec<(u64, &T)> = Vec::new();
        while seen < count {
            if self.segments.is_empty() || from >> POSITION_BITS != 0 {
                return None;
            }
            let index = usize::try_from(from >> (POSITION_BITS - self.depth)).unwrap_or(0);
            let segment = &self.segments[self.directory[index] as usize];
            let shift = POSITION_BITS - segment.depth;
            let end = ((from >> shift) + 1) << shift;
            found.clear();
            let places = segment.elements.iter().map(|e| (position(e.hash()), e));
            found.extend(places.filter(|(place, _)| *place >= from));
            let rest = count - seen;
            let take = if found.len() > rest { cut(&mut found, rest) } else { found.len() };
            found[..take].iter().for_each(|(_, element)| visit(element));
            seen += take;
            from = found.get(take).map_or(end, |(place, _)| *place);
        }
        (from >> POSITION_BITS == 0).then_some(from)
    }

    /// An element chosen at random with equal chances; `random` gives numbers over all of `u64`.
    pub(crate) fn random(&self, mut random: impl FnMut() -> u64) -> Option<&T> {
        if self.len == 0 {
            return None;
        }
        // Every place of every segment is drawn with the same chance; an empty one is drawn again.
        let mut below = |end: usize| usize::try_from(random() % end as u64).unwrap_or(0);
        let widest = if self.segments.len() == 1 { self.len } else { SEGMENT_LEN_MAX };
        for _ in 0..1000 {
            let segment = &self.segments[below(self.segments.len())];
            if let Some(element) = segment.elements.iter().nth(below(widest)) {
                return Some(element);
            }
        }
        self.iter().next()
    }

    /// Visits elements that stand together at a random place until `visit` replies `false`,
    /// `places` are looked at, or all were. `random` is over all of `u64`.
    pub(crate) fn sample<'a>(
        &'a self,
        random: u64,
        places: usize,
        mut visit: impl FnMut(&'a T) -> bool,
    ) {
        let below = |random: u64, end: usize| usize::try_from(random % end.max(1) as u64);
        let start = below(random, self.segments.len()).unwrap_or(0);
        let (before, from) = self.segments.split_at(start);
        let mut skipped = random >> 32;
        let mut left = places;
        for segment in from.iter().chain(before) {
            let elements = &segment.elements;
            let first = below(std::mem::take(&mut skipped), elements.num_buckets()).unwrap_or(0);
            for place in first..elements.num_buckets() {
                if left == 0 {
                    return;
                }
                left -= 1;
                if elements.get_bucket(place).is_some_and(|element| !visit(element)) {
                    return;
                }
            }
        }
        // What stands before the random place in its segment comes last.
        let segment = self.segments.get(start);
        let Some(elements) = segment.map(|segment| &segment.elements) else { return };
        let first = below(random >> 32, elements.num_buckets()).unwrap_or(0);
        let rest = (0..first.min(left)).filter_map(|place| elements.get_bucket(place));
        rest.map(visit).take_while(|&goes_on| goes_on).for_each(drop);
    }

    /// Bytes taken by the table itself, without what its elements own elsewhere.
    pub(crate) fn bytes(&self) -> usize {
        let segments: usize = self.segments.iter().map(|s| s.elements.allocation_size()).sum();
        segments
            + self.segments.capacity() * size_of::<Segment<T>>()
            + self.directory.capacity() * size_of::<u32>()
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

    fn segment(&self, hash: u64) -> Option<&Segment<T>> {
        self.slot(hash).map(|slot| &self.segments[slot])
    }

    /// Moves the upper half of a segment's range to a new one.
    fn split(&mut self, slot: usize) {
        if self.segments[slot].depth == self.depth {
            self.directory = self.directory.iter().flat_map(|&slot| [slot, slot]).collect();
            self.depth += 1;
        }
        let depth = self.segments[slot].depth + 1;
        self.segments[slot].depth = depth;
        let upper_bit = 1u64 << (POSITION_BITS - depth);
        let upper: Vec<T> = self.segments[slot]
            .elements
            .extract_if(|element| position(element.hash()) & upper_bit != 0)
            .collect();
        let mut elements = HashTable::with_capacity(upper.len());
        for element in upper {
            elements.insert_unique(element.hash(), element, T::hash);
        }
        let new = self.add_segment(Segment { depth, elements });
        let old = u32::try_from(slot).expect("segments are numbered by u32");
        let step = 1usize << (self.depth - depth);
        for start in (0..self.directory.len()).step_by(2 * step) {
            if self.directory[start] == old {
                self.directory[start + step..start + 2 * step].fill(new);
            }
        }
    }

    fn add_segment(&mut self, segment: Segment<T>) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.segments[slot as usize] = segment;
            return slot;
        }
        self.segments.push(segment);
        u32::try_from(self.segments.len() - 1).expect("segments are numbered by u32")
    }

    /// After a removal: gives memory back, and merges the segment with its neighbour.
    fn shrink(&mut self, slot: usize, hash: u64) {
        if self.len == 0 {
            *self = Self::default();
            return;
        }
        let segment = &mut self.segments[slot];
        let len = segment.elements.len();
        if len * 8 <= segment.elements.capacity() {
            segment.elements.shrink_to(len * 2, T::hash);
        }
        if len > SMALL_LEN_MAX {
            return;
        }
        if segment.depth > 0 {
            self.merge(slot, hash);
        }
    }

    fn merge(&mut self, slot: usize, hash: u64) {
        let depth = self.segments[slot].depth;
        let span = 1usize << (self.depth - depth);
        let start = self.directory_index(hash) & !(span - 1);
        let buddy = self.directory[start ^ span];
        let buddy_segment = &mut self.segments[buddy as usize];
        let together = buddy_segment.elements.len() + self.segments[slot].elements.len();
        if self.segments[buddy as usize].depth != depth || together > MERGE_LEN_MAX {
            return;
        }
        let moved = std::mem::take(&mut self.segments[buddy as usize].elements);
        let segment = &mut self.segments[slot];
        segment.depth -= 1;
        for element in moved {
            segment.elements.insert_unique(element.hash(), element, T::hash);
        }
        let kept = u32::try_from(slot).expect("segments are numbered by u32");
        self.directory[start ^ span..(start ^ span) + span].fill(kept);
        self.free.push(buddy);
        self.halve_directory();
    }

    /// Halves the directory while it is much larger than the number of segments needs.
    fn halve_directory(&mut self) {
        let used = self.segments.len() - self.free.len();
        if self.depth == 0 || used * 8 > self.directory.len() {
            return;
        }
        let deepest = self.directory.iter().map(|&slot| self.segments[slot as usize].depth).max();
        while self.depth > deepest.unwrap_or(0) {
            self.directory = self.directory.iter().step_by(2).copied().collect();
            self.depth -= 1;
        }
    }
}

/// Sorts `found` by position and replies how many of it make at least `count` without parting
/// elements of one position.
fn cut<T>(found: &mut [(u64, &T)], count: usize) -> usize {
    found.sort_unstable_by_key(|(place, _)| *place);
    let last = found[count - 1].0;
    found.partition_point(|(place, _)| *place <= last)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Number(u64);

    impl Hashed for Number {
        fn hash(&self) -> u64 {
            crate::hash::of(&self.0.to_le_bytes())
        }
    }

    fn table(numbers: std::ops::Range<u64>) -> Table<Number> {
        let mut table = Table::default();
        numbers.for_each(|n| {
            table.insert(Number(n));
        });
        table
    }

    fn remove(table: &mut Table<Number>, number: u64) -> Option<Number> {
        table.remove(Number(number).hash(), |n| n.0 == number)
    }

    #[test]
    fn grows_and_shrinks() {
        let mut table = table(0..100_000);
        assert_eq!(table.len(), 100_000);
        for n in 0..100_000 {
            assert!(table.find(Number(n).hash(), |m| m.0 == n).is_some());
        }
        for n in 0..99_990 {
            assert_eq!(remove(&mut table, n), Some(Number(n)));
        }
        assert_eq!(table.iter().count(), 10);
        assert!(table.bytes() < 64 * 1024, "{}", table.bytes());
        for n in 99_990..100_000 {
            assert!(table.find(Number(n).hash(), |m| m.0 == n).is_some());
            remove(&mut table, n);
        }
        assert!(table.is_empty());
    }

    #[test]
    fn scan_sees_every_element_that_stays() {
        let mut table = table(0..5000);
        let mut seen = HashSet::new();
        let (mut cursor, mut next_new) = (0, 5000);
        loop {
            let next = table.scan(cursor, 7, |n| {
                assert!(seen.insert(n.0), "{} came twice", n.0);
            });
            let Some(next) = next else { break };
            cursor = next;
            table.insert(Number(next_new));
            next_new += 1;
            remove(&mut table, next_new % 2500);
        }
        assert!((2500..5000).all(|n| seen.contains(&n)));
    }

    #[test]
    fn scan_keeps_to_its_count() {
        let table = table(0..1000);
        let mut seen = 0;
        table.scan(0, 10, |_| seen += 1);
        assert!((10..20).contains(&seen), "{seen}");
    }

    #[test]
    fn samples_reach_everything() {
        let table = table(0..2000);
        let random = crate::random::Random::seeded(1);
        let mut seen = HashSet::new();
        for _ in 0..20_000 {
            let mut count = 0;
            table.sample(random.next(), 64, |n| {
                seen.insert(n.0);
                count += 1;
                count < 5
            });
            assert!((1..=5).contains(&count), "{count}");
        }
        assert_eq!(seen.len(), 2000);
        let mut all = HashSet::new();
        table.sample(random.next(), usize::MAX, |n| all.insert(n.0));
        assert_eq!(all.len(), 2000, "no element comes twice");
        Table::<Number>::default().sample(7, 9, |_| true);
    }

    #[test]
    fn random_reaches_everything() {
        let table = table(0..2000);
        let mut state = 1u64;
        let mut seen = HashSet::new();
        for _ in 0..60_000 {
            let element = table.random(|| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                state ^ (state >> 33)
            });
            seen.insert(element.map(|n| n.0));
        }
        assert_eq!(seen.len(), 2000);
    }
}
