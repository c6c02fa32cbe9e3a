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
    /// Does the log get something of what the client does under the locks held?
    writes: bool,
}

impl Dependence {
    /// A reply tells of data in these shards.
    pub(super) fn tell_of(&mut self, shards: ShardSet) {
        self.told = self.told.union(shards);
    }

    /// The log gets something of what the client did.
    pub(super) fn write(&mut self) {
        self.writes = true;
    }

    /// Before the locks are given back: the log has what was done under them, up to `appended`.
    pub(super) fn settle(&mut self, locked: &Locked, appended: u64) {
        let written = if self.writes { appended } else { 0 };
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
        let requests = [
            (format!("GET {near}"), true),
            (format!("GET {far}"), false),
            ("SET written 1".to_owned(), true),
            ("PING".to_owned(), false),
            (format!("GET {far}"), false),
            (format!("GET {near}"), true),
            (format!("MGET {far} {near}"), true),
            ("ECHO x".to_owned(), false),
        ];
        let mut batch = engine.batch();
        batch.share(requests.len());
        for (place, (line, _)) in requests.iter().enumerate() {
            batch.begin_client(place);
            let argv = OwnedArgv::new(line.split(' ').map(str::as_bytes));
            let mut reply = Reply::new(Protocol::Resp2);
            batch.call(&mut Client::internal(), &mut reply, argv.as_argv());
        }
        let position = batch.finish().position;
        assert!(position > 0 && position == engine.services.aof.appended());
        let expected = requests.iter().map(|(_, depends)| if *depends { position } else { 0 });
        // The first may have been told of before anything was written.
        assert_eq!(
            batch.positions().skip(1).collect::<Vec<_>>(),
            expected.skip(1).collect::<Vec<_>>()
        );
    }
}
