//! Eviction: when more memory is in use than `maxmemory` allows, keys go until it is not.
//!
//! Before a call, and with no lock held: a shard is locked for an instant, a few of its keys are
//! drawn, and the best of them join the candidates that earlier draws have left; then the best
//! candidate goes, under its shard's lock. So locks are short, and every victim is the worst of
//! many draws. What a draw costs does not depend on the number of keys.
//!
//! How much memory is in use is asked for before each call while there is a limit; the answer
//! comes from counts that threads keep (`observe/process.rs`), which are corrected now and then.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::Engine;
use super::batch::Batch;
use crate::command::Services;
use crate::config::{EVICTION_POLICIES, Setting};
use crate::observe::process::own_bytes;
use crate::rdb::Attributes;
use crate::store::evict::{Freed, Order};
use crate::store::usage::idle_s;
use crate::store::{Db, Eviction, ShardSet};

/// Candidates that are kept.
const CANDIDATES_MAX: usize = 16;
/// Keys that go between two looks at the clock.
const KEYS_PER_LOOK: u32 = 16;
/// Age of a figure from the allocator that suffices for evicting keys.
const FRESH_NS: u64 = 10_000_000;
/// The same for refusing a write.
const FRESH_TO_REFUSE_NS: u64 = 1_000_000;
/// How long the periodic work may evict at a time.
const CYCLE_NS: u64 = 25_000_000;

/// Is there room for more data?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// Yes.
    Enough,
    /// Not yet, but keys are going; that took too long for one command to wait.
    Freeing,
    /// No, and nothing may go.
    None,
}

/// A key that may go.
#[derive(Debug)]
struct Candidate {
    db: usize,
    key: Box<[u8]>,
    score: u64,
}

/// What is known of keys to evict.
#[derive(Debug, Default)]
pub(super) struct Evictor {
    /// By rising score, all by one policy.
    candidates: Mutex<(Option<Eviction>, Vec<Candidate>)>,
    /// The shard to draw from next.
    next_shard: AtomicUsize,
    /// Bytes that evictions made others take: messages to those who cache the keys, say. They are
    /// on their way out, and must not be a reason to evict more, until the periodic work comes.
    echo_bytes: AtomicU64,
}

impl Evictor {
    /// Takes a key among the candidates, if it is good enough.
    fn offer(&self, eviction: Eviction, db: usize, key: &[u8], score: u64) {
        let mut guard = self.candidates.lock();
        let (policy, candidates) = &mut *guard;
        if *policy != Some(eviction) {
            *policy = Some(eviction);
            candidates.clear();
        }
        let is_full = candidates.len() == CANDIDATES_MAX;
        if is_full && candidates.first().is_some_and(|worst| worst.score >= score) {
            return;
        }
        if candidates.iter().any(|other| other.db == db && *other.key == *key) {
            return;
        }
        if is_full {
            candidates.remove(0);
        }
        let place = candidates.partition_point(|other| other.score < score);
        candidates.insert(place, Candidate { db, key: key.into(), score });
    }

    fn best(&self) -> Option<Candidate> {
        self.candidates.lock().1.pop()
    }
}

impl Services {
    /// What a snapshot says about a key besides its value: when it expires, and of its use (`used`,
    /// the word in its entry) what `maxmemory-policy` goes by.
    pub(crate) fn rdb_attributes(&self, expires_at_ms: Option<u64>, used: u32) -> Attributes {
        let policy = EVICTION_POLICIES[self.config.size(Setting::MaxMemoryPolicy)];
        let now_ms = self.clock.now_ms();
        let idle_s = policy.ends_with("-lru").then(|| u64::from(idle_s(used, now_ms)));
        let frequency = policy.ends_with("-lfu").then(|| self.usage().frequency(used, now_ms));
        Attributes { expires_at_ms, idle_s, frequency }
    }

