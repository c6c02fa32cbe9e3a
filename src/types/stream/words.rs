//! Words and numbers as blocks hold them: a number is LEB128, seven bits a byte and the low ones
//! first, and a word stands behind its length.

/// Byte strings, each behind its length.
#[derive(Clone, Debug)]
pub(super) struct Words<'a> {
    pub(super) rest: &'a [u8],
    pub(super) left: usize,
}

impl<'a> Words<'a> {
    /// The words behind their count.
    pub(super) fn counted(buf: &'a [u8]) -> Self {
        let (left, start) = number(buf, 0);
        Self { rest: &buf[start..], left }
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.left = self.left.checked_sub(1)?;
        let (len, start) = number(self.rest, 0);
        let (word, rest) = self.rest[start..].split_at(len);
        self.rest = rest;
        Some(word)
    }
}

pub(super) fn push_bytes(buf: &mut Vec<u8>, bytes: &[u8]) {
    push_number(buf, bytes.len());
    buf.extend_from_slice(bytes);
}

pub(super) fn push_number(buf: &mut Vec<u8>, mut value: usize) {
    while value > 0x7F {
        buf.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    buf.push(value.to_le_bytes()[0]);
}

pub(super) fn number_bytes(value: usize) -> usize {
    let bits = usize::BITS - value.leading_zeros();
    bits.div_ceil(7).max(1) as usize
}

/// The number at `at`, and where it ends.
#[inline]
pub(super) fn number(buf: &[u8], at: usize) -> (usize, usize) {
    let byte = usize::from(buf[at]);
    if byte <= 0x7F {
        return (byte, at + 1);
    }
    let mut value = byte & 0x7F;
    let mut at = at + 1;
    let mut shift = 7;
    loop {
        let byte = usize::from(buf[at]);
        value |= (byte & 0x7F) << shift;
        at += 1;
        if byte <= 0x7F {
            return (value, at);
        }
        shift += 7;
    }
}
