//! Space written ahead in a file of the log, and what a crash leaves there.
//!
//! ```text
//! content, which ends with a mark │ #⏎#⏎#⏎#⏎ ... │ #SPACE and where the file ends ⏎
//! ```
//!
//! The space consists of lines that Redis' loader skips, so the file can be loaded at any time,
//! there too. Marks end at even offsets, so whatever is written over the space leaves whole lines.
//! The last line stays: its number tells space from all else that a file may end with, as a part
//! of a value or a checksum.
//!
//! When the power fails before a sync has ended, any sectors of the last group may be missing, in
//! whose place the space is seen. Nothing of that group was acknowledged, and no other was under
//! way. But a whole group may hold bytes that look like space, so its checksum decides.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crc32fast::Hasher;

use super::mark::{self, Mark};

/// Bytes written ahead at once: a sync in many takes longer by these.
pub(super) const BYTES: u64 = 256 << 10;
const LINE: [u8; 2] = *b"#\n";
/// Bytes of the last line.
pub(super) const END_BYTES: usize = 32;
const PIECE_BYTES: usize = 64 << 10;
/// A disk writes a sector as a whole or not at all.
const SECTOR_BYTES: usize = 512;
static PIECE: [u8; PIECE_BYTES] = {
    let mut piece = [LINE[0]; PIECE_BYTES];
    let mut at = 1;
    while at < PIECE_BYTES {
        piece[at] = LINE[1];
        at += 2;
    }
    piece
};

/// So many bytes of space from an even `offset` on, in pieces with their offsets.
pub(super) fn pieces(bytes: u64, offset: u64) -> impl Iterator<Item = (Cow<'static, [u8]>, u64)> {
    debug_assert!(bytes.is_multiple_of(2) && offset.is_multiple_of(2), "lines are whole");
    let lines = bytes - END_BYTES as u64;
    let last = (Cow::Owned(end_line(offset + bytes).into_bytes()), offset + lines);
    let pieces = (0..lines).step_by(PIECE_BYTES).map(move |start| {
        let len = usize::try_from(lines - start).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES));
        (Cow::Borrowed(&PIECE[..len]), offset + start)
    });
    pieces.chain([last])
}

/// The last line of space in a file that ends at `end`.
fn end_line(end: u64) -> String {
    format!("#SPACE {end:024}\n")
}

/// How a file ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tail {
    /// Where the content ends, be there space behind it or not.
    pub(super) end: u64,
    /// Where the last group starts, if it was not written as a whole.
    pub(super) torn_from: Option<u64>,
}

impl Tail {
    /// Where what can be read ends.
    pub(super) fn whole(&self) -> u64 {
        self.torn_from.unwrap_or(self.end)
    }
}

/// Looks at the end of a file.
pub(super) fn find_tail(file: &File) -> io::Result<Tail> {
    let size = file.metadata()?.len();
    let end = space_start(file, size)?;
    let mut tail = Tail { end, torn_from: None };
    if end == size {
        return Ok(tail);
    }
    let group = last_group(file, end)?;
    if lacks_a_sector(file, group.start, end)? && !group.is_whole(file)? {
        tail.torn_from = Some(group.start);
    }
    Ok(tail)
}

/// Where the space begins that reaches up to the end of the file, or that end.
fn space_start(file: &File, size: u64) -> io::Result<u64> {
    let mut line = [0; END_BYTES];
    let Some(mut end) = size.checked_sub(END_BYTES as u64) else { return Ok(size) };
    file.read_exact_at(&mut line, end)?;
    if line != *end_line(size).as_bytes() {
        return Ok(size);
    }
    let mut buf = vec![0; PIECE_BYTES];
    while end > 0 {
        let part = end.min(PIECE_BYTES as u64);
        let bytes = &mut buf[..usize::try_from(part).unwrap_or(PIECE_BYTES)];
        file.read_exact_at(bytes, end - part)?;
        let lines = bytes.rchunks_exact(2).take_while(|line| **line == LINE).count();
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
    let mut window = (PIECE_BYTES as u64).min(end);
    loop {
        let offset = end - window;
        let mut bytes = vec![0; usize::try_from(window).unwrap_or_default()];
        file.read_exact_at(&mut bytes, offset)?;
        let last = mark::find_last(&bytes, offset);
        let own = last.filter(|(_, mark_end)| *mark_end == end).map(|(mark, _)| mark);
        let before = match own {
            Some(mark) => {
                let len = usize::try_from(mark.offset - offset).unwrap_or_default();
                mark::find_last(&bytes[..len], offset)
            }
            None => last,
        };
        match before {
            Some((_, start)) => return Ok(Group { start, mark: own }),
            None if offset == 0 => return Ok(Group { start: 0, mark: own }),
            None => window = (2 * window).min(end),
        }
    }
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
