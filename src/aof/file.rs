//! A file of the log that is appended to, group by group.

use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use crc32fast::Hasher;
use parking_lot::Mutex;

use super::mark::Mark;
use crate::error::ServerError;
use crate::fault::{self, Point};

/// Bytes without a mark before a group gets one unasked.
const UNMARKED_BYTES_MAX: u64 = 4096;

/// What a log is written to; tests put one that fails in its place.
pub(crate) trait Storage: Debug + Send + Sync {
    /// Writes all of `bytes` at the end.
    fn append(&self, bytes: &[u8]) -> io::Result<()>;
    /// Cuts off what stands behind the first `len` bytes.
    fn cut(&self, len: u64) -> io::Result<()>;
    /// Makes what was written durable.
    fn sync(&self) -> io::Result<()>;
}

impl Storage for File {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = self;
        fault::write(Point::LogAppend, bytes, |bytes| file.write_all(bytes))?;
        fault::pass(Point::LogAppended)
    }

    fn cut(&self, len: u64) -> io::Result<()> {
        fault::pass(Point::LogMend)?;
        self.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        fault::pass(Point::LogSync)?;
        fault::sync(self)?;
        fault::pass(Point::LogSynced)
    }
}

/// What is known of the bytes of a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    /// Bytes that were written as a whole.
    pub(crate) len: u64,
    /// The checksum of these bytes.
    pub(crate) hasher: Hasher,
    /// Where the last mark ends.
    pub(crate) marked: u64,
}

/// Syncs a file until that fails once. After that the system may have dropped what it could not
/// write, and would report the next sync as a success, so there is none.
#[derive(Debug)]
pub(super) struct Syncer {
    storage: Arc<dyn Storage>,
    /// Locked during a sync: of two at once, the system would tell only one of a failure.
    failed: Mutex<bool>,
}

impl Syncer {
    /// Makes what was written durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        let mut failed = self.failed.lock();
        if *failed {
            return Err(io::Error::other("an earlier sync of the file failed"));
        }
        let synced = self.storage.sync();
        *failed = synced.is_err();
        synced
    }

    /// Has a sync failed?
    pub(super) fn has_failed(&self) -> bool {
        *self.failed.lock()
    }
}

/// A file of the log that is being written.
#[derive(Debug)]
pub(crate) struct LogFile {
    storage: Arc<dyn Storage>,
    syncer: Arc<Syncer>,
    content: Content,
    /// Did a write fail half-way, so that something may stand behind the content?
    torn: bool,
}

impl LogFile {
    pub(crate) fn new(storage: Arc<dyn Storage>, content: Content) -> Self {
        let syncer = Syncer { storage: Arc::clone(&storage), failed: Mutex::new(false) };
        Self { storage, syncer: Arc::new(syncer), content, torn: false }
    }

    /// Opens a file for appending, and makes it if need be; the owner alone may read it.
    pub(crate) fn open(path: &Path, content: Content) -> Result<Self, ServerError> {
        use std::os::unix::fs::OpenOptionsExt;
        let file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)
            .and_then(|file| fault::opened(&file).map(|()| file))
            .map_err(|error| ServerError::file("open", path, error))?;
        Ok(Self::new(Arc::new(file), content))
    }

    pub(crate) fn len(&self) -> u64 {
        self.content.len
    }

    /// Makes what was written durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.syncer.sync()
    }

    /// What syncs it without holding up who appends.
    pub(super) fn syncer(&self) -> Arc<Syncer> {
        Arc::clone(&self.syncer)
    }

    /// Does a mark stand at the end?
    pub(super) fn is_marked(&self) -> bool {
        self.content.marked == self.content.len
    }

    /// Writes a group as a whole, or nothing of it. A mark follows if `mark` says so, or when
    /// enough was written without one.
    pub(crate) fn append(&mut self, group: &mut Vec<u8>, mark: bool) -> io::Result<()> {
        let bytes = group.len();
        let mut next = self.content.clone();
        next.add(group);
        if mark || next.len - next.marked >= UNMARKED_BYTES_MAX {
            Mark::of(&next.hasher, next.len).write(group);
            next.add(&group[bytes..]);
            next.marked = next.len;
        }
        let written = self.mend().and_then(|()| self.storage.append(group));
        if written.is_err() {
            group.truncate(bytes);
            self.torn = true;
            drop(self.mend());
            return written;
        }
        self.content = next;
        Ok(())
    }

    /// Cuts off the rest of a write that failed.
    fn mend(&mut self) -> io::Result<()> {
        if self.torn {
            self.storage.cut(self.content.len)?;
            self.torn = false;
        }
        Ok(())
    }
}

impl Content {
    /// More bytes follow.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.len += bytes.len() as u64;
    }
}
