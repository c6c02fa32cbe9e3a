//! Eviction: which keys of a shard are needed least, and their removal.
//!
//! A few keys are drawn at random and given a score; whoever evicts keeps the best of many draws
//! (`engine/evict.rs`). Keys that expire soonest are not drawn: the expiry index knows them.

use super::changes::Class;
use super::db::Db;
use super::shard::{Entry, NEVER, ShardDb};
use super::usage::Usage;

/// Places of a table looked at for each key that is wanted.
const PROBES_PER_KEY: usize = 64;
/// Parts of the expiry index among which a key is drawn if keys with a time to live are rare.
const BUCKETS_MAX: u64 = 4096;

/// Which keys go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Any.
    Random,
    /// Those that expire soonest.
    Soonest,
    /// Those used least, by what is noted of their use.
    Unused(Usage),
}

/// Which keys may go, and in which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Eviction {
    pub(crate) order: Order,
    /// Only keys with a time to live?
    pub(crate) only_volatile: bool,
}

/// The bytes that came back from a key that went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freed {
    /// About so many will, once the snapshot that is being taken has got them; they do not count
    /// until then.
    Later(usize),
    Now(i64),
}

impl Eviction {
    fn allows(self, entry: &Entry) -> bool {
        !self.only_volatile || entry.expires_at_ms != NEVER
    }

    /// The higher, the sooner the entry goes; `None` if it must stay.
    fn score(self, entry: &Entry, now_ms: u64) -> Option<u64> {
        self.allows(entry).then(|| match self.order {
            Order::Random => 0,
            Order::Soonest => NEVER - entry.expires_at_ms,
            Order::Unused(Usage::Recency) => u64::from(entry.idle_s(now_ms)),
            Order::Unused(usage) => u64::from(u8::MAX - entry.frequency(usage, now_ms)),
        })
    }
}

impl ShardDb {
    /// Offers up to `count` keys that may go, with their scores; `random` is over all of `u64`.
    pub(crate) fn offer_evictable(
        &mut self,
        eviction: Eviction,
        count: usize,
        (now_ms, random): (u64, u64),
        mut offer: impl FnMut(u64, &[u8]),
    ) {
        if self.keys.is_empty() || (eviction.only_volatile && self.volatile == 0) {
            return;
        }
        let hashes = match eviction.order {
            Order::Soonest => self.soonest(count),
            Order::Random | Order::Unused(_) => Vec::new(),
        };
        let volatile = |hash| self.keys.find(hash, is_volatile);
        let mut entries: Vec<&Entry> = hashes.into_iter().filter_map(volatile).collect();
        if entries.is_empty() {
            entries = self.draw(eviction, random, (count * PROBES_PER_KEY, count));
        }
        if entries.is_empty() && eviction.only_volatile {
            entries.extend(self.expiry.pick(random, BUCKETS_MAX).and_then(volatile));
        }
        if entries.is_empty() {
            // There is one somewhere.
            entries = self.draw(eviction, random, (usize::MAX, 1));
        }
        for entry in entries {
            if let Some(score) = eviction.score(entry, now_ms) {
                offer(score, entry.key());
            }
        }
    }

    /// Up to `most` keys that may go, among those in so many places that stand together.
    fn draw(&self, eviction: Eviction, random: u64, (places, most): (usize, usize)) -> Vec<&Entry> {
        let mut drawn = Vec::new();
        self.keys.sample(random, places, |entry| {
            drawn.extend(eviction.allows(entry).then_some(entry));
            drawn.len() < most
        });
        drawn
    }
}

fn is_volatile(entry: &Entry) -> bool {
    entry.expires_at_ms != NEVER
}

impl Db<'_> {
    /// Removes `key` as memory is full, if it may go and its score is no lower than `score`:
    /// it may have been used since. Logged as DEL, or as UNLINK if `in_background`. Returns the
    /// bytes that came back, by the `own_bytes` of this thread; `None` if the key stays.
    pub(crate) fn evict(
        &mut self,
        key: &[u8],
        (eviction, score): (Eviction, u64),
        in_background: bool,
        own_bytes: fn() -> i64,
    ) -> Option<Freed> {
        let now_ms = self.now_ms();
        let shard = self.shard(key);
        let is_kept = shard.is_kept(key);
        let entry = shard.entry(key)?;
        eviction.score(entry, now_ms).filter(|&now| now >= score)?;
        let kept_bytes = is_kept.then(|| entry.bytes());
        let before = own_bytes();
        let value = self.take(key)?;
        self.changes().discard(value);
        let freed = kept_bytes.map_or_else(|| Freed::Now(before - own_bytes()), Freed::Later);
        self.tell_dropped(key, if in_background { b"UNLINK" } else { b"DEL" });
        self.changes().evicted += 1;
        self.notify(key, Class::Evicted, "evicted");
        Some(freed)
    }
}
