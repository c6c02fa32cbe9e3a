//! Which shards a call needs: those of its keys, and those needed to serve who waits for them.

use std::sync::atomic::Ordering;

use super::Engine;
use crate::client::Client;
use crate::client::transaction::WatchedKey;
use crate::command::Flag;
use crate::command::table::{Command, table};
use crate::resp::argv::Argv;
use crate::store::{Locked, ShardSet};

/// Waiters of one key that are asked which other keys serving them needs. Where more wait, all
/// shards are locked: that costs less than to ask them all at each push.
const WAITERS_ASKED_MAX: usize = 8;

/// Subcommands of DEBUG that look at no data.
const DEBUG_WITHOUT_DATA: &[&str] = &[
    "change-repl-id",
    "error",
    "help",
    "log",
    "pause-cron",
    "protocol",
    "quicklist-packed-threshold",
    "replybuffer",
    "set-active-expire",
    "sleep",
    "stringmatch-len",
];

fn is_debug_without_data(subcommand: &[u8]) -> bool {
    DEBUG_WITHOUT_DATA.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(subcommand))
}

impl Engine {
    /// The shards of the keys that a call names.
    pub(super) fn lock_set(&self, command: &Command, argv: Argv<'_>, client: &Client) -> ShardSet {
        if let Some(key) = command.only_key.and_then(|at| argv.get(at)) {
            return ShardSet::of(self.services.keyspace.shard_of(key));
        }
        if command.has(Flag::AllShards) {
            return self.all_shards(command, argv);
        }
        if command.has(Flag::WholeTransaction) {
            return self.transaction_lock_set(command, client);
        }
        self.key_shards(command, argv)
    }

    /// While data are loaded, INFO makes do with what it can see without the locks: it tells how
    /// far the load has come, and must not wait for it. Nor must what looks at no data.
    fn all_shards(&self, command: &Command, argv: Argv<'_>) -> ShardSet {
        let is_content_with_none = match command.spec.name {
            "info" => true,
            "debug" => argv.get(1).is_some_and(is_debug_without_data),
            _ => false,
        };
        if is_content_with_none && self.services.loading.is_active() {
            return ShardSet::EMPTY;
        }
        self.services.keyspace.all()
    }

    #[inline(never)]
    pub(super) fn key_shards(&self, command: &Command, argv: Argv<'_>) -> ShardSet {
        if command.has(Flag::KeyPatterns) && argv.iter_from(2).any(|word| word.contains(&b'*')) {
            return self.services.keyspace.all();
        }
        let mut set = ShardSet::EMPTY;
        command.spec.keys.for_each(argv, |at| {
            if let Some(key) = argv.get(at) {
                set = set.union(ShardSet::of(self.services.keyspace.shard_of(key)));
            }
        });
        set
    }

    /// The shards of watched keys, and for EXEC those of the commands that it runs. While shards
    /// may be locked for long, those of keys that are no longer watched are left alone, and
    /// DISCARD, UNWATCH and RESET do without any.
    #[inline(never)]
    fn transaction_lock_set(&self, command: &Command, client: &Client) -> ShardSet {
        let keyspace = &self.services.keyspace;
        let is_exec = command.spec.name == "exec";
        let is_occupied = self.is_occupied();
        if !is_exec && is_occupied {
            return ShardSet::EMPTY;
        }
        let add = |set: ShardSet, watched: &WatchedKey| {
            set.union(ShardSet::of(keyspace.shard_of(&watched.key)))
        };
        let mut set = if is_occupied {
            client.watched().iter().fold(ShardSet::EMPTY, add)
        } else {
            client.watches().fold(ShardSet::EMPTY, add)
        };
        if !is_exec {
            return set;
        }
        for argv in client.queued() {
            if let Some(command) = table().resolve(argv.as_argv()) {
                set = set.union(self.lock_set_of_queued(command, argv.as_argv()));
            }
        }
        set
    }

    fn lock_set_of_queued(&self, command: &Command, argv: Argv<'_>) -> ShardSet {
        if command.has(Flag::AllShards) {
            return self.all_shards(command, argv);
        }
        self.key_shards(command, argv)
    }

    /// Does anyone wait for a key?
    pub(super) fn has_waiters(&self) -> bool {
        self.waiters_count.load(Ordering::Relaxed) > 0
    }

    /// The shards that a call needs, which are locked, and those needed to serve everyone who waits
    /// for a key that it may change, or for a key that serving them may change, and so on.
    #[inline(never)]
    pub(super) fn with_waiters(
        &self,
        need: ShardSet,
        locked: &mut Locked,
        command: &Command,
        argv: Argv<'_>,
        client: &Client,
    ) -> ShardSet {
        let mut set = need;
        if set == self.services.keyspace.all() {
            return set;
        }
        let mut keys: Vec<(usize, Box<[u8]>)> = Vec::new();
        let mut db = client.db;
        let databases = self.services.keyspace.databases();
        let mut add = |db: usize, command: &Command, argv: Argv<'_>| {
            let dbs = if command.has(Flag::AnyDatabase) { 0..databases } else { db..db + 1 };
            command.spec.keys.for_each(argv, |at| {
                let key = argv.get(at).unwrap_or_default();
                keys.extend(dbs.clone().map(|db| (db, key.into())));
            });
        };
        if command.has(Flag::WholeTransaction) {
            for argv in client.queued() {
                let argv = argv.as_argv();
                let Some(command) = table().resolve(argv) else { continue };
                if command.spec.name == "select" {
                    let number = argv.get(1).and_then(crate::number::parse_i64);
                    db = number.and_then(|db| usize::try_from(db).ok()).unwrap_or(db);
                }
                add(db, command, argv);
            }
        } else {
            add(db, command, argv);
        }
        let mut at = 0;
        while let Some((db, key)) = keys.get(at).cloned() {
            if set == self.services.keyspace.all() {
                break;
            }
            at += 1;
            self.add_waiters_of(locked, db, &key, &mut keys, &mut set);
        }
        set
    }

    /// Adds the shards, and the keys, of everyone who waits for `key`.
    fn add_waiters_of(
        &self,
        locked: &mut Locked,
        db: usize,
        key: &[u8],
        keys: &mut Vec<(usize, Box<[u8]>)>,
        set: &mut ShardSet,
    ) {
        let shard = self.services.keyspace.shard_of(key);
        let Some(shard) = locked.shard(shard) else {
            *set = set.union(ShardSet::of(shard));
            return;
        };
        let Some(shard_db) = shard.dbs().get(db) else { return };
        match shard_db.awaited_with_others(key) {
            // Serving others takes no more than the key itself.
            0 => return,
            1..=WAITERS_ASKED_MAX => {}
            _ => {
                *set = self.services.keyspace.all();
                return;
            }
        }
        *set = set.union(shard_db.shards_to_serve(key));
        let mut after = 0;
        while let Some(ticket) = shard_db.next_waiting(key, after, |place| place.has_other_keys) {
            after = ticket;
            let Some(waiter) = self.waiters.get(&ticket) else { continue };
            for other in waiter.keys_to_lock() {
                let other = (waiter.db, other.into());
                if !keys.contains(&other) {
                    keys.push(other);
                }
            }
        }
    }
}
