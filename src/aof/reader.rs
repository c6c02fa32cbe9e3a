//! Reading a file of the log: one effect after the other, with its offset.
//!
//! Marks ([`super::mark`]) are checked on the way. A file that ends in the middle of an effect is
//! *torn*, which is what a crash leaves and can be cut off; but if a mark stands behind the place
//! where the reading stopped, more had been written as a whole, so that place is *damaged*.
//! Space written ahead ([`super::space`]) and zeros at the end are no part of what is read.

use std::fs::File;
use std::io::{Read, Take};
use std::path::{Path, PathBuf};

use super::file::Content;
use super::mark::{self, Mark};
use super::tail::{self, Tail};
use crate::error::ServerError;
use crate::resp::argv::Argv;
use crate::resp::request::{Decoded, Limits, RequestDecoder};

const READ_BYTES: usize = 1 << 20;
/// Longest annotation, as for Redis.
const ANNOTATION_BYTES_MAX: usize = 1024;
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
    /// Begins behind the `known` bytes that were read of the file before: an RDB preamble, or
    /// effects.
    pub(crate) fn open(path: &Path, known: u64) -> Result<Self, ServerError> {
        let fail = |error| ServerError::file("open", path, error);
        let file = File::open(path).map_err(fail)?;
        let tail = tail::find_tail(&file, known).map_err(fail)?;
        let mut reader = Self {
            path: path.to_owned(),
            file: file.take(tail.whole()),
            buf: Vec::new(),
            start: 0,
            content: Content::default(),
            tail,
        };
        reader.skip(known)?;
        Ok(reader)
    }

    fn skip(&mut self, bytes: u64) -> Result<(), ServerError> {
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
            if at_start == Some(b'\n') && self.is_half_a_line() {
                return Ok(End::Torn(self.content.len));
            }
            if at_start.is_some_and(|byte| byte != b'*') {
                return Err(self.damaged("an effect must start with '*'".to_owned()));
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
                    // What is longer than the file is not gathered in memory.
                    if self.lacks(decoder.wanted_bytes()) || !self.fill()? {
                        return self.end();
                    }
                }
            }
        }
    }

    /// Is the rest of the file shorter than so many bytes?
    fn lacks(&self, bytes: usize) -> bool {
        ((self.buf.len() - self.start) as u64).saturating_add(self.file.limit()) < bytes as u64
    }

    /// Does the content end here with the rest of a line of space, half of which was written over?
    fn is_half_a_line(&self) -> bool {
        self.tail.has_space && self.content.len + 1 == self.tail.end
    }

    /// The file has ended, or what begins here does not end in it.
    fn end(&mut self) -> Result<End, ServerError> {
        if self.start == self.buf.len() {
            let is_torn = self.tail.torn_from.is_some();
            return Ok(if is_torn { End::Torn(self.content.len) } else { End::Clean });
        }
        if self.has_mark_behind()? {
            return Err(self.damaged("an effect is longer than the file".to_owned()));
        }
        Ok(End::Torn(self.content.len))
    }

    /// Looks for a mark in the rest of the file, which is not read as content any more.
    fn has_mark_behind(&mut self) -> Result<bool, ServerError> {
        let mut offset = self.content.len;
        loop {
            let rest = &self.buf[self.start..];
            if mark::is_in(rest, offset) {
                return Ok(true);
            }
            // A mark may have begun in these.
            let kept = rest.len().min(mark::BYTES_MAX);
            offset += (rest.len() - kept) as u64;
            self.start = self.buf.len() - kept;
            if !self.fill()? {
                return Ok(false);
            }
        }
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
                if rest.len() > ANNOTATION_BYTES_MAX {
                    return Err(self.damaged("an annotation without an end".to_owned()));
                }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aof::space;

    fn end_of(bytes: &[u8]) -> (Result<End, ServerError>, Reader) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(&path, bytes).unwrap();
        let mut reader = Reader::open(&path, 0).unwrap();
        (reader.for_each(|_, _| {}), reader)
    }

    #[test]
    fn what_is_longer_than_the_file_is_not_gathered() {
        let good = b"*1\r\n$4\r\nPING\r\n";
        let rest = [b"*2\r\n$4\r\nECHO\r\n$99999999\r\n".to_vec(), vec![b'x'; 9 << 20]].concat();
        let bytes = [&good[..], &rest].concat();
        let (end, reader) = end_of(&bytes);
        assert_eq!(end.unwrap(), End::Torn(good.len() as u64));
        assert!(reader.buf.capacity() <= 4 * READ_BYTES, "{}", reader.buf.capacity());
        let mut marked = bytes.clone();
        Mark { crc: 1, offset: bytes.len() as u64 }.write(&mut marked);
        marked.extend_from_slice(&vec![b'y'; 3 << 20]);
        let (end, reader) = end_of(&marked);
        assert!(matches!(end, Err(ServerError::Corrupt { offset: 14, .. })));
        assert!(reader.buf.capacity() <= 4 * READ_BYTES, "{}", reader.buf.capacity());
        let endless = [&good[..], b"#", &vec![b'x'; 9 << 20]].concat();
        assert!(matches!(end_of(&endless).0, Err(ServerError::Corrupt { offset: 14, .. })));
    }

    #[test]
    fn half_a_line_of_space_is_no_content() {
        let good = b"*1\r\n$4\r\nPING\r\n";
        let mut bytes = [&good[..], b"\n"].concat();
        bytes.extend_from_slice(&space::LINE.repeat(1000));
        let end = bytes.len() as u64 + space::END_BYTES as u64;
        bytes.extend_from_slice(format!("#SPACE {end:024}\n").as_bytes());
        assert_eq!(end_of(&bytes).0.unwrap(), End::Torn(good.len() as u64));
        bytes.truncate(good.len() + 1);
        assert!(end_of(&bytes).0.is_err());
    }
}
