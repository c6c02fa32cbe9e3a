//! Which part of the log replies depend on.

use crate::store::{Locked, ShardSet};

/// What the replies of one client in a batch depend on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Dependence {
    /// The log position that must be committed before they leave, but for what is done and told
    /// of under the locks held.
    pub(super) position: u64,
    /// The locked shards of whose data they tell.
    told: ShardSet,
    /// Do they depend on all that is done under the locks held?
    on_all: bool,
}

impl Dependence {
    /// A reply tells of data in these shards.
    pub(super) fn tell_of(&mut self, shards: ShardSet) {
        self.told = self.told.union(shards);
    }

    /// The log gets something of what the client did, or a reply tells of data in any shard.
    pub(super) fn depend_on_all(&mut self) {
        self.on_all = true;
    }

    /// Before the locks are given back: the log has what was done under them, up to `appended`.
    pub(super) fn settle(&mut self, locked: &Locked, appended: u64) {
        let written = if self.on_all { appended } else { 0 };
        let position = self.position.max(written).max(locked.log_position(self.told));
        *self = Self { position, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use crate::client::Client;
    use crate::clock::Clock;
    use crate::config::{Config, Setting};
    use crate::engine::Engine;
    use crate::resp::argv::OwnedArgv;
    use crate::resp::{Protocol, Reply};

    /// Runs a request of each client in one batch; returns the log positions that they depend on,
    /// and how often locks were given back before the end.
    fn positions(engine: &Engine, requests: &[String]) -> (Vec<u64>, u32) {
        let mut batch = engine.batch();
        for (place, line) in requests.iter().enumerate() {
            batch.begin_client(place);
            let argv = OwnedArgv::new(line.split(' ').map(str::as_bytes));
            let mut reply = Reply::new(Protocol::Resp2);
            batch.call(&mut Client::internal(), &mut reply, argv.as_argv());
        }
        let releases = batch.releases;
        let last = batch.finish().position;
        let positions: Vec<u64> = batch.positions().collect();
        assert!(positions.len() == requests.len() && positions.iter().max() == Some(&last));
        (positions, releases)
    }

    #[test]
    fn each_client_of_a_batch_depends_on_what_it_saw_and_did() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config::default();
        config.set(Setting::Dir, &dir.path().to_string_lossy()).unwrap();
        let engine = Engine::new(config, Clock::manual(1_000_000));
        engine.open_aof(dir.path()).unwrap();
        let shard = |key: &str| engine.services.keyspace.shard_and_hash(key.as_bytes()).0;
        let same = |key: &String| shard(key) == shard("written");
        let keys = || (0..).map(|number| format!("key:{number}"));
        let (near, far) = (keys().find(same).unwrap(), keys().find(|key| !same(key)).unwrap());
        let (near, far) = (format!("GET {near}"), format!("GET {far}"));
        let write = "SET written 1".to_owned();
        // Under locks that suffice for all: who tells of the shard that is written depends on it,
        // before or after.
        let both = format!("MGET {} {}", &near[4..], &far[4..]);
        let requests = [&both, &far, &write, &far, &near].map(Clone::clone);
        let (found, releases) = positions(&engine, &requests);
        let written = engine.services.aof.appended();
        assert_eq!((found, releases), (vec![written, 0, written, 0, written], 0));
        assert!(engine.services.aof.sync());
        // A script may tell of everything, but need not be in the log itself.
        let script = "EVAL return 0".to_owned();
        let requests = [&script, &write, &script, &far].map(Clone::clone);
        let (found, releases) = positions(&engine, &requests);
        let written = engine.services.aof.appended();
        assert_eq!((found, releases), (vec![written, written, written, 0], 0));
        assert!(engine.services.aof.sync());
        // Under locks of their own, where a request without a key lets go of all.
        let requests = [&far, &write, &"PING".to_owned(), &near, &far, &both].map(Clone::clone);
        let (found, releases) = positions(&engine, &requests);
        let again = engine.services.aof.appended();
        assert!(again > written && releases > 3);
        assert_eq!(found, [0, again, 0, again, 0, again]);
    }
}
