//! Stream ids: a time in milliseconds and a sequence number within it.

use std::fmt;

/// Longest text of an id that is looked at.
const TEXT_BYTES_MAX: usize = 127;

/// The id of an entry; ordered by time, then by sequence number.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct StreamId {
    /// Unix time in milliseconds, unless a client has set it to something else.
    pub(crate) ms: u64,
    pub(crate) seq: u64,
}

impl StreamId {
    pub(crate) const MAX: Self = Self { ms: u64::MAX, seq: u64::MAX };
    /// No entry has this id: it stands for "before the first".
    pub(crate) const ZERO: Self = Self { ms: 0, seq: 0 };

    pub(crate) fn new(ms: u64, seq: u64) -> Self {
        Self { ms, seq }
    }

    /// The id right after this one.
    pub(crate) fn next(self) -> Option<Self> {
        match self.seq.checked_add(1) {
            Some(seq) => Some(Self { ms: self.ms, seq }),
            None => self.ms.checked_add(1).map(|ms| Self { ms, seq: 0 }),
        }
    }

    /// The id right before this one.
    pub(crate) fn previous(self) -> Option<Self> {
        match self.seq.checked_sub(1) {
            Some(seq) => Some(Self { ms: self.ms, seq }),
            None => self.ms.checked_sub(1).map(|ms| Self { ms, seq: u64::MAX }),
        }
    }

    /// Reads `ms-seq`, or `ms` alone, which stands for `ms-seq_if_missing`.
    pub(crate) fn parse(text: &[u8], seq_if_missing: u64) -> Option<Self> {
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        match text.iter().position(|&byte| byte == b'-') {
            None => Some(Self { ms: digits(text)?, seq: seq_if_missing }),
            Some(at) => Some(Self { ms: digits(&text[..at])?, seq: digits(&text[at + 1..])? }),
        }
    }

    /// Its text, without a detour through the heap.
    pub(crate) fn text(self) -> IdText {
        let mut text = IdText { buf: [0; IdText::BYTES_MAX], len: 0 };
        let mut number = itoa::Buffer::new();
        text.push(number.format(self.ms).as_bytes());
        text.push(b"-");
        text.push(number.format(self.seq).as_bytes());
        text
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

/// The text of an id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdText {
    buf: [u8; Self::BYTES_MAX],
    len: usize,
}

impl IdText {
    /// Two numbers of 20 digits and what parts them.
    const BYTES_MAX: usize = 41;

    fn push(&mut self, bytes: &[u8]) {
        self.buf[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }
}

impl std::ops::Deref for IdText {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.buf[..self.len]
    }
}

/// An unsigned number; unlike elsewhere, Redis lets spaces, a plus and zeros before it pass here.
fn digits(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii_start();
    let text = text.strip_prefix(b"+").unwrap_or(text);
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_and_written() {
        for (text, expected) in [
            ("5-3", Some((5, 3))),
            ("+5", Some((5, 7))),
            (" +5-\t03", Some((5, 3))),
            ("+ 5", None),
            ("5--3", None),
            ("5", Some((5, 7))),
            ("18446744073709551615-18446744073709551615", Some((u64::MAX, u64::MAX))),
            ("18446744073709551616-0", None),
            ("-", None),
            ("5-", None),
            ("-5", None),
            ("5-3-1", None),
            ("5-*", None),
            ("", None),
        ] {
            let expected = expected.map(|(ms, seq)| StreamId { ms, seq });
            assert_eq!(StreamId::parse(text.as_bytes(), 7), expected, "{text:?}");
        }
        assert_eq!(&*StreamId::MAX.text(), b"18446744073709551615-18446744073709551615");
        assert_eq!(StreamId::MAX.to_string().as_bytes(), &*StreamId::MAX.text());
    }

    #[test]
    fn neighbours_carry_over() {
        let end = StreamId::new(5, u64::MAX);
        assert_eq!(end.next(), Some(StreamId::new(6, 0)));
        assert_eq!(StreamId::new(6, 0).previous(), Some(end));
        assert_eq!(StreamId::MAX.next(), None);
        assert_eq!(StreamId::ZERO.previous(), None);
    }
}
