//! A counted B-tree: elements by score and member, found by rank as well.
//!
//! ```text
//!             [ 3 | >=(7,"") 2 | >=(7,"m") 4 ]        inner: number of elements, lower bound
//!              /        |           \
//!   [(1,x)(2,a)(5,b)] [(7,a)(7,b)] [(7,mike)...]      leaves
//! ```
//!
//! A bound is the shortest key that parts two children, so it holds a member's first bytes only
//! where scores are equal. Nodes sit behind `Arc`: a clone shares them, and a change copies the
//! nodes on its path.

use triomphe::Arc;

use super::leaf::{Leaf, order, shrink};
use crate::prefetch;

/// Most elements of a leaf, and most children of an inner node.
const LEN_MAX: usize = 64;
/// Most bytes of the members in a leaf of several: in a small set, all are compared with the one
/// that is looked for.
const LEAF_BYTES_MAX: usize = 256 << 10;
/// A node of fewer joins a neighbour, if both together stay well below the most.
const LEN_MIN: usize = LEN_MAX / 4;

#[derive(Clone, Debug)]
pub(super) enum Node {
    Inner(Arc<Inner>),
    Leaf(Arc<Leaf>),
}

/// What became of an element that was to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Changed {
    InPlace,
    /// It was not there.
    Not,
    Removed,
}

/// At least two children.
#[derive(Clone, Debug)]
pub(super) struct Inner {
    children: Vec<Child>,
}

#[derive(Clone, Debug)]
pub(super) struct Child {
    /// Its elements are at or above this, those of the child before are below. The first child
    /// of a node takes all that is below the second; its own bound is not looked at.
    bound: Bound,
    /// Number of elements.
    len: usize,
    node: Node,
}

#[derive(Clone, Debug)]
struct Bound {
    score: f64,
    member: Box<[u8]>,
}

impl Bound {
    /// The bound of a first child.
    fn first() -> Self {
        Self { score: f64::NEG_INFINITY, member: Box::default() }
    }

    /// The shortest bound between two elements that follow each other.
    #[expect(clippy::float_cmp, reason = "elements of one score are told apart by their members")]
    fn between(left: (&[u8], f64), right: (&[u8], f64)) -> Self {
        let same = left.0.iter().zip(right.0).take_while(|(one, other)| one == other).count();
        let len = if left.1 == right.1 { same + 1 } else { 0 };
        Self { score: right.1, member: right.0[..len.min(right.0.len())].into() }
    }
}

impl Default for Node {
    fn default() -> Self {
        Self::Leaf(Arc::new(Leaf::default()))
    }
}

impl Node {
    /// The tree of leaves that follow each other.
    pub(super) fn of_leaves(leaves: Vec<Leaf>) -> Self {
        let mut row: Vec<Child> = Vec::with_capacity(leaves.len());
        for leaf in leaves {
            let bound = match row.last().map(|child| &child.node) {
                Some(Self::Leaf(left)) => {
                    Bound::between(left.element(left.len() - 1), leaf.element(0))
                }
                _ => Bound::first(),
            };
            row.push(Child { bound, len: leaf.len(), node: Self::Leaf(Arc::new(leaf)) });
        }
        while row.len() > 1 {
            row = row_above(row);
        }
        row.pop().map_or_else(Self::default, |child| child.node)
    }

    /// Number of elements of a leaf, or of children.
    fn width(&self) -> usize {
        match self {
            Self::Inner(inner) => inner.children.len(),
            Self::Leaf(leaf) => leaf.len(),
        }
    }

