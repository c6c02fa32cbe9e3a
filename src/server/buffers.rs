//! Buffers that the connections of a thread take turns with, so that an idle connection holds none.

use std::cell::RefCell;

/// Bytes read from a socket at a time.
pub(super) const READ_BYTES: usize = 64 * 1024;
/// Larger buffers are not kept: those that have grown would add up to what a burst once took.
const KEPT_BYTES_MAX: usize = READ_BYTES + READ_BYTES / 8;
/// Spare buffers kept.
const KEPT_COUNT_MAX: usize = 32;

/// Is it a buffer as all connections can use it?
fn is_usual(buf: &Vec<u8>) -> bool {
    (READ_BYTES..=KEPT_BYTES_MAX).contains(&buf.capacity())
}

/// Gives the memory of an empty buffer back if it is not a usual one.
pub(super) fn shrink(buf: &mut Vec<u8>) {
    if !is_usual(buf) {
        *buf = Vec::new();
    }
}

/// Empty buffers with some capacity.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    spare: RefCell<Vec<Vec<u8>>>,
}

impl Buffers {
    /// An empty buffer that takes at least [`READ_BYTES`].
    pub(super) fn take(&self) -> Vec<u8> {
        self.spare.borrow_mut().pop().unwrap_or_else(|| Vec::with_capacity(READ_BYTES))
    }

    /// Takes back a buffer; its content is lost.
    pub(super) fn give(&self, mut buf: Vec<u8>) {
        let mut spare = self.spare.borrow_mut();
        if is_usual(&buf) && spare.len() < KEPT_COUNT_MAX {
            buf.clear();
            spare.push(buf);
        }
    }
}
