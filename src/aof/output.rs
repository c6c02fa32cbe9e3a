//! What is on its way to the file.

use std::collections::VecDeque;

use parking_lot::MutexGuard;

use super::file::LogFile;

/// Effects that are not written yet.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    pub(super) bytes: Vec<u8>,
    /// The database that the log has selected.
    pub(super) db: Option<usize>,
    /// The unix time in seconds that was noted last; `None`: none is to be.
    pub(super) noted_s: Option<u64>,
    /// Files that begin at offsets in `bytes`.
    pub(super) rotations: Vec<(usize, LogFile)>,
}

/// A run of effects that goes to one file.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    /// The position behind it.
    pub(super) end: u64,
    /// The file for what follows.
    pub(super) then: Option<LogFile>,
}

/// The file, and what is on its way there.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub(super) file: Option<LogFile>,
    pub(super) pieces: VecDeque<Piece>,
    pub(super) spare: Vec<u8>,
}

impl Output {
    /// Drops what was to go to older files than the newest.
    pub(super) fn skip_to_newest_file(&mut self) {
        let Some(last) = self.pieces.iter().rposition(|piece| piece.then.is_some()) else { return };
        for piece in self.pieces.drain(..=last) {
            self.file = piece.then.or(self.file.take());
        }
    }

    /// Takes over what is in the buffer, cut where files begin; `end` is the position behind it.
    pub(super) fn take(&mut self, mut buffer: MutexGuard<'_, Buffer>, end: impl FnOnce() -> u64) {
        if buffer.bytes.is_empty() && buffer.rotations.is_empty() {
            return;
        }
        let spare = std::mem::take(&mut self.spare);
        let mut bytes = std::mem::replace(&mut buffer.bytes, spare);
        let rotations = std::mem::take(&mut buffer.rotations);
        let end = end();
        drop(buffer);
        let start = end - bytes.len() as u64;
        let mut from = 0;
        for (offset, file) in rotations {
            let rest = bytes.split_off(offset - from);
            let head = std::mem::replace(&mut bytes, rest);
            from = offset;
            self.push(Piece { bytes: head, end: start + offset as u64, then: Some(file) });
        }
        self.push(Piece { bytes, end, then: None });
    }

    /// Adds a piece to what could not be written before, if that goes to the same file: it is one
    /// group.
    fn push(&mut self, piece: Piece) {
        match self.pieces.back_mut() {
            Some(last) if last.then.is_none() => {
                last.bytes.extend_from_slice(&piece.bytes);
                last.end = piece.end;
                last.then = piece.then;
            }
            _ => self.pieces.push_back(piece),
        }
    }
}
