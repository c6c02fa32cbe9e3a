//! A leaf of the tree: a run of elements in order, packed.
//!
//! ```text
//! slots     [score end] [score end] [score end]
//! members   alice       bob         carol
//! ```
//!
//! `end` is where a member ends; it starts where the one before ends.

use std::cmp::Ordering;

use crate::prefetch;

/// A score in two halves, so that a slot needs no padding.
#[derive(Clone, Copy, Debug)]
pub(super) struct Score([u32; 2]);

impl From<f64> for Score {
    fn from(score: f64) -> Self {
        let bits = score.to_bits();
        #[expect(clippy::cast_possible_truncation, reason = "the lower half")]
        Self([bits as u32, (bits >> 32) as u32])
    }
}

impl Score {
    pub(super) fn get(self) -> f64 {
        f64::from_bits(u64::from(self.0[0]) | (u64::from(self.0[1]) << 32))
    }
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    score: Score,
    end: u32,
}

/// Elements in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Leaf {
    slots: Vec<Slot>,
    members: Vec<u8>,
}

/// The order of elements: by score, then by the bytes of the member.
pub(super) fn order(one: (f64, &[u8]), other: (f64, &[u8])) -> Ordering {
    let scores = one.0.partial_cmp(&other.0).unwrap_or(Ordering::Equal);
    scores.then_with(|| one.1.cmp(other.1))
}

impl Leaf {
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Bytes of all members.
    pub(super) fn member_bytes(&self) -> usize {
        self.members.len()
    }

    /// Bytes taken in memory.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.slots.capacity() * size_of::<Slot>() + self.members.capacity()
    }

    /// Has all of it fetched into the processor's caches.
    pub(super) fn prefetch(&self) {
        prefetch::all(&self.slots);
        prefetch::bytes(&self.members);
    }

    fn start(&self, at: usize) -> usize {
        if at == 0 { 0 } else { self.slots[at - 1].end as usize }
    }

    pub(super) fn score(&self, at: usize) -> f64 {
        self.slots[at].score.get()
    }

    pub(super) fn member(&self, at: usize) -> &[u8] {
        &self.members[self.start(at)..self.slots[at].end as usize]
    }

    pub(super) fn element(&self, at: usize) -> (&[u8], f64) {
        (self.member(at), self.score(at))
    }

    /// Number of elements before this score and member.
    pub(super) fn rank(&self, score: f64, member: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            let below = match self.score(middle).partial_cmp(&score) {
                Some(Ordering::Less) => true,
                Some(Ordering::Equal) => self.member(middle) < member,
                _ => false,
            };
            if below { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// The place of a member, its score unknown: looks at every element.
    pub(super) fn position(&self, member: &[u8]) -> Option<usize> {
        let mut start = 0;
        self.slots.iter().position(|slot| {
            let end = slot.end as usize;
            let found = &self.members[start..end] == member;
            start = end;
            found
        })
    }

    /// Puts an element at a place, which fits the order.
    pub(super) fn insert(&mut self, at: usize, score: f64, member: &[u8]) {
        let start = self.start(at);
        let len = self.members.len();
        reserve(&mut self.members, member.len());
        self.members.resize(len + member.len(), 0);
        self.members.copy_within(start..len, start + member.len());
        self.members[start..start + member.len()].copy_from_slice(member);
        let added = offset(member.len());
        let slot = Slot { score: score.into(), end: offset(start) };
        reserve(&mut self.slots, 1);
        self.slots.insert(at, slot);
        self.slots[at..].iter_mut().for_each(|slot| slot.end += added);
    }

    /// Puts an element at the end, whatever the order.
    pub(super) fn push(&mut self, score: f64, member: &[u8]) {
        self.members.extend_from_slice(member);
        self.slots.push(Slot { score: score.into(), end: offset(self.members.len()) });
    }

    /// Removes all elements, and keeps the room.
    pub(super) fn clear(&mut self) {
        self.slots.clear();
        self.members.clear();
    }

    /// A copy without any free room, last to first if `backwards`.
    pub(super) fn copy(&self, backwards: bool) -> Self {
        if !backwards {
            return self.clone();
        }
        let mut copy = Self {
            slots: Vec::with_capacity(self.slots.len()),
            members: Vec::with_capacity(self.members.len()),
        };
        for at in (0..self.len()).rev() {
            let (member, score) = self.element(at);
            copy.push(score, member);
        }
        copy
    }

    /// Puts another score in place of one, which does not change the order.
    pub(super) fn set_score(&mut self, at: usize, score: f64) {
        self.slots[at].score = score.into();
    }

    pub(super) fn remove(&mut self, at: usize) {
        let (start, end) = (self.start(at), self.slots[at].end as usize);
        self.members.drain(start..end);
        self.slots.remove(at);
        let removed = offset(end - start);
        self.slots[at..].iter_mut().for_each(|slot| slot.end -= removed);
        shrink(&mut self.members);
        shrink(&mut self.slots);
    }

    /// Keeps the first `at` elements and returns the others.
    pub(super) fn split_off(&mut self, at: usize) -> Self {
        let start = self.start(at);
        let mut rest =
            Self { slots: self.slots.split_off(at), members: self.members.split_off(start) };
        let removed = offset(start);
        rest.slots.iter_mut().for_each(|slot| slot.end -= removed);
        shrink(&mut self.members);
        shrink(&mut self.slots);
        rest
    }

    /// Adds the elements of a leaf that come after these.
    pub(super) fn append(&mut self, other: &Self) {
        let before = offset(self.members.len());
        self.members.extend_from_slice(&other.members);
        let moved = other.slots.iter().map(|slot| Slot { end: slot.end + before, ..*slot });
        self.slots.extend(moved);
    }
}

fn offset(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("a leaf is smaller than 4 GiB")
}

/// Makes room for `more`, growing by an eighth: leaves are many, and seldom full.
pub(super) fn reserve<T>(vec: &mut Vec<T>, more: usize) {
    if vec.capacity() - vec.len() < more {
        vec.reserve_exact(more + vec.len() / 8 + 32usize.div_ceil(size_of::<T>()));
    }
}

/// Gives back the room that [`reserve`] would not have taken.
pub(super) fn shrink<T>(vec: &mut Vec<T>) {
    let most = vec.len() + vec.len() / 2 + 2 * 32usize.div_ceil(size_of::<T>());
    if vec.capacity() > most {
        vec.shrink_to(vec.len() + vec.len() / 8);
    }
}
