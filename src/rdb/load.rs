//! Reading whole files, with several threads.
//!
//! ```text
//!                                       ┌▶ reader: extent ─▶ values ─▶ visit
//! scanner: file ─▶ checksum, extents ───┼▶ reader: extent ─▶ values ─▶ visit
//!                  (where entries lie)  └▶ ...
//! ```
//!
//! The scanner goes through the file from its start: it checks the checksum, and finds where
//! entries end without making their values. What it passes on are extents: ranges of entries in
//! the file, which the readers read on their own. So a large value holds up one reader and nobody
//! else, and nothing but the blocks of each reader is held in memory.
//!
//! Entries come in no particular order, and at once. Of several errors the first in the file
//! counts: extents are taken in order, so those before it are all read to their end.

use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use parking_lot::Mutex;

use super::blocks::{Blocks, ReadAt};
use super::file::{self, Attributes, operation};
use super::input::Input;
use super::{Limits, RdbError, decode, skip};
use crate::types::value::Value;

/// Bytes from which on an extent is passed on.
const EXTENT_BYTES: u64 = 128 << 10;
/// How many extents the scanner is ahead at most.
const EXTENTS_AHEAD: usize = 1024;
const READERS_MAX: usize = 8;

/// What a file holds.
#[derive(Debug)]
pub(crate) enum Item<'a> {
    Entry {
        db: usize,
        key: &'a [u8],
        value: Value,
        attributes: Attributes,
    },
    /// The source of a library of functions.
    Function(&'a [u8]),
    /// So many bytes more are done.
    Progress(u64),
}

/// Entries of one database that follow each other in the file.
#[derive(Clone, Copy, Debug)]
struct Extent {
    db: usize,
    start: u64,
    end: u64,
}

/// The first error in the file, of those that were found.
#[derive(Debug)]
struct Failure {
    first: Mutex<Option<(u64, RdbError)>>,
    /// Its offset; the greatest number if there is none.
    offset: AtomicU64,
}

impl Failure {
    fn none() -> Self {
        Self { first: Mutex::default(), offset: AtomicU64::new(u64::MAX) }
    }

    fn note(&self, offset: u64, error: RdbError) {
        let mut first = self.first.lock();
        if first.as_ref().is_none_or(|(before, _)| offset < *before) {
            *first = Some((offset, error));
            self.offset.store(offset, Ordering::Release);
        }
    }

    /// Is there one before this place?
    fn is_before(&self, offset: u64) -> bool {
        self.offset.load(Ordering::Acquire) < offset
    }
}

/// Reads a file from its start, and passes what it holds to `visit`, from several threads; returns
/// where it ends, or the first error and its offset.
pub(crate) fn load<F: ReadAt + ?Sized>(
    file: &F,
    limits: &Limits,
    visit: impl Fn(Item<'_>) -> Result<(), RdbError> + Sync,
) -> Result<u64, (u64, RdbError)> {
    let readers = std::thread::available_parallelism().map_or(1, NonZero::get).min(READERS_MAX);
    let (sender, extents) = sync_channel(EXTENTS_AHEAD);
    let extents = Mutex::new(extents);
    let failure = Failure::none();
    let scanned = std::thread::scope(|scope| {
        for _ in 0..readers {
            let (extents, reader) =
                (&extents, Reader { file, limits, visit: &visit, failure: &failure });
            let thread = std::thread::Builder::new().name("reader".to_owned());
            thread
                .spawn_scoped(scope, move || reader.run(extents))
                .map_err(|error| (0, RdbError::Io(error)))?;
        }
        let input = Input::new(Blocks::all(file));
        let extent = Extent { db: 0, start: 0, end: 0 };
        let mut scanner = Scanner { input, extent, sender, failure: &failure };
        let outcome = scanner.run();
        // Before an error, too, values may be wrong.
        scanner.pass_on();
        outcome.map(|()| scanner.input.offset).map_err(|error| (scanner.input.offset, error))
    });
    let read = failure.first.into_inner().map_or(Ok(()), Err);
    match (read, scanned) {
        (Err(read), Err(scanned)) if scanned.0 < read.0 => Err(scanned),
        (Err(read), _) => Err(read),
        (Ok(()), scanned) => scanned,
    }
}

/// Finds extents.
struct Scanner<'f, F: ?Sized> {
    input: Input<Blocks<'f, F>>,
    /// The one that has begun, as far as it goes.
    extent: Extent,
    sender: SyncSender<Extent>,
    failure: &'f Failure,
}

