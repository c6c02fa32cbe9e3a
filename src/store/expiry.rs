//! The expiry index: which keys of a shard come due next, so that memory comes back unasked.
//!
//! A key comes due when it expires, or when the first part of its value does (a field of a hash).
//! Keys stand in buckets of 1024 ms by their hash (8 bytes a key). A key is not moved when its time
//! to live is extended or removed: it is looked at when its bucket comes due and, if it still has
//! a time to live, filed again. An entry remembers its bucket, so it is filed only when it would
//! come due earlier than that. Stale hashes are dropped when they outnumber the volatile keys.
//!
//! When a bucket's first instant has come, the bucket is opened: its keys are dealt out to slots
//! of 16 ms, so that a key goes soon after its time. Few slots are in use at a time, while buckets
//! as small as that would mostly hold one key each.

use std::collections::BTreeMap;

use super::shard::{Entry, NEVER, ShardDb};
use crate::types::table::Hashed;

/// A bucket's number fits into 32 bits until the year 2109.
const BUCKET_MS_LOG2: u32 = 10;
const SLOT_MS_LOG2: u32 = 4;
/// Stale hashes that are tolerated above twice the number of those that were not.
const STALE_MIN: usize = 1024;
/// Values a part of which expires that are passed over to find a key that does.
const OTHERS_MAX: usize = 256;

/// Hashes of keys by the time at which they come due.
#[derive(Debug, Default)]
pub(crate) struct ExpiryIndex {
    /// By the bucket in which they come due.
    buckets: BTreeMap<u32, Vec<u64>>,
    /// By the slot in which they come due, for buckets that are open.
    slots: BTreeMap<u64, Vec<u64>>,
    /// The last bucket that was opened: it and those before it are.
    open: u32,
    filed: usize,
    /// As many were filed when the index was last cleared of stale ones.
    live: usize,
}

/// Where a hash stood in the index.
#[derive(Clone, Copy, Debug)]
enum Place {
    Bucket(u32),
    Slot(u64),
}

impl Place {
    /// The bucket that an entry remembers which stands here.
    fn bucket(self) -> u32 {
        match self {
            Self::Bucket(bucket) => bucket,
            Self::Slot(slot) => bucket_of(slot << SLOT_MS_LOG2),
        }
    }
}

fn bucket_of(ms: u64) -> u32 {
    u32::try_from(ms >> BUCKET_MS_LOG2).unwrap_or(u32::MAX).max(1)
}

impl ExpiryIndex {
    /// Files an entry that comes due.
    pub(super) fn file(&mut self, entry: &mut Entry) {
        let due_ms = entry.due_ms();
        let bucket = bucket_of(due_ms);
        let is_open = bucket <= self.open;
        // In an open bucket it may stand in a later slot.
        let stands_before = entry.indexed < bucket || (entry.indexed == bucket && !is_open);
        if entry.indexed != 0 && stands_before {
            return;
        }
        entry.indexed = bucket;
        let place =
            if is_open { Place::Slot(due_ms >> SLOT_MS_LOG2) } else { Place::Bucket(bucket) };
        self.put(place, entry.hash());
    }

    fn put(&mut self, place: Place, hash: u64) {
        match place {
            Place::Bucket(bucket) => self.buckets.entry(bucket).or_default().push(hash),
            Place::Slot(slot) => self.slots.entry(slot).or_default().push(hash),
        }
        self.filed += 1;
    }

    /// Is a key filed at a place where it is looked at in time, if it comes due at all?
    pub(super) fn has_in_time(&self, entry: &Entry) -> bool {
        let (due_ms, hash) = (entry.due_ms(), entry.hash());
        let slots = self.slots.range(..=due_ms >> SLOT_MS_LOG2);
        let mut slots = slots.filter(|(slot, _)| Place::Slot(**slot).bucket() == entry.indexed);
        let in_bucket = |hashes: &Vec<u64>| hashes.contains(&hash);
        let is_filed = self.buckets.get(&entry.indexed).is_some_and(in_bucket)
            || slots.any(|(_, hashes)| hashes.contains(&hash));
        due_ms == NEVER || (entry.indexed <= bucket_of(due_ms) && is_filed)
    }

