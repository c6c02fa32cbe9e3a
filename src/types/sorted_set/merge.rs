//! Adding many elements at once: they are put in order, and the set is made anew of them and of
//! those that it has. In a large set that takes a fraction of the time of inserts, each of which
//! waits for memory at several places.

use super::build::Builder;
use super::leaf::order;
use super::tree::Node;
use super::{SortedSet, index, without_sign_of_zero};
use crate::types::packed_map::Limits;

/// Elements below which nothing is gained.
const LEN_MIN: usize = 8192;
/// How much larger the set may be, as all of it is made anew.
const FACTOR_MAX: usize = 8;

/// What became of elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Inserted {
    /// Number of members that were not there before.
    pub(crate) new: usize,
    /// Is anything different from before, or was for a moment?
    pub(crate) is_changed: bool,
}

impl SortedSet {
    /// Does [`SortedSet::insert_all`] pay for so many elements?
    pub(crate) fn pays_to_merge(&self, len: usize) -> bool {
        len >= LEN_MIN && len >= self.len / FACTOR_MAX && u32::try_from(len).is_ok()
    }

    /// Gives members these scores, the last one to a member that comes several times, as
    /// [`SortedSet::insert`] of one after the other. O(n log n), n being the elements of both.
    pub(crate) fn insert_all(&mut self, elements: &[(f64, &[u8])], limits: Limits) -> Inserted {
        let (mut new, mut is_changed) = self.take_known(elements);
        is_changed |= !new.is_empty();
        new.sort_unstable_by(|one, other| order(*one, *other));
        let mut merged = self.merged_with(&new, limits);
        merged.packed &= self.packed;
        *self = merged;
        Inserted { new: new.len(), is_changed }
    }

    /// Changes the scores of members that are there; returns the others, each once, and whether a
    /// score was changed or a member came twice. Members are looked up in the order of the index,
    /// and only where it has their place.
    #[expect(clippy::float_cmp, reason = "asks whether there is anything to do")]
    fn take_known<'a>(&mut self, elements: &[(f64, &'a [u8])]) -> (Vec<(f64, &'a [u8])>, bool) {
        let mut is_new = vec![true; elements.len()];
        let mut is_changed = false;
        for same in by_place(elements).chunk_by(|one, other| one.0 == other.0) {
            if same.len() == 1 && !self.has_place(same[0].0) {
                continue;
            }
            for (at, &(place, number)) in same.iter().enumerate() {
                let (score, member) = elements[number as usize];
                let mut later = same[at + 1..].iter();
                let comes_again = later.any(|&(_, number)| elements[number as usize].1 == member);
                let old = if comes_again { None } else { self.find(place, member) };
                is_new[number as usize] = !comes_again && old.is_none();
                is_changed |= comes_again || old.is_some_and(|old| old != score);
                if let Some(old) = old {
                    self.change(place, member, old, without_sign_of_zero(score));
                }
            }
        }
        let new = elements.iter().zip(is_new).filter(|(_, is_new)| *is_new);
        let new = new.map(|(&(score, member), _)| (without_sign_of_zero(score), member));
        (new.collect(), is_changed)
    }

    /// May a member of this place be here?
    fn has_place(&self, place: u32) -> bool {
        let is_small = matches!(self.tree, Node::Leaf(_));
        !self.is_empty() && (is_small || self.index().scores(place).next().is_some())
    }

    /// A set of the elements of this one and of new ones, which come in order.
    fn merged_with(&self, new: &[(f64, &[u8])], limits: Limits) -> Self {
        let mut builder = Builder::new(limits);
        let mut old = self.iter_from(0).map(|(member, score)| (score, member)).peekable();
        for &element in new {
            while let Some((score, member)) = old.next_if(|before| order(*before, element).is_lt())
            {
                builder.push(member, score);
            }
            builder.push(element.1, element.0);
        }
        old.for_each(|(score, member)| builder.push(member, score));
        builder.finish().expect("a new member is none of the set's, and comes once")
    }
}

/// The places of elements with their numbers, in ascending order.
fn by_place(elements: &[(f64, &[u8])]) -> Vec<(u32, u32)> {
    let numbered = elements.iter().zip(0..);
    let mut places: Vec<(u32, u32)> =
        numbered.map(|((_, member), number)| (index::place(member), number)).collect();
    places.sort_unstable();
    places
}
