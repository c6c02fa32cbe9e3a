//! A set of byte strings: sorted integers, a packed run, or a table, as it grows.
//!
//! A set stays an array of integers as long as all members are integers and there are not too
//! many. The changes of form are one-way.

use super::int_set::IntSet;
use super::packed_map::{Limits, PackedMap};
use crate::number::parse_i64;

/// How large the small forms may get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SetLimits {
    /// Most members of a set of integers.
    pub(crate) integers: usize,
    /// Those of a packed run.
    pub(crate) packed: Limits,
}

/// Different byte strings.
#[derive(Clone, Debug)]
pub(crate) enum Set {
    Integers(IntSet),
    Members(PackedMap<false>),
}

/// A member, as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Member<'s> {
    Integer(i64),
    Text(&'s [u8]),
}

impl Member<'_> {
    /// The bytes; `digits` gives room for those of an integer.
    #[inline]
    pub(crate) fn bytes_in<'a>(&'a self, digits: &'a mut itoa::Buffer) -> &'a [u8] {
        match self {
            Self::Integer(value) => digits.format(*value).as_bytes(),
            Self::Text(bytes) => bytes,
        }
    }

    /// A copy of the bytes.
    pub(crate) fn to_vec(self) -> Vec<u8> {
        self.bytes_in(&mut itoa::Buffer::new()).to_vec()
    }
}

impl Default for Set {
    fn default() -> Self {
        Self::Integers(IntSet::default())
    }
}

impl Set {
    /// As [`PackedMap::to_fill`].
    pub(crate) fn to_fill() -> Self {
        Self::Members(PackedMap::to_fill())
    }

    /// As [`PackedMap::fit`].
    pub(crate) fn fit(&mut self) {
        if let Self::Members(members) = self {
            members.fit();
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Integers(integers) => integers.len(),
            Self::Members(members) => members.len(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// As [`PackedMap::prefetch`].
    pub(crate) fn prefetch<'n>(&self, members: impl Iterator<Item = &'n [u8]>) {
        if let Self::Members(map) = self {
            map.prefetch(members);
        }
    }

    pub(crate) fn contains(&self, member: &[u8]) -> bool {
        match self {
            Self::Integers(integers) => {
                parse_i64(member).is_some_and(|value| integers.contains(value))
            }
            Self::Members(members) => members.find(member).is_some(),
        }
    }

    /// As [`Set::contains`], for a member of another set.
    pub(crate) fn contains_member(&self, member: Member<'_>) -> bool {
        match (self, member) {
            (Self::Integers(integers), Member::Integer(value)) => integers.contains(value),
            _ => self.contains(member.bytes_in(&mut itoa::Buffer::new())),
        }
    }

    /// `count` members, of which `first` is one, are about to be added: goes over to the form
    /// that holds so many.
    pub(crate) fn prepare(&mut self, first: &[u8], count: usize, limits: SetLimits) {
        match self {
            Self::Integers(integers) if integers.len() == 0 && parse_i64(first).is_none() => {
                *self = Self::Members(PackedMap::default());
                self.prepare(first, count, limits);
            }
            Self::Integers(_) if count > limits.integers => self.enlarge(),
            Self::Members(members) if count > limits.packed.entries => members.enlarge(),
            Self::Integers(_) | Self::Members(_) => {}
        }
    }

    /// Adds a member; `false` if it is there already.
    pub(crate) fn add(&mut self, member: &[u8], limits: SetLimits) -> bool {
        let integers = match self {
            Self::Members(members) => return members.insert(member, b"", limits.packed),
            Self::Integers(integers) => integers,
        };
        if let Some(value) = parse_i64(member) {
            let is_new = integers.add(value);
            if integers.len() > limits.integers {
                self.enlarge();
            }
            return is_new;
        }
        if integers.len() < limits.packed.entries {
            self.spell_out(limits.packed);
        } else {
            self.enlarge();
        }
        let Self::Members(members) = self else { return false };
        members.insert(member, b"", limits.packed)
    }

    /// Removes a member; `false` if it was not there.
    pub(crate) fn remove(&mut self, member: &[u8]) -> bool {
        match self {
            Self::Integers(integers) => {
                parse_i64(member).is_some_and(|value| integers.remove(value))
            }
            Self::Members(members) => members.remove(member),
        }
    }

    /// All members: integers ascending, those of a packed run in the order in which they came.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Member<'_>> {
        let (integers, members) = match self {
            Self::Integers(integers) => (Some(integers), None),
            Self::Members(members) => (None, Some(members)),
        };
        let integers = integers.into_iter().flat_map(IntSet::iter).map(Member::Integer);
        let members = members.into_iter().flat_map(PackedMap::iter);
        integers.chain(members.map(|(member, _)| Member::Text(member)))
    }

    /// Visits members from `cursor` on until about `count` were seen (all of a small set);
    /// returns where to go on, or `None` at the end.
    pub(crate) fn scan<'s>(
        &'s self,
        cursor: u64,
        count: usize,
        mut visit: impl FnMut(Member<'s>),
    ) -> Option<u64> {
        match self {
            Self::Integers(_) => {
                self.iter().for_each(visit);
                None
            }
            Self::Members(members) => {
                members.scan(cursor, count, |member, _| visit(Member::Text(member)))
            }
        }
    }

    /// A member chosen at random with equal chances; `random` gives numbers over all of `u64`.
    pub(crate) fn random(&self, mut random: impl FnMut() -> u64) -> Option<Member<'_>> {
        match self {
            Self::Integers(integers) => {
                let index = random() % integers.len().max(1) as u64;
                let value = usize::try_from(index).ok().and_then(|index| integers.at(index));
                value.map(Member::Integer)
            }
            Self::Members(members) => {
                members.random(random).map(|(member, _)| Member::Text(member))
            }
        }
    }