    /// Some hash, from one of the first `parts_max` slots and buckets.
    pub(super) fn pick(&self, random: u64, parts_max: u64) -> Option<u64> {
        let parts = ((self.slots.len() + self.buckets.len()) as u64).min(parts_max);
        let nth = |random: u64, len: u64| usize::try_from(random % len.max(1)).unwrap_or(0);
        let hashes = self.slots.values().chain(self.buckets.values()).nth(nth(random, parts))?;
        hashes.get(nth(random >> 32, hashes.len() as u64)).copied()
    }

    /// Takes out a hash of the first slot that is over at `now_ms`, or else of the first bucket
    /// that has begun.
    fn pop_due(&mut self, now_ms: u64) -> Option<(Place, u64)> {
        let now_slot = now_ms >> SLOT_MS_LOG2;
        if let Some((slot, hash)) = pop_if(&mut self.slots, |slot| slot < now_slot) {
            self.filed -= 1;
            return Some((Place::Slot(slot), hash));
        }
        let now_bucket = bucket_of(now_ms);
        let (bucket, hash) = pop_if(&mut self.buckets, |bucket| bucket <= now_bucket)?;
        self.open = self.open.max(bucket);
        self.filed -= 1;
        Some((Place::Bucket(bucket), hash))
    }

    /// Takes out a hash of those that come due first.
    fn pop_first(&mut self) -> Option<(Place, u64)> {
        let popped = if let Some((slot, hash)) = pop_if(&mut self.slots, |_| true) {
            (Place::Slot(slot), hash)
        } else {
            let (bucket, hash) = pop_if(&mut self.buckets, |_| true)?;
            (Place::Bucket(bucket), hash)
        };
        self.filed -= 1;
        Some(popped)
    }
}

/// Takes a hash out of the first part, if that one may be; returns the part, too.
fn pop_if<N: Copy + Ord>(
    parts: &mut BTreeMap<N, Vec<u64>>,
    may_be: impl FnOnce(N) -> bool,
) -> Option<(N, u64)> {
    let mut first = parts.first_entry().filter(|first| may_be(*first.key()))?;
    let part = *first.key();
    let hash = first.get_mut().pop();
    if first.get().is_empty() {
        first.remove();
    }
    hash.map(|hash| (part, hash))
}

