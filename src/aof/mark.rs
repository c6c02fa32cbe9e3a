//! Integrity marks: annotation lines that let a reader see whether the bytes before them are
//! those that were written.
//!
//! ```text
//! #CRC:9a1b2c3d 1234
//! ```
//!
//! The CRC-32 is that of all bytes of the file before the mark, the number is where the mark
//! starts. Redis skips lines that begin with `#` between two commands, so it can load a file with
//! marks; what it appends has none, and the next mark covers that too. The offset tells a mark
//! from the same text inside of a value. It has a zero before it where the mark would otherwise
//! end at an odd place ([`super::space`]).

use crc32fast::Hasher;

/// Longest mark, with its line end.
pub(super) const BYTES_MAX: usize = 40;
const PREFIX: &[u8] = b"#CRC:";
/// Where in the line the offset stands.
const OFFSET_AT: usize = PREFIX.len() + 9;

/// What a mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) crc: u32,
    /// Where the mark itself starts in its file.
    pub(crate) offset: u64,
}

impl Mark {
    /// The mark behind `offset` bytes that `hasher` has seen.
    pub(crate) fn of(hasher: &Hasher, offset: u64) -> Self {
        Self { crc: hasher.clone().finalize(), offset }
    }

    /// Appends the line, which ends at an even offset.
    pub(crate) fn write(self, buf: &mut Vec<u8>) {
        let mut line = format!("#CRC:{:08x} {}\r\n", self.crc, self.offset);
        if !(self.offset + line.len() as u64).is_multiple_of(2) {
            line.insert(OFFSET_AT, '0');
        }
        buf.extend_from_slice(line.as_bytes());
    }

    /// Reads a line, with its line end; `None` if it is any other annotation.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        let line = line.strip_prefix(PREFIX)?.strip_suffix(b"\r\n")?;
        let (crc, offset) = std::str::from_utf8(line).ok()?.split_once(' ')?;
        let crc = if crc.len() == 8 { u32::from_str_radix(crc, 16).ok()? } else { return None };
        Some(Self { crc, offset: offset.parse().ok()? })
    }
}

/// Appends Redis' annotation of the time, in seconds, at which what follows was done.
pub(crate) fn write_time(buf: &mut Vec<u8>, unix_s: u64) {
    buf.extend_from_slice(format!("#TS:{unix_s}\r\n").as_bytes());
}

/// Is there a mark anywhere in `bytes`, which start at `offset` in their file?
pub(crate) fn is_in(bytes: &[u8], offset: u64) -> bool {
    memchr::memmem::find_iter(bytes, PREFIX).any(|at| at_place(bytes, offset, at).is_some())
}

/// The last mark in `bytes`, which start at `offset` in their file, and where it ends there.
pub(crate) fn find_last(bytes: &[u8], offset: u64) -> Option<(Mark, u64)> {
    memchr::memmem::rfind_iter(bytes, PREFIX).find_map(|at| at_place(bytes, offset, at))
}

/// By how many bytes, an even number, `bytes` must move behind `offset` so that nothing in them
/// looks like a mark at its own place.
pub(super) fn shift_from_marks(bytes: &[u8], offset: u64) -> usize {
    let shift_to = |at| parse_at(bytes, at)?.0.offset.checked_sub(offset + at as u64);
    let mut avoided: Vec<u64> =
        memchr::memmem::find_iter(bytes, PREFIX).filter_map(shift_to).collect();
    avoided.sort_unstable();
    let free = avoided.into_iter().fold(0, |shift, next| shift + 2 * u64::from(next == shift));
    usize::try_from(free).unwrap_or_default()
}

/// The mark `at` a place in `bytes`, if it says that it stands there, and where it ends.
fn at_place(bytes: &[u8], offset: u64, at: usize) -> Option<(Mark, u64)> {
    let (mark, len) = parse_at(bytes, at)?;
    (mark.offset == offset + at as u64).then_some((mark, mark.offset + len as u64))
}

/// The mark `at` a place in `bytes`, whatever place it names, and its length.
fn parse_at(bytes: &[u8], at: usize) -> Option<(Mark, usize)> {
    let line = &bytes[at..bytes.len().min(at + BYTES_MAX)];
    let len = memchr::memchr(b'\n', line).map_or(line.len(), |end| end + 1);
    Some((Mark::parse(&line[..len])?, len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_end_at_even_places() {
        for offset in (0..300).chain(99_990..100_010) {
            let (mark, mut line) = (Mark { crc: 7, offset }, Vec::new());
            mark.write(&mut line);
            assert_eq!((offset + line.len() as u64) % 2, 0, "{offset}");
            assert_eq!(Mark::parse(&line), Some(mark));
        }
    }

    #[test]
    fn bytes_that_look_like_many_marks_move_once() {
        let mut bytes = Vec::new();
        for shift in [0, 6, 2, 2, 4, 3, 10] {
            let offset = 100 + bytes.len() as u64 + shift;
            bytes.extend_from_slice(format!("#CRC:00000000 {offset}\r\n").as_bytes());
        }
        assert_eq!(shift_from_marks(&bytes, 100), 8);
        assert!(is_in(&bytes, 106) && !is_in(&bytes, 108));
        assert_eq!(shift_from_marks(b"*1\r\n", 100), 0);
    }

    #[test]
    fn marks_are_found_where_they_say_they_are() {
        let mut bytes = b"some bytes".to_vec();
        let mark = Mark { crc: 0x0123_abcd, offset: 1010 };
        mark.write(&mut bytes);
        assert_eq!(Mark::parse(&bytes[10..]), Some(mark));
        assert!(is_in(&bytes, 1000));
        assert!(!is_in(&bytes, 999));
        assert_eq!(find_last(&bytes, 1000), Some((mark, 1000 + bytes.len() as u64)));
        assert_eq!(Mark::parse(b"#CRC:0123abcd x\r\n"), None);
        assert_eq!(Mark::parse(b"#TS:1700000000\r\n"), None);
    }
}
