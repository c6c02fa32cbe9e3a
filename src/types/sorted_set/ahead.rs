//! What requests to come need of a large set is fetched into the processor's caches side by side.
//!
//! A request waits for memory several times, each time for what was found before: in the index for
//! its segment and the place in there, in the tree for each node on the way to the leaf. Here all
//! requests take each step together.

use smallvec::SmallVec;

use super::SortedSet;
use super::index::{self, Index};
use super::tree::Node;
use crate::types::step::Step;

/// Sets of fewer elements are in the caches as it is.
const LEN_MIN: usize = 100_000;
/// Requests at a time, as a rule.
const REQUESTS: usize = 32;

/// A score and a member that will be looked for in the tree.
type Target<'m> = (f64, &'m [u8]);

impl SortedSet {
    /// Has what these steps will look at fetched, where the set is large.
    pub(crate) fn prefetch<'r>(&self, steps: impl Iterator<Item = Step<'r>>) {
        if self.len >= LEN_MIN
            && let Some(index) = self.index.get()
        {
            self.prefetch_large(index, steps);
        }
    }

    pub(super) fn prefetch_large<'r>(&self, index: &Index, steps: impl Iterator<Item = Step<'r>>) {
        let steps: SmallVec<[Step<'r>; REQUESTS]> = steps.collect();
        let count =
            |wanted: fn(&Step<'_>) -> bool| steps.iter().filter(|step| wanted(step)).count();
        let first = self.iter_from(0).take(count(|step| matches!(step, Step::TakeFirst)));
        let last = self.iter_back(self.len).take(count(|step| matches!(step, Step::TakeLast)));
        let taken = first.chain(last).map(|(member, _)| member);
        let members = steps.iter().filter_map(|step| step.name()).chain(taken);
        let places: SmallVec<[u32; REQUESTS]> = members.map(index::place).collect();
        index.prefetch(&places);
        let targets: SmallVec<[Target<'r>; REQUESTS]> =
            steps.iter().filter_map(|step| target(index, *step)).collect();
        self.tree.prefetch(&targets);
    }
}

/// What a step looks for in the tree.
fn target<'m>(index: &Index, step: Step<'m>) -> Option<Target<'m>> {
    match step {
        Step::Add(score, member) => Some((score, member)),
        Step::Find(member) => {
            let score = index.scores(index::place(member)).next()?;
            Some((score, member))
        }
        Step::TakeFirst | Step::TakeLast => None,
    }
}

impl Node {
    /// Has the ways to these elements fetched, level by level.
    fn prefetch(&self, targets: &[Target<'_>]) {
        let mut nodes: SmallVec<[&Self; REQUESTS]> = SmallVec::from_elem(self, targets.len());
        while let Some(Self::Inner(_)) = nodes.first() {
            for (node, &(score, member)) in nodes.iter_mut().zip(targets) {
                *node = node.child_for(score, member);
                node.prefetch_head();
            }
            nodes.iter().for_each(|node| node.prefetch_keys());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::packed_map::Limits;

    #[test]
    fn any_steps_are_looked_up() {
        let names: Vec<String> = (0..500).map(|number| format!("member {number}")).collect();
        let odd = [f64::NAN, f64::NEG_INFINITY, f64::INFINITY, -0.0];
        for len in [0, 1, 65, 500] {
            let mut set = SortedSet::default();
            for (name, score) in names.iter().zip([1.0, 2.0, 3.0].into_iter().cycle()).take(len) {
                set.insert(name.as_bytes(), score, Limits { entries: 0, value_bytes: 0 });
            }
            let finds = names.iter().map(|name| Step::Find(name.as_bytes()));
            let adds = odd.iter().map(|score| Step::Add(*score, b"new"));
            let takes = [Step::TakeFirst, Step::TakeLast].repeat(300);
            set.prefetch_large(set.index(), finds.chain(adds).chain(takes));
            set.prefetch_large(set.index(), std::iter::empty());
        }
    }
}
