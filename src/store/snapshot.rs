//! A snapshot: all keys as they were at one instant, while commands go on changing them.
//!
//! ```text
//! position   0 ───────────────cursor──────────────────────────────▶
//!              captured       │ not yet, but those in `done`
//! ```
//!
//! At the instant, with all shards locked, each shard's part of a database gets a
//! [`PartSnapshot`]. A walker then captures entries in small steps, in the order of the table's
//! positions, each step under one shard's lock. Whoever changes an entry that was not captured
//! yet captures it first ([`ShardDb::preserve`]); keys that are made meanwhile are noted, so that
//! the walker passes them by. A capture is a clone: the parts of large values are shared until
//! either side changes them.
//!
//! A part that is emptied as a whole (FLUSHALL) is handed over with its table; parts that are
//! exchanged (SWAPDB) take their snapshots along. Outside of a snapshot nothing of this takes
//! memory, and a change pays for one comparison.

use hashbrown::HashSet;

use super::keyspace::{Keyspace, ShardSet};
use super::shard::{Entry, Shard, ShardDb};
use crate::hash;
use crate::types::table::Table;
use crate::types::value::Value;

/// A key as it was at the instant of the snapshot.
#[derive(Clone, Debug)]
pub(crate) struct Captured {
    pub(crate) db: usize,
    pub(crate) key: Box<[u8]>,
    pub(crate) value: Value,
    /// Unix time in milliseconds; `None`: never.
    pub(crate) expires_at_ms: Option<u64>,
    /// When or how often it was used, as its entry has it.
    pub(crate) used: u32,
    /// Bytes that are in memory for the snapshot alone, as the key or its value went.
    pub(crate) kept_bytes: usize,
}

/// How far the snapshot of a shard's part of one database has come.
#[derive(Debug)]
pub(crate) struct PartSnapshot {
    /// The number that the database had at the instant.
    db: usize,
    cursor: u64,
    /// Keys behind the cursor that were captured, or that did not exist at the instant.
    done: HashSet<Box<[u8]>, foldhash::fast::RandomState>,
    captured: Vec<Captured>,
}

/// What a step of the walker found.
#[derive(Debug)]
pub(crate) enum Step {
    /// Some entries.
    Entries(Vec<Captured>),
    /// A whole table that was taken out of the keyspace, and how far it had been walked.
    Handed(Table<Entry>, Box<PartSnapshot>),
}

impl PartSnapshot {
    fn new(db: usize) -> Self {
        Self { db, cursor: 0, done: HashSet::default(), captured: Vec::new() }
    }

    /// Must the entry of this key be captured still?
    fn is_open(&self, hash: u64, key: &[u8]) -> bool {
        hash::position(hash) >= self.cursor && !self.done.contains(key)
    }

    /// Captures up to about `count` entries of the table; returns whether it goes on.
    fn walk(&mut self, table: &Table<Entry>, count: usize) -> bool {
        let Self { db, cursor, done, captured } = self;
        let next = table.scan(*cursor, count, |entry| {
            if !done.contains(entry.key()) {
                captured.push(entry.capture(*db));
            }
        });
        *cursor = next.unwrap_or(u64::MAX);
        next.is_some()
    }

    /// All that was not captured yet, for a table that nobody changes any more.
    pub(crate) fn walk_to_end(mut self, table: &Table<Entry>) -> impl Iterator<Item = Captured> {
        let captured = std::mem::take(&mut self.captured);
        let rest = table.iter().filter_map(move |entry| {
            let hash = hash::of(entry.key());
            self.is_open(hash, entry.key()).then(|| entry.capture(self.db))
        });
        captured.into_iter().chain(rest)
    }
}

impl Entry {
    pub(crate) fn capture(&self, db: usize) -> Captured {
        Captured {
            db,
            key: self.key().into(),
            value: self.value.clone(),
            expires_at_ms: self.expires_at_ms(),
            used: self.used,
            kept_bytes: 0,
        }
    }
}

