//! A shard: its share of the keys of every database, and who waits for or watches them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use foldhash::fast::RandomState;

use super::expiry::ExpiryIndex;
use super::keyspace::ShardSet;
use super::snapshot::PartSnapshot;
use super::usage::{Usage, idle_s};
use crate::hash;
use crate::prefetch;
use crate::types::small_bytes::SmallBytes;
use crate::types::table::{Hashed, Table};
use crate::types::value::Value;

/// `expires_at_ms` of a key without a time to live.
pub(crate) const NEVER: u64 = u64::MAX;

/// A key with its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    key: SmallBytes,
    pub(crate) value: Value,
    /// Unix time in milliseconds, or [`NEVER`].
    pub(super) expires_at_ms: u64,
    /// When the expiry index will look at this key, in its own unit; 0: never.
    pub(super) indexed: u32,
    /// When or how often it was used: see [`Usage`].
    pub(super) used: u32,
}

impl Entry {
    /// A key without a time to live; `used` as [`Usage`] has it.
    pub(super) fn new(key: &[u8], value: Value, used: u32) -> Self {
        Self { key: key.into(), value, expires_at_ms: NEVER, indexed: 0, used }
    }

    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }

    /// Has it fetched into the processor's caches.
    pub(crate) fn prefetch(&self) {
        prefetch::value(self);
    }

    /// Has its key and its value fetched, where they are elsewhere.
    pub(crate) fn prefetch_data(&self) {
        prefetch::bytes(&self.key);
        self.value.prefetch();
    }

    /// Bytes taken in memory.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.key.heap_bytes() + self.value.bytes()
    }

    /// Unix time in milliseconds; `None` without a time to live.
    pub(crate) fn expires_at_ms(&self) -> Option<u64> {
        (self.expires_at_ms != NEVER).then_some(self.expires_at_ms)
    }

    /// Is its time up? At the very instant it is not yet, as in Redis.
    pub(crate) fn is_expired(&self, now_ms: u64) -> bool {
        self.expires_at_ms < now_ms
    }

    /// When the key or a part of its value expires next; [`NEVER`]: never.
    pub(super) fn due_ms(&self) -> u64 {
        self.expires_at_ms.min(self.value.next_due_ms())
    }

    /// When or how often it was used: see [`Usage`].
    pub(crate) fn used(&self) -> u32 {
        self.used
    }

    /// Seconds since the last access, where its time is noted.
    pub(crate) fn idle_s(&self, now_ms: u64) -> u32 {
        idle_s(self.used, now_ms)
    }

    /// The access count, where that is noted.
    pub(crate) fn frequency(&self, usage: Usage, now_ms: u64) -> u8 {
        usage.frequency(self.used, now_ms)
    }
}

impl Hashed for Entry {
    fn hash(&self) -> u64 {
        hash::of(&self.key)
    }
}

/// A client's place in the queues of the keys it waits for; later ones are larger.
pub(crate) type Ticket = u64;

/// How a client waits for a key.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The shards that serving needs.
    pub(crate) shards: ShardSet,
    /// Does its command name other keys, too?
    pub(crate) has_other_keys: bool,
    /// Is it served whatever happens to the key?
    pub(crate) on_any_change: bool,
    /// What it has in common with others that get nothing if one of them got nothing.
    pub(crate) rivals: Option<Box<[u8]>>,
}

/// Who waits for a key, first come first served.
#[derive(Debug, Default)]
struct Queue {
    places: BTreeMap<Ticket, Place>,
    /// Number of places whose commands name other keys, too.
    with_other_keys: usize,
    /// Number of places that are served whatever happens to the key.
    on_any_change: usize,
}

/// The watch of one client over one key: set when the key changes.
#[derive(Clone, Debug)]
struct Watch {
    client: u64,
    dirty: Arc<AtomicBool>,
}

