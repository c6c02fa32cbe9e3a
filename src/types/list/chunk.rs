//! A chunk of a list: elements packed one behind the other, with free room at either end.

use std::ops::Range;

use super::End;
use crate::types::packed;

/// Most bytes in a chunk with more than one element. A larger element has a chunk of its own.
pub(super) const CHUNK_BYTES_MAX: usize = 8192;
/// A list has new chunks of as many times that as it has this many chunks, up to
/// [`LONG_CHUNK_BYTES_MAX`]: what a chunk takes besides its elements, and the room at its end that
/// is too small for one more, weigh less in a large one.
pub(super) const CHUNKS_A_STEP: usize = 32;
pub(super) const LONG_CHUNK_BYTES_MAX: usize = 64 << 10;
/// Bytes of the first chunk of a short list, at least; it doubles as it fills.
pub(super) const CHUNK_BYTES_MIN: usize = 64;

/// Packed elements in `buf[start..]`.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) buf: Vec<u8>,
    start: u32,
    count: u32,
}

impl Clone for Chunk {
    /// Copies the elements and no free room but as much as the original had at either end.
    fn clone(&self) -> Self {
        let mut buf = Vec::with_capacity(self.buf.capacity());
        buf.extend_from_slice(&self.buf);
        Self { buf, ..*self }
    }
}

impl Chunk {
    /// A chunk of `count` elements, which fill `buf`.
    pub(super) fn of(buf: Vec<u8>, count: usize) -> Self {
        Self { buf, start: 0, count: short(count) }
    }

    /// An empty chunk with room for `bytes` towards `end`.
    pub(super) fn with_room(end: End, bytes: usize) -> Self {
        match end {
            End::Head => Self { buf: vec![0; bytes], start: short(bytes), count: 0 },
            End::Tail => Self { buf: Vec::with_capacity(bytes), start: 0, count: 0 },
        }
    }

    pub(super) fn count(&self) -> usize {
        self.count as usize
    }

    /// Where the first element starts in `buf`.
    pub(super) fn start(&self) -> usize {
        self.start as usize
    }

    pub(super) fn packed(&self) -> &[u8] {
        &self.buf[self.start()..]
    }

    pub(super) fn bytes(&self) -> usize {
        self.buf.len() - self.start()
    }

    pub(super) fn room(&self, end: End) -> usize {
        match end {
            End::Head => self.start(),
            End::Tail => self.buf.capacity() - self.buf.len(),
        }
    }

    /// Adds an element, which takes so many bytes, at an end that has room for it.
    pub(super) fn push(&mut self, end: End, payload: &[u8], bytes: usize) {
        match end {
            End::Tail => packed::push(&mut self.buf, payload),
            End::Head => {
                self.start -= short(bytes);
                let start = self.start();
                packed::write(&mut self.buf[start..start + bytes], payload);
            }
        }
        self.count += 1;
    }

    /// Makes room for `bytes` more at `end` by moving to a buffer of twice the size.
    pub(super) fn grow(&mut self, end: End, bytes: usize) {
        let used = self.bytes();
        let total = (used + bytes).max(2 * used).next_power_of_two().min(CHUNK_BYTES_MAX);
        let mut grown = Self::with_room(end, total.max(used + bytes));
        match end {
            End::Head => {
                grown.start -= short(used);
                let start = grown.start();
                grown.buf[start..].copy_from_slice(self.packed());
            }
            End::Tail => grown.buf.extend_from_slice(self.packed()),
        }
        grown.count = self.count;
        *self = grown;
    }

    pub(super) fn peek(&self, end: End) -> &[u8] {
        let packed = self.packed();
        match end {
            End::Head => packed::read(packed, 0).0,
            End::Tail => packed::read(packed, packed::start_of_previous(packed, packed.len())).0,
        }
    }

    pub(super) fn pop(&mut self, end: End) {
        match end {
            End::Head => self.start += short(packed::read(self.packed(), 0).1),
            End::Tail => {
                let at = packed::start_of_previous(self.packed(), self.bytes());
                self.buf.truncate(self.start() + at);
            }
        }
        self.count -= 1;
    }

    /// The offset in `packed()` of element `index`, from the nearer end.
    pub(super) fn offset(&self, index: usize) -> usize {
        let packed = self.packed();
        let count = self.count();
        if index == count {
            return packed.len();
        }
        let found = if index <= count / 2 {
            packed::iter(packed).nth(index)
        } else {
            packed::iter_back(packed).nth(count - 1 - index)
        };
        found.map_or(packed.len(), |(at, _)| at)
    }

    /// Keeps the first `index` elements and returns the others.
    pub(super) fn split_off(&mut self, index: usize) -> Self {
        let at = self.start() + self.offset(index);
        let rest = Self::of(self.buf[at..].to_vec(), self.count() - index);
        self.buf.truncate(at);
        self.buf.shrink_to_fit();
        self.count = short(index);
        rest
    }

    /// Takes so many elements out of these bytes.
    pub(super) fn drain(&mut self, bytes: Range<usize>, removed: usize) {
        self.buf.drain(bytes);
        self.count -= short(removed);
    }

    /// Adds the elements of a chunk at the tail.
    pub(super) fn append(&mut self, other: &Self) {
        self.buf.reserve_exact(other.bytes());
        self.buf.extend_from_slice(other.packed());
        self.count += other.count;
    }

    /// Puts `entry` in place of so many elements, which are in these bytes.
    pub(super) fn replace(&mut self, bytes: Range<usize>, replaced: usize, entry: &[u8]) {
        self.count = short(self.count() + 1 - replaced);
        let removed = bytes.len();
        let more = entry.len().saturating_sub(removed);
        if more > self.buf.capacity() - self.buf.len() {
            self.buf.reserve_exact(more.max(self.buf.len().min(CHUNK_BYTES_MAX) / 8));
        }
        self.buf.splice(bytes, entry.iter().copied());
        if removed > entry.len() + CHUNK_BYTES_MAX / 8 {
            self.buf.shrink_to_fit();
        }
    }
}

/// A chunk never takes 4 GiB: no element does.
fn short(number: usize) -> u32 {
    u32::try_from(number).expect("a chunk takes less than 4 GiB")
}
