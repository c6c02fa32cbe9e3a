//! A hash table that grows without pauses and can be walked with a cursor while it changes.
//!
//! Its segments are small (a split takes some microseconds): see `table/segment.rs`. How they are
//! found, split and merged, and what a cursor is, says [`super::directory`].

use super::directory::Directory;
use crate::hash::{POSITION_BITS, position};

mod segment;

use segment::{SEGMENT_LEN_MAX, Segment};

/// A segment that holds no more than this looks for a neighbour to merge with.
const SMALL_LEN_MAX: usize = SEGMENT_LEN_MAX / 3;
/// Two neighbours merge when both together hold no more than this: far from where they split, and
/// near enough that a table whose elements come and go at random does not wear thin.
const MERGE_LEN_MAX: usize = SEGMENT_LEN_MAX * 5 / 8;
/// Bits of a position that can tell segments apart.
const DEPTH_MAX: u32 = POSITION_BITS - 8;

/// What a [`Table`] can hold: something that knows the hash of its key.
pub(crate) trait Hashed {
    /// The hash of the key, from [`crate::hash::of`].
    fn hash(&self) -> u64;
}

/// Where an element is, until the table changes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    segment: u32,
    number: u32,
}

/// The table; see the module's description.
#[derive(Clone, Debug)]
pub(crate) struct Table<T> {
    directory: Directory<Box<Segment<T>>>,
    len: usize,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { directory: Directory::default(), len: 0 }
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
        let segment = self.directory.segment(hash)?;
        segment.at(segment.locate(hash, same)?)
    }

    /// As [`Table::find`], to change it; its hash must stay as it is.
    pub(crate) fn find_mut(&mut self, hash: u64, same: impl FnMut(&T) -> bool) -> Option<&mut T> {
        let number = self.directory.number(hash)?;
        let segment = &mut self.directory.segments[number];
        segment.at_mut(segment.locate(hash, same)?)
    }

    /// Where the element with this hash is for which `same` holds.
    pub(crate) fn locate(&self, hash: u64, same: impl FnMut(&T) -> bool) -> Option<Place> {
        let segment = self.directory.number(hash)?;
        let number = self.directory.segments[segment].locate(hash, same)?;
        Some(Place { segment: segment.try_into().ok()?, number: number.try_into().ok()? })
    }

    /// Has what leads to an element with this hash fetched into the processor's caches.
    pub(crate) fn prefetch(&self, hash: u64) {
        if let Some(segment) = self.directory.segment(hash) {
            segment.prefetch();
        }
    }

    /// Where an element with this hash probably is; no element is looked at.
    pub(crate) fn guess(&self, hash: u64) -> Option<Place> {
        let segment = self.directory.number(hash)?;
        let number = self.directory.segments[segment].guess(hash)?;
        Some(Place { segment: segment.try_into().ok()?, number: number.try_into().ok()? })
    }

    /// The element at a place. After a change of the table another one may be there, or none.
    pub(crate) fn at(&self, place: Place) -> Option<&T> {
        self.directory.segments.get(place.segment as usize)?.at(place.number as usize)
    }

    /// As [`Table::at`], to change it; its hash must stay as it is.
    pub(crate) fn at_mut(&mut self, place: Place) -> Option<&mut T> {
        self.directory.segments.get_mut(place.segment as usize)?.at_mut(place.number as usize)
    }

    /// Adds an element whose key is not in the table yet.
    pub(crate) fn insert(&mut self, element: T) -> &mut T {
        let hash = element.hash();
        let first = || Box::new(Segment::with_room(0, 0));
        let mut number = self.directory.number_or_first(hash, first);
        while self.directory.segments[number].len() >= SEGMENT_LEN_MAX
            && self.directory.segments[number].depth < DEPTH_MAX
        {
            self.split(number, hash);
            number = self.directory.number_or_first(hash, first);
        }
        self.len += 1;
        self.directory.segments[number].insert(hash, element)
    }

    /// Takes the element with this hash for which `same` holds.
    pub(crate) fn remove(&mut self, hash: u64, same: impl FnMut(&T) -> bool) -> Option<T> {
        let number = self.directory.number(hash)?;
        let segment = &mut self.directory.segments[number];
        let element = segment.remove(segment.locate(hash, same)?);
        self.len -= 1;
        self.shrink(number, hash);
        Some(element)
    }

    /// All elements, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.directory.segments.iter().flat_map(|segment| segment.iter())
    }

    /// Visits all elements, to change all but their hash.
    pub(crate) fn for_each_mut(&mut self, visit: impl FnMut(&mut T)) {
        let segments = self.directory.segments.iter_mut();
        segments.flat_map(|segment| segment.iter_mut()).for_each(visit);
    }

    /// Visits elements from `cursor` (a position) on until about `count` were seen; returns where
    /// to go on, or `None` at the end.
    pub(crate) fn scan<'t>(
        &'t self,
        cursor: u64,
        count: usize,
        visit: impl FnMut(&'t T),
    ) -> Option<u64> {
        let placed = |element: &'t T| (position(element.hash()), element);
        self.directory.scan(cursor, count, |segment| segment.iter().map(placed), visit)
    }

    /// An element chosen at random with equal chances; `random` gives numbers over all of `u64`.
    pub(crate) fn random(&self, mut random: impl FnMut() -> u64) -> Option<&T> {
        if self.len == 0 {
            return None;
        }
        let segments = &self.directory.segments;
        // Every place of every segment is drawn with the same chance; an empty one is drawn again.
        let mut below = |end: usize| usize::try_from(random() % end as u64).unwrap_or(0);
        let widest = if segments.len() == 1 { self.len } else { SEGMENT_LEN_MAX };
        for _ in 0..1000 {
            let segment = &segments[below(segments.len())];
            if let Some(element) = segment.iter().nth(below(widest)) {
                return Some(element);
            }
        }
        self.iter().next()
    }

    /// Visits elements that stand together at a random place until `visit` returns `false`,
    /// `places` are looked at, or all were. `random` is over all of `u64`.
    pub(crate) fn sample<'a>(
        &'a self,
        random: u64,
        places: usize,
        mut visit: impl FnMut(&'a T) -> bool,
    ) {
        let below = |random: u64, end: usize| usize::try_from(random % end.max(1) as u64);
        let segments = &self.directory.segments;
        let widest = if segments.len() == 1 { self.len } else { SEGMENT_LEN_MAX };
        let start = below(random, segments.len()).unwrap_or(0);
        let (before, from) = segments.split_at(start);
        let mut skipped = random >> 32;
        let mut left = places;
        for segment in from.iter().chain(before) {
            let first = below(std::mem::take(&mut skipped), widest).unwrap_or(0);
            for place in first..segment.len() {
                if left == 0 {
                    return;
                }
                left -= 1;
                if segment.at(place).is_some_and(|element| !visit(element)) {
                    return;
                }
            }
        }
        // What stands before the random place in its segment comes last.
        let Some(segment) = segments.get(start) else { return };
        let first = below(random >> 32, widest).unwrap_or(0);
        let rest = (0..first.min(left)).filter_map(|place| segment.at(place));
        rest.map(visit).take_while(|&goes_on| goes_on).for_each(drop);
    }

    /// Bytes taken by the table itself, about, without what its elements own elsewhere. O(1): a
    /// segment counts as having room for one more element.
    pub(crate) fn bytes(&self) -> usize {
        let segments = self.directory.segments.len();
        let elements = (self.len + segments) * size_of::<T>();
        self.directory.bytes() + segments * size_of::<Segment<T>>() + elements
    }

    /// Moves the upper half of a segment's range, in which `hash` belongs, to a new one.
    fn split(&mut self, number: usize, hash: u64) {
        let segment = &mut self.directory.segments[number];
        segment.depth += 1;
        let depth = segment.depth;
        let upper_bit = 1u64 << (POSITION_BITS - depth);
        let upper = segment.split(upper_bit);
        self.directory.split(hash, Box::new(upper));
    }

    /// After a removal: gives memory back, and merges the segment with its neighbour.
    fn shrink(&mut self, number: usize, hash: u64) {
        if self.len == 0 {
            *self = Self::default();
            return;
        }
        let segment = &mut self.directory.segments[number];
        segment.fit();
        if segment.len() <= SMALL_LEN_MAX {
            self.merge(number, hash);
        }
    }

    fn merge(&mut self, number: usize, hash: u64) {
        let depth = self.directory.segments[number].depth;
        let Some(buddy) = self.directory.buddy(hash, depth) else { return };
        let segments = &mut self.directory.segments;
        if segments[buddy].len() + segments[number].len() > MERGE_LEN_MAX {
            return;
        }
        let moved = segments[buddy].drain();
        let segment = &mut segments[number];
        segment.depth -= 1;
        segment.reserve(moved.len());
        for element in moved {
            segment.insert(element.hash(), element);
        }
        self.directory.merge(hash);
    }
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
    fn scan_sees_what_stays_while_the_table_grows_and_shrinks() {
        const STAYING: u64 = 500;
        let mut table = table(0..STAYING);
        let (mut seen, mut others) = (HashSet::new(), STAYING..STAYING);
        let (mut cursor, mut step) = (0, 0);
        loop {
            let next = table.scan(cursor, 7, |n| {
                assert!(n.0 >= STAYING || seen.insert(n.0), "{} came twice", n.0);
            });
            let Some(next) = next else { break };
            cursor = next;
            // Long enough for splits, then for merges that drop most segments; and again.
            if step % 8 < 4 {
                for _ in 0..2500 {
                    table.insert(Number(others.end));
                    others.end += 1;
                }
            } else {
                for _ in 0..2500 {
                    assert!(remove(&mut table, others.start).is_some());
                    others.start += 1;
                }
            }
            step += 1;
        }
        assert!(step > 24, "{step}");
        assert_eq!(seen.len() as u64, STAYING);
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
