use std::collections::{BTreeMap, BTreeSet, HashSet};

use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits { entries: 128, value_bytes: 64 };

/// Scores are whole numbers here, so that the model can order them.
type Model = BTreeSet<(i64, Vec<u8>)>;

fn contents(set: &SortedSet) -> Vec<(i64, Vec<u8>)> {
    set.iter_from(0).map(|(member, score)| (whole(score), member.to_vec())).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "the tests put small whole numbers in")]
fn whole(score: f64) -> i64 {
    score as i64
}

#[expect(clippy::cast_precision_loss, reason = "the tests put small whole numbers in")]
fn score(number: i64) -> f64 {
    number as f64
}

fn filled(len: i64, score_of: impl Fn(i64) -> i64) -> SortedSet {
    let mut set = SortedSet::default();
    for n in 0..len {
        set.insert(format!("member:{n:025}").as_bytes(), score(score_of(n)), LIMITS);
    }
    set
}

#[test]
fn encoding_changes_once() {
    let mut set = filled(128, |n| n);
    assert_eq!(set.encoding(), "listpack");
    set.insert(b"one more", 1.0, LIMITS);
    assert_eq!(set.encoding(), "skiplist");
    set.remove(b"one more");
    assert_eq!(set.encoding(), "skiplist");
    let mut set = SortedSet::default();
    set.insert(&[b'x'; 65], 1.0, LIMITS);
    assert_eq!(set.encoding(), "skiplist");
}

#[test]
fn a_clone_keeps_its_contents() {
    let mut set = filled(5000, |n| n % 7);
    let before = contents(&set);
    let mut clone = set.clone();
    for n in 0..2500 {
        set.remove_at(n);
        set.insert(format!("new {n}").as_bytes(), 3.0, LIMITS);
    }
    assert_eq!(contents(&clone), before);
    assert_eq!(clone.score(&before[17].1), Some(score(before[17].0)));
    clone.insert(b"other", 0.0, LIMITS);
    assert_eq!(clone.len(), 5001);
    assert_eq!(set.score(b"other"), None);
}

#[test]
fn a_large_set_takes_few_bytes_above_its_payload() {
    let scattered = |n: i64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64.cast_signed()) >> 20;
    for (order, above_max) in
        [(&(|n| n) as &dyn Fn(i64) -> i64, 34), (&|n| -n, 34), (&|_| 0, 34), (&scattered, 44)]
    {
        let set = filled(200_000, order);
        assert_eq!(set.score(b"nobody"), None);
        let above = set.bytes() - 200_000 * 32;
        assert!(above < 200_000 * above_max, "{} a member", above / 200_000);
    }
}

#[test]
fn long_members_take_few_bytes_above_their_payload() {
    for (bytes, above_max) in [(200, 64), (1000, 64), (20_000, 90)] {
        let mut set = SortedSet::default();
        for n in 0..2000i64 {
            let scattered = n.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64.cast_signed()) >> 20;
            set.insert(format!("{n:0bytes$}").as_bytes(), score(scattered), LIMITS);
        }
        set.score(b"nobody");
        let above = set.bytes() - 2000 * bytes;
        assert!(above < 2000 * above_max, "{} a member of {bytes}", above / 2000);
    }
}

#[test]
fn a_set_that_shrinks_gives_memory_back() {
    let mut set = filled(100_000, |n| n % 1000);
    while set.len() > 100 {
        set.remove_at(set.len() / 3);
    }
    assert!(set.bytes() < 20_000, "{}", set.bytes());
}

#[test]
fn scan_sees_every_element_that_stays() {
    for scores in [1, 10, 1_000_000] {
        let mut set = filled(5000, |n| n % scores);
        let (mut seen, mut cursor, mut steps) = (HashSet::new(), 0, 0);
        loop {
            let next = set.scan(cursor, 10, |member, _| {
                assert!(seen.insert(member.to_vec()), "{member:?} came twice");
            });
            let Some(next) = next else { break };
            (cursor, steps) = (next, steps + 1);
            // Elements come, change and go meanwhile.
            set.insert(format!("new {steps}").as_bytes(), 0.5, LIMITS);
            set.insert(format!("member:{steps:025}").as_bytes(), 7e9, LIMITS);
            set.remove(format!("member:{:025}", 4000 + steps % 1000).as_bytes());
        }
        assert!(steps > 10, "{steps}");
        for n in 0..4000 {
            assert!(seen.contains(format!("member:{n:025}").as_bytes()), "{n} is missing");
        }
    }
}

