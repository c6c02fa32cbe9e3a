//! A sorted set: members with a score each, in the order of scores and, where these are equal, of
//! the bytes of the members.
//!
//! ```text
//! tree    elements in order, in leaves; finds by score, member and rank
//! index   hash bits of a member -> its score; whoever asks looks into the tree to be sure
//! ```
//!
//! A small set is a single leaf and needs no index. A clone shares the nodes of the tree and has
//! no index: it is made when a member is first looked for, so a clone that is only walked (a
//! snapshot) never has one, and the original keeps its own.

use std::sync::OnceLock;

use smallvec::SmallVec;

use super::packed_map::Limits;

mod ahead;
mod build;
mod index;
mod leaf;
mod merge;
mod tree;

pub(crate) use build::Builder;
use index::Index;
use tree::{Changed, Node};

/// Elements that a step of a scan may look at for each one that it finds; see [`SortedSet::scan`].
const SCAN_COST_MAX: usize = 64;

/// Small sets of Redis keep -0 as 0; here all do, so that the size makes no difference.
fn without_sign_of_zero(score: f64) -> f64 {
    score + 0.0
}

/// Members in order of their scores, which are never NaN.
#[derive(Debug)]
pub(crate) struct SortedSet {
    tree: Node,
    len: usize,
    /// In step with the tree, once it was made.
    index: OnceLock<Box<Index>>,
    /// Did it never exceed the limits of a small one?
    packed: bool,
}

impl Default for SortedSet {
    fn default() -> Self {
        Self { tree: Node::default(), len: 0, index: OnceLock::new(), packed: true }
    }
}

impl Clone for SortedSet {
    fn clone(&self) -> Self {
        let tree = self.tree.clone();
        Self { tree, len: self.len, index: OnceLock::new(), packed: self.packed }
    }
}