/// A shard's part of one database.
#[derive(Debug, Default)]
pub(crate) struct ShardDb {
    pub(crate) keys: Table<Entry>,
    pub(super) expiry: ExpiryIndex,
    /// Keys with a time to live.
    pub(crate) volatile: usize,
    /// May there be a value a part of which expires?
    pub(super) has_expiring_parts: bool,
    /// The snapshot that is being taken, while it has not got to the end here.
    pub(super) snapshot: Option<Box<PartSnapshot>>,
    /// Keys that were taken out before a snapshot had got them.
    pub(super) handed: Vec<(Table<Entry>, Box<PartSnapshot>)>,
    waiting: HashMap<Box<[u8]>, Queue, RandomState>,
    watched: HashMap<Box<[u8]>, Vec<Watch>, RandomState>,
}

impl ShardDb {
    /// The entry of `key`, expired or not.
    pub(crate) fn entry(&self, key: &[u8]) -> Option<&Entry> {
        self.keys.find(hash::of(key), |entry| *entry.key == *key)
    }

    /// Queues `ticket` for `key`.
    pub(crate) fn wait(&mut self, key: &[u8], ticket: Ticket, place: Place) {
        let queue = self.waiting.entry(key.into()).or_default();
        let (has_other_keys, on_any_change) = (place.has_other_keys, place.on_any_change);
        if queue.places.insert(ticket, place).is_none() {
            queue.with_other_keys += usize::from(has_other_keys);
            queue.on_any_change += usize::from(on_any_change);
        }
    }

    /// Takes `ticket` out of the queue of `key`; `false` if it was not there.
    pub(crate) fn stop_waiting(&mut self, key: &[u8], ticket: Ticket) -> bool {
        let Some(queue) = self.waiting.get_mut(key) else { return false };
        let place = queue.places.remove(&ticket);
        queue.with_other_keys -= usize::from(place.as_ref().is_some_and(|p| p.has_other_keys));
        queue.on_any_change -= usize::from(place.as_ref().is_some_and(|p| p.on_any_change));
        if queue.places.is_empty() {
            self.waiting.remove(key);
        }
        place.is_some()
    }

    /// Do the counts of each queue agree with its places? Returns how many places there are.
    pub(super) fn audit_waiting(&self) -> Result<usize, String> {
        let mut waiting = 0;
        for (key, queue) in &self.waiting {
            let with_other_keys = queue.places.values().filter(|place| place.has_other_keys);
            let on_any_change = queue.places.values().filter(|place| place.on_any_change);
            let agrees = with_other_keys.count() == queue.with_other_keys
                && on_any_change.count() == queue.on_any_change
                && !queue.places.is_empty();
            if !agrees {
                return Err(format!("who waits for {}", key.escape_ascii()));
            }
            waiting += queue.places.len();
        }
        Ok(waiting)
    }

    /// The first in the queue of `key` after `after` whose place fits.
    pub(crate) fn next_waiting(
        &self,
        key: &[u8],
        after: Ticket,
        mut fits: impl FnMut(&Place) -> bool,
    ) -> Option<Ticket> {
        let places = self.waiting.get(key)?.places.range(after + 1..);
        places.into_iter().find(|(_, place)| fits(place)).map(|(&ticket, _)| ticket)
    }

    /// How many wait for `key` with a command that names other keys, too?
    pub(crate) fn awaited_with_others(&self, key: &[u8]) -> usize {
        self.waiting.get(key).map_or(0, |queue| queue.with_other_keys)
    }

    /// Does anyone wait for `key`?
    pub(crate) fn is_awaited(&self, key: &[u8]) -> bool {
        !self.waiting.is_empty() && self.waiting.contains_key(key)
    }

    /// Can anyone who waits for `key` be served now? Not if it is gone, as a rule.
    pub(crate) fn may_serve(&self, key: &[u8]) -> bool {
        let queue = self.waiting.get(key);
        queue.is_some_and(|queue| queue.on_any_change > 0 || self.entry(key).is_some())
    }

    /// Does anyone wait for a key, or watch one?
    #[inline]
    pub(crate) fn has_observers(&self) -> bool {
        !self.waiting.is_empty() || !self.watched.is_empty()
    }

