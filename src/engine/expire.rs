//! Active expiry: keys whose time is up go even if nobody asks for them.

use super::Engine;
use crate::command::Services;
use crate::store::{Db, ShardSet};

/// Keys looked at under one hold of a shard's lock.
const KEYS_PER_HOLD: usize = 64;
/// Most fields of one hash that are removed under one hold.
const FIELDS_PER_HOLD: usize = 256;
/// Holds of one shard in one cycle, so that a cycle ends.
const HOLDS_PER_SHARD: usize = 1000;

impl Engine {
    /// Removes the keys that are due, shard by shard, in short holds of the locks.
    pub fn expire_cycle(&self) {
        let Services { clock, keyspace, stats, .. } = &self.services;
        let start_ns = clock.elapsed_ns();
        let shards = 0..keyspace.shards();
        let ended = |shard| (0..HOLDS_PER_SHARD).any(|_| !self.expire_some(shard));
        let unfinished = shards.filter(|shard| !ended(*shard)).count();
        stats.unfinished_expiry_cycles.add(u64::from(unfinished > 0));
        stats.expiry_ns.add(clock.elapsed_ns().saturating_sub(start_ns));
    }

    /// Removes some due keys of a shard; returns whether there are more.
    fn expire_some(&self, shard: usize) -> bool {
        let mut batch = self.batch();
        if batch.lock(ShardSet::of(shard)).is_err() {
            return false;
        }
        let now_ms = batch.now_ms;
        let mut more = false;
        for index in 0..self.services.keyspace.databases() {
            let Some(locked) = batch.locked.as_mut() else { return false };
            let Some(part) = locked.shard(shard) else { return false };
            let (keys, more_due) = part.db(index).due_keys(now_ms, KEYS_PER_HOLD);
            more |= more_due;
            let mut db = Db::new(locked, &mut batch.changes, index, now_ms);
            more |= keys.iter().filter(|key| db.expire_due(key, FIELDS_PER_HOLD)).count() > 0;
        }
        batch.serve_ready();
        batch.tell_touched();
        more
    }
}
