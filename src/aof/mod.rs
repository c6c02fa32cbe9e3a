//! The append-only file: what is written down, and how safe it is.
//!
//! ```text
//! calls, under their shard locks ── append ──▶ buffer ── write ──▶ file ── sync ──▶ disk
//!                                   position   appended    written          durable
//! ```
//!
//! A position counts the bytes appended since the server started. A reply leaves its connection
//! when the log is *committed* up to the position that the client's requests depend on
//! (`engine/dependence.rs`): written (policies `everysec` and `no`: it survives the end of the
//! process) or durable (`always`: it survives the end of the machine). Whatever a command could
//! have observed was appended before, so one comparison of positions covers reads and writes alike.
//!
//! Who works: under `everysec` and `no` the connections' threads write the buffer out themselves,
//! one write for all batches of a turn. Under `always` the log thread writes and syncs in groups,
//! while commands go on running; but where one thread serves all connections and the disk takes
//! no longer than waking the other thread and being woken by it, that thread syncs by itself. The
//! log thread also does the sync of every second.
//!
//! | file | what |
//! |---|---|
//! | `output.rs` | what is on its way to the file |
//! | `write.rs` | writing it out, and syncing it |
//! | `thread.rs` | the log thread |
//! | `health.rs` | whether the log can be written |
//! | `file.rs` `space.rs` `mark.rs` | a file of the log, the space ahead of it, the marks in it |
//! | `tail.rs` | what a crash leaves at its end |
//! | `folder.rs` `manifest.rs` | the files together |
//! | `reader.rs` `ahead.rs` `check.rs` | reading them back, and looking through them |
//! | `saver.rs` `progress.rs` `commands.rs` | snapshots: who asked, how far they are, as commands |
//!
//! The log *rotates* when a snapshot begins: with all shards locked, [`Aof::rotate`] notes that
//! what is appended from now on belongs to another file. The old file is synced before the first
//! byte goes to the new one, so what a crash leaves is always a prefix.
//!
//! When a write fails (a full disk), the log is *failing*: writes are refused with `-MISCONF`,
//! replies that depend on unwritten effects are held, reads of shards that have any are refused,
//! other reads are answered, and the log thread tries again until it works. After a failed sync
//! the file is never trusted again ([`file::Syncer`]), and nothing more counts as durable: only a
//! rewrite of all data to new files ends that state ([`Aof::rewritten`]).

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};

use parking_lot::{Condvar, Mutex};

use crate::clock::Clock;
use crate::effects::{Effects, encode};

pub(crate) mod ahead;
pub mod check;
pub(crate) mod commands;
pub(crate) mod file;
pub(crate) mod folder;
mod health;
pub(crate) mod manifest;
pub(crate) mod mark;
mod output;
pub(crate) mod progress;
pub(crate) mod reader;
pub(crate) mod saver;
mod space;
mod tail;
mod thread;
mod write;

use file::LogFile;
pub(crate) use health::Failure;
use health::Health;
use output::{Buffer, Output};
use write::Group;

/// Syncs that take longer than this are left to the log thread.
const SHORT_SYNC_US: u32 = 500;

/// When written effects are forced to disk; the order is that of the setting's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FsyncPolicy {
    EverySec,
    Always,
    No,
}

impl FsyncPolicy {
    /// The policy that stands at this place among the setting's words.
    pub(crate) fn from_number(number: i64) -> Self {
        match number {
            1 => Self::Always,
            2 => Self::No,
            _ => Self::EverySec,
        }
    }
}

/// The log.
#[derive(Debug)]
pub(crate) struct Aof {
    clock: Clock,
    enabled: AtomicBool,
    policy: AtomicU8,
    buffer: Mutex<Buffer>,
    output: Mutex<Output>,
    appended: AtomicU64,
    written: AtomicU64,
    durable: AtomicU64,
    /// How long syncs take of late, in microseconds; the last counts one part in eight.
    sync_us: AtomicU32,
    /// Where the newest file begins; a rewrite that is complete holds all before it.
    rotated: AtomicU64,
    /// Would a start find the files that are written? Not before the first rewrite is complete.
    found_at_start: AtomicBool,
    /// Held while a group is written and synced, so that a crash can tear only the last.
    syncing: Mutex<()>,
    /// Somebody waits until all up to here is durable, whatever the policy.
    wanted: AtomicU64,
    /// Size of the file that is written, and of all files that a start would load before it.
    current_bytes: AtomicU64,
    older_bytes: AtomicU64,
    health: Health,
    stopping: AtomicBool,
    work: Condvar,
    work_lock: Mutex<()>,
    listeners: Listeners,
}

#[derive(Default)]
struct Listeners(Mutex<Vec<Box<dyn Fn() + Send + Sync>>>);

impl std::fmt::Debug for Listeners {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} listeners", self.0.lock().len())
    }
}

