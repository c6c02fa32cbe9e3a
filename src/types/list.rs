//! A list: a deque of packed chunks of up to 8 KiB, or 14 KiB in a long list.
//!
//! ```text
//! chunks   [   c b a]  [e d f ...]  [... x y   ]
//!           ^ free room for the head          ^ free room for the tail
//! ```
//!
//! A chunk made by a push at the head fills from its end downwards, one made by a push at the tail
//! upwards, so a push or pop at either end moves no other element. Inner chunks are full. An
//! element larger than a chunk has one of its own. Chunks sit behind `Arc`: a clone of the list (a
//! snapshot) shares them, and a change copies just the chunk it touches.

use std::collections::VecDeque;
use std::ops::Range;

use triomphe::Arc;

use super::packed;

/// Most bytes in a chunk with more than one element. A larger element has a chunk of its own.
const CHUNK_BYTES_MAX: usize = 8192;
/// The same in a list of [`CHUNKS_LONG`] or more: what each chunk takes besides its elements, and
/// the room at its end that is too small for one more, weigh less there. The allocator takes a page
/// more than it gives for anything larger.
const LONG_CHUNK_BYTES_MAX: usize = 14 << 10;
const CHUNKS_LONG: usize = 16;
/// Bytes of the first chunk of a short list, at least; it doubles as it fills.
const CHUNK_BYTES_MIN: usize = 64;

/// A list of more chunks than this is not small by any limit: most of them are more than half full.
const CHUNKS_SMALL_MAX: usize = 32;

/// How large a list may be to count as small.
#[derive(Clone, Copy, Debug)]
struct SmallLimit {
    bytes: usize,
    len: usize,
}

impl SmallLimit {
    /// From `list-max-listpack-size`: a number of elements, or -1 to -5 for 4 to 64 KiB.
    fn new(setting: i64) -> Self {
        match usize::try_from(setting) {
            Ok(len) => Self { bytes: CHUNK_BYTES_MAX, len: len.max(1) },
            Err(_) => Self { bytes: 2048 << setting.unsigned_abs().min(5), len: usize::MAX },
        }
    }

    fn half(self) -> Self {
        Self { bytes: self.bytes / 2, len: self.len / 2 }
    }
}

/// An end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Head,
    Tail,
}

/// A sequence of byte strings with cheap ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct List {
    chunks: VecDeque<Arc<Chunk>>,
    len: usize,
    /// Has it outgrown the limit of small lists, and not shrunk to half of that since?
    is_large: bool,
}

/// Packed elements in `buf[start..]`.
#[derive(Debug)]
struct Chunk {
    buf: Vec<u8>,
    start: usize,
    count: usize,
}

impl Clone for Chunk {
    /// Copies the elements and no free room but as much as the original had at either end.
    fn clone(&self) -> Self {
        let mut buf = Vec::with_capacity(self.buf.capacity());
        buf.extend_from_slice(&self.buf);
        Self { buf, start: self.start, count: self.count }
    }
}

impl Chunk {
    /// An empty chunk with room for `bytes` towards `end`.
    fn with_room(end: End, bytes: usize) -> Self {
        match end {
            End::Head => Self { buf: vec![0; bytes], start: bytes, count: 0 },
            End::Tail => Self { buf: Vec::with_capacity(bytes), start: 0, count: 0 },
        }
    }

    fn packed(&self) -> &[u8] {
        &self.buf[self.start..]
    }

    fn bytes(&self) -> usize {
        self.buf.len() - self.start
    }

    fn room(&self, end: End) -> usize {
        match end {
            End::Head => self.start,
            End::Tail => self.buf.capacity() - self.buf.len(),
        }
    }

    /// Adds an element at an end that has room for it.
    fn push(&mut self, end: End, payload: &[u8]) {
        match end {
            End::Tail => packed::push(&mut self.buf, payload),
            End::Head => {
                let bytes = packed::entry_bytes(payload.len());
                self.start -= bytes;
                packed::write(&mut self.buf[self.start..self.start + bytes], payload);
            }
        }
        self.count += 1;
    }

    /// Makes room for `bytes` more at `end` by moving to a buffer of twice the size.
    fn grow(&mut self, end: End, bytes: usize) {
        let used = self.bytes();
        let total = (used + bytes).max(2 * used).next_power_of_two().min(CHUNK_BYTES_MAX);
        let mut grown = Self::with_room(end, total.max(used + bytes));
        match end {
            End::Head => {
                grown.start -= used;
                let start = grown.start;
                grown.buf[start..].copy_from_slice(self.packed());
            }
            End::Tail => grown.buf.extend_from_slice(self.packed()),
        }
        grown.count = self.count;
        *self = grown;
    }

