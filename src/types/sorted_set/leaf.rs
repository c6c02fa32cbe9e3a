//! A leaf of the tree: a run of elements in order.
//!
//! ```text
//! slots     [score end] [score end] [score end]
//! members   alice       bob         carol
//! ```
//!
//! Members are packed: `end` is where one ends; it starts where the one before ends. Where they are
//! too long for that, taken together, each has memory of its own, and `end` is its length; so it
//! remains until the leaf is split or joined.

use std::cmp::Ordering;

use crate::prefetch;
use crate::types::long_bytes::LongBytes;
use crate::types::room;

/// Most bytes of members that are packed: those of a leaf that is about to be split, if they have
/// 128 bytes.
const PACKED_BYTES_MAX: usize = 65 * 128;

/// Most bytes of members that are fetched ahead: long ones take more to fetch than to wait for.
const FETCHED_BYTES_MAX: usize = 2048;

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

impl Slot {
    /// For a member that is apart; a length is noted as far as it fits.
    fn apart(score: f64, member: &[u8]) -> Self {
        Self { score: score.into(), end: u32::try_from(member.len()).unwrap_or(u32::MAX) }
    }
}

#[derive(Clone, Debug)]
enum Members {
    Apart(Vec<LongBytes>),
    Packed(Vec<u8>),
}

impl Default for Members {
    fn default() -> Self {
        Self::Packed(Vec::new())
    }
}

