//! Reading a file of the log: one effect after the other, with its offset.
//!
//! Marks ([`super::mark`]) are checked on the way. A file that ends in the middle of an effect is
//! *torn*, which is what a crash leaves and can be cut off; but if a mark stands behind the place
//! where the reading stopped, more had been written as a whole, so that place is *damaged*.
//! Space written ahead ([`super::space`]) is no part of what is read.

use std::fs::File;
use std::io::{Read, Take};
use std::path::{Path, PathBuf};

use super::file::Content;
use super::mark::{self, Mark};
use super::space::{self, Tail};
use crate::error::ServerError;
use crate::resp::argv::Argv;
use crate::resp::request::{Decoded, Limits, RequestDecoder};

const READ_BYTES: usize = 1 << 20;
const LIMITS: Limits =
    Limits { words_max: i32::MAX as usize, bulk_bytes_max: usize::MAX / 2, authenticated: true };

/// How a file of the log ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Behind an effect.
    Clean,
    /// In the middle of one, which starts at this offset.
    Torn(u64),
}

/// A file of the log.
#[derive(Debug)]
pub(crate) struct Reader {
    path: PathBuf,
    file: Take<File>,
    buf: Vec<u8>,
    start: usize,
    /// What was read before `buf[start]`.
    content: Content,
    tail: Tail,
}

impl Reader {
    pub(crate) fn open(path: &Path) -> Result<Self, ServerError> {
        let fail = |error| ServerError::file("open", path, error);
        let file = File::open(path).map_err(fail)?;
        let tail = space::find_tail(&file).map_err(fail)?;
        Ok(Self {
            path: path.to_owned(),
            file: file.take(tail.whole()),
            buf: Vec::new(),
            start: 0,
            content: Content::default(),
            tail,
        })
    }

    /// Goes on behind what another reader has read of the file: an RDB preamble.
    pub(crate) fn skip(&mut self, bytes: u64) -> Result<(), ServerError> {
        while self.content.len < bytes {
            let left = usize::try_from(bytes - self.content.len).unwrap_or(usize::MAX);
            if self.start == self.buf.len() && !self.fill()? {
                return Ok(());
            }
            self.consume(left.min(self.buf.len() - self.start));
        }
        Ok(())
    }

    /// Size of the file in bytes, without space written ahead.
    pub(crate) fn size(&self) -> u64 {
        self.tail.end
    }

    /// What was read as a whole.
    pub(crate) fn content(&self) -> &Content {
        &self.content
    }

    /// Calls `visit` with each effect and the offset behind it.
    pub(crate) fn for_each(
        &mut self,
        mut visit: impl FnMut(Argv<'_>, u64),
    ) -> Result<End, ServerError> {
        let mut decoder = RequestDecoder::new();
        loop {
            let at_start = self.buf.get(self.start).copied();
            if at_start == Some(b'#') {
                if !self.read_annotation()? {
                    return self.end();
                }
                continue;
            }
            if at_start.is_some_and(|byte| byte != b'*') {
                return self.nonsense("an effect must start with '*'");
            }
            match decoder.decode(&self.buf[self.start..], &LIMITS) {
                Err(error) => return Err(self.damaged(error.to_string())),
                Ok(Decoded::Nothing(_)) => {
                    return Err(self.damaged("an effect without words".to_owned()));
                }
                Ok(Decoded::Request(argv, used)) => {
                    visit(argv, self.content.len + used as u64);
                    self.consume(used);
                }
                Ok(Decoded::Incomplete) => {
                    if !self.fill()? {
                        return self.end();
                    }
                }
            }
        }
    }

    /// The file has ended.
    fn end(&self) -> Result<End, ServerError> {
        let rest = &self.buf[self.start..];
        if rest.is_empty() {
            let is_torn = self.tail.torn_from.is_some();
            return Ok(if is_torn { End::Torn(self.content.len) } else { End::Clean });
        }
        if mark::is_in(rest, self.content.len) {
            return Err(self.damaged("an effect is longer than the file".to_owned()));
        }
        Ok(End::Torn(self.content.len))
    }

    /// Something else than an effect. Zeros up to the end are what some file systems leave when
    /// the machine goes down.
    fn nonsense(&mut self, reason: &str) -> Result<End, ServerError> {
        while self.buf[self.start..].iter().all(|&byte| byte == 0) {
            if !self.fill()? {
                return Ok(End::Torn(self.content.len));
            }
        }
        Err(self.damaged(reason.to_owned()))
    }

    fn damaged(&self, reason: String) -> ServerError {
        ServerError::Corrupt { path: self.path.clone(), offset: self.content.len, reason }
    }

    fn consume(&mut self, bytes: usize) {
        self.content.add(&self.buf[self.start..self.start + bytes]);
        self.start += bytes;
    }

    /// Reads an annotation, and checks it if it is a mark; `false` if the file ends in it.
    fn read_annotation(&mut self) -> Result<bool, ServerError> {
        loop {
            let rest = &self.buf[self.start..];
            let Some(end) = memchr::memchr(b'\n', rest) else {
                if !self.fill()? {
                    return Ok(false);
                }
                continue;
            };
            let mark = Mark::parse(&rest[..=end]);
            let found = Mark::of(&self.content.hasher, self.content.len);
            if mark.is_some_and(|mark| mark != found) {
                let to = self.content.len;
                let offset = self.content.marked;
                let reason = format!("the bytes up to {to} are not those that were written");
                return Err(ServerError::Corrupt { path: self.path.clone(), offset, reason });
            }
            self.consume(end + 1);
            if mark.is_some() {
                self.content.marked = self.content.len;
            }
            return Ok(true);
        }
    }

    /// Reads more; `false` at the end of the file.
    fn fill(&mut self) -> Result<bool, ServerError> {
        self.buf.drain(..self.start);
        self.start = 0;
        let len = self.buf.len();
        let more = READ_BYTES.max(len);
        self.buf.resize(len + more, 0);
        let read = self
            .file
            .read(&mut self.buf[len..])
            .map_err(|error| ServerError::file("read", &self.path, error))?;
        self.buf.truncate(len + read);
        Ok(read > 0)
    }
}
