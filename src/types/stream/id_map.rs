//! A map from ids to values in chunks that are shared by clones and copied on write.
//!
//! Pending entries come at the end and mostly go from the front, so the map is a deque of sorted
//! chunks: adding at the end and removing at the front move few bytes, a lookup is two binary
//! searches, and a clone costs one reference count per chunk.

use std::collections::VecDeque;

use triomphe::Arc;

use super::id::StreamId;

/// Most elements of a chunk.
const CHUNK_LEN_MAX: usize = 64;
/// Neighbours that together have no more than this are joined.
const JOINED_LEN_MAX: usize = CHUNK_LEN_MAX / 2;

type Chunk<V> = Vec<(StreamId, V)>;

/// The map; no chunk is empty.
#[derive(Clone, Debug)]
pub(crate) struct IdMap<V> {
    chunks: VecDeque<Arc<Chunk<V>>>,
    len: usize,
}

impl<V> Default for IdMap<V> {
    fn default() -> Self {
        Self { chunks: VecDeque::new(), len: 0 }
    }
}

impl<V: Copy> IdMap<V> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Bytes taken in memory beyond the struct itself.
    pub(crate) fn heap_bytes(&self) -> usize {
        let elements: usize = self.chunks.iter().map(|chunk| chunk.capacity()).sum();
        self.chunks.capacity() * size_of::<usize>()
            + self.chunks.len() * (size_of::<Chunk<V>>() + size_of::<usize>())
            + elements * size_of::<(StreamId, V)>()
    }

    /// The first chunk whose last id is not less than `id`.
    fn chunk_of(&self, id: StreamId) -> usize {
        self.chunks.partition_point(|chunk| chunk.last().is_some_and(|&(last, _)| last < id))
    }

    fn locate(&self, id: StreamId) -> Option<(usize, usize)> {
        let chunk = self.chunk_of(id);
        let at = self.chunks.get(chunk)?.binary_search_by_key(&id, |&(id, _)| id).ok()?;
        Some((chunk, at))
    }

    pub(crate) fn find(&self, id: StreamId) -> Option<V> {
        self.locate(id).map(|(chunk, at)| self.chunks[chunk][at].1)
    }

    /// Sets the value of `id`; returns the one it had.
    pub(crate) fn insert(&mut self, id: StreamId, value: V) -> Option<V> {
        let index = self.chunk_of(id);
        if index == self.chunks.len() {
            self.push_back(id, value);
            return None;
        }
        let chunk = Arc::make_mut(&mut self.chunks[index]);
        match chunk.binary_search_by_key(&id, |&(id, _)| id) {
            Ok(at) => Some(std::mem::replace(&mut chunk[at].1, value)),
            Err(at) => {
                chunk.insert(at, (id, value));
                if chunk.len() > CHUNK_LEN_MAX {
                    let rest = chunk.split_off(CHUNK_LEN_MAX / 2);
                    self.chunks.insert(index + 1, Arc::new(rest));
                }
                self.len += 1;
                None
            }
        }
    }

    fn push_back(&mut self, id: StreamId, value: V) {
        self.len += 1;
        if let Some(chunk) = self.chunks.back_mut().filter(|chunk| chunk.len() < CHUNK_LEN_MAX) {
            return Arc::make_mut(chunk).push((id, value));
        }
        let room = if self.chunks.is_empty() { 1 } else { CHUNK_LEN_MAX };
        let mut chunk = Vec::with_capacity(room);
        chunk.push((id, value));
        self.chunks.push_back(Arc::new(chunk));
    }

    pub(crate) fn remove(&mut self, id: StreamId) -> Option<V> {
        let (index, at) = self.locate(id)?;
        self.len -= 1;
        if self.chunks[index].len() == 1 {
            return self.chunks.remove(index).map(|chunk| chunk[0].1);
        }
        let (_, value) = Arc::make_mut(&mut self.chunks[index]).remove(at);
        self.join(index);
        Some(value)
    }

    /// Joins a chunk with the one behind it if both are small.
    fn join(&mut self, index: usize) {
        let Some(next) = self.chunks.get(index + 1) else { return };
        if self.chunks[index].len() + next.len() > JOINED_LEN_MAX {
            return;
        }
        if let Some(next) = self.chunks.remove(index + 1) {
            Arc::make_mut(&mut self.chunks[index]).extend_from_slice(&next);
        }
    }

    pub(crate) fn first(&self) -> Option<(StreamId, V)> {
        self.chunks.front().and_then(|chunk| chunk.first().copied())
    }

    pub(crate) fn last(&self) -> Option<(StreamId, V)> {
        self.chunks.back().and_then(|chunk| chunk.last().copied())
    }

    /// All elements in the order of their ids, from `from` on.
    pub(crate) fn iter_from(&self, from: StreamId) -> impl Iterator<Item = (StreamId, V)> {
        let first = self.chunk_of(from);
        let elements = self.chunks.range(first..).flat_map(|chunk| chunk.iter().copied());
        elements.skip_while(move |&(id, _)| id < from)
    }
}
