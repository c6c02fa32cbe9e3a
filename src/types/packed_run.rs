//! The entries of a small hash or set: one run of bytes, in the order in which they were added.
//!
//! ```text
//! [count: 4 bytes]  [length][key] [length][value]  [length][key] ...
//! ```
//!
//! Lookups walk the run, so it is for short ones. Without `VALUES` an entry is just a key. The
//! highest bit of the count tells that the run no longer counts as small.

use super::packed::{push_text, read_text, text_bytes};
use super::room::{self, roomy};

/// Bytes of the count.
const HEAD_BYTES: usize = 4;
/// The bit of the count that tells that the run has outgrown small ones.
const OUTGROWN: u32 = 1 << 31;

/// A short sequence of entries with different keys; takes no memory while empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct PackedRun<const VALUES: bool> {
    buf: Vec<u8>,
}

impl<const VALUES: bool> PackedRun<VALUES> {
    pub(crate) fn len(&self) -> usize {
        (self.head() & !OUTGROWN) as usize
    }

    /// Has it ever been told that it no longer counts as small?
    pub(crate) fn is_outgrown(&self) -> bool {
        self.head() & OUTGROWN != 0
    }

    /// Notes that it, which is not empty, no longer counts as small.
    pub(crate) fn outgrow(&mut self) {
        self.set_head(self.head() | OUTGROWN);
    }

    /// Bytes that its entries take.
    pub(crate) fn used(&self) -> usize {
        self.buf.len()
    }

    /// Bytes of memory held.
    pub(crate) fn bytes(&self) -> usize {
        self.buf.capacity()
    }

    /// The value of `key`, empty in a run without values.
    pub(crate) fn find(&self, key: &[u8]) -> Option<&[u8]> {
        self.locate(key).map(|at| self.read(at).1)
    }

    /// Makes room for what is about to be put into an empty run: keys, and values if it has any.
    pub(crate) fn make_room<'t>(&mut self, texts: impl Iterator<Item = &'t [u8]>) {
        let bytes: usize = texts.map(|text| text_bytes(text.len())).sum();
        self.reserve(HEAD_BYTES + bytes);
    }

    /// Sets the value of `key`, in its place if it is there, else at the end; returns whether it
    /// is new.
    pub(crate) fn insert(&mut self, key: &[u8], value: &[u8]) -> bool {
        if let Some(at) = self.locate(key) {
            self.set_value(at, value);
            return false;
        }
        self.push(key, value);
        true
    }

    /// Adds an entry whose key is not in the run.
    pub(crate) fn push(&mut self, key: &[u8], value: &[u8]) {
        let count = self.len() + 1;
        let head = if self.buf.is_empty() { HEAD_BYTES } else { 0 };
        let value_bytes = if VALUES { text_bytes(value.len()) } else { 0 };
        self.reserve(head + text_bytes(key.len()) + value_bytes);
        self.buf.resize(self.buf.len() + head, 0);
        push_text(&mut self.buf, key);
        if VALUES {
            push_text(&mut self.buf, value);
        }
        self.set_len(count);
    }

    /// Removes `key`; `false` if it was not there.
    pub(crate) fn remove(&mut self, key: &[u8]) -> bool {
        let Some(at) = self.locate(key) else { return false };
        let count = self.len() - 1;
        if count == 0 {
            self.buf = Vec::new();
            return true;
        }
        let end = self.read(at).2;
        self.buf.drain(at..end);
        self.set_len(count);
        self.fit();
        true
    }

    /// Gives memory back if less than half of it is in use.
    fn fit(&mut self) {
        let used = self.buf.len();
        if used < self.buf.capacity() / 2 && self.buf.capacity() > 64 {
            room::shrink(&mut self.buf, roomy(used));
        }
    }

    /// The entries, first to last.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.places().map(|(_, key, value)| (key, value))
    }

    fn places(&self) -> impl Iterator<Item = (usize, &[u8], &[u8])> {
        let mut at = HEAD_BYTES;
        std::iter::from_fn(move || {
            if at >= self.buf.len() {
                return None;
            }
            let (key, value, next) = self.read(at);
            Some((std::mem::replace(&mut at, next), key, value))
        })
    }

    fn locate(&self, key: &[u8]) -> Option<usize> {
        self.places().find(|(_, found, _)| *found == key).map(|(at, ..)| at)
    }

    /// The key and the value of the entry at `at`, and where the next one starts.
    fn read(&self, at: usize) -> (&[u8], &[u8], usize) {
        let (key, next) = read_text(&self.buf, at);
        if !VALUES {
            return (key, &[], next);
        }
        let (value, next) = read_text(&self.buf, next);
        (key, value, next)
    }

    fn set_value(&mut self, at: usize, value: &[u8]) {
        if !VALUES {
            return;
        }
        let (_, start) = read_text(&self.buf, at);
        let (old, end) = read_text(&self.buf, start);
        if old.len() == value.len() {
            self.buf[end - value.len()..end].copy_from_slice(value);
            return;
        }
        let mut text = Vec::with_capacity(text_bytes(value.len()));
        push_text(&mut text, value);
        self.reserve(text.len().saturating_sub(end - start));
        self.buf.splice(start..end, text);
        self.fit();
    }

    fn head(&self) -> u32 {
        self.buf.first_chunk().map_or(0, |&head| u32::from_le_bytes(head))
    }

    fn set_head(&mut self, head: u32) {
        self.buf[..HEAD_BYTES].copy_from_slice(&head.to_le_bytes());
    }

    fn set_len(&mut self, count: usize) {
        let count = u32::try_from(count).ok().filter(|count| count & OUTGROWN == 0);
        let count = count.expect("a run holds less than 2^31 entries");
        self.set_head(self.head() & OUTGROWN | count);
    }

    fn reserve(&mut self, bytes: usize) {
        let needed = self.buf.len() + bytes;
        if needed > self.buf.capacity() {
            room::grow(&mut self.buf, roomy(needed));
        }
    }
}
