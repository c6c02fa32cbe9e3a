//! A file of the log that is appended to, group by group.
//!
//! With `appendfsync always` the file is longer than its content: space is written ahead
//! ([`space`]), so that most syncs need not make the file longer, which takes the
//! system about as long as writing the bytes themselves.

use std::fmt::Debug;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crc32fast::Hasher;
use parking_lot::Mutex;

use super::Failure;
use super::mark::{self, Mark};
use super::space;
use crate::error::ServerError;
use crate::fault::{self, Point};

/// Bytes without a mark before a group gets one unasked.
const UNMARKED_BYTES_MAX: u64 = 4096;

/// What a log is written to; tests put one that fails in its place.
pub(crate) trait Storage: Debug + Send + Sync {
    /// Writes all of `bytes` at `offset`.
    fn write(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Writes so many bytes of space at `offset`.
    fn write_space(&self, bytes: u64, offset: u64) -> io::Result<()>;
    /// Cuts off what stands behind the first `len` bytes.
    fn cut(&self, len: u64) -> io::Result<()>;
    /// Makes what was written durable.
    fn sync(&self) -> io::Result<()>;
}

impl Storage for File {
    fn write(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        fault::write(Point::LogAppend, self, bytes, offset)?;
        fault::pass(Point::LogAppended)
    }

    fn write_space(&self, bytes: u64, offset: u64) -> io::Result<()> {
        for (piece, offset) in space::pieces(bytes, offset) {
            fault::write(Point::LogSpace, self, &piece, offset)?;
        }
        Ok(())
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
    /// Is space to be written ahead?
    takes_space: bool,
    /// Where the space behind the content ends; nothing stands there if that is no later.
    space_end: u64,
    /// Must what stands behind the content be cut off, be it half a write?
    torn: bool,
}

impl LogFile {
    pub(crate) fn new(storage: Arc<dyn Storage>, content: Content) -> Self {
        let syncer = Arc::new(Syncer { storage: Arc::clone(&storage), failed: Mutex::new(false) });
        Self { storage, syncer, content, takes_space: false, space_end: 0, torn: false }
    }

    /// Opens a file for writing behind its content, and makes it if need be; the owner alone may
    /// read it.
    pub(crate) fn open(path: &Path, content: Content) -> Result<Self, ServerError> {
        use std::os::unix::fs::OpenOptionsExt;
        let mut options = std::fs::OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true).mode(0o600);
        let opened = options.open(path).and_then(|file| {
            let len = file.metadata()?.len();
            Ok((file, len))
        });
        let (file, len) = opened.map_err(|error| ServerError::file("open", path, error))?;
        let torn = len > content.len;
        Ok(Self { torn, ..Self::new(Arc::new(file), content) })
    }

    /// Makes an empty file, in place of one of which nothing is known.
    pub(crate) fn create(path: &Path) -> Result<Self, ServerError> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(ServerError::file("remove", path, error))
            }
            _ => Self::open(path, Content::default()),
        }
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

    /// What an error of it means: before space is cut off, the file is synced.
    pub(super) fn failure(&self) -> Failure {
        if self.syncer.has_failed() { Failure::Sync } else { Failure::Write }
    }

    /// Is space written ahead from now on? Each group must have a mark then.
    pub(super) fn take_space(&mut self, takes: bool) {
        self.takes_space = takes;
        self.torn |= !takes && self.space_end > self.content.len;
    }

    /// Cuts off the space behind the content, and takes no more.
    pub(super) fn give_back_space(&mut self) -> io::Result<()> {
        self.take_space(false);
        self.mend()
    }

    /// Writes a group as a whole, or nothing of it. A mark follows if `mark` says so, or when
    /// enough was written without one.
    pub(crate) fn append(&mut self, group: &mut Vec<u8>, mark: bool) -> io::Result<()> {
        self.part_from_marks(group);
        let bytes = group.len();
        let mut next = self.content.clone();
        next.add(group);
        if mark || next.len - next.marked >= UNMARKED_BYTES_MAX {
            Mark::of(&next.hasher, next.len).write(group);
            next.add(&group[bytes..]);
            next.marked = next.len;
        }
        // A group that does not fit goes where no space is, so that a crash leaves no hole in it.
        let behind = next.len + space::END_BYTES as u64;
        self.torn |= self.content.len < self.space_end && self.space_end < behind;
        let written = self.mend().and_then(|()| self.storage.write(group, self.content.len));
        if written.is_err() {
            group.truncate(bytes);
            self.torn = true;
            drop(self.mend());
            return written;
        }
        self.content = next;
        if self.takes_space && self.space_end < self.content.len {
            self.write_space();
        }
        Ok(())
    }

    /// Moves a group whose bytes look like a mark that stands at its own place: a reader of what a
    /// crash leaves would take it for one. Only who tries that can make it so.
    fn part_from_marks(&self, group: &mut Vec<u8>) {
        let shift = mark::shift_from_marks(group, self.content.len);
        if shift > 0 {
            drop(group.splice(..0, space::LINE.repeat(shift / 2)));
        }
    }

    /// Writes space ahead. Where that fails the log goes on without.
    fn write_space(&mut self) {
        debug_assert!(self.is_marked(), "space stands behind a mark");
        let end = self.content.len + space::BYTES;
        match self.storage.write_space(space::BYTES, self.content.len) {
            Ok(()) => self.space_end = end,
            Err(error) => {
                tracing::debug!(%error, "no space is written ahead");
                self.torn = true;
            }
        }
    }

    /// Cuts off what stands behind the content: the rest of a write that failed, or space.
    fn mend(&mut self) -> io::Result<()> {
        if self.torn {
            if self.space_end > self.content.len {
                // The space tells that a group is torn, so it goes when that cannot happen.
                self.syncer.sync()?;
            }
            self.storage.cut(self.content.len)?;
            self.torn = false;
            self.space_end = 0;
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