    fn peek(&self, end: End) -> &[u8] {
        let packed = self.packed();
        match end {
            End::Head => packed::read(packed, 0).0,
            End::Tail => packed::read(packed, packed::start_of_previous(packed, packed.len())).0,
        }
    }

    fn pop(&mut self, end: End) {
        match end {
            End::Head => self.start += packed::read(self.packed(), 0).1,
            End::Tail => {
                let at = packed::start_of_previous(self.packed(), self.bytes());
                self.buf.truncate(self.start + at);
            }
        }
        self.count -= 1;
    }

    /// The offset in `packed()` of element `index`, from the nearer end.
    fn offset(&self, index: usize) -> usize {
        let packed = self.packed();
        if index == self.count {
            return packed.len();
        }
        let found = if index <= self.count / 2 {
            packed::iter(packed).nth(index)
        } else {
            packed::iter_back(packed).nth(self.count - 1 - index)
        };
        found.map_or(packed.len(), |(at, _)| at)
    }

    /// Keeps the first `index` elements and returns the others.
    fn split_off(&mut self, index: usize) -> Self {
        let at = self.start + self.offset(index);
        let rest = Self { buf: self.buf[at..].to_vec(), start: 0, count: self.count - index };
        self.buf.truncate(at);
        self.buf.shrink_to_fit();
        self.count = index;
        rest
    }

    /// Puts `entry` in place of these bytes.
    fn replace(&mut self, bytes: Range<usize>, entry: &[u8]) {
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

impl List {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The name OBJECT ENCODING replies with; `limit` as for [`SmallLimit::new`].
    pub(crate) fn encoding(&self, limit: i64) -> &'static str {
        let is_small = !self.is_large && self.is_within(SmallLimit::new(limit));
        if is_small { "listpack" } else { "quicklist" }
    }

    /// Notes that an element is about to be replaced by one of so many bytes, which counts as one
    /// more until the next [`List::note_size`].
    pub(crate) fn note_replacing(&mut self, limit: i64, bytes: usize) {
        let limit = SmallLimit::new(limit);
        let left = limit.bytes.checked_sub(bytes);
        let rest = left.map(|bytes| SmallLimit { bytes, len: limit.len.saturating_sub(1) });
        self.is_large |= !rest.is_some_and(|rest| self.is_within(rest));
    }

    /// Keeps up after a change what [`List::encoding`] tells: a list that has become large is
    /// small again at half the limit.
    pub(crate) fn note_size(&mut self, limit: i64) {
        if self.is_large && self.chunks.len() > CHUNKS_SMALL_MAX {
            return;
        }
        let limit = SmallLimit::new(limit);
        self.is_large = !self.is_within(if self.is_large { limit.half() } else { limit });
    }

    fn is_within(&self, limit: SmallLimit) -> bool {
        if self.len > limit.len || self.chunks.len() > CHUNKS_SMALL_MAX {
            return false;
        }
        self.chunks.iter().map(|chunk| chunk.bytes()).sum::<usize>() <= limit.bytes
    }

    /// Bytes that the list takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        let chunks: usize = self.chunks.iter().map(|chunk| chunk.buf.capacity()).sum();
        size_of::<Self>()
            + self.chunks.capacity() * size_of::<Arc<Chunk>>()
            + self.chunks.len() * (size_of::<Chunk>() + size_of::<usize>())
            + chunks
    }

    /// Most bytes in a new chunk for more than one element.
    fn chunk_bytes_max(&self) -> usize {
        if self.chunks.len() < CHUNKS_LONG { CHUNK_BYTES_MAX } else { LONG_CHUNK_BYTES_MAX }
    }

    /// How much room a new chunk at an end gets, whose first element takes so many bytes: for as
    /// many of them as fit. Behind a large element it starts small, as the next one may be large,
    /// too.
    fn room(&self, end: End, bytes: usize) -> usize {
        if bytes > CHUNK_BYTES_MAX {
            return bytes;
        }
        match self.end(end) {
            Some(last) if last.bytes() <= CHUNK_BYTES_MAX || last.count > 1 => {
                let most = self.chunk_bytes_max();
                most - most % bytes
            }
            _ => CHUNK_BYTES_MIN.max(bytes.next_power_of_two()),
        }
    }

