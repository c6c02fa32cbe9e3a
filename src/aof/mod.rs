//! The append-only file: what is written down, and how safe it is.
//!
//! ```text
//! calls, under their shard locks ── append ──▶ buffer ── write ──▶ file ── sync ──▶ disk
//!                                   position   appended    written          durable
//! ```
//!
//! A position counts the bytes appended since the server started. A reply leaves its connection
//! when the log is *committed* up to the position at the end of the connection's batch: written
//! (policies `everysec` and `no`: it survives the end of the process) or durable (`always`: it
//! survives the end of the machine). Whatever a command could have observed was appended before,
//! so one comparison of positions covers reads and writes alike.
//!
//! Who works: under `everysec` and `no` the connections' threads write the buffer out themselves,
//! one write for all batches of a turn. Under `always` the log thread writes and syncs in groups,
//! while commands go on running. It also does the sync of every second.

use std::fs::File;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::effects::{Effects, encode};
use crate::error::ServerError;

pub(crate) mod manifest;
pub(crate) mod reader;

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

/// Effects that are not written yet.
#[derive(Debug, Default)]
struct Buffer {
    bytes: Vec<u8>,
    /// The database that the log has selected.
    db: Option<usize>,
}

/// The log.
pub(crate) struct Aof {
    enabled: AtomicBool,
    policy: AtomicU8,
    buffer: Mutex<Buffer>,
    /// The file, with an empty buffer to swap for the full one.
    file: Mutex<Option<(File, Vec<u8>)>>,
    appended: AtomicU64,
    written: AtomicU64,
    durable: AtomicU64,
    stopping: AtomicBool,
    work: Condvar,
    work_lock: Mutex<()>,
    listeners: Mutex<Vec<Box<dyn Fn() + Send + Sync>>>,
}

impl std::fmt::Debug for Aof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Aof").field("appended", &self.appended).finish_non_exhaustive()
    }
}

impl Aof {
    /// A log that takes nothing until [`Aof::open`].
    pub(crate) fn new(policy: FsyncPolicy) -> Self {
        Self {
            enabled: AtomicBool::new(false),
            policy: AtomicU8::new(policy as u8),
            buffer: Mutex::default(),
            file: Mutex::new(None),
            appended: AtomicU64::new(0),
            written: AtomicU64::new(0),
            durable: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            work: Condvar::new(),
            work_lock: Mutex::new(()),
            listeners: Mutex::default(),
        }
    }

    /// Appends to `file` from now on.
    pub(crate) fn open(&self, file: File) {
        *self.file.lock() = Some((file, Vec::new()));
        self.buffer.lock().db = None;
        self.enabled.store(true, Ordering::Release);
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
        self.work.notify_all();
        self.tell_listeners();
    }

    /// Calls `listener` from the log thread whenever more has become durable.
    pub(crate) fn listen(&self, listener: Box<dyn Fn() + Send + Sync>) {
        self.listeners.lock().push(listener);
    }

    /// Appends effects, whose shards are still locked; replies the position behind them.
    pub(crate) fn append(&self, effects: &Effects) -> u64 {
        let Some((first_db, last_db)) = effects.databases() else { return self.appended() };
        let mut buffer = self.buffer.lock();
        let before = buffer.bytes.len();
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

    /// Brings the commit forward: writes the buffer out, or has the log thread sync it.
    pub(crate) fn commit(&self) {
        if self.policy() == FsyncPolicy::Always {
            drop(self.work_lock.lock());
            self.work.notify_one();
        } else {
            self.write_out();
        }
    }

    /// Writes the buffer to the file.
    fn write_out(&self) {
        let mut file = self.file.lock();
        let Some((file, spare)) = file.as_mut() else { return };
        let mut buffer = self.buffer.lock();
        std::mem::swap(&mut buffer.bytes, spare);
        let position = self.appended();
        drop(buffer);
        if let Err(error) = file.write_all(spare) {
            stop_at_once("write", &error);
        }
        spare.clear();
        spare.shrink_to(1 << 20);
        self.written.store(position, Ordering::Release);
    }

    /// Writes and syncs all that was appended.
    pub(crate) fn sync(&self) {
        self.write_out();
        let position = self.written.load(Ordering::Acquire);
        let file = self.file.lock().as_ref().map(|(file, _)| file.try_clone());
        match file {
            Some(Ok(file)) => {
                if let Err(error) = file.sync_data() {
                    stop_at_once("sync", &error);
                }
            }
            Some(Err(error)) => stop_at_once("sync", &error),
            None => {}
        }
        self.durable.fetch_max(position, Ordering::AcqRel);
    }

    fn tell_listeners(&self) {
        self.listeners.lock().iter().for_each(|listener| listener());
    }

    /// The work of the log thread, until [`Aof::stop`].
    pub(crate) fn run(&self) {
        let mut guard = self.work_lock.lock();
        while !self.stopping.load(Ordering::Acquire) {
            let policy = self.policy();
            let behind = self.durable.load(Ordering::Acquire) < self.appended();
            if policy != FsyncPolicy::Always || !behind {
                self.work.wait_for(&mut guard, Duration::from_secs(1));
            }
            if self.durable.load(Ordering::Acquire) == self.appended() {
                continue;
            }
            drop(guard);
            match self.policy() {
                FsyncPolicy::No => self.write_out(),
                FsyncPolicy::Always | FsyncPolicy::EverySec => self.sync(),
            }
            self.tell_listeners();
            guard = self.work_lock.lock();
        }
        drop(guard);
        self.sync();
        self.tell_listeners();
    }

    /// Ends [`Aof::run`] after a last sync.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        drop(self.work_lock.lock());
        self.work.notify_all();
    }
}

/// Nothing can be promised any more once the log fails: stop before another reply leaves.
fn stop_at_once(action: &'static str, error: &std::io::Error) -> ! {
    tracing::error!(%error, action, "the append-only file failed; stopping");
    std::process::exit(1);
}

/// Opens a part of the log for appending, with permissions for the owner only.
pub(crate) fn open_for_append(path: &std::path::Path) -> Result<File, ServerError> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| ServerError::file("open", path, error))
}
