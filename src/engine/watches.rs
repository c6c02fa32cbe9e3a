//! Ending the watches of a client (WATCH), outside of commands.

use super::Engine;
use crate::client::Client;
use crate::store::{Changes, Db, ShardSet};

impl Engine {
    /// Ends the transaction of a client without running it.
    pub(super) fn discard_transaction(&self, client: &mut Client) {
        client.close_transaction();
        if !self.unwatch(client) {
            client.let_go_of_watches();
        }
    }

    /// Drops the watches of a client; `false` if that cannot be done now as a script or the load of
    /// the data holds the locks.
    pub(crate) fn unwatch(&self, client: &mut Client) -> bool {
        let keyspace = &self.services.keyspace;
        let shards = client.watches().map(|watched| keyspace.shard_of(&watched.key));
        let set = shards.fold(ShardSet::EMPTY, |set, shard| set.union(ShardSet::of(shard)));
        if set.is_empty() {
            return true;
        }
        let Some(mut locked) = keyspace.lock_unless(set, || self.is_occupied()) else {
            return false;
        };
        let mut changes = Changes::default();
        for watched in client.take_watches() {
            let now_ms = self.services.clock.now_ms();
            let mut db = Db::new(&mut locked, &mut changes, watched.db, now_ms);
            db.unwatch(&watched.key, client.handle.id);
        }
        true
    }
}
