//! What hashes and sets are made of: a packed run while small, a table from then on.
//!
//! The change is one-way: a large one that shrinks stays a table. One that has outgrown the limits
//! of small ones only by the length of a text counts as a table, but becomes one only when it has
//! many entries or bytes: job libraries keep each job as a hash of few fields with one long text,
//! which takes half the memory in a run.

use std::collections::HashMap;

use super::packed_run::PackedRun;
use super::packed_table::PackedTable;

/// How large the packed form may get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Most entries.
    pub(crate) entries: usize,
    /// Longest key or value.
    pub(crate) value_bytes: usize,
}

/// Most entries of an outgrown map in a run.
const OUTGROWN_ENTRIES_MAX: usize = 32;
/// Most bytes of an outgrown map in a run: what a change moves.
const OUTGROWN_BYTES_MAX: usize = 8192;

/// A map of byte strings, or without `VALUES` a set of them.
#[derive(Clone, Debug)]
pub(crate) enum PackedMap<const VALUES: bool> {
    Large(Box<PackedTable<VALUES>>),
    Small(PackedRun<VALUES>),
}

impl<const VALUES: bool> Default for PackedMap<VALUES> {
    fn default() -> Self {
        Self::Small(PackedRun::default())
    }
}

impl<const VALUES: bool> PackedMap<VALUES> {
    /// A map that more entries than small ones have are about to be put into;
    /// [`PackedMap::fit`] is to follow.
    pub(crate) fn to_fill() -> Self {
        Self::Large(Box::new(PackedTable::to_fill()))
    }

    /// Gives back the room that was taken to fill the map.
    pub(crate) fn fit(&mut self) {
        if let Self::Large(table) = self {
            table.fit();
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Large(table) => table.len(),
            Self::Small(run) => run.len(),
        }
    }

    /// Is it a table?
    pub(crate) fn is_large(&self) -> bool {
        matches!(self, Self::Large(_))
    }

    /// The entries whose key has this hash; of a small map, all entries.
    pub(crate) fn with_hash(&self, hash: u64) -> impl Iterator<Item = (&[u8], &[u8])> {
        let (large, small) = match self {
            Self::Large(table) => (Some(table), None),
            Self::Small(run) => (None, Some(run)),
        };
        let large = large.into_iter().flat_map(move |table| table.with_hash(hash));
        large.chain(small.into_iter().flat_map(PackedRun::iter))
    }

    /// The value of `key`, empty in a set.
    pub(crate) fn find(&self, key: &[u8]) -> Option<&[u8]> {
        match self {
            Self::Large(table) => table.find(key),
            Self::Small(run) => run.find(key),
        }
    }