    /// Adds an element at an end. Amortized O(1).
    pub(crate) fn push(&mut self, end: End, payload: &[u8]) {
        let bytes = packed::entry_bytes(payload.len());
        self.len += 1;
        if let Some(chunk) = self.end_mut(end) {
            if chunk.room(end) >= bytes {
                return chunk.push(end, payload);
            }
            if chunk.bytes() + bytes <= CHUNK_BYTES_MAX {
                chunk.grow(end, bytes);
                return chunk.push(end, payload);
            }
        }
        let room = self.room(end, bytes);
        let mut chunk = Chunk::with_room(end, room);
        chunk.push(end, payload);
        match end {
            End::Head => self.chunks.push_front(Arc::new(chunk)),
            End::Tail => self.chunks.push_back(Arc::new(chunk)),
        }
    }

    /// The element at an end.
    pub(crate) fn peek(&self, end: End) -> Option<&[u8]> {
        self.end(end).map(|chunk| chunk.peek(end))
    }

    /// Removes the element at an end; `false` if there is none. O(1).
    pub(crate) fn pop(&mut self, end: End) -> bool {
        let Some(chunk) = self.end_mut(end) else { return false };
        chunk.pop(end);
        if chunk.count == 0 {
            match end {
                End::Head => self.chunks.pop_front(),
                End::Tail => self.chunks.pop_back(),
            };
        }
        self.len -= 1;
        true
    }

    /// The element at `index` from the head. O(chunks).
    pub(crate) fn at(&self, index: usize) -> Option<&[u8]> {
        let (chunk, index) = self.locate(index)?;
        let chunk = &self.chunks[chunk];
        Some(packed::read(chunk.packed(), chunk.offset(index)).0)
    }

    /// The elements from `index` on, head to tail.
    pub(crate) fn iter_from(&self, index: usize) -> impl Iterator<Item = &[u8]> {
        let (chunk, skip) = self.locate(index).unwrap_or((self.chunks.len(), 0));
        let mut from = self.chunks.get(chunk).map_or(0, |chunk| chunk.offset(skip));
        self.chunks.range(chunk..).flat_map(move |chunk| {
            let packed = &chunk.packed()[std::mem::take(&mut from)..];
            packed::iter(packed).map(|(_, payload)| payload)
        })
    }

    /// The elements from tail to head.
    pub(crate) fn iter_back(&self) -> impl Iterator<Item = &[u8]> {
        self.chunks
            .iter()
            .rev()
            .flat_map(|chunk| packed::iter_back(chunk.packed()).map(|(_, payload)| payload))
    }

    /// Replaces the element at `index`; `false` if there is none.
    pub(crate) fn set(&mut self, index: usize, payload: &[u8]) -> bool {
        let Some((chunk, at)) = self.locate(index) else { return false };
        self.splice(chunk, at, 1, payload);
        true
    }

    /// Inserts an element so that it stands at `index`, which is at most `len`.
    pub(crate) fn insert(&mut self, index: usize, payload: &[u8]) {
        match self.locate(index) {
            None => self.push(End::Tail, payload),
            Some((0, 0)) => self.push(End::Head, payload),
            Some((chunk, at)) => self.splice(chunk, at, 0, payload),
        }
    }

    /// Removes up to `count` elements equal to `payload`, walking from `end`; replies how many.
    pub(crate) fn remove(&mut self, end: End, count: usize, payload: &[u8]) -> usize {
        let mut removed = 0;
        let chunks = self.chunks.len();
        for step in 0..chunks {
            if removed == count {
                break;
            }
            let chunk = if end == End::Head { step } else { chunks - 1 - step };
            removed += self.remove_in(chunk, end, count - removed, payload);
        }
        if removed > 0 {
            self.len -= removed;
            self.chunks.retain(|chunk| chunk.count > 0);
            self.merge_small();
        }
        removed
    }

    /// Keeps the elements `start..end` and drops the others.
    pub(crate) fn trim(&mut self, start: usize, end: usize) {
        let end = end.min(self.len);
        if start >= end {
            *self = Self::new();
            return;
        }
        self.drop_at(End::Tail, self.len - end);
        self.drop_at(End::Head, start);
    }

