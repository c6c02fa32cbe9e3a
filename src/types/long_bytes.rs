//! Byte strings that stand apart, as they or others beside them are too long to be packed.

use std::ops::Deref;

use triomphe::ThinArc;

/// A byte string with memory of its own, which clones share. Takes eight bytes where it is held, so
/// an `Option` of it, too.
#[derive(Clone, Debug)]
pub(super) struct LongBytes(ThinArc<(), u8>);

impl LongBytes {
    /// Bytes of memory that `count` of them take elsewhere, whose own bytes are so many: a counter
    /// and the length stand in front of each.
    pub(super) fn heap_bytes(count: usize, bytes: usize) -> usize {
        2 * size_of::<usize>() * count + bytes
    }
}

impl From<&[u8]> for LongBytes {
    fn from(bytes: &[u8]) -> Self {
        Self(ThinArc::from_header_and_slice((), bytes))
    }
}

impl Deref for LongBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0.slice
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_eight_bytes_and_clones_share_it() {
        assert_eq!(size_of::<Option<LongBytes>>(), 8);
        for len in [0, 1, 1000] {
            let bytes = vec![b'x'; len];
            let long = LongBytes::from(&bytes[..]);
            assert_eq!((&*long, LongBytes::heap_bytes(1, len)), (&bytes[..], len + 16));
            assert_eq!(long.clone().as_ptr(), long.as_ptr());
        }
    }
}
