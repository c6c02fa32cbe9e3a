//! Snapshots: the rewrite of the log, and the snapshot file, while commands go on.
//!
//! A rewrite goes through these steps; a crash after any of them leaves a folder that loads:
//!
//! 1. a new increment is made and noted in the manifest: base, increments, new increment
//! 2. at one instant, the log goes over to it and a snapshot begins
//! 3. the snapshot is written under a temporary name, synced, and renamed: a new base
//! 4. the manifest is replaced: new base, new increment; the old files are history
//! 5. the history is removed

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use super::Engine;
use crate::aof::file::LogFile;
use crate::aof::folder;
use crate::aof::manifest::{self, Manifest, Part};
use crate::aof::saver::{Job, Status};
use crate::aof::{Failure, commands, mark};
use crate::command::persistence::save_all;
use crate::config::Setting;
use crate::effects::encode;
use crate::error::ServerError;
use crate::fault::{self, Point};
use crate::rdb;
use crate::store::snapshot::{Captured, Step};

/// Entries captured under one hold of a shard's lock.
const ENTRIES_PER_HOLD: usize = 64;
/// Bytes of commands that are written at a time.
const GROUP_BYTES: usize = 1 << 18;

/// The sources of libraries of functions.
type Functions = Vec<Box<[u8]>>;

impl Engine {
    /// The work of the saver's thread, until it is stopped.
    pub(crate) fn run_saver(&self) {
        let services = &self.services;
        while let Some(job) = services.saver.next() {
            if self.is_void(job) {
                services.saver.skip(services.clock.now_ms());
                continue;
            }
            tracing::info!(?job, "started");
            let outcome = match job {
                Job::Disable => {
                    services.aof.close();
                    Ok(())
                }
                Job::Enable | Job::Rewrite => self.rewrite(job),
                Job::Save => self.save_in_background(),
            };
            match &outcome {
                Ok(()) => tracing::info!(?job, "done"),
                Err(error) => tracing::error!(?job, %error, "failed"),
            }
            services.saver.done(job, outcome.is_ok(), services.clock.now_ms());
        }
    }

    /// Was a switch of the log asked for that has happened meanwhile, or is not wanted any more?
    /// Requests wait for their turn, and a log that is open must not be opened again. And while
    /// data are being loaded, what is there so far must not become the base of a log.
    fn is_void(&self, job: Job) -> bool {
        if self.services.loading.is_active() {
            return true;
        }
        let switches_on = match job {
            Job::Disable => false,
            Job::Enable => true,
            Job::Rewrite | Job::Save => return false,
        };
        let wanted = self.services.config.flag(Setting::AppendOnly);
        wanted != switches_on || self.services.aof.is_enabled() == switches_on
    }

    /// Asks for a snapshot where the settings want one by now.
    pub(crate) fn ask_for_due_snapshots(&self) {
        let services = &self.services;
        let now_ms = services.clock.now_ms();
        let status = services.saver.status();
        let wanted = services.config.flag(Setting::AppendOnly);
        if wanted != services.aof.is_enabled() && status.running.is_none() {
            if !wanted {
                services.saver.ask(Job::Disable, now_ms);
            } else if status.may_rewrite_unasked(now_ms) {
                services.saver.ask(Job::Enable, now_ms);
            }
            return;
        }
        if self.is_rewrite_due(&status, now_ms) {
            services.saver.ask(Job::Rewrite, now_ms);
        }
        // A snapshot may hold changes that are counted only when their locks are released.
        let changes = services.stats.changes.value().saturating_sub(status.changes_saved);
        let due = services.config.save_points().into_iter().any(|(seconds, count)| {
            changes >= count.max(1) && now_ms >= status.saved_at_ms + seconds * 1000
        });
        let idle = status.running.is_none();
        let waited = status.last_save_ok || now_ms >= status.started_ms + 5000;
        if due && idle && waited {
            services.saver.ask(Job::Save, now_ms);
        }
    }

    fn is_rewrite_due(&self, status: &Status, now_ms: u64) -> bool {
        let (aof, config) = (&self.services.aof, &self.services.config);
        if !aof.is_enabled() || status.running.is_some() || !status.may_rewrite_unasked(now_ms) {
            return false;
        }
        if aof.failure().is_some_and(|(failure, _)| failure == Failure::Sync) {
            return true;
        }
        let percentage = config.size(Setting::AutoAofRewritePercentage) as u64;
        let bytes = aof.bytes();
        let base = status.base_bytes.max(1);
        let growth = bytes.saturating_sub(base).saturating_mul(100) / base;
        percentage > 0
            && bytes > config.size(Setting::AutoAofRewriteMinSize) as u64
            && growth >= percentage
    }