    /// Has what a table holds of these keys fetched into the processor's caches.
    pub(crate) fn prefetch<'k>(&self, keys: impl Iterator<Item = &'k [u8]>) {
        if let Self::Large(table) = self {
            table.prefetch(keys);
        }
    }

    /// An empty map makes room for the entries that are about to be put into it, if it will be
    /// a short run: `texts` are their keys and values.
    pub(crate) fn make_room<'t>(&mut self, texts: impl ExactSizeIterator<Item = &'t [u8]> + Clone) {
        if let Self::Small(run) = self
            && run.len() == 0
            && (3..=2 * OUTGROWN_ENTRIES_MAX).contains(&texts.len())
            && texts.clone().map(<[u8]>::len).sum::<usize>() <= OUTGROWN_BYTES_MAX
        {
            run.make_room(texts);
        }
    }

    /// Sets the value of `key`; returns whether it is new.
    pub(crate) fn insert(&mut self, key: &[u8], value: &[u8], limits: Limits) -> bool {
        if let Self::Small(run) = self {
            let too_long = key.len().max(value.len()) > limits.value_bytes;
            let is_outgrown = too_long || run.is_outgrown();
            if has_room(run, is_outgrown, key, value, limits) {
                let is_new = run.insert(key, value);
                if too_long && (VALUES || is_new) {
                    run.outgrow();
                }
                return is_new;
            }
            self.enlarge();
        }
        match self {
            Self::Large(table) => table.insert(key, value),
            Self::Small(run) => run.insert(key, value),
        }
    }

    /// Removes `key`; `false` if it was not there.
    pub(crate) fn remove(&mut self, key: &[u8]) -> bool {
        match self {
            Self::Large(table) => table.remove(key),
            Self::Small(run) => run.remove(key),
        }
    }

    /// All entries; of a small map in the order in which they were added.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let (large, small) = match self {
            Self::Large(table) => (Some(table), None),
            Self::Small(run) => (None, Some(run)),
        };
        let large = large.into_iter().flat_map(|table| table.iter());
        large.chain(small.into_iter().flat_map(PackedRun::iter))
    }

    /// Visits entries from `cursor` on until about `count` were seen (all of a small map);
    /// returns where to go on, or `None` at the end.
    pub(crate) fn scan<'t>(
        &'t self,
        cursor: u64,
        count: usize,
        mut visit: impl FnMut(&'t [u8], &'t [u8]),
    ) -> Option<u64> {
        match self {
            Self::Large(table) => table.scan(cursor, count, visit),
            Self::Small(run) => {
                run.iter().for_each(|(key, value)| visit(key, value));
                None
            }
        }
    }

    /// An entry chosen at random with equal chances; `random` gives numbers over all of `u64`.
    pub(crate) fn random(&self, mut random: impl FnMut() -> u64) -> Option<(&[u8], &[u8])> {
        match self {
            Self::Large(table) => table.random(random),
            Self::Small(run) => {
                let len = run.len().max(1) as u64;
                run.iter().nth(usize::try_from(random() % len).unwrap_or(0))
            }
        }
    }

    /// `count` different entries chosen at random with equal chances; all if there are not more.
    pub(crate) fn sample(
        &self,
        count: usize,
        mut random: impl FnMut() -> u64,
    ) -> Vec<(&[u8], &[u8])> {
        let len = self.len();
        if let Self::Large(table) = self
            && count < len / 3
        {
            let mut chosen = HashMap::with_capacity(count);
            while chosen.len() < count {
                chosen.extend(table.random(&mut random));
            }
            return chosen.into_iter().collect();
        }
        let mut needed = count.min(len);
        let mut sampled = Vec::with_capacity(needed);
        for (index, entry) in self.iter().enumerate() {
            let left = len - index;
            if random() % (left as u64) < needed as u64 {
                needed -= 1;
                sampled.push(entry);
            }
        }
        sampled
    }

    /// Visits `count` entries chosen at random, each time from all of them; none if it is empty.
    pub(crate) fn draw(
        &self,
        count: usize,
        mut random: impl FnMut() -> u64,
        mut visit: impl FnMut(&[u8], &[u8]),
    ) {
        let entries: Vec<_> = match self {
            Self::Large(_) => Vec::new(),
            Self::Small(run) => run.iter().collect(),
        };
        for _ in 0..count {
            let entry = match self {
                Self::Large(table) => table.random(&mut random),
                Self::Small(_) => {
                    let index = usize::try_from(random() % entries.len().max(1) as u64);
                    index.ok().and_then(|index| entries.get(index).copied())
                }
            };
            if let Some((key, value)) = entry {
                visit(key, value);
            }
        }
    }

    /// The name OBJECT ENCODING replies with.
    pub(crate) fn encoding(&self) -> &'static str {
        match self {
            Self::Small(run) if !run.is_outgrown() => "listpack",
            Self::Large(_) | Self::Small(_) => "hashtable",
        }
    }

    /// Bytes owned, without the map itself.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Large(table) => table.bytes(),
            Self::Small(run) => run.bytes(),
        }
    }

    /// Goes over to a table.
    pub(crate) fn enlarge(&mut self) {
        let Self::Small(run) = self else { return };
        let mut table = Box::<PackedTable<VALUES>>::default();
        run.iter().for_each(|(key, value)| {
            table.insert(key, value);
        });
        *self = Self::Large(table);
    }
}

/// May the value of `key` be set in this run, which then is outgrown or not?
fn has_room<const VALUES: bool>(
    run: &PackedRun<VALUES>,
    is_outgrown: bool,
    key: &[u8],
    value: &[u8],
    limits: Limits,
) -> bool {
    if !is_outgrown {
        return run.len() < limits.entries || run.find(key).is_some();
    }
    let entries_max = limits.entries.min(OUTGROWN_ENTRIES_MAX);
    let bytes = run.used() + key.len() + value.len();
    if run.len() < entries_max && bytes <= OUTGROWN_BYTES_MAX {
        return true;
    }
    let Some(old) = run.find(key) else { return false };
    run.len() <= entries_max && bytes <= OUTGROWN_BYTES_MAX + key.len() + old.len()
}
