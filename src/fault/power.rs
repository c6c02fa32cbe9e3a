//! A power cut: what was written to the log and not synced is lost, or a part of it.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

use parking_lot::Mutex;

/// A disk writes a sector as a whole or not at all.
const SECTOR_BYTES: u64 = 512;

/// A write that was not synced yet, and how to take it back.
struct Write {
    inode: u64,
    file: File,
    offset: u64,
    /// What stood where it wrote, up to the file's end.
    before: Vec<u8>,
    /// The file's size before it.
    len: u64,
    bytes: u64,
}

/// What a power cut takes away of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    All,
    /// Files stay as long as they became; zeros stand where they were not so long before.
    AllButSize,
    /// Of bytes that took the place of others.
    EveryOtherSector,
}

/// Held while a file is written, so that nothing is added during a cut.
static WRITES: Mutex<Vec<Write>> = Mutex::new(Vec::new());

/// Writes bytes that a cut may take back.
pub(super) fn write(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    let mut writes = WRITES.lock();
    let stat = file.metadata()?;
    let overwritten = stat.len().saturating_sub(offset).min(bytes.len() as u64);
    let mut before = vec![0; usize::try_from(overwritten).unwrap_or_default()];
    file.read_exact_at(&mut before, offset)?;
    writes.push(Write {
        inode: stat.ino(),
        file: file.try_clone()?,
        offset,
        before,
        len: stat.len(),
        bytes: bytes.len() as u64,
    });
    file.write_all_at(bytes, offset)
}

/// Syncs a file; what was written before can no longer be lost.
pub(super) fn sync(file: &File) -> io::Result<()> {
    let inode = file.metadata()?.ino();
    let synced = WRITES.lock().len();
    file.sync_data()?;
    let mut number = 0;
    WRITES.lock().retain(|write| {
        number += 1;
        number > synced || write.inode != inode
    });
    Ok(())
}

/// Cuts the power. Nothing is written from now on: the process must end.
pub(super) fn lose(loss: Loss) {
    let mut writes = WRITES.lock();
    while let Some(write) = writes.pop() {
        drop(write.take_back(loss));
    }
    // It stays locked.
    std::mem::forget(writes);
}

impl Write {
    fn take_back(&self, loss: Loss) -> io::Result<()> {
        let is_kept = |sector: u64| loss == Loss::EveryOtherSector && sector.is_multiple_of(2);
        let mut rest = &self.before[..];
        let mut offset = self.offset;
        while !rest.is_empty() {
            let sector = offset / SECTOR_BYTES;
            let len = ((sector + 1) * SECTOR_BYTES - offset).min(rest.len() as u64);
            let (part, later) = rest.split_at(usize::try_from(len).unwrap_or(rest.len()));
            if !is_kept(sector) {
                self.file.write_all_at(part, offset)?;
            }
            (rest, offset) = (later, offset + len);
        }
        if self.len < self.offset + self.bytes {
            let longer = self.file.metadata()?.len();
            self.file.set_len(self.len)?;
            if loss == Loss::AllButSize {
                self.file.set_len(longer)?;
            }
        }
        Ok(())
    }
}
