//! Loading snapshots: the base of the log, and the snapshot file of a server without a log.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Engine;
use crate::client::Client;
use crate::command::Mode;
use crate::config::Setting;
use crate::error::ServerError;
use crate::rdb::{self, Attributes, Item, RdbError};
use crate::resp::argv::OwnedArgv;
use crate::resp::{Protocol, Reply};
use crate::store::{Changes, Db, ShardSet};
use crate::types::value::Value;

/// Time between two looks during a wait for tests.
const DELAY_STEP_MICROS: u64 = 1000;

/// What was read of a snapshot so far.
#[derive(Default)]
struct Counts {
    /// All keys, those that had expired included.
    keys: AtomicU64,
    expired_keys: AtomicU64,
    /// Of all files that are loaded.
    bytes: AtomicU64,
}

impl Engine {
    /// Loads the snapshot file, if there is one; returns whether there is.
    pub(crate) fn load_snapshot_file(&self) -> Result<bool, ServerError> {
        let path = self.data_folder().join(self.services.config.text(Setting::DbFilename));
        if !path.exists() {
            return Ok(false);
        }
        let size = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
        self.services.loading.expect(size);
        let now_ms = self.services.clock.now_ms();
        let (_, keys) = self.load_rdb(&path, 0, now_ms)?;
        tracing::info!(file = %path.display(), keys, "loaded a snapshot");
        Ok(true)
    }

    /// Loads an RDB file, but for keys that expire before `expired_ms`; `before` bytes of other
    /// files are loaded. Returns where the RDB part ends, and the number of keys.
    pub(super) fn load_rdb(
        &self,
        path: &Path,
        before: u64,
        expired_ms: u64,
    ) -> Result<(u64, u64), ServerError> {
        let file = File::open(path).map_err(|error| ServerError::file("open", path, error))?;
        let counts = Counts { bytes: AtomicU64::new(before), ..Counts::default() };
        let loaded = rdb::load(&file, &self.services.rdb_limits(), |item| {
            self.take_item(item, expired_ms, &counts)
        });
        match loaded {
            Ok(end) => {
                let (keys, expired) = (counts.keys.into_inner(), counts.expired_keys.into_inner());
                self.services.loading.loaded_keys(keys - expired, expired);
                Ok((end, keys))
            }
            Err((offset, error)) => {
                let reason = error.to_string();
                Err(ServerError::Corrupt { path: path.to_owned(), offset, reason })
            }
        }
    }

    /// Takes in what a snapshot holds; called from several threads.
    fn take_item(&self, item: Item<'_>, expired_ms: u64, counts: &Counts) -> Result<(), RdbError> {
        match item {
            Item::Entry { db, .. } if db >= self.services.keyspace.databases() => {
                return Err(RdbError::Corrupt("there are more databases than `databases` says"));
            }
            Item::Entry { db, key, value, attributes } => {
                let expires_at_ms = attributes.expires_at_ms;
                let is_alive = expires_at_ms.is_none_or(|at_ms| at_ms >= expired_ms);
                counts.expired_keys.fetch_add(u64::from(!is_alive), Ordering::Relaxed);
                if is_alive && !self.put(db, key, value, attributes) {
                    return Err(RdbError::Corrupt("a key comes twice"));
                }
                let keys = counts.keys.fetch_add(1, Ordering::Relaxed) + 1;
                self.delay(Setting::KeyLoadDelay, keys);
            }
            Item::Function(source) => self.load_functions(source),
            Item::Progress(more) => {
                let bytes = counts.bytes.fetch_add(more, Ordering::Relaxed) + more;
                self.services.loading.reached(bytes);
            }
        }
        Ok(())
    }

    /// Waits behind a key, for tests: so many microseconds, or one after so many keys if negative.
    /// Ends when the setting is set to 0, or when the server stops.
    pub(super) fn delay(&self, setting: Setting, keys: u64) {
        let wanted = |delay: i64| match u64::try_from(delay) {
            Ok(micros) => micros,
            Err(_) => u64::from(keys.is_multiple_of(delay.unsigned_abs())),
        };
        let mut waited = 0;
        loop {
            let left = wanted(self.services.config.number(setting)).saturating_sub(waited);
            if left == 0 || self.is_stopping() || self.services.saver.gives_up() {
                return;
            }
            let step = left.min(DELAY_STEP_MICROS);
            std::thread::sleep(Duration::from_micros(step));
            waited += step;
        }
    }

    /// Makes a key; `false` if it is there already.
    fn put(&self, db: usize, key: &[u8], value: Value, attributes: Attributes) -> bool {
        let Attributes { expires_at_ms, idle_s, frequency } = attributes;
        let keyspace = &self.services.keyspace;
        let mut locked = keyspace.lock(ShardSet::of(keyspace.shard_of(key)));
        let mut changes = Changes {
            usage: self.services.usage(),
            list_limit: self.services.config.number(Setting::ListMaxListpackSize),
            ..Changes::default()
        };
        let now_ms = self.services.clock.now_ms();
        let mut db = Db::new(&mut locked, &mut changes, db, now_ms).keeping_expired();
        if db.exists(key) {
            return false;
        }
        db.set(key, value);
        if expires_at_ms.is_some() {
            db.set_expiry(key, expires_at_ms);
        }
        if let Some(idle_s) = idle_s {
            db.set_idle_s(key, u32::try_from(idle_s).unwrap_or(u32::MAX));
        }
        if let Some(frequency) = frequency {
            db.set_frequency(key, frequency);
        }
        true
    }

    /// Loads a library of functions as FUNCTION LOAD does.
    fn load_functions(&self, source: &[u8]) {
        let words: [&[u8]; 4] = [b"FUNCTION", b"LOAD", b"REPLACE", source];
        let mut batch = self.batch();
        batch.mode = Mode::Replay;
        let mut reply = Reply::new(Protocol::Resp2);
        let argv = OwnedArgv::new(words);
        batch.call(&mut Client::internal(), &mut reply, argv.as_argv());
        if reply.bytes().first() == Some(&b'-') {
            let error = String::from_utf8_lossy(reply.bytes()).trim_end().to_owned();
            tracing::warn!(error, "a library of functions in the snapshot cannot be loaded");
        }
    }
}