#[test]
fn infinite_scores_and_zeros() {
    let mut set = SortedSet::default();
    for (member, score) in [("b", f64::INFINITY), ("a", f64::NEG_INFINITY), ("z", -0.0)] {
        set.insert(member.as_bytes(), score, LIMITS);
    }
    set.insert(b"y", 0.0, LIMITS);
    let members: Vec<&[u8]> = set.iter_from(0).map(|(member, _)| member).collect();
    assert_eq!(members, [b"a", b"y", b"z", b"b"]);
    assert_eq!(set.below_score(f64::NEG_INFINITY), 0);
    assert_eq!(set.up_to_score(f64::NEG_INFINITY), 1);
    assert_eq!(set.below_score(f64::INFINITY), 3);
    assert_eq!(set.up_to_score(f64::INFINITY), 4);
    assert_eq!((set.below_score(-0.0), set.up_to_score(-0.0)), (1, 3));
}

#[derive(Clone, Debug)]
enum Step {
    Clone,
    Insert(i64, Vec<u8>),
    Remove(Vec<u8>),
    RemoveAt(usize),
    RemoveMany(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let member = || {
        prop_oneof![
            6 => (0u16..600).prop_map(|n| n.to_string().into_bytes()),
            2 => (0u16..600, 0usize..3)
                .prop_map(|(n, len)| [&vec![b'9'; len * 30][..], &n.to_be_bytes()].concat()),
            1 => (0usize..9000).prop_map(|len| vec![b'1'; len]),
        ]
    };
    let number = || prop_oneof![0i64..3, -1000i64..1000];
    prop_oneof![
        1 => Just(Step::Clone),
        60 => (number(), member()).prop_map(|(score, member)| Step::Insert(score, member)),
        10 => member().prop_map(Step::Remove),
        10 => (0usize..600).prop_map(Step::RemoveAt),
        1 => (0usize..600, 0usize..600).prop_map(|(from, len)| Step::RemoveMany(from, len)),
    ]
}

/// The set and what it must be equal to.
#[derive(Default)]
struct Pair {
    set: SortedSet,
    model: Model,
    scores: BTreeMap<Vec<u8>, i64>,
}

impl Pair {
    fn apply(&mut self, step: Step) {
        match step {
            Step::Clone => {
                let clone = self.set.clone();
                self.set = clone;
            }
            Step::Insert(number, member) => {
                let old = self.scores.insert(member.clone(), number);
                assert_eq!(self.set.insert(&member, score(number), LIMITS), old.map(score));
                if let Some(old) = old {
                    self.model.remove(&(old, member.clone()));
                }
                self.model.insert((number, member));
            }
            Step::Remove(member) => {
                let old = self.scores.remove(&member);
                assert_eq!(self.set.remove(&member), old.map(score));
                if let Some(old) = old {
                    self.model.remove(&(old, member.clone()));
                }
            }
            Step::RemoveAt(rank) => self.remove_at(rank),
            Step::RemoveMany(rank, count) => (0..count).for_each(|_| self.remove_at(rank)),
        }
    }

    fn remove_at(&mut self, rank: usize) {
        self.set.remove_at(rank);
        if let Some(element) = self.model.iter().nth(rank).cloned() {
            self.model.remove(&element);
            self.scores.remove(&element.1);
        }
    }