    /// Writes all data to a new base; what happens meanwhile goes to a new increment.
    pub(super) fn rewrite(&self, job: Job) -> Result<(), ServerError> {
        let aof = &self.services.aof;
        if job == Job::Rewrite && !aof.is_enabled() {
            return self.rewrite_what_is_not_logged();
        }
        let mut manifest = self.read_manifest()?;
        let increment = manifest.next_increment();
        let path = manifest.path_of(&increment);
        let file = LogFile::create(&path)?;
        fault::step(Point::RewriteIncrement, &path)?;
        manifest::sync_folder(manifest.folder())?;
        if job == Job::Rewrite {
            manifest.parts.push(increment.clone());
            manifest.write()?;
            fault::step(Point::RewriteNoted, &path)?;
            aof.sync();
        }
        let functions = self.begin_snapshot(|| match job {
            Job::Enable => aof.begin(file),
            _ => aof.rotate(file),
        });
        aof.commit();
        let base = fault::step(Point::RewriteBegun, &path)
            .and_then(|()| self.write_base(&manifest, &functions));
        self.services.keyspace.end_snapshot();
        let switched = base.and_then(|base| self.switch_to(base, increment, &mut manifest));
        if switched.is_err() && job == Job::Enable {
            // A start would not find what is written to the increment.
            aof.close();
        }
        aof.rewritten(switched?);
        self.services.saver.log_has(aof.bytes());
        fault::step(Point::RewriteSwitched, &path)?;
        folder::remove_history(&mut manifest)
    }

    /// From now on, a start loads a new base and what follows from `increment` on; returns the
    /// size of the base.
    fn switch_to(
        &self,
        (base, bytes): (Part, u64),
        increment: Part,
        manifest: &mut Manifest,
    ) -> Result<u64, ServerError> {
        fault::step(Point::RewriteBase, &manifest.path_of(&base))?;
        manifest.replace_base(base, increment.sequence);
        if !manifest.parts.contains(&increment) {
            manifest.parts.push(increment);
        }
        manifest.write()?;
        self.sync_data_folder()?;
        Ok(bytes)
    }

    /// BGREWRITEAOF of a server without a log: its folder gets a base for later.
    fn rewrite_what_is_not_logged(&self) -> Result<(), ServerError> {
        let mut manifest = self.read_manifest()?;
        let functions = self.begin_snapshot(|| {});
        let base = self.write_base(&manifest, &functions);
        self.services.keyspace.end_snapshot();
        let (base, _) = base?;
        manifest.replace_base(base, u64::MAX);
        manifest.write()?;
        self.sync_data_folder()?;
        folder::remove_history(&mut manifest)
    }

    /// Begins a snapshot, and runs `at_the_instant` with all shards locked; returns the sources of
    /// the libraries of functions, which belong to it.
    pub(super) fn begin_snapshot(&self, at_the_instant: impl FnOnce()) -> Functions {
        let mut functions = Functions::new();
        self.services.keyspace.begin_snapshot(|keys| {
            self.services.saver.progress.begin(keys);
            functions = self.services.scripts.sources();
            at_the_instant();
        });
        functions
    }

    fn read_manifest(&self) -> Result<Manifest, ServerError> {
        let config = &self.services.config;
        let folder = self.data_folder().join(config.text(Setting::AppendDirName));
        folder::create(&folder)?;
        Manifest::read(&folder, &config.text(Setting::AppendFilename))
    }

    pub(super) fn data_folder(&self) -> PathBuf {
        PathBuf::from(self.services.config.text(Setting::Dir))
    }

    fn sync_data_folder(&self) -> Result<(), ServerError> {
        manifest::sync_folder(&self.data_folder())
    }

    /// Writes the snapshot that has begun as a base; returns it with its size.
    pub(super) fn write_base(
        &self,
        manifest: &Manifest,
        functions: &[Box<[u8]>],
    ) -> Result<(Part, u64), ServerError> {
        if self.services.config.flag(Setting::AofUseRdbPreamble) {
            let base = manifest.next_base("rdb");
            let bytes = self.write_rdb(&manifest.path_of(&base), true, functions)?;
            return Ok((base, bytes));
        }
        let base = manifest.next_base("aof");
        let path = manifest.path_of(&base);
        let temporary = path.with_file_name(format!("{}{}", folder::TEMPORARY, base.name));
        let written = self.write_commands(&temporary, functions);
        if written.is_err() {
            drop(std::fs::remove_file(&temporary));
        }
        let bytes = written?;
        folder::install(&temporary, &path)?;
        Ok((base, bytes))
    }