    /// Bytes taken in memory, all nodes below included.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Inner(inner) => {
                let own = size_of::<Inner>() + inner.children.capacity() * size_of::<Child>();
                let below = inner.children.iter().map(|c| c.node.bytes() + c.bound.member.len());
                size_of::<usize>() + own + below.sum::<usize>()
            }
            Self::Leaf(leaf) => size_of::<usize>() + leaf.bytes(),
        }
    }

    /// The node below in which an element is or would be; a leaf itself.
    pub(super) fn child_for(&self, score: f64, member: &[u8]) -> &Self {
        match self {
            Self::Inner(inner) => &inner.children[inner.child_for(score, member)].node,
            Self::Leaf(_) => self,
        }
    }

    /// Has what tells where its parts are fetched into the processor's caches.
    pub(super) fn prefetch_head(&self) {
        match self {
            Self::Inner(inner) => prefetch::value(&**inner),
            Self::Leaf(leaf) => prefetch::value(&**leaf),
        }
    }

    /// Has what a search looks at fetched, once its head was.
    pub(super) fn prefetch_keys(&self) {
        match self {
            Self::Inner(inner) => prefetch::spread(&inner.children, 7),
            Self::Leaf(leaf) => leaf.prefetch(),
        }
    }

    /// Number of elements before this score and member.
    pub(super) fn rank(&self, score: f64, member: &[u8]) -> usize {
        let (mut node, mut before) = (self, 0);
        loop {
            match node {
                Self::Inner(inner) => {
                    let at = inner.child_for(score, member);
                    before += inner.children[..at].iter().map(|child| child.len).sum::<usize>();
                    node = &inner.children[at].node;
                }
                Self::Leaf(leaf) => return before + leaf.rank(score, member),
            }
        }
    }

    /// Is this element here?
    pub(super) fn contains(&self, score: f64, member: &[u8]) -> bool {
        let mut node = self;
        loop {
            match node {
                Self::Inner(inner) => {
                    node = &inner.children[inner.child_for(score, member)].node;
                }
                Self::Leaf(leaf) => return leaf.find(score, member).is_some(),
            }
        }
    }

    /// The leaf of the element of this rank, and its place in there.
    pub(super) fn leaf_at(&self, rank: usize) -> Option<(&Leaf, usize)> {
        let (mut node, mut left) = (self, rank);
        loop {
            match node {
                Self::Inner(inner) => {
                    let at = inner.child_at(&mut left)?;
                    node = &inner.children[at].node;
                }
                Self::Leaf(leaf) => return (left < leaf.len()).then_some((leaf, left)),
            }
        }
    }

    /// Adds an element that is not here yet.
    pub(super) fn insert(&mut self, score: f64, member: &[u8]) {
        let Some(right) = self.insert_below(score, member) else { return };
        let left = std::mem::take(self);
        let first = Child { bound: Bound::first(), len: left.len(), node: left };
        *self = Self::Inner(Arc::new(Inner { children: vec![first, right] }));
    }

    fn len(&self) -> usize {
        match self {
            Self::Inner(inner) => inner.children.iter().map(|child| child.len).sum(),
            Self::Leaf(leaf) => leaf.len(),
        }
    }

    /// Adds an element; returns the right part of this node if it had to be split.
    fn insert_below(&mut self, score: f64, member: &[u8]) -> Option<Child> {
        match self {
            Self::Leaf(leaf) => {
                let leaf = Arc::make_mut(leaf);
                let at = leaf.rank(score, member);
                leaf.insert(at, score, member);
                split_leaf(leaf, at)
            }
            Self::Inner(inner) => {
                let inner = Arc::make_mut(inner);
                let at = inner.child_for(score, member);
                let child = &mut inner.children[at];
                child.len += 1;
                let new = child.node.insert_below(score, member)?;
                child.len -= new.len;
                inner.children.insert(at + 1, new);
                inner.split(at + 1)
            }
        }
    }

    /// Gives an element another score if that leaves it where it is, else removes it.
    pub(super) fn change(&mut self, score: f64, member: &[u8], new: Option<f64>) -> Changed {
        let changed = self.change_below(score, member, new);
        if changed == Changed::Removed {
            self.shorten();
        }
        changed
    }

    fn change_below(&mut self, score: f64, member: &[u8], new: Option<f64>) -> Changed {
        match self {
            Self::Inner(inner) => {
                let at = inner.child_for(score, member);
                let inner = Arc::make_mut(inner);
                let changed = inner.children[at].node.change_below(score, member, new);
                if changed == Changed::Removed {
                    inner.children[at].len -= 1;
                    inner.settle(at);
                }
                changed
            }
            Self::Leaf(leaf) => {
                let Some(at) = leaf.find(score, member) else { return Changed::Not };
                let leaf = Arc::make_mut(leaf);
                if let Some(new) = new.filter(|&new| leaf.stays(at, new)) {
                    leaf.set_score(at, new);
                    return Changed::InPlace;
                }
                leaf.remove(at);
                Changed::Removed
            }
        }
    }

    /// Removes the element of this rank, which exists.
    pub(super) fn remove(&mut self, rank: usize) {
        self.remove_below(rank);
        self.shorten();
    }

    /// Makes the tree as low as it can be after a removal.
    fn shorten(&mut self) {
        while let Self::Inner(inner) = self {
            if inner.children.len() > 1 {
                return;
            }
            let child = inner.children.first().map(|child| child.node.clone());
            *self = child.unwrap_or_default();
        }
    }

    fn remove_below(&mut self, rank: usize) {
        match self {
            Self::Inner(inner) => {
                let mut left = rank;
                let inner = Arc::make_mut(inner);
                let Some(at) = inner.child_at(&mut left) else { return };
                inner.children[at].len -= 1;
                inner.children[at].node.remove_below(left);
                inner.settle(at);
            }
            Self::Leaf(leaf) => Arc::make_mut(leaf).remove(rank),
        }
    }

    /// Adds the content of the child to the right.
    fn append(&mut self, right: Child) {
        match (self, right.node) {
            (Self::Leaf(left), Self::Leaf(right)) => Arc::make_mut(left).append(&right),
            (Self::Inner(left), Self::Inner(node)) => {
                let mut node = Arc::unwrap_or_clone(node);
                // Its first child's own bound was not looked at: elements may be below that.
                node.children[0].bound = right.bound;
                Arc::make_mut(left).children.extend(node.children);
            }
            _ => unreachable!("all leaves are at the same depth"),
        }
    }
}

