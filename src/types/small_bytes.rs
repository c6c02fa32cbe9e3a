//! Bytes that never change, kept in place where they are few.
//!
//! Most keys of queues and many values are short: kept in place they take no allocation of their
//! own, and reading them does not leave the element that holds them.

use std::fmt;
use std::ops::Deref;

/// Bytes kept in place; with its length and the tag a value takes three words.
const INLINE_BYTES_MAX: usize = 22;

/// Bytes.
#[derive(Clone)]
pub(crate) struct SmallBytes(Place);

#[derive(Clone)]
enum Place {
    Inline { len: u8, bytes: [u8; INLINE_BYTES_MAX] },
    Heap(Box<[u8]>),
}

impl SmallBytes {
    /// Bytes of memory taken elsewhere.
    pub(crate) fn heap_bytes(&self) -> usize {
        match &self.0 {
            Place::Inline { .. } => 0,
            Place::Heap(bytes) => bytes.len(),
        }
    }
}

impl From<&[u8]> for SmallBytes {
    fn from(bytes: &[u8]) -> Self {
        let mut inline = [0; INLINE_BYTES_MAX];
        match (inline.get_mut(..bytes.len()), u8::try_from(bytes.len())) {
            (Some(room), Ok(len)) => {
                room.copy_from_slice(bytes);
                Self(Place::Inline { len, bytes: inline })
            }
            _ => Self(Place::Heap(bytes.into())),
        }
    }
}

impl Deref for SmallBytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Place::Inline { len, bytes } => &bytes[..usize::from(*len)],
            Place::Heap(bytes) => bytes,
        }
    }
}

impl fmt::Debug for SmallBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_whatever_their_number() {
        for len in 0..100 {
            let bytes: Vec<u8> = (0..len).collect();
            let small = SmallBytes::from(&*bytes);
            assert_eq!(*small, *bytes);
            assert_eq!(*small.clone(), *bytes);
            assert_eq!(small.heap_bytes() == 0, bytes.len() <= INLINE_BYTES_MAX);
        }
    }

    #[test]
    fn it_takes_three_words() {
        assert_eq!(size_of::<SmallBytes>(), 24);
        assert_eq!(size_of::<Option<SmallBytes>>(), 24);
    }
}