    /// `count` different members chosen at random with equal chances; all if there are not more.
    pub(crate) fn sample(&self, count: usize, mut random: impl FnMut() -> u64) -> Vec<Member<'_>> {
        if let Self::Members(members) = self {
            let sample = members.sample(count, random).into_iter();
            return sample.map(|(member, _)| Member::Text(member)).collect();
        }
        let mut needed = count.min(self.len());
        let mut left = self.len() as u64;
        let choose = |_: &Member<'_>| {
            let hit = random() % left < needed as u64;
            left -= 1;
            needed -= usize::from(hit);
            hit
        };
        self.iter().filter(choose).collect()
    }

    /// Visits `count` members chosen at random, each time from all of them; none if it is empty.
    pub(crate) fn draw(
        &self,
        count: usize,
        mut random: impl FnMut() -> u64,
        mut visit: impl FnMut(Member<'_>),
    ) {
        match self {
            Self::Integers(_) => {
                (0..count).filter_map(|_| self.random(&mut random)).for_each(visit);
            }
            Self::Members(members) => {
                members.draw(count, random, |member, _| visit(Member::Text(member)));
            }
        }
    }

    /// The name OBJECT ENCODING replies with.
    pub(crate) fn encoding(&self) -> &'static str {
        match self {
            Self::Integers(_) => "intset",
            Self::Members(members) => members.encoding(),
        }
    }

    /// Bytes taken in memory.
    pub(crate) fn bytes(&self) -> usize {
        let owned = match self {
            Self::Integers(integers) => integers.bytes(),
            Self::Members(members) => members.bytes(),
        };
        size_of::<Self>() + owned
    }

    /// Integers become their texts.
    fn spell_out(&mut self, limits: Limits) {
        let Self::Integers(integers) = self else { return };
        let mut members = PackedMap::default();
        for value in integers.iter() {
            members.insert(itoa::Buffer::new().format(value).as_bytes(), b"", limits);
        }
        *self = Self::Members(members);
    }

    /// Goes over to a table.
    fn enlarge(&mut self) {
        self.spell_out(Limits { entries: usize::MAX, value_bytes: usize::MAX });
        if let Self::Members(members) = self {
            members.enlarge();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const LIMITS: SetLimits =
        SetLimits { integers: 8, packed: Limits { entries: 12, value_bytes: 20 } };

    fn contents(set: &Set) -> BTreeSet<Vec<u8>> {
        set.iter().map(Member::to_vec).collect()
    }

    #[test]
    fn the_form_follows_the_members() {
        for (members, expected) in [
            ("1 2 3", "intset"),
            ("1 2 3 4 5 6 7 8 9", "hashtable"),
            ("1 2 x", "listpack"),
            ("x 1 2 3 4 5 6 7 8 9 10 11", "listpack"),
            ("x 1 2 3 4 5 6 7 8 9 10 11 12", "hashtable"),
            ("1 a-member-longer-than-twenty", "hashtable"),
            ("01", "listpack"),
        ] {
            let mut set = Set::default();
            members.split(' ').for_each(|member| assert!(set.add(member.as_bytes(), LIMITS)));
            assert_eq!(set.encoding(), expected, "{members}");
        }
    }

    #[test]
    fn few_long_members_take_little_memory_however_they_came() {
        let long = "x".repeat(200);
        for members in [vec![&*long], vec!["1", &long], vec!["a", &long], vec![&*long, "1", "b"]] {
            let mut set = Set::default();
            for member in &members {
                assert!(set.add(member.as_bytes(), LIMITS));
            }
            assert!(!set.add(long.as_bytes(), LIMITS));
            assert!(set.bytes() < 320, "{} for {members:?}", set.bytes());
            assert_eq!((set.encoding(), set.len()), ("hashtable", members.len()));
        }
        let mut set = Set::default();
        assert!(set.add(b"1234567890", SetLimits { integers: 8, packed: LIMITS.packed }));
        let packed = Limits { entries: 12, value_bytes: 5 };
        assert!(set.add(b"x", SetLimits { integers: 8, packed }));
        assert_eq!(set.encoding(), "hashtable", "its integers are too long");
    }

    #[test]
    fn samples_are_different_members() {
        for len in [5usize, 11, 3000] {
            let mut set = Set::default();
            (0..len).for_each(|n| assert!(set.add(format!("m{n}").as_bytes(), LIMITS)));
            let random = crate::random::Random::seeded(3);
            for count in [0, 1, 4, len / 2, len - 1, len, len + 1] {
                let sample: BTreeSet<_> =
                    set.sample(count, || random.next()).into_iter().map(Member::to_vec).collect();
                assert_eq!(sample.len(), count.min(len));
                assert!(sample.iter().all(|member| set.contains(member)));
            }
        }
    }

    proptest! {
        #[test]
        fn behaves_as_a_set(
            steps in prop::collection::vec((prop::bool::weighted(0.6), prop_oneof![
                6 => (0u32..40).prop_map(|n| n.to_string()),
                1 => (0u32..40).prop_map(|n| format!("m{n}")),
                1 => (0usize..30).prop_map(|len| "x".repeat(len)),
            ]), 1..200),
        ) {
            let (mut set, mut model) = (Set::default(), BTreeSet::new());
            let mut snapshots = Vec::new();
            for (index, (add, member)) in steps.into_iter().enumerate() {
                let member = member.into_bytes();
                if add {
                    prop_assert_eq!(set.add(&member, LIMITS), model.insert(member.clone()));
                } else {
                    prop_assert_eq!(set.remove(&member), model.remove(&member));
                }
                prop_assert_eq!(set.contains(&member), add);
                prop_assert_eq!(set.len(), model.len());
                if index % 50 == 0 {
                    snapshots.push((set.clone(), model.clone()));
                }
            }
            snapshots.push((set, model));
            for (set, model) in snapshots {
                prop_assert_eq!(contents(&set), model);
            }
        }
    }
}
