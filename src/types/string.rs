//! A string value: an integer, an immutable text, or a buffer that was written into.

use super::small_bytes::SmallBytes;
use crate::number::parse_i64;
use crate::prefetch;

/// Texts of up to so many bytes are called `embstr`.
const EMBEDDED_BYTES_MAX: usize = 44;

/// Bytes, kept as an integer where they are the text of one.
#[derive(Clone, Debug)]
#[expect(clippy::box_collection, reason = "a value takes three words at most")]
pub(crate) enum StringValue {
    Integer(i64),
    /// Changed in place before, so it may be again: spare capacity is kept.
    Raw(Box<Vec<u8>>),
    Text(SmallBytes),
}

impl StringValue {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        match parse_i64(bytes) {
            Some(value) => Self::Integer(value),
            None => Self::Text(bytes.into()),
        }
    }

    /// A value of bytes that were made in place.
    pub(crate) fn from_buffer(bytes: Vec<u8>) -> Self {
        Self::Raw(Box::new(bytes))
    }

    /// The bytes; `digits` gives room for those of an integer.
    #[inline]
    pub(crate) fn bytes_in<'a>(&'a self, digits: &'a mut itoa::Buffer) -> &'a [u8] {
        match self {
            Self::Integer(value) => digits.format(*value).as_bytes(),
            Self::Raw(bytes) => bytes,
            Self::Text(bytes) => bytes,
        }
    }

    /// Has the text fetched into the processor's caches.
    pub(super) fn prefetch(&self) {
        match self {
            Self::Integer(_) => {}
            Self::Raw(bytes) => prefetch::value(&**bytes),
            Self::Text(bytes) => prefetch::bytes(bytes),
        }
    }

    /// A copy of the bytes.
    pub(crate) fn to_vec(&self) -> Vec<u8> {
        self.bytes_in(&mut itoa::Buffer::new()).to_vec()
    }

    /// Number of bytes of the text.
    pub(crate) fn len(&self) -> usize {
        self.bytes_in(&mut itoa::Buffer::new()).len()
    }

    /// The integer that the text stands for.
    pub(crate) fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(*value),
            Self::Raw(bytes) => parse_i64(bytes),
            Self::Text(_) => None,
        }
    }

    /// A buffer with the bytes, to change in place; the value is `raw` from now on.
    pub(crate) fn make_mut(&mut self) -> &mut Vec<u8> {
        if !matches!(self, Self::Raw(_)) {
            *self = Self::Raw(Box::new(self.to_vec()));
        }
        match self {
            Self::Raw(bytes) => bytes,
            Self::Integer(_) | Self::Text(_) => unreachable!("was just made raw"),
        }
    }

    /// The name OBJECT ENCODING replies with.
    pub(crate) fn encoding(&self) -> &'static str {
        match self {
            Self::Integer(_) => "int",
            Self::Text(bytes) if bytes.len() <= EMBEDDED_BYTES_MAX => "embstr",
            Self::Raw(_) | Self::Text(_) => "raw",
        }
    }

    /// Bytes taken in memory.
    pub(crate) fn bytes(&self) -> usize {
        let owned = match self {
            Self::Integer(_) => 0,
            Self::Raw(bytes) => bytes.capacity() + size_of::<Vec<u8>>(),
            Self::Text(bytes) => bytes.heap_bytes(),
        };
        size_of::<Self>() + owned
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings() {
        for (text, expected) in
            [("12", "int"), ("012", "embstr"), ("", "embstr"), (&"x".repeat(45), "raw")]
        {
            let mut string = StringValue::new(text.as_bytes());
            assert_eq!(string.encoding(), expected);
            assert_eq!(string.to_vec(), text.as_bytes());
            string.make_mut();
            assert_eq!(string.encoding(), "raw");
            assert_eq!(string.to_vec(), text.as_bytes());
        }
    }
}
