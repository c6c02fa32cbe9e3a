//! Reading a file of the log: one effect after the other, with its offset.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::ServerError;
use crate::resp::request::{Argv, Decoded, Limits, RequestDecoder};

const READ_BYTES: usize = 1 << 20;
const LIMITS: Limits =
    Limits { words_max: i32::MAX as usize, bulk_bytes_max: usize::MAX / 2, authenticated: true };

/// How a file of the log ended.
#[derive(Debug, PartialEq, Eq)]
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
    file: File,
    buf: Vec<u8>,
    start: usize,
    /// Offset in the file of `buf[start]`.
    offset: u64,
    size: u64,
}

impl Reader {
    pub(crate) fn open(path: &Path) -> Result<Self, ServerError> {
        let fail = |error| ServerError::file("open", path, error);
        let file = File::open(path).map_err(fail)?;
        let size = file.metadata().map_err(fail)?.len();
        Ok(Self { path: path.to_owned(), file, buf: Vec::new(), start: 0, offset: 0, size })
    }

    /// Size of the file in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.size
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
                if !self.skip_line()? {
                    return Ok(self.end());
                }
                continue;
            }
            if at_start.is_some_and(|byte| byte != b'*') {
                return Err(self.damaged("an effect must start with '*'"));
            }
            match decoder.decode(&self.buf[self.start..], &LIMITS) {
                Err(error) => return Err(self.damaged(&error.to_string())),
                Ok(Decoded::Nothing(_)) => return Err(self.damaged("an effect without words")),
                Ok(Decoded::Request(argv, used)) => {
                    self.start += used;
                    self.offset += used as u64;
                    visit(argv, self.offset);
                }
                Ok(Decoded::Incomplete) => {
                    if !self.fill()? {
                        return Ok(self.end());
                    }
                }
            }
        }
    }

    fn end(&self) -> End {
        if self.start == self.buf.len() { End::Clean } else { End::Torn(self.offset) }
    }

    fn damaged(&self, reason: &str) -> ServerError {
        ServerError::Corrupt {
            path: self.path.clone(),
            offset: self.offset,
            reason: reason.to_owned(),
        }
    }

    /// Skips an annotation; `false` if the file ends in it.
    fn skip_line(&mut self) -> Result<bool, ServerError> {
        loop {
            let rest = &self.buf[self.start..];
            if let Some(end) = memchr::memchr(b'\n', rest) {
                self.start += end + 1;
                self.offset += end as u64 + 1;
                return Ok(true);
            }
            if !self.fill()? {
                return Ok(false);
            }
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