impl Inner {
    /// The child in which an element is or would be.
    fn child_for(&self, score: f64, member: &[u8]) -> usize {
        let above_first = &self.children[1..];
        above_first.partition_point(|child| {
            order((child.bound.score, &child.bound.member), (score, member)).is_le()
        })
    }

    /// The child of the element of this rank, which becomes its rank in there.
    fn child_at(&self, rank: &mut usize) -> Option<usize> {
        self.children.iter().position(|child| {
            let here = *rank < child.len;
            if !here {
                *rank -= child.len;
            }
            here
        })
    }

    /// Splits a node that is too wide after an insert at `at`.
    fn split(&mut self, at: usize) -> Option<Child> {
        if self.children.len() <= LEN_MAX {
            return None;
        }
        let children = self.children.split_off(split_place(at, self.children.len()));
        self.children.shrink_to(LEN_MAX / 2);
        let bound = children[0].bound.clone();
        let len = children.iter().map(|child| child.len).sum();
        Some(Child { bound, len, node: Node::Inner(Arc::new(Self { children })) })
    }

    /// After a removal below child `at`: drops it if it is empty, joins it if it is small.
    fn settle(&mut self, at: usize) {
        if self.children[at].len == 0 {
            self.children.remove(at);
            shrink(&mut self.children);
            return;
        }
        if self.children[at].node.width() >= LEN_MIN {
            return;
        }
        for left in [at.wrapping_sub(1), at] {
            let Some([one, other]) = self.children.get(left..).and_then(<[_]>::first_chunk) else {
                continue;
            };
            if fit_together(&one.node, &other.node) {
                let right = self.children.remove(left + 1);
                shrink(&mut self.children);
                let child = &mut self.children[left];
                child.len += right.len;
                child.node.append(right);
                return;
            }
        }
    }
}

/// The nodes above several, which share their children evenly.
fn row_above(row: Vec<Child>) -> Vec<Child> {
    let mut nodes = row.len().div_ceil(LEN_MAX);
    let mut left = row.len();
    let mut children = row.into_iter();
    let mut above = Vec::with_capacity(nodes);
    while nodes > 0 {
        let share = left.div_ceil(nodes);
        let children: Vec<Child> = children.by_ref().take(share).collect();
        let bound = children.first().map_or_else(Bound::first, |child| child.bound.clone());
        let len = children.iter().map(|child| child.len).sum();
        above.push(Child { bound, len, node: Node::Inner(Arc::new(Inner { children })) });
        left -= share;
        nodes -= 1;
    }
    above
}

/// Would a leaf have to be split with one more member of so many bytes?
pub(super) fn is_full(leaf: &Leaf, bytes: usize) -> bool {
    leaf.len() > 0
        && (leaf.len() >= LEN_MAX || leaf.member_bytes().saturating_add(bytes) > LEAF_BYTES_MAX)
}

/// Splits a leaf that is too large after an insert at `at`.
fn split_leaf(leaf: &mut Leaf, at: usize) -> Option<Child> {
    let too_large = leaf.len() > LEN_MAX || leaf.member_bytes() > LEAF_BYTES_MAX;
    if leaf.len() < 2 || !too_large {
        return None;
    }
    let right = leaf.split_off(split_place(at, leaf.len()));
    let bound = Bound::between(leaf.element(leaf.len() - 1), right.element(0));
    Some(Child { bound, len: right.len(), node: Node::Leaf(Arc::new(right)) })
}

/// Where to split a node of `len` after an insert at `at`: beside an insert at an end, so that
/// ascending or descending ones leave full nodes behind.
fn split_place(at: usize, len: usize) -> usize {
    match at {
        0 => 1,
        _ if at + 1 == len => at,
        _ => len / 2,
    }
}

fn fit_together(one: &Node, other: &Node) -> bool {
    let bytes = match (one, other) {
        (Node::Leaf(one), Node::Leaf(other)) => one.member_bytes() + other.member_bytes(),
        _ => 0,
    };
    one.width() + other.width() <= LEN_MAX * 3 / 4 && bytes <= LEAF_BYTES_MAX / 2
}