    /// Which keys go when memory is full; `None`: none.
    fn eviction(&self) -> Option<Eviction> {
        let policy = EVICTION_POLICIES[self.config.size(Setting::MaxMemoryPolicy)];
        let (keys, order) = policy.split_once('-')?;
        let order = match order {
            "random" => Order::Random,
            "ttl" => Order::Soonest,
            _ => Order::Unused(self.usage()),
        };
        Some(Eviction { order, only_volatile: keys == "volatile" })
    }

    /// Bytes that may be in use; 0: any number.
    pub(super) fn memory_limit(&self) -> u64 {
        self.config.size(Setting::MaxMemory) as u64
    }

    /// Bytes in use above those allowed. What is on its way to the log does not count.
    fn excess_bytes(&self, limit: u64) -> u64 {
        let used = self.stats.used_bytes_about();
        if used <= limit {
            return 0;
        }
        used.saturating_sub(self.aof.buffered_bytes() as u64).saturating_sub(limit)
    }

    /// How long one call may be held up by eviction, by `maxmemory-eviction-tenacity`.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a duration of some minutes at most"
    )]
    fn patience_ns(&self) -> u64 {
        match self.config.number(Setting::MaxMemoryEvictionTenacity) {
            100.. => u64::MAX,
            tenacity @ 11.. => (500_000.0 * 1.15_f64.powf((tenacity - 10) as f64)) as u64,
            tenacity => u64::try_from(tenacity).unwrap_or(0) * 50_000,
        }
    }
}

impl Engine {
    /// Is more memory in use than allowed?
    pub(super) fn is_above_limit(&self, limit: u64) -> bool {
        let is_above = self.excess_bytes(limit) > 0;
        if !is_above {
            self.services.stats.excess.end(|| self.services.clock.elapsed_ns());
        }
        is_above
    }

    /// Evicts keys while more memory is in use than allowed. No lock may be held.
    pub(super) fn make_room(&self, limit: u64) -> Room {
        let services = &self.services;
        // What the log does next goes by all that it did before.
        if services.loading.is_active() {
            return Room::Enough;
        }
        // While CLIENT PAUSE or a script holds things up, the data stay as they are.
        if services.pause.is_set() && services.pause.current(services.clock.now_ms()).is_some() {
            return Room::Enough;
        }
        if services.scripts.running.is_busy() {
            return Room::Freeing;
        }
        self.evict_until(limit, services.patience_ns())
    }

    /// Bytes in use above those allowed.
    fn excess_bytes(&self, limit: u64) -> u64 {
        let excess = self.services.excess_bytes(limit);
        if excess == 0 {
            return 0;
        }
        // Evicting more would not bring back what is kept for a snapshot: all keys would go.
        let kept_bytes = self.services.saver.progress.kept_bytes();
        excess.saturating_sub(self.evictor.echo_bytes.load(Ordering::Relaxed) + kept_bytes)
    }

    /// As [`Engine::excess_bytes`], by a figure that is no older than `fresh_ns`.
    fn excess_bytes_now(&self, limit: u64, fresh_ns: u64) -> i64 {
        self.services.stats.measure_memory(self.services.clock.elapsed_ns(), fresh_ns);
        self.excess_bytes(limit).cast_signed()
    }

    /// Evicts for about so long at most.
    #[cold]
    fn evict_until(&self, limit: u64, patience_ns: u64) -> Room {
        let services = &self.services;
        let Some(eviction) = services.eviction() else { return self.room_without_eviction(limit) };
        let start_ns = services.clock.elapsed_ns();
        let is_over = || services.clock.elapsed_ns().saturating_sub(start_ns) > patience_ns;
        let mut batch = self.batch();
        let mut evicted = 0;
        let mut excess = self.excess_bytes_now(limit, FRESH_NS);
        let room = loop {
            if excess <= 0 {
                break Room::Enough;
            }
            if services.reclaim.pending() > 0 {
                // Large values are being freed: that may be enough.
                if is_over() {
                    break Room::Freeing;
                }
                std::thread::yield_now();
                excess = self.excess_bytes_now(limit, FRESH_TO_REFUSE_NS);
                continue;
            }
            let Some(freed) = self.evict_one(&mut batch, eviction) else {
                break self.room_without_eviction(limit);
            };
            excess -= freed;
            evicted += 1;
            if evicted % KEYS_PER_LOOK == 0 && is_over() {
                break Room::Freeing;
            }
        };
        if room == Room::Freeing {
            services.stats.excess.begin(services.clock.elapsed_ns());
        }
        services.note_eviction_time(services.clock.elapsed_ns().saturating_sub(start_ns));
        room
    }

