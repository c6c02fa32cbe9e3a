//! The entries of a stream, in a deque of blocks.

use std::collections::VecDeque;

use triomphe::Arc;

use super::block::Block;
use super::id::StreamId;
use super::{BlockLimits, Entry, one_more};

/// In a stream of so many blocks a new one gets the room at once that the last one took.
const BLOCKS_LONG: usize = 16;

/// Entries in the order of their ids, and what is known of those that are gone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entries {
    blocks: VecDeque<Arc<Block>>,
    len: usize,
    /// The largest id ever given.
    pub(crate) last_id: StreamId,
    /// The largest id that was removed other than by trimming.
    pub(crate) max_deleted_id: StreamId,
    /// Entries ever added.
    pub(crate) added: u64,
}

impl Entries {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// Bytes taken in memory beyond the struct itself.
    pub(crate) fn heap_bytes(&self) -> usize {
        let blocks: usize = self.blocks.iter().map(|block| block.heap_bytes()).sum();
        self.blocks.capacity() * size_of::<Arc<Block>>()
            + self.blocks.len() * (size_of::<Block>() + size_of::<usize>())
            + blocks
    }

    /// Adds an entry; `id` is larger than `last_id`, `fields` alternates names and values.
    pub(crate) fn append<'a>(
        &mut self,
        id: StreamId,
        fields: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
        limits: BlockLimits,
    ) {
        self.last_id = id;
        self.added = one_more(self.added);
        self.restore(id, fields, limits);
    }

    /// Adds an entry that was added before: counters stay as they are.
    pub(crate) fn restore<'a>(
        &mut self,
        id: StreamId,
        fields: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
        limits: BlockLimits,
    ) {
        self.len += 1;
        let payload = fields.clone().map(<[u8]>::len).sum();
        if let Some(block) = self.blocks.back_mut() {
            if block.last >= id {
                // A dead entry had a larger id; XSETID has gone back since.
                Arc::make_mut(block).compact();
            }
            if block.has_room(id, payload, limits) {
                return Arc::make_mut(block).push(id, fields);
            }
            if block.has_spare_room() {
                Arc::make_mut(block).shrink();
            }
        }
        let before = self.blocks.back().filter(|_| self.blocks.len() >= BLOCKS_LONG);
        let room = before.map_or(0, |block| block.room_needed(limits));
        self.blocks.push_back(Arc::new(Block::new(id, fields, room)));
    }

    /// The id of the first entry; zero if there is none.
    pub(crate) fn first_id(&self) -> StreamId {
        self.blocks.front().map_or(StreamId::ZERO, |block| block.first_live())
    }

    /// The id of the last entry; zero if there is none.
    pub(crate) fn top_id(&self) -> StreamId {
        self.range_back(StreamId::ZERO, StreamId::MAX).next().map_or(StreamId::ZERO, |last| last.id)
    }

    /// All entries in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Entry<'_>> {
        self.blocks.iter().flat_map(|block| block.iter())
    }

    /// The entries from id `from` to id `to`, both included. O(log N) to find the first.
    pub(crate) fn range(&self, from: StreamId, to: StreamId) -> impl Iterator<Item = Entry<'_>> {
        let first = self.blocks.partition_point(|block| block.last < from);
        let entries = self.blocks.range(first..).flat_map(move |block| block.iter_from(from));
        entries.take_while(move |entry| entry.id <= to)
    }

    /// As [`Entries::range`], from the last to the first.
    pub(crate) fn range_back(
        &self,
        from: StreamId,
        to: StreamId,
    ) -> impl Iterator<Item = Entry<'_>> {
        let end = self.blocks.partition_point(|block| block.first <= to);
        let entries = self.blocks.range(..end).rev().flat_map(|block| block.iter_back());
        entries.skip_while(move |entry| entry.id > to).take_while(move |entry| entry.id >= from)
    }

    fn block_of(&self, id: StreamId) -> Option<usize> {
        let index = self.blocks.partition_point(|block| block.first <= id).checked_sub(1)?;
        (self.blocks[index].last >= id).then_some(index)
    }

    /// The entry with this id. O(log N).
    pub(crate) fn find(&self, id: StreamId) -> Option<Entry<'_>> {
        self.blocks[self.block_of(id)?].find(id)
    }

    pub(crate) fn contains(&self, id: StreamId) -> bool {
        self.find(id).is_some()
    }

    /// Removes an entry on demand, which leaves a hole; `false` if there is none of this id.
    pub(crate) fn remove(&mut self, id: StreamId) -> bool {
        let removed = self.take_out(id);
        if removed {
            self.max_deleted_id = self.max_deleted_id.max(id);
        }
        removed
    }

    /// Removes an entry and nothing else.
    pub(super) fn take_out(&mut self, id: StreamId) -> bool {
        let Some(index) = self.block_of(id) else { return false };
        if self.blocks[index].find(id).is_none() {
            return false;
        }
        if self.blocks[index].live() == 1 {
            self.blocks.remove(index);
        } else {
            Arc::make_mut(&mut self.blocks[index]).remove(id);
        }
        self.len -= 1;
        true
    }

    /// Number of entries in the first block, and an id not less than any of them.
    pub(super) fn front(&self) -> Option<(usize, StreamId)> {
        self.blocks.front().map(|block| (block.live(), block.last))
    }

    /// Removes the first block.
    pub(super) fn drop_front_block(&mut self) {
        if let Some(block) = self.blocks.pop_front() {
            self.len -= block.live();
        }
    }

    /// Removes the first entries, fewer than the first block has.
    pub(super) fn drop_front(&mut self, count: usize) {
        if let Some(block) = self.blocks.front_mut().filter(|_| count > 0) {
            Arc::make_mut(block).remove_front(count);
            self.len -= count;
        }
    }

    /// May an entry behind `after` have been removed other than by trimming?
    pub(super) fn has_holes_after(&self, after: StreamId) -> bool {
        !self.is_empty()
            && self.max_deleted_id != StreamId::ZERO
            && self.first_id() <= self.max_deleted_id
            && after <= self.max_deleted_id
    }

    /// How many entries were ever added up to and including `id`, if that can be told.
    pub(crate) fn added_up_to(&self, id: StreamId) -> Option<u64> {
        if self.added == 0 {
            return Some(0);
        }
        if id == self.last_id || (self.is_empty() && id <= self.last_id) {
            return Some(self.added);
        }
        let first = self.first_id();
        let whole = self.max_deleted_id == StreamId::ZERO || self.max_deleted_id < first;
        if id > self.last_id || !whole || id > first {
            return None;
        }
        let before_first = self.added.saturating_sub(self.len as u64);
        Some(before_first + u64::from(id == first))
    }
}
