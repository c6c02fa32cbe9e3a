//! The bytes of an RDB file on their way to a reader: block by block.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::crc64;

/// Bytes of a block.
const BLOCK_BYTES: u64 = 256 << 10;

/// A piece of a file.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub(super) bytes: Vec<u8>,
    /// The checksum of all that comes before it.
    pub(super) crc: u64,
}

/// Where blocks come from.
pub(super) trait Source {
    /// Puts the next block in place of one that is used up; `false` at the end.
    fn next(&mut self, block: &mut Block) -> io::Result<bool>;
}

/// A payload in memory is a single block.
impl Source for &[u8] {
    fn next(&mut self, block: &mut Block) -> io::Result<bool> {
        *block = Block { bytes: std::mem::take(self).to_vec(), crc: 0 };
        Ok(!block.bytes.is_empty())
    }
}

/// What several threads can read at once, each at its own place.
pub(crate) trait ReadAt: Sync {
    /// Reads what there is from `offset` on, up to the length of `bytes`; returns how much.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl ReadAt for File {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, bytes, offset)
    }
}

impl ReadAt for [u8] {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|start| self.get(start..));
        let rest = rest.unwrap_or_default();
        let len = rest.len().min(bytes.len());
        bytes[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }
}

/// The blocks of a part of a file.
#[derive(Debug)]
pub(super) struct Blocks<'f, F: ?Sized> {
    file: &'f F,
    next: u64,
    end: u64,
    /// Is a checksum kept? It counts from where the part starts.
    sums: bool,
}

impl<'f, F: ReadAt + ?Sized> Blocks<'f, F> {
    /// The whole file, with its checksum.
    pub(super) fn all(file: &'f F) -> Self {
        Self { file, next: 0, end: u64::MAX, sums: true }
    }

    /// What lies between two offsets.
    pub(super) fn between(file: &'f F, start: u64, end: u64) -> Self {
        Self { file, next: start, end, sums: false }
    }
}

impl<F: ReadAt + ?Sized> Source for Blocks<'_, F> {
    fn next(&mut self, block: &mut Block) -> io::Result<bool> {
        if self.sums {
            block.crc = crc64::update(block.crc, &block.bytes);
        }
        let want = usize::try_from(BLOCK_BYTES.min(self.end - self.next)).unwrap_or(0);
        block.bytes.resize(want, 0);
        let mut len = 0;
        while len < want {
            match self.file.read_at(&mut block.bytes[len..], self.next) {
                Ok(0) => break,
                Ok(read) => {
                    len += read;
                    self.next += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        block.bytes.truncate(len);
        Ok(len > 0)
    }
}