    /// What remains to be said where nothing can go.
    fn room_without_eviction(&self, limit: u64) -> Room {
        let is_above = self.excess_bytes_now(limit, FRESH_TO_REFUSE_NS) > 0;
        if is_above { Room::None } else { Room::Enough }
    }

    /// Removes the key that is needed least, as far as known; returns the bytes that came back,
    /// or `None` if there is no such key.
    fn evict_one(&self, batch: &mut Batch<'_>, eviction: Eviction) -> Option<i64> {
        for _ in 0..self.services.keyspace.shards() {
            self.draw(batch, eviction);
            while let Some(candidate) = self.evictor.best() {
                let freed = self.evict(batch, &candidate, eviction);
                if freed.is_some() {
                    return freed;
                }
            }
        }
        None
    }

    /// Draws some keys of the next shard.
    fn draw(&self, batch: &mut Batch<'_>, eviction: Eviction) {
        let services = &self.services;
        let next = self.evictor.next_shard.fetch_add(1, Ordering::Relaxed);
        let shard = next % services.keyspace.shards();
        if batch.lock(ShardSet::of(shard)).is_err() {
            return;
        }
        let now_ms = batch.now_ms;
        let count = match eviction.order {
            Order::Random => 1,
            Order::Soonest | Order::Unused(_) => services.config.size(Setting::MaxMemorySamples),
        };
        let Some(part) = batch.locked.as_mut().and_then(|locked| locked.shard(shard)) else {
            return;
        };
        for (index, db) in part.dbs().iter_mut().enumerate() {
            let random = services.random.next();
            db.offer_evictable(eviction, count, (now_ms, random), |score, key| {
                self.evictor.offer(eviction, index, key, score);
            });
        }
    }

    /// Removes a candidate; returns the bytes that came back, or `None` if it is gone, or is no
    /// longer a candidate.
    fn evict(
        &self,
        batch: &mut Batch<'_>,
        candidate: &Candidate,
        eviction: Eviction,
    ) -> Option<i64> {
        let services = &self.services;
        let shard = services.keyspace.shard_of(&candidate.key);
        batch.lock(ShardSet::of(shard)).ok()?;
        let in_background = services.config.flag(Setting::LazyfreeLazyEviction);
        let locked = batch.locked.as_mut()?;
        let mut db = Db::new(locked, &mut batch.changes, candidate.db, batch.now_ms);
        let chosen = (eviction, candidate.score);
        let freed = db.evict(&candidate.key, chosen, in_background, own_bytes)?;
        let freed = match freed {
            Freed::Later(bytes) => i64::try_from(bytes).unwrap_or(i64::MAX),
            Freed::Now(bytes) => bytes,
        };
        let before = own_bytes();
        batch.serve_ready();
        batch.tell_touched();
        batch.release();
        let echo = u64::try_from(own_bytes() - before).unwrap_or(0);
        self.evictor.echo_bytes.fetch_add(echo, Ordering::Relaxed);
        Some(freed)
    }

    /// Notes what this thread has taken and given back, where memory is limited.
    pub(crate) fn note_own_memory(&self) {
        if self.services.memory_limit() > 0 {
            self.services.stats.used_bytes_about();
        }
    }

    /// Periodic work: keys go even if no command comes.
    pub(crate) fn evict_cycle(&self) {
        self.evictor.echo_bytes.store(0, Ordering::Relaxed);
        let limit = self.services.memory_limit();
        if limit == 0 {
            self.services.stats.excess.end(|| self.services.clock.elapsed_ns());
        } else if self.is_above_limit(limit)
            && self.services.pause.current(self.services.clock.now_ms()).is_none()
        {
            self.evict_until(limit, CYCLE_NS);
        }
    }
}