impl ShardDb {
    /// The entry of `key` is about to change or to come.
    #[inline]
    pub(super) fn preserve(&mut self, key: &[u8]) {
        if self.snapshot.is_some() {
            self.preserve_now(key);
        }
    }

    /// The value of `key` is about to go; returns the bytes that stay in memory for a snapshot.
    #[inline]
    pub(super) fn preserve_last(&mut self, key: &[u8]) -> usize {
        if self.snapshot.is_some() { self.preserve_last_now(key) } else { 0 }
    }

    /// Would the entry of `key` stay in memory for a snapshot if it went now?
    pub(super) fn is_kept(&self, key: &[u8]) -> bool {
        self.snapshot.as_ref().is_some_and(|snapshot| snapshot.is_open(hash::of(key), key))
    }

    #[cold]
    fn preserve_last_now(&mut self, key: &[u8]) -> usize {
        let captured = self.preserve_now(key);
        captured.map_or(0, |(captured, entry)| {
            captured.kept_bytes = entry.bytes();
            captured.kept_bytes
        })
    }

    /// Returns what was captured now, and its entry.
    #[cold]
    fn preserve_now(&mut self, key: &[u8]) -> Option<(&mut Captured, &Entry)> {
        let hash = hash::of(key);
        let snapshot = self.snapshot.as_mut().filter(|snapshot| snapshot.is_open(hash, key))?;
        snapshot.done.insert(key.into());
        let entry = self.keys.find(hash, |entry| entry.key() == key)?;
        snapshot.captured.push(entry.capture(snapshot.db));
        Some((snapshot.captured.last_mut()?, entry))
    }

    /// The keys are about to be taken out as a whole: a snapshot gets them, if there is one.
    pub(super) fn hand_over(&mut self) {
        if let Some(snapshot) = self.snapshot.take() {
            self.handed.push((std::mem::take(&mut self.keys), snapshot));
        }
    }

    fn step(&mut self, count: usize) -> Option<Step> {
        if let Some((table, snapshot)) = self.handed.pop() {
            return Some(Step::Handed(table, snapshot));
        }
        let snapshot = self.snapshot.as_mut()?;
        let more = snapshot.walk(&self.keys, count);
        let captured = std::mem::take(&mut snapshot.captured);
        if !more {
            self.snapshot = None;
        }
        Some(Step::Entries(captured))
    }
}

impl Shard {
    /// Returns the number of its keys.
    fn begin_snapshot(&mut self) -> u64 {
        let mut keys = 0;
        for (db, part) in self.dbs().iter_mut().enumerate() {
            keys += part.keys.len() as u64;
            part.snapshot = (!part.keys.is_empty()).then(|| Box::new(PartSnapshot::new(db)));
        }
        keys
    }

    fn end_snapshot(&mut self) {
        for part in self.dbs() {
            part.snapshot = None;
            part.handed.clear();
        }
    }
}

impl Keyspace {
    /// Begins a snapshot, and runs `at_the_instant` with its number of keys and all shards locked.
    /// One at a time.
    pub(crate) fn begin_snapshot(&self, at_the_instant: impl FnOnce(u64)) {
        let mut locked = self.lock(self.all());
        at_the_instant(locked.iter_mut().map(Shard::begin_snapshot).sum());
    }

    /// Captures some more entries of a shard; `None` when it is through.
    pub(crate) fn snapshot_step(&self, shard: usize, count: usize) -> Option<Step> {
        let mut locked = self.lock(ShardSet::of(shard));
        locked.shard(shard)?.dbs().iter_mut().find_map(|part| part.step(count))
    }

    /// Forgets a snapshot that is complete, or given up.
    pub(crate) fn end_snapshot(&self) {
        for shard in 0..self.shards() {
            let mut locked = self.lock(ShardSet::of(shard));
            locked.iter_mut().for_each(Shard::end_snapshot);
        }
    }
}

#[cfg(test)]
mod tests;
