//! What model tests, fuzz targets and whoever embeds the engine do with it, beside what a
//! [`super::Session`] does.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::Ordering;

use super::Engine;
use crate::aof::saver::Job;
use crate::client::Client;
use crate::command::table::table;
use crate::config::{ConfigError, Setting};
use crate::error::ServerError;
use crate::resp::argv::OwnedArgv;
use crate::resp::{Protocol, Reply};

/// The name and the argument syntax of each command and subcommand; `config get`: two words.
pub fn commands() -> impl Iterator<Item = (String, &'static str)> {
    let all = table().all().iter().filter(|command| !command.is_container());
    all.map(|command| (command.full_name.replace('|', " "), command.spec.syntax))
}

impl Engine {
    /// Loads the log in a data folder and appends to it from now on.
    pub fn open_log(&self, dir: &Path) -> Result<(), ServerError> {
        self.open_aof(dir).map(|_| ())
    }

    /// Writes and syncs what was appended to the log; `false` if that failed.
    pub fn sync_log(&self) -> bool {
        self.services.aof.sync()
    }

    /// Rewrites the log in the folder `dir` of the settings; `false` if that failed.
    pub fn rewrite_log(&self) -> bool {
        self.rewrite(Job::Rewrite).is_ok()
    }

    /// Writes all data as they are now to an RDB file, but only when `meanwhile` has run; `false`
    /// if that failed. One at a time, and no rewrite of the log meanwhile.
    pub fn save_across(&self, path: &Path, meanwhile: impl FnOnce()) -> bool {
        let functions = self.begin_snapshot(|| {});
        meanwhile();
        let written = self.write_rdb(path, false, &functions);
        self.services.keyspace.end_snapshot();
        self.services.saver.progress.end();
        written.is_ok()
    }

    /// Changes a setting.
    pub fn set(&self, setting: Setting, value: &str) -> Result<(), ConfigError> {
        self.services.config.set(setting, value)
    }

    /// Runs a request with all rights; a blocking command does not wait.
    pub fn run_inside(&self, words: &[&[u8]]) -> Vec<u8> {
        let argv = OwnedArgv::new(words.iter().copied());
        let mut reply = Reply::new(Protocol::Resp2);
        let mut batch = self.batch();
        batch.call(&mut Client::internal(), &mut reply, argv.as_argv());
        batch.finish();
        reply.take()
    }

    /// Does what the engine keeps beside the data agree with them? The error says what does not.
    /// Slow: for tests.
    pub fn audit(&self) -> Result<(), String> {
        let places = self.services.keyspace.audit()?;
        let waiters = self.waiters.len();
        if waiters != self.waiters_count.load(Ordering::Relaxed) {
            return Err(format!("the number of those who wait is not {waiters}"));
        }
        let wanted: HashSet<_> = self
            .waiters
            .iter()
            .flat_map(|waiter| {
                let keys =
                    waiter.keys().iter().map(|key| (waiter.db, key.clone(), waiter.ticket()));
                keys.collect::<Vec<_>>()
            })
            .collect();
        if wanted.len() != places {
            return Err(format!("{places} places for {} waits", wanted.len()));
        }
        Ok(())
    }
}
