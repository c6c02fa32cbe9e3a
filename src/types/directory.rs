//! Which segment of a hash table holds an element, in tables that grow without pauses.
//!
//! Elements are ordered by the [`position`] of their hash (40 bits). A table keeps them in
//! *segments*, each of which holds a contiguous range of positions: all that begin with the same
//! bits. How many these are is its *depth*. The directory has a slot for each value of the first
//! `depth` bits, where `depth` is that of the deepest segment:
//!
//! ```text
//! slots        00   01   10   11          depth 2
//!               \   /     |    |
//! segments      [ 0 ]    [1]  [2]         depth 1, 2, 2
//! ```
//!
//! A full segment splits in two at the next bit; two *buddies*, the halves of one range, merge when
//! they became almost empty. So no insert ever moves more than one segment, however large the
//! table. What moves is up to the tables: the directory only knows where the segments are.
//!
//! A cursor is a position. As every segment covers a fixed range of positions, a walk that goes on
//! at the end of the range it has seen returns each element that was there throughout, exactly
//! once, whatever was inserted, removed, split or merged meanwhile.

use std::ops::Range;

use crate::hash::{POSITION_BITS, position};

/// A part of a table that holds a range of positions.
pub(super) trait Segment {
    /// Leading bits that all positions in it have in common.
    fn depth(&self) -> u32;
}

/// The segments of a table, and how to find them; see the module's description.
#[derive(Clone, Debug)]
pub(super) struct Directory<S> {
    /// The number of the segment of each range, in the order of positions; empty before the first.
    slots: Vec<u32>,
    depth: u32,
    pub(super) segments: Vec<S>,
    /// Numbers of segments that hold nothing and that no slot refers to.
    free: Vec<u32>,
}

impl<S> Default for Directory<S> {
    fn default() -> Self {
        Self { slots: Vec::new(), depth: 0, segments: Vec::new(), free: Vec::new() }
    }
}

impl<S: Segment> Directory<S> {
    /// The number of the segment for elements of this hash; `None` in an empty directory.
    #[inline]
    pub(super) fn number(&self, hash: u64) -> Option<usize> {
        self.slots.get(self.slot(position(hash))).map(|&number| number as usize)
    }

    /// As [`Directory::number`]; an empty directory gets a segment of depth 0.
    #[inline]
    pub(super) fn number_or_first(&mut self, hash: u64, first: impl FnOnce() -> S) -> usize {
        self.number(hash).unwrap_or_else(|| self.begin(first()))
    }

    /// Puts the first segment into an empty directory.
    #[cold]
    fn begin(&mut self, first: S) -> usize {
        self.segments.push(first);
        self.slots.push(0);
        0
    }

    /// The segment for elements of this hash.
    #[inline]
    pub(super) fn segment(&self, hash: u64) -> Option<&S> {
        self.number(hash).map(|number| &self.segments[number])
    }

    #[inline]
    fn slot(&self, position: u64) -> usize {
        usize::try_from(position >> (POSITION_BITS - self.depth)).unwrap_or(0)
    }

    /// Adds the upper half of the segment of this hash, which keeps the lower one: both have the
    /// same depth, one more than that segment had.
    pub(super) fn split(&mut self, hash: u64, upper: S) {
        let depth = upper.depth();
        if depth > self.depth {
            self.slots = self.slots.iter().flat_map(|&number| [number, number]).collect();
            self.depth += 1;
        }
        let half = 1usize << (self.depth - depth);
        let start = (self.slot(position(hash)) & !(2 * half - 1)) + half;
        let number = self.add(upper);
        self.slots[start..start + half].fill(number);
    }

    fn add(&mut self, segment: S) -> u32 {
        if let Some(number) = self.free.pop() {
            self.segments[number as usize] = segment;
            return number;
        }
        self.segments.push(segment);
        numbered(self.segments.len() - 1)
    }

