//! Space written ahead in a file of the log. What a crash leaves there is seen in [`super::tail`].
//!
//! ```text
//! content, which ends with a mark │ #⏎#⏎#⏎#⏎ ... │ #SPACE and where the file ends ⏎
//! ```
//!
//! The space consists of lines that Redis' loader skips, so the file can be loaded at any time,
//! there too. Marks end at even offsets, so whatever is written over the space leaves whole lines.
//! The last line stays: its number tells space from all else that a file may end with, as a part
//! of a value or a checksum.

use std::borrow::Cow;

/// Bytes written ahead at once: a sync in many takes longer by these.
pub(super) const BYTES: u64 = 256 << 10;
pub(super) const LINE: [u8; 2] = *b"#\n";
/// Bytes of the last line.
pub(super) const END_BYTES: usize = 32;
const PIECE_BYTES: usize = 64 << 10;
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
pub(super) fn end_line(end: u64) -> String {
    format!("#SPACE {end:024}\n")
}