impl<F: ReadAt + ?Sized> Scanner<'_, F> {
    /// Goes through the file to its end, unless a reader fails.
    fn run(&mut self) -> Result<(), RdbError> {
        let version = file::version(&mut self.input)?;
        let mut db = 0;
        self.begin(db);
        while !self.failure.is_before(u64::MAX) {
            let input = &mut self.input;
            match input.byte()? {
                operation::AUXILIARY => {
                    input.skip_text()?;
                    input.skip_text()?;
                }
                operation::END => return file::check_end(input, version),
                operation::EXPIRES_MS => input.skip(8)?,
                operation::EXPIRES_S => input.skip(4)?,
                operation::FREQUENCY => input.skip(1)?,
                operation::FUNCTION => input.skip_text()?,
                operation::FUNCTION_EARLY => {
                    return Err(RdbError::Corrupt("functions of a release candidate of Redis 7.0"));
                }
                operation::IDLE => input.skip_lengths(1)?,
                operation::MODULE => file::skip_module_fields(input)?,
                operation::RESIZE => input.skip_lengths(2)?,
                operation::SELECT => db = file::database(input)?,
                operation::SLOT_INFO => input.skip_lengths(3)?,
                kind => {
                    input.skip_text()?;
                    skip::object(input, kind)?;
                    self.extent.end = self.input.offset;
                    if self.extent.end - self.extent.start >= EXTENT_BYTES {
                        self.pass_on();
                        self.begin(db);
                    }
                    continue;
                }
            }
            self.extent.end = self.input.offset;
        }
        Ok(())
    }

    fn begin(&mut self, db: usize) {
        self.extent = Extent { db, start: self.input.offset, end: self.input.offset };
    }

    fn pass_on(&self) {
        let sent = self.sender.send(self.extent);
        debug_assert!(sent.is_ok(), "readers take all extents, also behind an error");
    }
}

/// Reads extents.
#[derive(Debug)]
struct Reader<'f, F: ?Sized, V> {
    file: &'f F,
    limits: &'f Limits,
    visit: &'f V,
    failure: &'f Failure,
}

impl<'f, F: ReadAt + ?Sized, V: Fn(Item<'_>) -> Result<(), RdbError>> Reader<'f, F, V> {
    fn run(&self, extents: &Mutex<Receiver<Extent>>) {
        let mut input = Input::new(Blocks::between(self.file, 0, 0));
        let mut key = Vec::new();
        loop {
            let next = extents.lock().recv();
            let Ok(extent) = next else { return };
            if self.failure.is_before(extent.start) {
                // What comes behind an error is not looked at, but what comes before it is.
                continue;
            }
            input.go_to(Blocks::between(self.file, extent.start, extent.end), extent.start);
            let read = self.read(&mut input, extent, &mut key);
            let done = extent.end - extent.start;
            if let Err(error) = read.and_then(|()| (self.visit)(Item::Progress(done))) {
                self.failure.note(input.offset, error);
            }
        }
    }

    fn read(
        &self,
        input: &mut Input<Blocks<'f, F>>,
        extent: Extent,
        key: &mut Vec<u8>,
    ) -> Result<(), RdbError> {
        let mut db = extent.db;
        let mut attributes = Attributes::default();
        while input.offset < extent.end {
            match input.byte()? {
                operation::AUXILIARY => {
                    input.skip_text()?;
                    input.skip_text()?;
                }
                operation::EXPIRES_MS => attributes.expires_at_ms = Some(input.milliseconds()?),
                operation::EXPIRES_S => {
                    let seconds = u32::from_le_bytes(input.array()?);
                    attributes.expires_at_ms = Some(u64::from(seconds) * 1000);
                }
                operation::FREQUENCY => attributes.frequency = Some(input.byte()?),
                operation::FUNCTION => (self.visit)(Item::Function(input.text()?))?,
                operation::IDLE => attributes.idle_s = Some(input.length()?),
                operation::MODULE => file::skip_module_fields(input)?,
                operation::RESIZE => input.skip_lengths(2)?,
                operation::SELECT => db = file::database(input)?,
                operation::SLOT_INFO => input.skip_lengths(3)?,
                kind => {
                    input.text_into(key)?;
                    let value = decode::object(input, kind, self.limits)?;
                    let attributes = std::mem::take(&mut attributes);
                    (self.visit)(Item::Entry { db, key, value, attributes })?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
