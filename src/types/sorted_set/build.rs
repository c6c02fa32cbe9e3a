//! Making a sorted set of elements that come in order: leaves are filled one after the other, and
//! the index is sorted once, where inserts would look for each place.
//!
//! Snapshots have their elements in order, mostly last to first. From the first one that is out
//! of order on, elements are inserted one by one.

use std::cmp::Ordering;

use super::SortedSet;
use super::index;
use super::leaf::{Leaf, order};
use super::tree::{self, Node};
use crate::types::packed_map::Limits;

/// Elements above which two threads sort the index.
const ALONE_LEN_MAX: usize = 1 << 16;

/// An element that was taken: what the index needs, and how many came before it.
#[derive(Clone, Copy, Debug)]
struct Seen {
    place: u32,
    number: u32,
    score: f64,
}

/// Elements in order.
#[derive(Debug, Default)]
struct Run {
    /// `Less`: ascending. Not known before the second element.
    direction: Option<Ordering>,
    /// In the order in which they came, each in ascending order.
    leaves: Vec<Leaf>,
    /// The leaf that is being filled, in the order in which elements come.
    last: Leaf,
    seen: Vec<Seen>,
}

/// Takes elements; see the module's description.
#[derive(Debug)]
pub(crate) struct Builder {
    limits: Limits,
    run: Run,
    /// The set, from the first element on that was out of order.
    set: Option<SortedSet>,
    has_twins: bool,
    is_packed: bool,
}

impl Builder {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, run: Run::default(), set: None, has_twins: false, is_packed: true }
    }

    /// Adds an element; the score is not NaN.
    pub(crate) fn push(&mut self, member: &[u8], score: f64) {
        let score = super::without_sign_of_zero(score);
        self.is_packed &= member.len() <= self.limits.value_bytes;
        if self.set.is_none() {
            if self.run.push(member, score) {
                return;
            }
            let (set, has_twins) = std::mem::take(&mut self.run).into_set();
            self.set = Some(set);
            self.has_twins = has_twins;
        }
        if let Some(set) = &mut self.set {
            self.has_twins |= set.insert(member, score, self.limits).is_some();
        }
    }

    /// The set; `None` if a member came twice.
    pub(crate) fn finish(self) -> Option<SortedSet> {
        let (mut set, has_twins) = match self.set {
            Some(set) => (set, self.has_twins),
            None => self.run.into_set(),
        };
        set.packed = self.is_packed && set.len <= self.limits.entries;
        (!has_twins).then_some(set)
    }
}

impl Run {
    /// Adds an element; `false` if it is out of order.
    fn push(&mut self, member: &[u8], score: f64) -> bool {
        let Ok(number) = u32::try_from(self.seen.len()) else { return false };
        if let Some(at) = self.last.len().checked_sub(1) {
            let (before, score_before) = self.last.element(at);
            let direction = order((score_before, before), (score, member));
            if direction.is_eq() || *self.direction.get_or_insert(direction) != direction {
                return false;
            }
        }
        if tree::is_full(&self.last, member.len()) {
            self.end_leaf();
        }
        self.last.push(score, member);
        self.seen.push(Seen { place: index::place(member), number, score });
        true
    }

    fn end_leaf(&mut self) {
        let leaf = self.last.copy(self.direction == Some(Ordering::Greater));
        self.leaves.push(leaf);
        self.last.clear();
    }

    /// The set, and whether a member came twice.
    fn into_set(mut self) -> (SortedSet, bool) {
        let len = self.seen.len();
        let is_descending = self.direction == Some(Ordering::Greater);
        if self.last.len() > 0 {
            self.end_leaf();
        }
        if is_descending {
            self.leaves.reverse();
        }
        let tree = Node::of_leaves(self.leaves);
        let (left, right) = sort(&mut self.seen);
        let mut set = SortedSet { tree, len, ..SortedSet::default() };
        let mut twins = Twins { set: &set, is_descending, same: Vec::new(), found: false };
        let mut index = index::Filler::new(len);
        for seen in merge(left, right) {
            twins.look(*seen);
            index.push(seen.place, seen.score);
        }
        let has_twins = twins.found;
        if matches!(set.tree, Node::Inner(_)) {
            set.index = Box::new(index.finish()).into();
        }
        (set, has_twins)
    }
}

/// Sorts by place, in two halves.
fn sort(seen: &mut [Seen]) -> (&[Seen], &[Seen]) {
    let by_place = |part: &mut [Seen]| part.sort_unstable_by_key(|seen| seen.place);
    if seen.len() <= ALONE_LEN_MAX {
        by_place(seen);
        return (seen, &[]);
    }
    let (left, right) = seen.split_at_mut(seen.len() / 2);
    std::thread::scope(|scope| {
        scope.spawn(|| by_place(left));
        by_place(right);
    });
    (left, right)
}