impl SortedSet {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The name OBJECT ENCODING replies with.
    pub(crate) fn encoding(&self) -> &'static str {
        if self.packed { "listpack" } else { "skiplist" }
    }

    /// Bytes taken in memory.
    pub(crate) fn bytes(&self) -> usize {
        let index = self.index.get().map_or(0, |index| index.bytes());
        size_of::<Self>() + self.tree.bytes() + index
    }

    /// The score of a member.
    pub(crate) fn score(&self, member: &[u8]) -> Option<f64> {
        self.find(index::place(member), member)
    }

    fn find(&self, place: u32, member: &[u8]) -> Option<f64> {
        if let Node::Leaf(leaf) = &self.tree {
            return leaf.position(member).map(|at| leaf.score(at));
        }
        let mut scores = self.index().scores(place);
        scores.find(|&score| self.tree.contains(score, member))
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| {
            let mut index = Index::default();
            self.iter_from(0).for_each(|(member, score)| {
                index.insert(index::place(member), score);
            });
            Box::new(index)
        })
    }

    /// Gives a member this score; returns the one it had. One beyond the limits is no longer
    /// called small.
    pub(crate) fn insert(&mut self, member: &[u8], score: f64, limits: Limits) -> Option<f64> {
        debug_assert!(!score.is_nan(), "whoever computes scores refuses NaN");
        let score = without_sign_of_zero(score);
        let place = index::place(member);
        for old in self.candidates(place, member) {
            if self.change(place, member, old, score) {
                return Some(old);
            }
        }
        self.tree.insert(score, member);
        self.len += 1;
        if let Some(index) = self.index.get_mut() {
            index.insert(place, score);
        }
        self.packed &= self.len <= limits.entries && member.len() <= limits.value_bytes;
        None
    }

    /// The scores that a member may have.
    fn candidates(&self, place: u32, member: &[u8]) -> SmallVec<[f64; 2]> {
        match &self.tree {
            Node::Leaf(leaf) => {
                leaf.position(member).map(|at| leaf.score(at)).into_iter().collect()
            }
            Node::Inner(_) => self.index().scores(place).collect(),
        }
    }

    /// Gives an element another score; `false` if it is not there.
    #[expect(clippy::float_cmp, reason = "asks whether there is anything to do")]
    fn change(&mut self, place: u32, member: &[u8], old: f64, new: f64) -> bool {
        if old == new {
            return self.tree.contains(old, member);
        }
        match self.tree.change(old, member, Some(new)) {
            Changed::Not => return false,
            Changed::InPlace => {}
            Changed::Removed => self.tree.insert(new, member),
        }
        match (&self.tree, self.index.get_mut()) {
            (Node::Inner(_), Some(index)) => index.replace(place, old, new),
            _ => self.index = OnceLock::new(),
        }
        true
    }

    /// Removes a member; returns its score.
    pub(crate) fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let place = index::place(member);
        let mut scores = self.candidates(place, member).into_iter();
        let score =
            scores.find(|&score| self.tree.change(score, member, None) == Changed::Removed)?;
        self.len -= 1;
        match (&self.tree, self.index.get_mut()) {
            (Node::Inner(_), Some(index)) => index.remove(place, score),
            _ => self.index = OnceLock::new(),
        }
        Some(score)
    }

    /// Removes the element of a rank, if there is one.
    pub(crate) fn remove_at(&mut self, rank: usize) {
        let Some((leaf, at)) = self.tree.leaf_at(rank) else { return };
        if let Some(index) = self.index.get_mut() {
            index.remove(index::place(leaf.member(at)), leaf.score(at));
        }
        self.tree.remove(rank);
        self.len -= 1;
        if matches!(self.tree, Node::Leaf(_)) {
            self.index = OnceLock::new();
        }
    }

    /// The element of a rank: 0 is the first. O(log n).
    pub(crate) fn at(&self, rank: usize) -> Option<(&[u8], f64)> {
        self.tree.leaf_at(rank).map(|(leaf, at)| leaf.element(at))
    }

    /// The rank of a member, and its score. O(log n).
    pub(crate) fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        let score = self.score(member)?;
        Some((self.tree.rank(score, member), score))
    }

    /// Number of elements with a score below this one. O(log n).
    pub(crate) fn below_score(&self, score: f64) -> usize {
        self.tree.rank(score, b"")
    }

    /// Number of elements with at most this score. O(log n).
    pub(crate) fn up_to_score(&self, score: f64) -> usize {
        if score == f64::INFINITY { self.len } else { self.tree.rank(score.next_up(), b"") }
    }

    /// Number of elements with a member below this one, where all have the same score, or where
    /// the order of the members happens to be that of the scores. O(log n).
    #[expect(clippy::float_cmp, reason = "asks whether all scores are the same")]
    pub(crate) fn below_member(&self, member: &[u8]) -> usize {
        let (Some((_, first)), Some((_, last))) = (self.at(0), self.at(self.len.wrapping_sub(1)))
        else {
            return 0;
        };
        if first == last {
            return self.tree.rank(first, member);
        }
        let (mut low, mut high) = (0, self.len);
        while low < high {
            let middle = low.midpoint(high);
            let below = self.at(middle).is_some_and(|(found, _)| found < member);
            if below { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// As [`SortedSet::below_member`], and this member itself.
    pub(crate) fn up_to_member(&self, member: &[u8]) -> usize {
        self.below_member(&[member, b"\0"].concat())
    }

    /// The elements from a rank on.
    pub(crate) fn iter_from(&self, rank: usize) -> impl Iterator<Item = (&[u8], f64)> {
        let mut rank = rank;
        let leaves = std::iter::from_fn(move || {
            let (leaf, at) = self.tree.leaf_at(rank)?;
            rank += leaf.len() - at;
            Some((at..leaf.len()).map(move |at| leaf.element(at)))
        });
        leaves.flatten()
    }

    /// The elements below a rank, last to first.
    pub(crate) fn iter_back(&self, end: usize) -> impl Iterator<Item = (&[u8], f64)> {
        let mut end = end.min(self.len);
        let leaves = std::iter::from_fn(move || {
            let (leaf, at) = self.tree.leaf_at(end.checked_sub(1)?)?;
            end -= at + 1;
            Some((0..=at).rev().map(move |at| leaf.element(at)))
        });
        leaves.flatten()
    }

    /// Visits elements from `cursor` on until about `count` were seen (all of a small set);
    /// returns where to go on, or `None` at the end. An element that is there throughout is seen
    /// once, its score may change meanwhile.
    ///
    /// The cursor is a place of the index; the members of a place are found by their scores. Where
    /// very many have the same score a step looks at all of those, and so finds more than `count`.
    pub(crate) fn scan(
        &self,
        cursor: u64,
        count: usize,
        mut visit: impl FnMut(&[u8], f64),
    ) -> Option<u64> {
        if self.packed || matches!(self.tree, Node::Leaf(_)) {
            self.iter_from(0).for_each(|(member, score)| visit(member, score));
            return None;
        }
        let (found, mut next) = self.index().scan(cursor, count);
        let mut runs = self.runs_of(&found);
        let cost: usize = runs.iter().map(ExactSizeIterator::len).sum();
        if cost > SCAN_COST_MAX * count {
            let (found, further) = self.index().scan(cursor, cost / SCAN_COST_MAX);
            (runs, next) = (self.runs_of(&found), further);
        }
        let seen = cursor..next.unwrap_or(u64::MAX);
        for run in runs {
            for (member, score) in self.iter_from(run.start).take(run.len()) {
                if seen.contains(&index::place(member).into()) {
                    visit(member, score);
                }
            }
        }
        next
    }

    /// The ranks of all elements with these scores.
    fn runs_of(&self, found: &[(u32, f64)]) -> Vec<std::ops::Range<usize>> {
        let mut starts: Vec<(usize, f64)> =
            found.iter().map(|&(_, score)| (self.below_score(score), score)).collect();
        starts.sort_unstable_by_key(|(start, _)| *start);
        starts.dedup_by_key(|(start, _)| *start);
        starts.iter().map(|&(start, score)| start..self.up_to_score(score)).collect()
    }
}

#[cfg(test)]
mod tests;