impl Aof {
    /// A log that takes nothing until [`Aof::open`].
    pub(crate) fn new(policy: FsyncPolicy, clock: Clock) -> Self {
        Self {
            clock,
            enabled: AtomicBool::new(false),
            policy: AtomicU8::new(policy as u8),
            buffer: Mutex::default(),
            output: Mutex::default(),
            appended: AtomicU64::new(0),
            written: AtomicU64::new(0),
            durable: AtomicU64::new(0),
            sync_us: AtomicU32::new(0),
            rotated: AtomicU64::new(0),
            found_at_start: AtomicBool::new(false),
            syncing: Mutex::default(),
            wanted: AtomicU64::new(0),
            current_bytes: AtomicU64::new(0),
            older_bytes: AtomicU64::new(0),
            health: Health::default(),
            stopping: AtomicBool::new(false),
            work: Condvar::new(),
            work_lock: Mutex::default(),
            listeners: Listeners::default(),
        }
    }

    /// Appends to `file` from now on, which a start finds; `older_bytes` stand in other files.
    pub(crate) fn open(&self, file: LogFile, older_bytes: u64) {
        self.found_at_start.store(true, Ordering::Release);
        self.open_new(file, older_bytes);
    }

    /// Appends to `file` from now on, which a start finds when a rewrite is complete.
    pub(crate) fn begin(&self, file: LogFile) {
        self.found_at_start.store(false, Ordering::Release);
        self.open_new(file, 0);
    }

    /// The log takes nothing yet: what an open one has on its way would be lost.
    fn open_new(&self, file: LogFile, older_bytes: u64) {
        debug_assert!(!self.is_enabled(), "a log is opened once");
        let mut output = self.output.lock();
        let mut buffer = self.buffer.lock();
        *buffer = Buffer { noted_s: buffer.noted_s.map(|_| 0), ..Buffer::default() };
        self.current_bytes.store(file.len(), Ordering::Relaxed);
        self.older_bytes.store(older_bytes, Ordering::Relaxed);
        *output = Output { file: Some(file), ..Output::default() };
        self.rotated.store(self.appended(), Ordering::Release);
        self.enabled.store(true, Ordering::Release);
    }

    /// Writes and syncs what was appended, and takes nothing more.
    pub(crate) fn close(&self) {
        let mut buffer = self.buffer.lock();
        self.enabled.store(false, Ordering::Release);
        buffer.db = None;
        drop(buffer);
        if !self.end() {
            self.found_at_start.store(false, Ordering::Release);
        }
        let mut output = self.output.lock();
        *output = Output::default();
        self.buffer.lock().rotations.clear();
        self.written.store(self.appended(), Ordering::Release);
        self.durable.store(self.appended(), Ordering::Release);
        drop(output);
        self.health.recover(Failure::Sync);
        self.health.recover(Failure::Write);
        self.tell_listeners();
    }

    /// What is appended from now on goes to `file`. All shards are locked.
    pub(crate) fn rotate(&self, file: LogFile) {
        let mut buffer = self.buffer.lock();
        let offset = buffer.bytes.len();
        buffer.db = None;
        buffer.noted_s = buffer.noted_s.map(|_| 0);
        buffer.rotations.push((offset, file));
        self.rotated.store(self.appended(), Ordering::Release);
    }

    /// Are effects written down?
    pub(crate) fn is_enabled(&self) -> bool {
        self.enabled.load(Ordering::Acquire)
    }

    pub(crate) fn policy(&self) -> FsyncPolicy {
        FsyncPolicy::from_number(i64::from(self.policy.load(Ordering::Relaxed)))
    }

    /// Changes the policy; replies that wait are looked at again.
    pub(crate) fn set_policy(&self, policy: FsyncPolicy) {
        self.policy.store(policy as u8, Ordering::Relaxed);
        self.wake_log_thread();
        self.tell_listeners();
    }

    /// Are times noted between the effects?
    pub(crate) fn note_times(&self, notes: bool) {
        self.buffer.lock().noted_s = notes.then_some(0);
    }

    /// Calls `listener` from the log thread whenever more has become durable.
    pub(crate) fn listen(&self, listener: Box<dyn Fn() + Send + Sync>) {
        self.listeners.0.lock().push(listener);
    }

    /// Appends effects, whose shards are still locked; returns the position behind them.
    pub(crate) fn append(&self, effects: &Effects, now_ms: u64) -> u64 {
        let Some((first_db, last_db)) = effects.databases() else { return self.appended() };
        let mut buffer = self.buffer.lock();
        if !self.is_enabled() {
            return self.appended();
        }
        let before = buffer.bytes.len();
        if let Some(noted_s) = buffer.noted_s
            && noted_s < now_ms / 1000
        {
            buffer.noted_s = Some(now_ms / 1000);
            mark::write_time(&mut buffer.bytes, now_ms / 1000);
        }
        if buffer.db != Some(first_db) {
            let db = first_db.to_string();
            encode(&mut buffer.bytes, [b"SELECT", db.as_bytes()].into_iter());
        }
        buffer.bytes.extend_from_slice(effects.bytes());
        buffer.db = Some(last_db);
        let added = (buffer.bytes.len() - before) as u64;
        self.appended.fetch_add(added, Ordering::Release) + added
    }

