//! The end of a file of the log, as a crash may leave it.
//!
//! When the power fails before a sync has ended, any sectors of the last group may be missing, in
//! whose place the space is seen that was written ahead ([`space`]). Nothing of that group was
//! acknowledged, and no other was under way. But a whole group may hold bytes that look like space,
//! so its checksum decides.
//!
//! A file that was made longer may have its new size before it has its new bytes: then it ends in
//! zeros, which are no content. Nothing that is written to a log ends with a zero.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crc32fast::Hasher;

use super::mark::{self, Mark};
use super::space::{self, LINE};

const PIECE_BYTES: usize = 64 << 10;
/// A disk writes a sector as a whole or not at all.
const SECTOR_BYTES: usize = 512;

/// How a file ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tail {
    /// Where the content ends, be there space behind it or not.
    pub(super) end: u64,
    /// Does space stand behind it?
    pub(super) has_space: bool,
    /// Where the last group starts, if it was not written as a whole.
    pub(super) torn_from: Option<u64>,
}

impl Tail {
    /// Where what can be read ends.
    pub(super) fn whole(&self) -> u64 {
        self.torn_from.unwrap_or(self.end)
    }
}

/// Looks at the end of a file, whose first `known` bytes are content, whatever they are.
pub(super) fn find_tail(file: &File, known: u64) -> io::Result<Tail> {
    let size = size_without_zeros(file)?.max(known);
    let end = space_start(file, size)?.max(known);
    let mut tail = Tail { end, has_space: end < size, torn_from: None };
    if !tail.has_space {
        return Ok(tail);
    }
    let group = last_group(file, end)?;
    if lacks_a_sector(file, group.start, end)? && !group.is_whole(file)? {
        tail.torn_from = Some(group.start.max(known));
    }
    Ok(tail)
}

/// Where the zeros begin that reach up to the end of the file, or that end.
fn size_without_zeros(file: &File) -> io::Result<u64> {
    let mut end = file.metadata()?.len();
    let mut buf = vec![0; PIECE_BYTES];
    while end > 0 {
        let part = end.min(PIECE_BYTES as u64);
        let bytes = &mut buf[..usize::try_from(part).unwrap_or(PIECE_BYTES)];
        file.read_exact_at(bytes, end - part)?;
        if let Some(last) = bytes.iter().rposition(|byte| *byte != 0) {
            return Ok(end - part + last as u64 + 1);
        }
        end -= part;
    }
    Ok(0)
}

/// Where the space begins that reaches up to the end of the file, or that end.
fn space_start(file: &File, size: u64) -> io::Result<u64> {
    let mut line = [0; space::END_BYTES];
    let Some(mut end) = size.checked_sub(space::END_BYTES as u64) else { return Ok(size) };
    file.read_exact_at(&mut line, end)?;
    if line != *space::end_line(size).as_bytes() {
        return Ok(size);
    }
    let mut buf = vec![0; PIECE_BYTES];
    while end > 0 {
        let part = end.min(PIECE_BYTES as u64);
        let bytes = &mut buf[..usize::try_from(part).unwrap_or(PIECE_BYTES)];
        file.read_exact_at(bytes, end - part)?;
        // Sectors of the space may be missing, too.
        let is_space = |line: &&[u8]| **line == LINE || **line == [0, 0];
        let lines = bytes.rchunks_exact(2).take_while(is_space).count();
        end -= 2 * lines as u64;
        if 2 * lines < bytes.len() {
            break;
        }
    }
    Ok(end)
}

/// The last group of a file.
#[derive(Debug)]
struct Group {
    start: u64,
    /// The mark at its end.
    mark: Option<Mark>,
}

impl Group {
    /// Are the bytes up to its mark those that were written?
    fn is_whole(&self, file: &File) -> io::Result<bool> {
        let Some(mark) = self.mark else { return Ok(false) };
        let mut hasher = Hasher::new();
        let mut buf = vec![0; 1 << 20];
        let mut offset = 0;
        while offset < mark.offset {
            let left = usize::try_from(mark.offset - offset).unwrap_or(usize::MAX);
            let part = left.min(buf.len());
            file.read_exact_at(&mut buf[..part], offset)?;
            hasher.update(&buf[..part]);
            offset += part as u64;
        }
        Ok(hasher.finalize() == mark.crc)
    }
}

/// Finds the group that ends at `end`: what stands behind the last mark but the group's own.
fn last_group(file: &File, end: u64) -> io::Result<Group> {
    let last = mark_before(file, end)?;
    let own = last.filter(|(_, mark_end)| *mark_end == end).map(|(mark, _)| mark);
    let before = match own {
        Some(mark) => mark_before(file, mark.offset)?,
        None => last,
    };
    Ok(Group { start: before.map_or(0, |(_, start)| start), mark: own })
}

/// The last mark in the first `end` bytes, and where it ends.
fn mark_before(file: &File, end: u64) -> io::Result<Option<(Mark, u64)>> {
    let mut behind = end;
    while behind > 0 {
        let start = behind.saturating_sub(PIECE_BYTES as u64);
        // A mark may begin in this piece and end in the one behind it.
        let stop = (behind + mark::BYTES_MAX as u64).min(end);
        let mut bytes = vec![0; usize::try_from(stop - start).unwrap_or_default()];
        file.read_exact_at(&mut bytes, start)?;
        let found = mark::find_last(&bytes, start);
        if found.is_some() {
            return Ok(found);
        }
        behind = start;
    }
    Ok(None)
}

/// Is there a sector between two places in which nothing of a group was written?
fn lacks_a_sector(file: &File, start: u64, end: u64) -> io::Result<bool> {
    let sector_bytes = SECTOR_BYTES as u64;
    let mut sector = [0; SECTOR_BYTES];
    let mut offset = start;
    while offset < end {
        let len = (sector_bytes - offset % sector_bytes).min(end - offset);
        let bytes = &mut sector[..usize::try_from(len).unwrap_or_default()];
        file.read_exact_at(bytes, offset)?;
        if bytes.chunks(2).all(|line| line == LINE) || bytes.iter().all(|&byte| byte == 0) {
            return Ok(true);
        }
        offset += len;
    }
    Ok(false)
}

#[cfg(test)]
mod tests;