    fn drop_at(&mut self, end: End, mut count: usize) {
        self.len -= count;
        while let Some(chunk) = self.end(end).filter(|_| count > 0) {
            if chunk.count > count {
                if let Some(chunk) = self.end_mut(end) {
                    (0..count).for_each(|_| chunk.pop(end));
                }
                return;
            }
            count -= chunk.count;
            match end {
                End::Head => self.chunks.pop_front(),
                End::Tail => self.chunks.pop_back(),
            };
        }
    }

    fn end(&self, end: End) -> Option<&Arc<Chunk>> {
        match end {
            End::Head => self.chunks.front(),
            End::Tail => self.chunks.back(),
        }
    }

    fn end_mut(&mut self, end: End) -> Option<&mut Chunk> {
        let chunk = match end {
            End::Head => self.chunks.front_mut(),
            End::Tail => self.chunks.back_mut(),
        };
        chunk.map(Arc::make_mut)
    }

    /// The chunk that holds element `index`, and its index in there.
    fn locate(&self, index: usize) -> Option<(usize, usize)> {
        if index >= self.len {
            return None;
        }
        if index < self.len / 2 {
            let mut left = index;
            for (at, chunk) in self.chunks.iter().enumerate() {
                if left < chunk.count {
                    return Some((at, left));
                }
                left -= chunk.count;
            }
            return None;
        }
        let mut right = self.len - index;
        for (at, chunk) in self.chunks.iter().enumerate().rev() {
            if right <= chunk.count {
                return Some((at, chunk.count - right));
            }
            right -= chunk.count;
        }
        None
    }

    /// Replaces `removed` elements of a chunk, from `at`, by `payload`; splits it if that makes it
    /// too large.
    fn splice(&mut self, index: usize, at: usize, removed: usize, payload: &[u8]) {
        let bytes_max = self.chunk_bytes_max();
        let mut entry = Vec::with_capacity(packed::entry_bytes(payload.len()));
        packed::push(&mut entry, payload);
        let chunk = Arc::make_mut(&mut self.chunks[index]);
        let from = chunk.start + chunk.offset(at);
        let to = chunk.start + chunk.offset(at + removed);
        let before = chunk.bytes();
        let bytes = before - (to - from) + entry.len();
        self.len = self.len + 1 - removed;
        chunk.count = chunk.count + 1 - removed;
        if bytes <= bytes_max.max(before) || chunk.count == 1 {
            return chunk.replace(from..to, &entry);
        }
        chunk.buf.drain(from..to);
        chunk.count -= 1;
        let after = chunk.split_off(at);
        let count = 1;
        let parts = [Chunk { buf: entry, start: 0, count }, after];
        for (offset, part) in parts.into_iter().enumerate() {
            self.chunks.insert(index + 1 + offset, Arc::new(part));
        }
        self.chunks.retain(|chunk| chunk.count > 0);
        self.merge_small();
    }

    fn remove_in(&mut self, index: usize, end: End, count: usize, payload: &[u8]) -> usize {
        let packed = self.chunks[index].packed();
        let hits = |(at, found): (usize, &[u8])| (found == payload).then_some(at);
        let mut at: Vec<usize> = match end {
            End::Head => packed::iter(packed).filter_map(hits).take(count).collect(),
            End::Tail => packed::iter_back(packed).filter_map(hits).take(count).collect(),
        };
        if at.is_empty() {
            return 0;
        }
        at.sort_unstable();
        let bytes = packed::entry_bytes(payload.len());
        let mut kept = Vec::with_capacity(packed.len() - at.len() * bytes);
        let mut from = 0;
        for &hit in &at {
            kept.extend_from_slice(&packed[from..hit]);
            from = hit + bytes;
        }
        kept.extend_from_slice(&packed[from..]);
        let count = self.chunks[index].count - at.len();
        self.chunks[index] = Arc::new(Chunk { buf: kept, start: 0, count });
        at.len()
    }

    /// Joins neighbours that together fill at most half a chunk.
    fn merge_small(&mut self) {
        let mut index = 0;
        while index + 1 < self.chunks.len() {
            let together = self.chunks[index].bytes() + self.chunks[index + 1].bytes();
            if together > self.chunk_bytes_max() / 2 {
                index += 1;
                continue;
            }
            let Some(next) = self.chunks.remove(index + 1) else { return };
            let chunk = Arc::make_mut(&mut self.chunks[index]);
            chunk.buf.extend_from_slice(next.packed());
            chunk.count += next.count;
        }
    }
}

#[cfg(test)]
mod tests;
