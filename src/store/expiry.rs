//! The expiry index: which keys of a shard come due next, so that memory comes back unasked.
//!
//! A key comes due when it expires, or when the first part of its value does (a field of a hash).
//! Keys stand in buckets of 1024 ms by their hash (8 bytes a key). A key is not moved when its time
//! to live is extended or removed: it is looked at when its bucket comes due and, if it still has
//! a time to live, filed again. An entry remembers its bucket, so it is filed only when it would
//! come due earlier than that. Stale hashes are dropped when they outnumber the volatile keys.

use std::collections::BTreeMap;

use super::shard::{Entry, NEVER, ShardDb};
use crate::types::table::Hashed;

/// A bucket's number fits into 32 bits until the year 2109.
const BUCKET_MS_LOG2: u32 = 10;
/// Stale hashes that are tolerated above twice the number of those that were not.
const STALE_MIN: usize = 1024;
/// Values a part of which expires that are passed over to find a key that does.
const OTHERS_MAX: usize = 256;

/// Hashes of keys by the bucket in which they come due.
#[derive(Debug, Default)]
pub(crate) struct ExpiryIndex {
    buckets: BTreeMap<u32, Vec<u64>>,
    filed: usize,
    /// As many were filed when the index was built: none of them stale.
    live: usize,
}

fn bucket_of(ms: u64) -> u32 {
    u32::try_from((ms >> BUCKET_MS_LOG2) & u64::from(u32::MAX)).unwrap_or(u32::MAX).max(1)
}

/// The bucket in which a key that expires at `ms` is looked at: the first one that lies behind it.
fn due_bucket(ms: u64) -> u32 {
    if ms >> BUCKET_MS_LOG2 >= u64::from(u32::MAX) {
        return u32::MAX;
    }
    bucket_of(ms).saturating_add(1)
}

impl ExpiryIndex {
    /// Files an entry that comes due.
    pub(super) fn file(&mut self, entry: &mut Entry) {
        let bucket = due_bucket(entry.due_ms());
        if entry.indexed != 0 && entry.indexed <= bucket {
            return;
        }
        entry.indexed = bucket;
        self.buckets.entry(bucket).or_default().push(entry.hash());
        self.filed += 1;
    }

    /// Files an entry where it stood.
    fn put_back(&mut self, (bucket, hash): (u32, u64)) {
        self.buckets.entry(bucket).or_default().push(hash);
        self.filed += 1;
    }

    /// Some hash, from one of the first `buckets_max` buckets.
    pub(super) fn pick(&self, random: u64, buckets_max: u64) -> Option<u64> {
        let buckets = (self.buckets.len() as u64).min(buckets_max);
        let nth = |random: u64, len: u64| usize::try_from(random % len.max(1)).unwrap_or(0);
        let hashes = self.buckets.values().nth(nth(random, buckets))?;
        hashes.get(nth(random >> 32, hashes.len() as u64)).copied()
    }

    fn pop_due(&mut self, now_bucket: u32) -> Option<(u32, u64)> {
        let mut first = self.buckets.first_entry()?;
        let bucket = *first.key();
        if bucket > now_bucket {
            return None;
        }
        let hash = first.get_mut().pop();
        if first.get().is_empty() {
            first.remove();
        }
        self.filed -= usize::from(hash.is_some());
        hash.map(|hash| (bucket, hash))
    }
}

impl ShardDb {
    /// Looks at up to `count` entries of the index; replies the keys that are due, and whether
    /// there may be more.
    pub(crate) fn due_keys(&mut self, now_ms: u64, count: usize) -> (Vec<Box<[u8]>>, bool) {
        let now_bucket = bucket_of(now_ms);
        let mut due = Vec::new();
        for _ in 0..count {
            let Some((bucket, hash)) = self.expiry.pop_due(now_bucket) else {
                return (due, false);
            };
            let filed_here = |entry: &Entry| entry.indexed == bucket && entry.hash() == hash;
            let Some(entry) = self.keys.find_mut(hash, filed_here) else { continue };
            entry.indexed = 0;
            if entry.due_ms() <= now_ms {
                due.push(entry.key().into());
            } else if entry.due_ms() != NEVER {
                self.expiry.file(entry);
            }
        }
        (due, true)
    }

    /// The hashes of up to `count` keys with a time to live that expire soonest, unless parts of
    /// many values expire sooner.
    pub(super) fn soonest(&mut self, count: usize) -> Vec<u64> {
        let (mut found, mut others) = (Vec::new(), Vec::new());
        while found.len() < count
            && others.len() < OTHERS_MAX
            && let Some((bucket, hash)) = self.expiry.pop_due(u32::MAX)
        {
            let filed_here = |entry: &Entry| entry.indexed == bucket && entry.hash() == hash;
            let Some(entry) = self.keys.find_mut(hash, filed_here) else { continue };
            if due_bucket(entry.due_ms()) != bucket {
                entry.indexed = 0;
                if entry.due_ms() != NEVER {
                    self.expiry.file(entry);
                }
            } else if entry.expires_at_ms == NEVER {
                // A part of its value expires here, not the key.
                others.push((bucket, hash));
            } else {
                found.push((bucket, hash));
            }
        }
        others.iter().chain(&found).for_each(|&place| self.expiry.put_back(place));
        found.into_iter().map(|(_, hash)| hash).collect()
    }

    /// Looks at up to about `count` keys with a time to live, spread over the times at which they
    /// expire; replies how many they are and the sum of their times to live.
    pub(crate) fn sample_ttl_ms(&self, now_ms: u64, count: usize) -> (u64, u64) {
        let buckets = &self.expiry.buckets;
        let hashes: Vec<u64> = if self.expiry.filed <= count {
            buckets.values().flatten().copied().collect()
        } else {
            let first = buckets.keys().next().copied().unwrap_or(0);
            let last = buckets.keys().next_back().copied().unwrap_or(0);
            let step = (last - first) / u32::try_from(count).unwrap_or(u32::MAX).max(1);
            let points = (first..=last).step_by(step.max(1) as usize);
            let bucket = |point| buckets.range(point..).next();
            points.filter_map(bucket).filter_map(|(_, hashes)| hashes.first().copied()).collect()
        };
        let ttl_ms = |hash: &u64| {
            let volatile = |entry: &Entry| entry.hash() == *hash && entry.expires_at_ms != NEVER;
            let entry = self.keys.find(*hash, volatile)?;
            Some(entry.expires_at_ms.saturating_sub(now_ms))
        };
        hashes.iter().filter_map(ttl_ms).fold((0, 0), |(keys, sum), ttl| (keys + 1, sum + ttl))
    }

    /// Rebuilds the index if most of it is stale.
    pub(super) fn drop_stale(&mut self) {
        if self.expiry.filed <= 2 * self.volatile.max(self.expiry.live) + STALE_MIN {
            return;
        }
        let mut index = ExpiryIndex::default();
        self.keys.for_each_mut(|entry| {
            entry.indexed = 0;
            if entry.due_ms() != NEVER {
                index.file(entry);
            }
        });
        index.live = index.filed;
        self.expiry = index;
    }
}