    /// The position behind all that was appended.
    pub(crate) fn appended(&self) -> u64 {
        self.appended.load(Ordering::Acquire)
    }

    /// May replies leave that depend on the log up to `position`?
    pub(crate) fn is_committed(&self, position: u64) -> bool {
        let reached = match self.policy() {
            FsyncPolicy::Always => &self.durable,
            FsyncPolicy::EverySec | FsyncPolicy::No => &self.written,
        };
        reached.load(Ordering::Acquire) >= position
    }

    /// Is the log on disk up to `position`, in files that a start finds?
    pub(crate) fn is_durable(&self, position: u64) -> bool {
        self.is_found_at_start() && self.durable.load(Ordering::Acquire) >= position
    }

    /// Would a start find the files that are written?
    pub(crate) fn is_found_at_start(&self) -> bool {
        self.found_at_start.load(Ordering::Acquire)
    }

    /// Can what it takes be made durable? Not before the first rewrite after `CONFIG SET appendonly
    /// yes` is complete.
    pub(crate) fn can_sync(&self) -> bool {
        self.is_enabled() && self.is_found_at_start() && !self.is_failing()
    }

    /// Is there no log that a start finds: none yet, or one that was closed before all that it took
    /// was on disk?
    pub(crate) fn has_ended_unsafe(&self) -> bool {
        !self.is_enabled() && !self.is_found_at_start()
    }

    /// Brings the commit forward: writes the buffer out, or syncs it, or has the log thread do so.
    pub(crate) fn commit(&self) {
        if self.is_failing() {
            self.wake_log_thread();
        } else if self.policy() != FsyncPolicy::Always {
            self.write_out(Group::Loose);
        } else if self.sync_us.load(Ordering::Relaxed) > SHORT_SYNC_US || self.serves_by_several() {
            self.wake_log_thread();
        } else if !self.sync() {
            // It tries again.
            self.wake_log_thread();
        }
    }

    /// Do several threads serve connections?
    fn serves_by_several(&self) -> bool {
        self.listeners.0.lock().len() > 1
    }

    /// Has all up to `position` made durable soon, whatever the policy.
    pub(crate) fn want_durable(&self, position: u64) {
        self.wanted.fetch_max(position, Ordering::AcqRel);
        self.wake_log_thread();
    }

    fn wake_log_thread(&self) {
        drop(self.work_lock.lock());
        self.work.notify_one();
    }

    /// Bytes of all files that a start would load.
    pub(crate) fn bytes(&self) -> u64 {
        self.older_bytes.load(Ordering::Relaxed) + self.current_bytes.load(Ordering::Relaxed)
    }

    /// Bytes that are appended but not written.
    pub(crate) fn buffered_bytes(&self) -> usize {
        self.buffer.lock().bytes.len()
    }

    /// A rewrite is complete and durable: a start would load `older_bytes` and the newest file.
    /// What was on its way to older files is not needed there any more.
    pub(crate) fn rewritten(&self, older_bytes: u64) {
        let mut output = self.output.lock();
        output.take(self.buffer.lock(), || self.appended());
        output.skip_to_newest_file();
        let rotated = self.rotated.load(Ordering::Acquire);
        self.written.fetch_max(rotated, Ordering::AcqRel);
        self.durable.fetch_max(rotated, Ordering::AcqRel);
        self.found_at_start.store(true, Ordering::Release);
        self.older_bytes.store(older_bytes, Ordering::Relaxed);
        self.current_bytes.store(output.file.as_ref().map_or(0, LogFile::len), Ordering::Relaxed);
        // If a sync of the newest file has failed, too, it takes one more rewrite.
        let failed = output.file.as_ref().is_some_and(|file| file.syncer().has_failed());
        if !failed {
            self.health.recover(Failure::Sync);
        }
        drop(output);
        self.wake_log_thread();
        self.tell_listeners();
    }

    /// Can nothing be written down at the moment?
    pub(crate) fn is_failing(&self) -> bool {
        self.health.is_failing()
    }

    /// The server stops: replies that a failing log holds back are dropped.
    pub(crate) fn give_up(&self) {
        if self.is_failing() {
            self.health.give_up();
            self.tell_listeners();
        }
    }

    pub(crate) fn is_given_up(&self) -> bool {
        self.health.is_given_up()
    }

    /// What is wrong, with the system's words.
    pub(crate) fn failure(&self) -> Option<(Failure, String)> {
        self.health.failure()
    }

    /// Is a group being written and synced?
    pub(crate) fn is_syncing(&self) -> bool {
        self.syncing.is_locked()
    }

    fn tell_listeners(&self) {
        self.listeners.0.lock().iter().for_each(|listener| listener());
    }
}

#[cfg(test)]
mod tests;