fn merge<'s>(left: &'s [Seen], right: &'s [Seen]) -> impl Iterator<Item = &'s Seen> {
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    std::iter::from_fn(move || match (left.peek(), right.peek()) {
        (Some(one), Some(other)) if other.place < one.place => right.next(),
        (None, _) => right.next(),
        _ => left.next(),
    })
}

/// Looks for members that came twice: they have the same place.
struct Twins<'s> {
    set: &'s SortedSet,
    is_descending: bool,
    /// Elements of the last place.
    same: Vec<Seen>,
    found: bool,
}

impl Twins<'_> {
    fn look(&mut self, seen: Seen) {
        if self.same.first().is_some_and(|same| same.place != seen.place) {
            self.same.clear();
        }
        if !self.found && !self.same.is_empty() {
            let member = self.member(seen);
            self.found = self.same.iter().any(|same| self.member(*same) == member);
        }
        self.same.push(seen);
    }

    fn member(&self, seen: Seen) -> Option<&[u8]> {
        let number = seen.number as usize;
        let rank = if self.is_descending { self.set.len - 1 - number } else { number };
        self.set.at(rank).map(|(member, _)| member)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits = Limits { entries: 4, value_bytes: 20 };

    fn built(elements: &[(Vec<u8>, f64)]) -> Option<SortedSet> {
        let mut builder = Builder::new(LIMITS);
        for (member, score) in elements {
            builder.push(member, *score);
        }
        builder.finish()
    }

    fn inserted(elements: &[(Vec<u8>, f64)]) -> SortedSet {
        let mut set = SortedSet::default();
        for (member, score) in elements {
            set.insert(member, *score, LIMITS);
        }
        set
    }

    /// Checks that both are the same, also after changes.
    fn check_same(mut one: SortedSet, mut other: SortedSet) {
        let elements = |set: &SortedSet| {
            set.iter_from(0).map(|(member, score)| (member.to_vec(), score)).collect::<Vec<_>>()
        };
        let all = elements(&other);
        assert_eq!(elements(&one), all);
        assert_eq!((one.len(), one.encoding()), (other.len(), other.encoding()));
        for (rank, (member, score)) in all.iter().enumerate() {
            assert_eq!(one.rank(member), Some((rank, *score)));
        }
        for (number, (member, score)) in all.iter().enumerate() {
            for set in [&mut one, &mut other] {
                match number % 3 {
                    0 => drop(set.remove(member)),
                    1 => drop(set.insert(member, -score, LIMITS)),
                    _ => drop(set.insert(&[member, &b"x"[..]].concat(), *score, LIMITS)),
                }
            }
        }
        assert_eq!(elements(&one), elements(&other));
    }

    fn ordered(count: u32) -> Vec<(Vec<u8>, f64)> {
        let element = |n: u32| (format!("member {n:08}").into_bytes(), f64::from(n / 3));
        (0..count).map(element).collect()
    }

    #[test]
    fn either_order_gives_the_same_set() {
        for count in [1, 2, 63, 64, 65, 129, 4096, 5000, 70_000] {
            let mut elements = ordered(count);
            check_same(built(&elements).unwrap(), inserted(&elements));
            elements.reverse();
            check_same(built(&elements).unwrap(), inserted(&elements));
        }
    }

    #[test]
    fn members_of_any_length_fit() {
        let mut elements = ordered(300);
        for (number, (member, _)) in elements.iter_mut().enumerate() {
            member.resize(if number % 50 == 0 { 20_000 } else { 20 * number }, b'x');
        }
        // Behind the long ones there are short ones again.
        elements.extend(ordered(500).into_iter().map(|(member, score)| (member, score + 1e6)));
        elements.sort_by(|one, other| order((one.1, &one.0), (other.1, &other.0)));
        check_same(built(&elements).unwrap(), inserted(&elements));
        elements.reverse();
        check_same(built(&elements).unwrap(), inserted(&elements));
    }

    #[test]
    fn a_member_that_comes_twice_is_seen() {
        for at in [0u32, 1, 70, 299, 300] {
            let mut elements = ordered(300);
            elements.push((b"member 00000150".to_vec(), f64::from(at / 3)));
            elements.sort_by(|one, other| order((one.1, &one.0), (other.1, &other.0)));
            assert!(built(&elements).is_none(), "{at}");
            elements.reverse();
            assert!(built(&elements).is_none(), "{at}");
        }
        let twice = vec![(b"a".to_vec(), 1.0), (b"a".to_vec(), 1.0)];
        assert!(built(&twice).is_none());
    }

    proptest! {
        #[test]
        fn any_order_gives_the_same_set(
            count in 1u32..400, swaps in prop::collection::vec(any::<(u16, u16)>(), 0..4)
        ) {
            let mut elements = ordered(count);
            for (one, other) in swaps {
                let len = elements.len();
                elements.swap(usize::from(one) % len, usize::from(other) % len);
            }
            check_same(built(&elements).unwrap(), inserted(&elements));
        }
    }
}
