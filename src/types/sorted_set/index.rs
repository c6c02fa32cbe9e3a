//! The way from a member to its score: hash bits and score, no member.
//!
//! A *place* is 32 bits of a member's hash. Segments are sorted runs of places, each for a range
//! of them; one splits whenever they hold too much on average (linear hashing), so that no insert
//! moves more than a segment. Two members may share a place: whoever asks verifies what he gets.

use super::leaf::{Score, reserve, shrink};
use crate::prefetch;

/// Elements in a segment on average, at most.
const SEGMENT_LEN_MAX: usize = 16;

/// How far a guess is off at most, as a rule.
const GUESSED_LEN: usize = 8;

#[derive(Clone, Copy, Debug)]
struct Slot {
    place: u32,
    score: Score,
}

/// Scores by place.
#[derive(Debug)]
pub(super) struct Index {
    segments: Vec<Vec<Slot>>,
    len: usize,
}

/// Makes an index of places that come in ascending order.
#[derive(Debug)]
pub(super) struct Filler {
    index: Index,
    /// The segment that is being filled.
    at: usize,
    slots: Vec<Slot>,
}

impl Filler {
    /// For `len` places.
    pub(super) fn new(len: usize) -> Self {
        let mut segments = Vec::new();
        segments.resize_with(len.div_ceil(SEGMENT_LEN_MAX).max(1), Vec::new);
        Self { index: Index { segments, len }, at: 0, slots: Vec::new() }
    }

    pub(super) fn push(&mut self, place: u32, score: f64) {
        let segment = self.index.segment(place);
        if segment != self.at {
            self.end_segment();
            self.at = segment;
        }
        self.slots.push(Slot { place, score: score.into() });
    }

    fn end_segment(&mut self) {
        self.index.segments[self.at].clone_from(&self.slots);
        self.slots.clear();
    }

    pub(super) fn finish(mut self) -> Index {
        self.end_segment();
        self.index
    }
}

/// The place of a member.
pub(super) fn place(member: &[u8]) -> u32 {
    (crate::hash::of(member) >> 32) as u32
}

impl Default for Index {
    fn default() -> Self {
        Self { segments: vec![Vec::new()], len: 0 }
    }
}

impl Index {
    /// Bytes taken in memory.
    pub(super) fn bytes(&self) -> usize {
        let slots: usize = self.segments.iter().map(Vec::capacity).sum();
        let segments = self.segments.capacity() * size_of::<Vec<Slot>>();
        size_of::<Self>() + segments + slots * size_of::<Slot>()
    }

    /// The scores at a place.
    pub(super) fn scores(&self, place: u32) -> impl Iterator<Item = f64> {
        let (segment, from) = self.locate(place);
        let slots = &self.segments[segment][from..];
        slots.iter().take_while(move |slot| slot.place == place).map(|slot| slot.score.get())
    }

    /// Has what is at these places fetched into the processor's caches.
    pub(super) fn prefetch(&self, places: &[u32]) {
        let segments = places.iter().map(|&place| &self.segments[self.segment(place)]);
        segments.for_each(prefetch::value);
        for &place in places {
            let segment = self.segment(place);
            let slots = &self.segments[segment];
            let guess = self.guess(segment, place);
            let end = slots.len().min(guess + GUESSED_LEN);
            prefetch::all(&slots[guess.saturating_sub(GUESSED_LEN)..end]);
        }
    }

    pub(super) fn insert(&mut self, place: u32, score: f64) {
        let (segment, at) = self.locate(place);
        let slots = &mut self.segments[segment];
        reserve(slots, 1);
        slots.insert(at, Slot { place, score: score.into() });
        self.len += 1;
        if self.len > self.segments.len() * SEGMENT_LEN_MAX {
            self.split();
        }
    }

    /// Puts a score in place of another one.
    pub(super) fn replace(&mut self, place: u32, old: f64, new: f64) {
        if let Some((segment, at)) = self.find(place, old) {
            self.segments[segment][at].score = new.into();
        }
    }

