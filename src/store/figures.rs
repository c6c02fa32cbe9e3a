//! How many keys the databases hold, for INFO; also while others hold the shards' locks for long.

use parking_lot::Mutex;

use super::keyspace::Keyspace;
use super::shard::{Shard, ShardDb};

/// Parts of the expiry index of each shard that are looked at for the average time to live.
const TTL_SAMPLES: usize = 64;

/// The figures of one database, or of a shard's part of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) keys: usize,
    /// Keys with a time to live.
    pub(crate) volatile: usize,
    /// Keys whose time to live was looked at, and the sum of these.
    sampled: u64,
    sampled_ttl_ms: u64,
}

impl Figures {
    fn of(part: &ShardDb, now_ms: u64) -> Self {
        let (sampled, sampled_ttl_ms) = part.sample_ttl_ms(now_ms, TTL_SAMPLES);
        Self { keys: part.keys.len(), volatile: part.volatile, sampled, sampled_ttl_ms }
    }

    fn add(&mut self, other: Self) {
        self.keys += other.keys;
        self.volatile += other.volatile;
        self.sampled += other.sampled;
        self.sampled_ttl_ms += other.sampled_ttl_ms;
    }

    /// The average time to live, of some keys.
    pub(crate) fn mean_ttl_ms(&self) -> u64 {
        self.sampled_ttl_ms / self.sampled.max(1)
    }
}

/// Sums up the figures of parts, by database.
#[derive(Debug, Default)]
pub(crate) struct Sums(pub(crate) Vec<Figures>);

impl Sums {
    pub(crate) fn add(&mut self, shard: &Shard, now_ms: u64) {
        self.add_parts(&parts(shard, now_ms));
    }

    fn add_parts(&mut self, parts: &[Figures]) {
        self.0.resize(self.0.len().max(parts.len()), Figures::default());
        self.0.iter_mut().zip(parts).for_each(|(sum, part)| sum.add(*part));
    }
}

fn parts(shard: &Shard, now_ms: u64) -> Vec<Figures> {
    shard.dbs_ref().iter().map(|part| Figures::of(part, now_ms)).collect()
}

/// What was seen of each shard when it was last looked at.
#[derive(Debug, Default)]
pub(super) struct LastSeen(Mutex<Vec<Vec<Figures>>>);

impl Keyspace {
    /// The figures of all databases without waiting for anyone: a shard that is locked counts as
    /// it was at the last look.
    pub(crate) fn glance(&self, now_ms: u64) -> Sums {
        let mut last_seen = self.last_seen.0.lock();
        last_seen.resize(self.shards(), Vec::new());
        let mut sums = Sums::default();
        for (index, seen) in last_seen.iter_mut().enumerate() {
            if let Some(shard) = self.try_look(index) {
                *seen = parts(&shard, now_ms);
            }
            sums.add_parts(seen);
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Changes, Db, ShardSet};
    use super::*;
    use crate::types::string::StringValue;
    use crate::types::value::Value;

    fn set(keyspace: &Keyspace, key: &[u8]) {
        let mut locked = keyspace.lock(ShardSet::of(keyspace.shard_of(key)));
        let mut changes = Changes::default();
        let mut db = Db::new(&mut locked, &mut changes, 1, 0);
        db.set(key, Value::String(StringValue::new(b"v")));
        db.set_expiry(key, Some(1000));
    }

    #[test]
    fn a_locked_shard_counts_as_last_seen() {
        let keyspace = Keyspace::new(16, 2);
        let seen = || keyspace.glance(600).0.iter().map(|db| db.keys).collect::<Vec<_>>();
        set(&keyspace, b"a");
        let held = keyspace.lock(ShardSet::of(keyspace.shard_of(b"a")));
        assert_eq!(seen(), [0, 0], "never seen");
        drop(held);
        assert_eq!(seen(), [0, 1]);
        let held = keyspace.lock(keyspace.all());
        assert_eq!(seen(), [0, 1]);
        drop(held);
        set(&keyspace, b"{a}b");
        let figures = keyspace.glance(600).0[1];
        assert_eq!((figures.keys, figures.volatile, figures.mean_ttl_ms()), (2, 2, 400));
    }
}