/// Elements in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Leaf {
    slots: Vec<Slot>,
    members: Members,
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
        match &self.members {
            Members::Apart(_) => self.slots.iter().map(|slot| slot.end as usize).sum(),
            Members::Packed(packed) => packed.len(),
        }
    }

    /// Bytes taken in memory.
    pub(super) fn bytes(&self) -> usize {
        let members = match &self.members {
            Members::Apart(members) => {
                let each = size_of::<LongBytes>() * members.capacity();
                each + LongBytes::heap_bytes(self.len(), self.member_bytes())
            }
            Members::Packed(packed) => packed.capacity(),
        };
        size_of::<Self>() + self.slots.capacity() * size_of::<Slot>() + members
    }

    /// Has what a search looks at fetched into the processor's caches.
    pub(super) fn prefetch(&self) {
        prefetch::all(&self.slots);
        match &self.members {
            Members::Apart(members) => prefetch::all(members),
            Members::Packed(packed) if packed.len() > FETCHED_BYTES_MAX => prefetch::bytes(packed),
            Members::Packed(packed) => prefetch::all(packed),
        }
    }

    pub(super) fn score(&self, at: usize) -> f64 {
        self.slots[at].score.get()
    }

    pub(super) fn member(&self, at: usize) -> &[u8] {
        match &self.members {
            Members::Apart(members) => &members[at],
            Members::Packed(packed) => &packed[start(&self.slots, at)..self.slots[at].end as usize],
        }
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

    /// The place of an element.
    #[expect(clippy::float_cmp, reason = "asks for the very element")]
    pub(super) fn find(&self, score: f64, member: &[u8]) -> Option<usize> {
        let at = self.rank(score, member);
        let is_it = at < self.len() && self.score(at) == score && self.member(at) == member;
        is_it.then_some(at)
    }

    /// Does another score leave an element between those beside it, which are here, too?
    pub(super) fn stays(&self, at: usize, score: f64) -> bool {
        let key = (score, self.member(at));
        let other = |at: usize| (self.score(at), self.member(at));
        at > 0
            && at + 1 < self.len()
            && order(other(at - 1), key).is_lt()
            && order(key, other(at + 1)).is_lt()
    }

    /// The place of a member, its score unknown: looks at every element.
    pub(super) fn position(&self, member: &[u8]) -> Option<usize> {
        let packed = match &self.members {
            Members::Apart(members) => {
                let wanted = Slot::apart(0.0, member).end;
                let mut pairs = self.slots.iter().zip(members);
                return pairs.position(|(slot, other)| slot.end == wanted && **other == *member);
            }
            Members::Packed(packed) => packed,
        };
        let mut start = 0;
        self.slots.iter().position(|slot| {
            let end = slot.end as usize;
            let found = &packed[start..end] == member;
            start = end;
            found
        })
    }

    /// Puts an element at a place, which fits the order.
    pub(super) fn insert(&mut self, at: usize, score: f64, member: &[u8]) {
        self.make_way(member.len());
        reserve(&mut self.slots, 1);
        match &mut self.members {
            Members::Apart(members) => {
                reserve(members, 1);
                members.insert(at, member.into());
                self.slots.insert(at, Slot::apart(score, member));
            }
            Members::Packed(packed) => {
                let start = start(&self.slots, at);
                insert_bytes(packed, start, member);
                self.slots.insert(at, Slot { score: score.into(), end: offset(start) });
                let added = offset(member.len());
                self.slots[at..].iter_mut().for_each(|slot| slot.end += added);
            }
        }
    }

    /// Puts an element at the end, whatever the order.
    pub(super) fn push(&mut self, score: f64, member: &[u8]) {
        self.make_way(member.len());
        let slot = match &mut self.members {
            Members::Apart(members) => {
                members.push(member.into());
                Slot::apart(score, member)
            }
            Members::Packed(packed) => {
                packed.extend_from_slice(member);
                Slot { score: score.into(), end: offset(packed.len()) }
            }
        };
        self.slots.push(slot);
    }

    /// Sets members apart before one comes with which there are too many bytes to pack.
    fn make_way(&mut self, bytes: usize) {
        match &self.members {
            Members::Packed(packed) if packed.len() + bytes > PACKED_BYTES_MAX => self.set_apart(),
            _ => {}
        }
    }

    #[inline(never)]
    fn set_apart(&mut self) {
        if matches!(self.members, Members::Apart(_)) {
            return;
        }
        let members = (0..self.len()).map(|at| self.member(at).into()).collect();
        self.members = Members::Apart(members);
        let mut start = 0;
        for slot in &mut self.slots {
            slot.end -= std::mem::replace(&mut start, slot.end);
        }
    }

    /// Packs members that are apart, if they are well below the most.
    fn pack(&mut self) {
        let Members::Apart(members) = &self.members else { return };
        let bytes = self.member_bytes();
        if bytes > PACKED_BYTES_MAX / 2 {
            return;
        }
        let mut packed = Vec::with_capacity(bytes);
        for (slot, member) in self.slots.iter_mut().zip(members) {
            packed.extend_from_slice(member);
            slot.end = offset(packed.len());
        }
        self.members = Members::Packed(packed);
    }

    /// Removes all elements, and keeps the room of packed ones.
    pub(super) fn clear(&mut self) {
        self.slots.clear();
        match &mut self.members {
            Members::Apart(_) => self.members = Members::default(),
            Members::Packed(packed) => packed.clear(),
        }
    }

    /// A copy without any free room, last to first if `backwards`.
    pub(super) fn copy(&self, backwards: bool) -> Self {
        let Self { slots, members } = self;
        match members {
            _ if !backwards => self.clone(),
            Members::Apart(members) => Self {
                slots: slots.iter().rev().copied().collect(),
                members: Members::Apart(members.iter().rev().cloned().collect()),
            },
            Members::Packed(packed) => {
                let members = Members::Packed(Vec::with_capacity(packed.len()));
                let mut copy = Self { slots: Vec::with_capacity(slots.len()), members };
                let elements = (0..self.len()).rev().map(|at| self.element(at));
                elements.for_each(|(member, score)| copy.push(score, member));
                copy
            }
        }
    }

    /// Puts another score in place of one, which does not change the order.
    pub(super) fn set_score(&mut self, at: usize, score: f64) {
        self.slots[at].score = score.into();
    }

    pub(super) fn remove(&mut self, at: usize) {
        match &mut self.members {
            Members::Apart(members) => {
                members.remove(at);
                shrink(members);
                self.slots.remove(at);
            }
            Members::Packed(packed) => {
                let start = start(&self.slots, at);
                let end = self.slots.remove(at).end;
                packed.drain(start..end as usize);
                shrink(packed);
                let removed = end - offset(start);
                self.slots[at..].iter_mut().for_each(|slot| slot.end -= removed);
            }
        }
        shrink(&mut self.slots);
    }

    /// Keeps the first `at` elements and returns the others.
    pub(super) fn split_off(&mut self, at: usize) -> Self {
        let mut rest = Self { slots: self.slots.split_off(at), members: Members::default() };
        match &mut self.members {
            Members::Apart(members) => {
                rest.members = Members::Apart(members.split_off(at));
                shrink(members);
            }
            Members::Packed(packed) => {
                let start = self.slots.last().map_or(0, |slot| slot.end);
                rest.members = Members::Packed(packed.split_off(start as usize));
                rest.slots.iter_mut().for_each(|slot| slot.end -= start);
                shrink(packed);
            }
        }
        shrink(&mut self.slots);
        self.pack();
        rest.pack();
        rest
    }

    /// Adds the elements of a leaf that come after these.
    pub(super) fn append(&mut self, other: &Self) {
        self.slots.reserve(other.len());
        if let Members::Apart(others) = &other.members {
            self.set_apart();
            if let Members::Apart(members) = &mut self.members {
                members.extend(others.iter().cloned());
                self.slots.extend_from_slice(&other.slots);
            }
        } else {
            let elements = (0..other.len()).map(|at| other.element(at));
            elements.for_each(|(member, score)| self.push(score, member));
        }
        self.pack();
    }
}

/// Where a member starts that is packed.
fn start(slots: &[Slot], at: usize) -> usize {
    if at == 0 { 0 } else { slots[at - 1].end as usize }
}

/// Puts bytes at a place among others.
fn insert_bytes(packed: &mut Vec<u8>, start: usize, bytes: &[u8]) {
    let len = packed.len();
    reserve(packed, bytes.len());
    packed.resize(len + bytes.len(), 0);
    packed.copy_within(start..len, start + bytes.len());
    packed[start..start + bytes.len()].copy_from_slice(bytes);
}

fn offset(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("what is packed is small")
}

/// Makes room for `more`, growing by an eighth: leaves are many, and seldom full.
pub(super) fn reserve<T>(vec: &mut Vec<T>, more: usize) {
    if vec.capacity() - vec.len() < more {
        let spare = vec.len() / 8 + 32usize.div_ceil(size_of::<T>());
        room::grow(vec, vec.len() + more + spare);
    }
}

/// Gives back the room that [`reserve`] would not have taken.
pub(super) fn shrink<T>(vec: &mut Vec<T>) {
    let most = vec.len() + vec.len() / 2 + 2 * 32usize.div_ceil(size_of::<T>());
    if vec.capacity() > most {
        room::shrink(vec, vec.len() + vec.len() / 8);
    }
}