    pub(super) fn write_rdb(
        &self,
        path: &Path,
        is_base: bool,
        functions: &[Box<[u8]>],
    ) -> Result<u64, ServerError> {
        rdb::save(path, &self.services.rdb_options(is_base), |writer| {
            functions.iter().try_for_each(|source| writer.function(source))?;
            self.walk_snapshot(|entry| {
                let attributes = self.services.rdb_attributes(entry.expires_at_ms, entry.used);
                writer.entry(entry.db, &entry.key, &entry.value, attributes)
            })
        })
    }

    fn write_commands(&self, path: &Path, functions: &[Box<[u8]>]) -> Result<u64, ServerError> {
        let mut file = LogFile::create(path)?;
        let mut group = Vec::new();
        if self.services.config.flag(Setting::AofTimestampEnabled) {
            mark::write_time(&mut group, self.services.clock.now_ms() / 1000);
        }
        for source in functions {
            encode(&mut group, [&b"FUNCTION"[..], b"LOAD", source].into_iter());
        }
        let mut selected = None;
        let walked = self.walk_snapshot(|entry| {
            if selected != Some(entry.db) {
                selected = Some(entry.db);
                let db = entry.db.to_string();
                encode(&mut group, [b"SELECT", db.as_bytes()].into_iter());
            }
            commands::push_key(&mut group, &entry);
            if group.len() < GROUP_BYTES {
                return Ok(());
            }
            file.append(&mut group, false)?;
            group.clear();
            Ok(())
        });
        walked
            .and_then(|()| file.append(&mut group, true))
            .and_then(|()| file.sync())
            .map_err(|error| ServerError::file("write", path, error))?;
        Ok(file.len())
    }

    /// Passes the keys of the snapshot that has begun to `write`, without holding anybody up.
    fn walk_snapshot(&self, mut write: impl FnMut(Captured) -> io::Result<()>) -> io::Result<()> {
        let mut keys = 0;
        let mut visit = |entry: Captured| {
            keys += 1;
            self.delay(Setting::RdbKeySaveDelay, keys);
            let kept_bytes = entry.kept_bytes;
            fault::pass(Point::SnapshotKey).and_then(|()| write(entry))?;
            self.services.saver.progress.wrote_key(kept_bytes);
            io::Result::Ok(())
        };
        let keyspace = &self.services.keyspace;
        for shard in 0..keyspace.shards() {
            while let Some(step) = keyspace.snapshot_step(shard, ENTRIES_PER_HOLD) {
                if self.services.saver.gives_up() {
                    return Err(io::Error::other("the server stops"));
                }
                match step {
                    Step::Entries(entries) => entries.into_iter().try_for_each(&mut visit)?,
                    Step::Handed(table, snapshot) => {
                        snapshot.walk_to_end(&table).try_for_each(&mut visit)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn save_in_background(&self) -> Result<(), ServerError> {
        let services = &self.services;
        let path = self.data_folder().join(services.config.text(Setting::DbFilename));
        let mut changes = 0;
        let functions = self.begin_snapshot(|| changes = services.stats.changes.value());
        let written = fault::step(Point::SaveBegun, &path)
            .and_then(|()| self.write_rdb(&path, false, &functions));
        services.keyspace.end_snapshot();
        written?;
        fault::step(Point::SaveDone, &path)?;
        services.saver.saved(changes, services.clock.now_ms());
        Ok(())
    }

    /// Writes the last snapshot, after which no command runs any more; `None` if that cannot be
    /// done now, as a script holds the locks; `false` if it failed, and all goes on.
    pub(crate) fn save_finally(&self) -> Option<bool> {
        let services = &self.services;
        let is_busy = || services.scripts.running.is_busy();
        let mut locked = services.keyspace.lock_unless(services.keyspace.all(), is_busy)?;
        let saved = save_all(services, &mut locked, services.stats.changes.value());
        services.is_over.store(saved, Ordering::Relaxed);
        Some(saved)
    }

    /// Stops the saver's thread; what it writes is given up.
    pub(crate) fn stop_saver(&self) {
        self.services.stopping.store(true, Ordering::Release);
        self.services.saver.stop();
    }
}
