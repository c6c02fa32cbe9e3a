//! A list: a deque of packed chunks of up to 8 KiB, or 64 KiB in a long list.
//!
//! ```text
//! chunks   [   c b a]  [e d f ...]  [... x y   ]
//!           ^ free room for the head          ^ free room for the tail
//! ```
//!
//! A chunk made by a push at the head fills from its end downwards, one made by a push at the tail
//! upwards, so a push or pop at either end moves no other element. Inner chunks that were made by
//! pushes are full. An element larger than a chunk has one of its own. Chunks sit behind `Arc`: a
//! clone of the list (a snapshot) shares them, and a change copies just the chunk it touches.

use std::collections::VecDeque;

use triomphe::Arc;

use super::packed;

mod chunk;
mod small;

use chunk::{CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, CHUNKS_A_STEP, Chunk, LONG_CHUNK_BYTES_MAX};

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
        let steps = self.chunks.len() / CHUNKS_A_STEP;
        (steps * CHUNK_BYTES_MAX).clamp(CHUNK_BYTES_MAX, LONG_CHUNK_BYTES_MAX)
    }

    /// How much room a new chunk at an end gets, whose first element takes so many bytes: for as
    /// many of them as fit. Behind a large element it starts small, as the next one may be large,
    /// too.
    fn room(&self, end: End, bytes: usize) -> usize {
        if bytes > CHUNK_BYTES_MAX {
            return bytes;
        }
        match self.end(end) {
            Some(last) if last.bytes() <= CHUNK_BYTES_MAX || last.count() > 1 => {
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
                return chunk.push(end, payload, bytes);
            }
            if chunk.bytes() + bytes <= CHUNK_BYTES_MAX {
                chunk.grow(end, bytes);
                return chunk.push(end, payload, bytes);
            }
        }
        if self.chunks.is_empty() {
            self.chunks.reserve_exact(1);
        }
        let room = self.room(end, bytes);
        let mut chunk = Chunk::with_room(end, room);
        chunk.push(end, payload, bytes);
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
        if chunk.count() == 0 {
            self.pop_chunk(end);
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

    /// Removes up to `count` elements equal to `payload`, walking from `end`; returns how many.
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
            self.chunks.retain(|chunk| chunk.count() > 0);
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
            if chunk.count() > count {
                if let Some(chunk) = self.end_mut(end) {
                    (0..count).for_each(|_| chunk.pop(end));
                }
                return;
            }
            count -= chunk.count();
            self.pop_chunk(end);
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

    fn pop_chunk(&mut self, end: End) {
        match end {
            End::Head => self.chunks.pop_front(),
            End::Tail => self.chunks.pop_back(),
        };
    }

    /// The chunk that holds element `index`, and its index in there.
    fn locate(&self, index: usize) -> Option<(usize, usize)> {
        if index >= self.len {
            return None;
        }
        if index < self.len / 2 {
            let mut left = index;
            for (at, chunk) in self.chunks.iter().enumerate() {
                if left < chunk.count() {
                    return Some((at, left));
                }
                left -= chunk.count();
            }
            return None;
        }
        let mut right = self.len - index;
        for (at, chunk) in self.chunks.iter().enumerate().rev() {
            if right <= chunk.count() {
                return Some((at, chunk.count() - right));
            }
            right -= chunk.count();
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
        let from = chunk.start() + chunk.offset(at);
        let to = chunk.start() + chunk.offset(at + removed);
        let before = chunk.bytes();
        let bytes = before - (to - from) + entry.len();
        self.len = self.len + 1 - removed;
        if bytes <= bytes_max.max(before) || chunk.count() == removed {
            return chunk.replace(from..to, removed, &entry);
        }
        chunk.drain(from..to, removed);
        let after = chunk.split_off(at);
        let parts = [Chunk::of(entry, 1), after];
        for (offset, part) in parts.into_iter().enumerate() {
            self.chunks.insert(index + 1 + offset, Arc::new(part));
        }
        self.chunks.retain(|chunk| chunk.count() > 0);
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
        let count = self.chunks[index].count() - at.len();
        self.chunks[index] = Arc::new(Chunk::of(kept, count));
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
            Arc::make_mut(&mut self.chunks[index]).append(&next);
        }
    }
}

#[cfg(test)]
mod tests;