    pub(super) fn remove(&mut self, place: u32, score: f64) {
        let Some((segment, at)) = self.find(place, score) else { return };
        let slots = &mut self.segments[segment];
        slots.remove(at);
        shrink(slots);
        self.len -= 1;
        if self.len < (self.segments.len() - 1) * SEGMENT_LEN_MAX / 2 {
            self.merge();
        }
    }

    /// About `count` places from `from` on, with their scores, and where to go on.
    pub(super) fn scan(&self, from: u64, count: usize) -> (Vec<(u32, f64)>, Option<u64>) {
        let mut found: Vec<(u32, f64)> = Vec::new();
        let mut next = from;
        while let Ok(place) = u32::try_from(next) {
            let (segment, at) = self.locate(place);
            for slot in &self.segments[segment][at..] {
                let last = found.last().map(|(place, _)| *place);
                if found.len() >= count && last != Some(slot.place) {
                    return (found, Some(slot.place.into()));
                }
                found.push((slot.place, slot.score.get()));
            }
            next = self.range_end(segment, place);
        }
        (found, None)
    }

    /// The segment of a place: its leading bits, of which the last ones come first.
    fn segment(&self, place: u32) -> usize {
        let bits = self.segments.len().ilog2();
        let leading = place.reverse_bits() as usize;
        let wide = leading & ((2 << bits) - 1);
        if wide < self.segments.len() { wide } else { leading & ((1 << bits) - 1) }
    }

    /// How many leading bits the places of a segment share.
    fn shared_bits(&self, segment: usize) -> u32 {
        let bits = self.segments.len().ilog2();
        let split = self.segments.len() - (1 << bits);
        let is_split = segment < split || segment >= 1 << bits;
        bits + u32::from(is_split)
    }

    /// Where the range of a segment ends that holds `place`.
    fn range_end(&self, segment: usize, place: u32) -> u64 {
        let shift = u32::BITS - self.shared_bits(segment);
        ((u64::from(place) >> shift) + 1) << shift
    }

    /// The segment of a place and where the place is or would be in there. Places are spread
    /// evenly, so a guess comes close.
    fn locate(&self, place: u32) -> (usize, usize) {
        let segment = self.segment(place);
        let slots = &self.segments[segment];
        let mut at = self.guess(segment, place);
        while at > 0 && slots[at - 1].place >= place {
            at -= 1;
        }
        while slots.get(at).is_some_and(|slot| slot.place < place) {
            at += 1;
        }
        (segment, at)
    }

    /// About where a place is in its segment.
    fn guess(&self, segment: usize, place: u32) -> usize {
        let in_range = place.checked_shl(self.shared_bits(segment)).unwrap_or(0);
        let guess = (u64::from(in_range) * self.segments[segment].len() as u64) >> 32;
        usize::try_from(guess).unwrap_or(0)
    }

    #[expect(clippy::float_cmp, reason = "looks for the very score that was put in")]
    fn find(&self, place: u32, score: f64) -> Option<(usize, usize)> {
        let (segment, from) = self.locate(place);
        let slots = self.segments[segment][from..].iter();
        let mut same = slots.take_while(|slot| slot.place == place);
        let offset = same.position(|slot| slot.score.get() == score)?;
        Some((segment, from + offset))
    }

    /// Adds a segment, and gives it the upper half of the one whose turn it is.
    fn split(&mut self) {
        let bits = self.segments.len().ilog2();
        let from = self.segments.len() - (1 << bits);
        let upper_bit = 1u32 << (u32::BITS - 1 - bits);
        let slots = &mut self.segments[from];
        let at = slots.partition_point(|slot| slot.place & upper_bit == 0);
        let upper = slots.split_off(at);
        shrink(slots);
        self.segments.push(upper);
    }

    /// Gives the last segment back to the one that it was split from.
    fn merge(&mut self) {
        let Some(upper) = self.segments.pop() else { return };
        let last = self.segments.len();
        let into = last - (1 << last.ilog2());
        self.segments[into].extend(upper);
        shrink(&mut self.segments);
    }
}