impl ShardDb {
    /// Looks at up to `count` entries of the index; returns the keys that are due, and whether
    /// there may be more.
    pub(crate) fn due_keys(&mut self, now_ms: u64, count: usize) -> (Vec<Box<[u8]>>, bool) {
        let mut due = Vec::new();
        for _ in 0..count {
            let Some((place, hash)) = self.expiry.pop_due(now_ms) else {
                return (due, false);
            };
            let Some(entry) = self.keys.find_mut(hash, stands_at(place, hash)) else { continue };
            entry.indexed = 0;
            if entry.due_ms() < now_ms {
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
            && let Some((place, hash)) = self.expiry.pop_first()
        {
            let Some(entry) = self.keys.find_mut(hash, stands_at(place, hash)) else { continue };
            if bucket_of(entry.due_ms()) != place.bucket() {
                entry.indexed = 0;
                if entry.due_ms() != NEVER {
                    self.expiry.file(entry);
                }
            } else if entry.expires_at_ms == NEVER {
                // A part of its value expires here, not the key.
                others.push((place, hash));
            } else {
                found.push((place, hash));
            }
        }
        others.iter().chain(&found).for_each(|&(place, hash)| self.expiry.put(place, hash));
        found.into_iter().map(|(_, hash)| hash).collect()
    }

    /// Looks at up to about `count` keys with a time to live, spread over the times at which they
    /// expire; returns how many they are and the sum of their times to live.
    pub(crate) fn sample_ttl_ms(&self, now_ms: u64, count: usize) -> (u64, u64) {
        let ExpiryIndex { buckets, slots, filed, .. } = &self.expiry;
        let hashes: Vec<u64> = if *filed <= count {
            slots.values().chain(buckets.values()).flatten().copied().collect()
        } else if buckets.is_empty() {
            slots.values().flatten().take(count).copied().collect()
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

    /// Drops what is stale if most of the index is.
    pub(super) fn drop_stale(&mut self) {
        if self.expiry.filed <= 2 * self.volatile.max(self.expiry.live) + STALE_MIN {
            return;
        }
        let keys = &self.keys;
        let clear = |place, hashes: &mut Vec<u64>| {
            hashes.sort_unstable();
            hashes.dedup();
            hashes.retain(|&hash| keys.find(hash, stands_at(place, hash)).is_some());
            hashes.shrink_to_fit();
            !hashes.is_empty()
        };
        let ExpiryIndex { buckets, slots, filed, live, .. } = &mut self.expiry;
        buckets.retain(|&bucket, hashes| clear(Place::Bucket(bucket), hashes));
        slots.retain(|&slot, hashes| clear(Place::Slot(slot), hashes));
        *filed = buckets.values().chain(slots.values()).map(Vec::len).sum();
        *live = *filed;
    }
}

/// Is this the entry of the index that was filed here?
fn stands_at(place: Place, hash: u64) -> impl Fn(&Entry) -> bool {
    let bucket = place.bucket();
    move |entry| entry.indexed == bucket && entry.hash() == hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::string::StringValue;
    use crate::types::value::Value;

    const NOW_MS: u64 = 1_700_000_000_123;

    fn expire_at(db: &mut ShardDb, key: &[u8], at_ms: u64) {
        let hash = crate::hash::of(key);
        if db.entry(key).is_none() {
            db.keys.insert(Entry::new(key, Value::String(StringValue::new(b"x")), 0));
            db.volatile += 1;
        }
        let Some(entry) = db.keys.find_mut(hash, |entry| entry.key() == key) else { return };
        entry.expires_at_ms = at_ms;
        db.expiry.file(entry);
        db.drop_stale();
    }

    /// What is due at each of these instants, looked at in this order.
    fn due_at(db: &mut ShardDb, instants: &[u64]) -> Vec<usize> {
        instants.iter().map(|&after_ms| db.due_keys(NOW_MS + after_ms, 1000).0.len()).collect()
    }

    #[test]
    fn a_key_is_due_soon_after_its_time() {
        for after_ms in [1, 100, 700, 900, 901, 902, 2500, 1_000_000] {
            let mut db = ShardDb::default();
            expire_at(&mut db, b"k", NOW_MS + after_ms);
            let steps = (0..after_ms).step_by(50);
            assert_eq!(due_at(&mut db, &steps.collect::<Vec<_>>()).iter().sum::<usize>(), 0);
            assert_eq!(due_at(&mut db, &[after_ms + 16]), [1], "{after_ms}");
        }
    }

    #[test]
    fn a_time_that_changes_is_followed() {
        let mut db = ShardDb::default();
        for (at_ms, later_ms) in
            [(900, 100), (100, 900), (5000, 100), (500, 5000), (500, 3_000_000)]
        {
            // In an open bucket, too.
            for looks_before in [0, 1] {
                expire_at(&mut db, b"k", NOW_MS + at_ms);
                db.due_keys(NOW_MS + looks_before, 1000);
                expire_at(&mut db, b"k", NOW_MS + later_ms);
                let due = due_at(&mut db, &[later_ms - 1, later_ms + 16, later_ms + 10_000]);
                assert_eq!(due, [0, 1, 0], "{at_ms} {later_ms}");
            }
        }
    }

    #[test]
    fn what_is_stale_is_dropped() {
        let mut db = ShardDb::default();
        db.due_keys(NOW_MS, 1);
        for round in 0..100_000_u64 {
            expire_at(&mut db, b"often", NOW_MS + 100 + round % 800);
            let key = (round % 10).to_be_bytes();
            expire_at(&mut db, &key, NOW_MS + 1_000_000 - round);
            if round % 3 == 0 && db.keys.remove(crate::hash::of(&key), |e| e.key() == key).is_some()
            {
                db.volatile -= 1;
            }
        }
        assert!(db.expiry.filed < 4 * STALE_MIN, "{}", db.expiry.filed);
        assert_eq!(due_at(&mut db, &[10_000_000]), [db.volatile]);
    }
}