    fn check(&self) {
        assert_eq!(self.set.len(), self.model.len());
        let expected: Vec<_> = self.model.iter().cloned().collect();
        assert_eq!(contents(&self.set), expected);
        for (rank, (number, member)) in expected.iter().enumerate() {
            assert_eq!(self.set.rank(member), Some((rank, score(*number))));
            assert_eq!(self.set.at(rank), Some((&member[..], score(*number))));
        }
        let mut back: Vec<_> =
            self.set.iter_back(usize::MAX).map(|(m, s)| (whole(s), m.to_vec())).collect();
        back.reverse();
        assert_eq!(back, expected);
        for number in [-1001, -3, 0, 1, 2, 999] {
            let below = expected.iter().filter(|(score, _)| *score < number).count();
            let up_to = expected.iter().filter(|(score, _)| *score <= number).count();
            assert_eq!(self.set.below_score(score(number)), below);
            assert_eq!(self.set.up_to_score(score(number)), up_to);
        }
    }
}

#[test]
fn short_and_long_members_come_together_and_part() {
    for long_bytes in [3000, 30_000] {
        let short = |n: i64| format!("short {n:02}").into_bytes();
        let long = |n: i64| format!("{n:0long_bytes$}").into_bytes();
        let insert = |n: i64, member| Step::Insert(n, member);
        let mut pair = Pair::default();
        let mut apply = |steps: Vec<Step>| {
            for step in steps {
                pair.apply(step);
            }
            pair.check();
        };
        apply((0..31).map(|n| insert(n, short(n))).collect());
        apply((100..133).map(|n| insert(n, long(n))).collect());
        apply(vec![insert(31, short(31))]);
        apply((0..17).map(|n| Step::Remove(short(n))).collect());
        apply((0..17).map(|n| insert(200 + n, short(n))).collect());
        apply((100..133).map(|n| Step::Remove(long(n))).collect());
        apply((0..60).map(|n| insert(n, short(n + 40))).collect());
    }
}

proptest! {
    #[test]
    fn behaves_as_a_btree_set(steps in prop::collection::vec(step(), 1..800)) {
        let mut pair = Pair::default();
        for (turn, step) in steps.into_iter().enumerate() {
            pair.apply(step);
            if turn % 200 == 0 {
                pair.check();
            }
        }
        pair.check();
    }

    #[test]
    fn members_of_one_score_are_found_by_their_bytes(
        members in prop::collection::btree_set(prop::collection::vec(0u8..3, 0..6), 1..300),
        bound in prop::collection::vec(0u8..3, 0..6),
    ) {
        let mut set = SortedSet::default();
        for member in &members {
            set.insert(member, 5.0, LIMITS);
        }
        prop_assert_eq!(set.below_member(&bound), members.iter().filter(|m| **m < bound).count());
        prop_assert_eq!(set.up_to_member(&bound), members.iter().filter(|m| **m <= bound).count());
    }
}

proptest! {
    #[test]
    fn many_at_once_are_as_one_by_one(
        there in prop::collection::vec((0i64..300, 0i64..40), 0..400),
        more in prop::collection::vec((0i64..600, -40i64..40), 0..400),
        limits in prop::sample::select(vec![LIMITS, Limits { entries: 500, value_bytes: 64 }]),
    ) {
        let named = |elements: &[(i64, i64)]| -> Vec<(f64, Vec<u8>)> {
            let element = |&(n, s): &(i64, i64)| (score(s), format!("member:{n:025}").into_bytes());
            elements.iter().map(element).collect()
        };
        let mut one_by_one = SortedSet::default();
        for (score, member) in named(&there) {
            one_by_one.insert(&member, score, limits);
        }
        let mut at_once = one_by_one.clone();
        let more = named(&more);
        let before = one_by_one.len();
        for (score, member) in &more {
            one_by_one.insert(member, *score, limits);
        }
        let elements: Vec<(f64, &[u8])> = more.iter().map(|(score, m)| (*score, &**m)).collect();
        let was = contents(&at_once);
        let inserted = at_once.insert_all(&elements, limits);
        prop_assert_eq!(contents(&at_once), contents(&one_by_one));
        prop_assert_eq!(at_once.len(), one_by_one.len());
        prop_assert_eq!(at_once.encoding(), one_by_one.encoding());
        prop_assert_eq!(inserted.new, one_by_one.len() - before);
        prop_assert!(inserted.is_changed || was == contents(&at_once));
        for (_, member) in &elements {
            prop_assert_eq!(at_once.score(member), one_by_one.score(member));
        }
        for (number, (_, member)) in elements.iter().enumerate() {
            if number % 2 == 0 {
                prop_assert_eq!(at_once.remove(member), one_by_one.remove(member));
            }
        }
        prop_assert_eq!(contents(&at_once), contents(&one_by_one));
    }
}

#[test]
fn an_element_is_one_of_its_score_only() {
    for len in [3u32, 1000] {
        let mut set = SortedSet::default();
        (0..len).for_each(|n| assert!(set.insert(&n.to_be_bytes(), 2.0, LIMITS).is_none()));
        let first = 0u32.to_be_bytes();
        assert!(set.tree.contains(2.0, &first));
        assert!(!set.tree.contains(1.0, &first), "though it comes next behind that");
        assert_eq!(set.tree.change(1.0, &first, None), Changed::Not);
        assert_eq!(set.tree.change(2.0, &first, Some(1.0)), Changed::Removed);
        assert!(!set.tree.contains(2.0, &first));
    }
}

#[test]
fn nodes_that_join_keep_what_is_below_the_first_bound() {
    let member = |n: u32| n.to_be_bytes();
    let mut set = SortedSet::default();
    (0..6016).for_each(|n| assert!(set.insert(&member(n), f64::from(n), LIMITS).is_none()));
    let remove = |set: &mut SortedSet, range: std::ops::Range<u32>| {
        range.for_each(|n| assert!(set.remove(&member(n)).is_some(), "{n}"));
    };
    // The first leaf of the second inner node goes; what comes in below the next one's bound must
    // be found when the node joins the first.
    remove(&mut set, 4096..4160);
    assert!(set.insert(&member(4100), 4100.0, LIMITS).is_none());
    remove(&mut set, 960..4096);
    assert_eq!(set.score(&member(4100)), Some(4100.0));
    assert_eq!(set.insert(&member(4100), 4101.0, LIMITS), Some(4100.0));
    let left: Vec<u32> = (0..960).chain([4100]).chain(4160..6016).collect();
    assert_eq!(set.len(), left.len());
    for (rank, n) in left.into_iter().enumerate() {
        assert_eq!(set.rank(&member(n)).map(|(rank, _)| rank), Some(rank), "{n}");
    }
}