    /// The number of the segment that makes one range together with that of this hash, which has
    /// this depth; `None` if that range is split further, or there is no other.
    pub(super) fn buddy(&self, hash: u64, depth: u32) -> Option<usize> {
        if depth == 0 {
            return None;
        }
        let buddy = self.slots[self.buddy_slots(hash, depth).start] as usize;
        (self.segments[buddy].depth() == depth).then_some(buddy)
    }

    /// The slots of the other half of the range in which the segment of this hash is a half.
    fn buddy_slots(&self, hash: u64, depth: u32) -> Range<usize> {
        let half = 1usize << (self.depth - depth);
        let start = (self.slot(position(hash)) & !(half - 1)) ^ half;
        start..start + half
    }

    /// The segment of this hash has got the elements of its buddy, which is empty now, and a depth
    /// less by one. The numbers of segments may change.
    pub(super) fn merge(&mut self, hash: u64) {
        let kept = self.slots[self.slot(position(hash))];
        let buddy_slots = self.buddy_slots(hash, self.segments[kept as usize].depth() + 1);
        self.free.push(self.slots[buddy_slots.start]);
        self.slots[buddy_slots].fill(kept);
        if self.free.len() * 2 > self.segments.len() {
            self.compact();
        }
    }

    /// Drops the segments that hold nothing, and halves the slots as far as the others allow.
    fn compact(&mut self) {
        let used = self.segments.len() - self.free.len();
        let before = std::mem::replace(&mut self.segments, Vec::with_capacity(used));
        let mut before: Vec<Option<S>> = before.into_iter().map(Some).collect();
        let mut numbers = vec![0; before.len()];
        for slot in &mut self.slots {
            let old = *slot as usize;
            if let Some(segment) = before[old].take() {
                numbers[old] = numbered(self.segments.len());
                self.segments.push(segment);
            }
            *slot = numbers[old];
        }
        self.free = Vec::new();
        let deepest = self.segments.iter().map(S::depth).max().unwrap_or(0);
        let step = 1 << (self.depth - deepest);
        self.slots = self.slots.iter().step_by(step).copied().collect();
        self.depth = deepest;
    }

    /// Visits elements from `cursor` (a position) on until about `count` were seen; returns where
    /// to go on, or `None` at the end. `elements` are those of a segment, with their positions.
    pub(super) fn scan<'s, E, I: Iterator<Item = (u64, E)>>(
        &'s self,
        cursor: u64,
        count: usize,
        elements: impl Fn(&'s S) -> I,
        mut visit: impl FnMut(E),
    ) -> Option<u64> {
        let (mut from, mut seen) = (cursor, 0);
        let mut found = Vec::new();
        while seen < count {
            if self.slots.is_empty() || from >> POSITION_BITS != 0 {
                return None;
            }
            let segment = &self.segments[self.slots[self.slot(from)] as usize];
            let shift = POSITION_BITS - segment.depth();
            let end = ((from >> shift) + 1) << shift;
            found.extend(elements(segment).filter(|(place, _)| *place >= from));
            let take = cut(&mut found, count - seen);
            seen += take;
            from = found.get(take).map_or(end, |(place, _)| *place);
            found.drain(..take).for_each(|(_, element)| visit(element));
            found.clear();
        }
        (from >> POSITION_BITS == 0).then_some(from)
    }

    /// Bytes taken in memory, without what the segments own elsewhere.
    pub(super) fn bytes(&self) -> usize {
        self.segments.capacity() * size_of::<S>()
            + (self.slots.capacity() + self.free.capacity()) * size_of::<u32>()
    }
}

fn numbered(number: usize) -> u32 {
    u32::try_from(number).expect("segments are numbered by u32")
}

/// How many of `found` make at least `count` without parting elements of one position; sorts them
/// if that is not all.
fn cut<E>(found: &mut [(u64, E)], count: usize) -> usize {
    if found.len() <= count {
        return found.len();
    }
    found.sort_unstable_by_key(|(place, _)| *place);
    let last = found[count - 1].0;
    found.partition_point(|(place, _)| *place <= last)
}