    /// The keys that someone waits for.
    pub(crate) fn awaited_keys(&self) -> impl Iterator<Item = &[u8]> {
        self.waiting.keys().map(|key| &**key)
    }

    /// How many keys someone waits for who is served whatever happens to the key.
    pub(crate) fn keys_awaited_on_any_change(&self) -> usize {
        self.waiting.values().filter(|queue| queue.on_any_change > 0).count()
    }

    /// The shards needed to serve everyone who waits for `key` and for others, too.
    pub(crate) fn shards_to_serve(&self, key: &[u8]) -> ShardSet {
        let places = self.waiting.get(key).into_iter().flat_map(|queue| queue.places.values());
        places.fold(ShardSet::EMPTY, |all, place| all.union(place.shards))
    }

    /// Sets `dirty` when `key` changes.
    pub(crate) fn watch(&mut self, key: &[u8], client: u64, dirty: &Arc<AtomicBool>) {
        let watch = Watch { client, dirty: Arc::clone(dirty) };
        self.watched.entry(key.into()).or_default().push(watch);
    }

    pub(crate) fn unwatch(&mut self, key: &[u8], client: u64) {
        let Some(watches) = self.watched.get_mut(key) else { return };
        watches.retain(|watch| watch.client != client);
        if watches.is_empty() {
            self.watched.remove(key);
        }
    }

    /// Tells those who watch `key` that it changed.
    pub(crate) fn touch_watched(&self, key: &[u8]) {
        if self.watched.is_empty() {
            return;
        }
        for watch in self.watched.get(key).into_iter().flatten() {
            watch.dirty.store(true, Ordering::Release);
        }
    }

    /// The keys that are watched.
    pub(crate) fn watched_keys(&self) -> impl Iterator<Item = &[u8]> {
        self.watched.keys().map(|key| &**key)
    }

    /// Takes all keys out, to be freed elsewhere. Waiting and watching clients stay.
    pub(crate) fn take_keys(&mut self) -> Table<Entry> {
        self.hand_over();
        self.expiry = ExpiryIndex::default();
        self.volatile = 0;
        self.has_expiring_parts = false;
        std::mem::take(&mut self.keys)
    }

    /// Exchanges the keys of two databases; waiting and watching clients stay where they are.
    pub(crate) fn swap_keys(&mut self, other: &mut Self) {
        std::mem::swap(&mut self.keys, &mut other.keys);
        std::mem::swap(&mut self.snapshot, &mut other.snapshot);
        std::mem::swap(&mut self.handed, &mut other.handed);
        std::mem::swap(&mut self.expiry, &mut other.expiry);
        std::mem::swap(&mut self.volatile, &mut other.volatile);
        std::mem::swap(&mut self.has_expiring_parts, &mut other.has_expiring_parts);
    }
}

/// One part of the keyspace, under one lock.
#[derive(Debug)]
pub(crate) struct Shard {
    dbs: Vec<ShardDb>,
    /// The position in the log behind the last effect on this shard.
    pub(super) log_position: u64,
}

impl Shard {
    pub(crate) fn new(databases: usize) -> Self {
        let dbs = (0..databases).map(|_| ShardDb::default()).collect();
        Self { dbs, log_position: 0 }
    }

    /// The part of database `index`, which exists.
    pub(crate) fn db(&mut self, index: usize) -> &mut ShardDb {
        &mut self.dbs[index]
    }

    /// As [`Shard::db`], to read.
    pub(crate) fn db_ref(&self, index: usize) -> &ShardDb {
        &self.dbs[index]
    }

    /// As [`Shard::dbs`], to read.
    pub(crate) fn dbs_ref(&self) -> &[ShardDb] {
        &self.dbs
    }

    pub(crate) fn dbs(&mut self) -> &mut [ShardDb] {
        &mut self.dbs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_small() {
        assert!(size_of::<Entry>() <= 64, "{}", size_of::<Entry>());
    }
}
