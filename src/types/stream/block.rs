//! A block: some entries in a row, packed.
//!
//! ```text
//! buf    [names][entry][entry]...
//! names  [count]([length][name])*          the field names of the first entry
//! entry  [mark][seq][length][value]                 with the block's only name
//!        [mark][seq][size]([length][value])*        with the block's names
//!        [mark][seq][size][count]([length][name][length][value])*    with its own
//! ```
//!
//! Numbers are LEB128 (seven bits a byte). `mark` is the time of the id, counted from the block's
//! first one, above two bits of flags; `seq` counts from the first id too if the times are the
//! same, else it stands as it is. `size` counts what follows it: with a single value it is that
//! value's length. A removed entry is marked as dead, in place; dead entries in front are skipped
//! for good by `start`.

use std::sync::atomic::{AtomicU32, Ordering};

use super::entry::Entry;
use super::id::StreamId;
use super::words::{Words, number, number_bytes, push_bytes, push_number};
use crate::types::room::roomy;

const DEAD: u8 = 1;
const OWN_NAMES: u8 = 2;
const FLAG_BITS: u32 = 2;

/// Most milliseconds between the ids of a block: a mark has room for no more.
const MS_SPAN_MAX: u64 = u64::MAX >> FLAG_BITS;

/// Bytes of a short stream's buffer at first; it doubles as it fills.
const BUF_BYTES_MIN: usize = 64;
/// A larger buffer grows by a fourth; and what trimming left of it is kept in a smaller one once
/// that is less than half.
const SHORT_BYTES_MAX: usize = 4096;
/// Most bytes of an entry's mark, seq and size.
const HEAD_BYTES_MAX: usize = 30;

/// When a block is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockLimits {
    /// 0: as many as there may be.
    pub(crate) bytes_max: usize,
    /// 0: no limit.
    pub(crate) entries_max: usize,
}

/// Most bytes that are reserved for entries to come.
const ROOM_BYTES_MAX: usize = 64 << 10;

/// Most bytes of the fields and values of one entry, and of a block without a limit of its own.
pub(crate) const BLOCK_BYTES_MAX: usize = 1 << 30;

impl BlockLimits {
    fn bytes_max(self) -> usize {
        if self.bytes_max == 0 { BLOCK_BYTES_MAX } else { self.bytes_max.min(BLOCK_BYTES_MAX) }
    }
}

/// Packed entries; at least one of them is alive.
#[derive(Debug)]
pub(super) struct Block {
    /// Ids are counted from here; not more than that of any entry.
    pub(super) first: StreamId,
    /// Not less than the id of any entry.
    pub(super) last: StreamId,
    buf: Vec<u8>,
    /// Where the first live entry starts.
    start: usize,
    /// Entries, dead ones included.
    count: u32,
    dead: u32,
    /// Where an entry starts that was looked for last; before `start`: none.
    sought: AtomicU32,
}

impl Clone for Block {
    fn clone(&self) -> Self {
        let mut buf = Vec::with_capacity(self.buf.capacity());
        buf.extend_from_slice(&self.buf);
        let Self { first, last, start, count, dead, .. } = *self;
        Self { first, last, buf, start, count, dead, sought: AtomicU32::new(0) }
    }
}

/// What stands in front of the values of an entry, and where in `buf` the parts begin.
#[derive(Clone, Copy, Debug)]
struct Head {
    at: usize,
    flags: u8,
    id: StreamId,
    size_at: usize,
    body: usize,
    end: usize,
}

impl Block {
    /// A block with one entry, and with room for so many bytes at least.
    pub(super) fn new<'a>(
        id: StreamId,
        fields: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
        room: usize,
    ) -> Self {
        let names = fields.clone().step_by(2);
        let bytes = names.clone().map(|name| number_bytes(name.len()) + name.len()).sum::<usize>();
        let values = fields.clone().skip(1).step_by(2);
        let bytes = bytes + values.map(|value| value.len() + 2).sum::<usize>() + 16;
        let mut buf = Vec::with_capacity(bytes.max(roomy(room)));
        push_number(&mut buf, fields.len() / 2);
        names.for_each(|name| push_bytes(&mut buf, name));
        let start = buf.len();
        let sought = AtomicU32::new(0);
        let mut block = Self { first: id, last: id, buf, start, count: 0, dead: 0, sought };
        block.push(id, fields);
        block
    }

    pub(super) fn live(&self) -> usize {
        (self.count - self.dead) as usize
    }

    /// Bytes it takes in memory, without the struct itself.
    pub(super) fn heap_bytes(&self) -> usize {
        self.buf.capacity()
    }

    /// Room that a block with such entries and limits needs.
    pub(super) fn room_needed(&self, limits: BlockLimits) -> usize {
        self.buf.len().min(limits.bytes_max()).min(ROOM_BYTES_MAX)
    }

    /// Is there room for an entry of `payload` bytes, whose id is larger than all others?
    pub(super) fn has_room(&self, id: StreamId, payload: usize, limits: BlockLimits) -> bool {
        let below_count = limits.entries_max == 0 || (self.count as usize) < limits.entries_max;
        let is_near = id.ms - self.first.ms <= MS_SPAN_MAX;
        below_count && is_near && self.buf.len() + payload + HEAD_BYTES_MAX < limits.bytes_max()
    }

    /// Adds an entry, whose id is larger than all others; `fields` alternates names and values.
    pub(super) fn push<'a>(
        &mut self,
        id: StreamId,
        fields: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
    ) {
        let ms = id.ms - self.first.ms;
        let seq = as_size(if ms == 0 { id.seq - self.first.seq } else { id.seq });
        let shared = self.has_names(fields.clone());
        let mark = as_size(ms << FLAG_BITS) | usize::from(if shared { 0 } else { OWN_NAMES });
        let own_count = fields.len() / 2;
        let values = fields.skip(usize::from(shared)).step_by(1 + usize::from(shared));
        let body: usize = values.clone().map(|word| number_bytes(word.len()) + word.len()).sum();
        let count = if shared { 0 } else { number_bytes(own_count) };
        let size = count + body;
        self.reserve(number_bytes(mark) + number_bytes(seq) + number_bytes(size) + size);
        push_number(&mut self.buf, mark);
        push_number(&mut self.buf, seq);
        if !shared {
            push_number(&mut self.buf, size);
            push_number(&mut self.buf, own_count);
        } else if !self.has_one_name() {
            push_number(&mut self.buf, size);
        }
        values.for_each(|word| push_bytes(&mut self.buf, word));
        self.last = id;
        self.count += 1;
    }

    /// Makes room bit by bit, so that a short stream stays small.
    fn reserve(&mut self, bytes: usize) {
        let (needed, capacity) = (self.buf.len() + bytes, self.buf.capacity());
        if needed > capacity {
            let more = if capacity < SHORT_BYTES_MAX { capacity } else { capacity / 4 };
            let grown = needed.max(capacity + more);
            self.buf.reserve_exact(grown - self.buf.len());
        }
    }

    /// Gives back spare room: the block is full.
    pub(super) fn shrink(&mut self) {
        self.buf.shrink_to_fit();
    }

    pub(super) fn has_spare_room(&self) -> bool {
        self.buf.capacity() - self.buf.len() > self.buf.len() / 16
    }

    fn names(&self) -> Words<'_> {
        Words::counted(&self.buf)
    }

    /// Where the first entry begins, dead or not.
    fn names_end(&self) -> usize {
        let mut names = self.names();
        names.by_ref().for_each(drop);
        self.buf.len() - names.rest.len()
    }

    /// Are the names among `fields` those of the block?
    fn has_names<'a>(&self, fields: impl ExactSizeIterator<Item = &'a [u8]>) -> bool {
        let mut names = self.names();
        names.left == fields.len() / 2
            && fields.step_by(2).all(|name| names.next().is_some_and(|other| other == name))
    }

    fn has_one_name(&self) -> bool {
        self.buf[0] == 1
    }

    fn head(&self, at: usize) -> Head {
        let flags = self.buf[at];
        let (mark, after) = number(&self.buf, at);
        let (seq, size_at) = number(&self.buf, after);
        let (size, body) = number(&self.buf, size_at);
        let ms = as_id(mark) >> FLAG_BITS;
        let seq = if ms == 0 { self.first.seq + as_id(seq) } else { as_id(seq) };
        let id = StreamId { ms: self.first.ms + ms, seq };
        Head { at, flags, id, size_at, body, end: body + size }
    }

    /// Where the first entry starts, dead or not, whose id is this one or larger. Who reads entry
    /// by entry, as the consumers of a group do, finds each one step behind the one before.
    fn seek(&self, id: StreamId) -> usize {
        let sought = self.sought.load(Ordering::Relaxed) as usize;
        let is_there = (self.start..self.buf.len()).contains(&sought);
        let from = if is_there && self.head(sought).id <= id { sought } else { self.start };
        let Some(found) = self.heads(from).find(|head| head.id >= id) else {
            return self.buf.len();
        };
        self.sought.store(u32::try_from(found.at).unwrap_or(0), Ordering::Relaxed);
        found.at
    }

    /// The heads of all entries from the one on that starts at `at`.
    fn heads(&self, mut at: usize) -> impl Iterator<Item = Head> {
        std::iter::from_fn(move || {
            if at >= self.buf.len() {
                return None;
            }
            let head = self.head(at);
            at = head.end;
            Some(head)
        })
    }

    /// As [`Block::heads`], without those of dead entries.
    fn live_heads(&self, at: usize) -> impl Iterator<Item = Head> {
        self.heads(at).filter(|head| head.flags & DEAD == 0)
    }

    fn entry(&self, head: Head) -> Entry<'_> {
        if head.flags & OWN_NAMES != 0 {
            let words = Words::counted(&self.buf[head.body..head.end]);
            return Entry { id: head.id, names: None, words };
        }
        let names = self.names();
        let from = if self.has_one_name() { head.size_at } else { head.body };
        let words = Words { rest: &self.buf[from..head.end], left: names.left };
        Entry { id: head.id, names: Some(names), words }
    }

    /// The live entries in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Entry<'_>> {
        self.iter_from(StreamId::ZERO)
    }

    /// The live entries of this id and larger ones, in order.
    pub(super) fn iter_from(&self, id: StreamId) -> impl Iterator<Item = Entry<'_>> {
        let start = if id <= self.first { self.start } else { self.seek(id) };
        self.live_heads(start).map(|head| self.entry(head))
    }

    /// The live entries from the last to the first.
    pub(super) fn iter_back(&self) -> impl Iterator<Item = Entry<'_>> {
        let at: Vec<usize> = self.live_heads(self.start).map(|head| head.at).collect();
        at.into_iter().rev().map(|at| self.entry(self.head(at)))
    }

    /// The id of the first live entry.
    pub(super) fn first_live(&self) -> StreamId {
        self.head(self.start).id
    }

    /// The live entry with this id.
    pub(super) fn find(&self, id: StreamId) -> Option<Entry<'_>> {
        self.live_head(id).map(|head| self.entry(head))
    }

    fn live_head(&self, id: StreamId) -> Option<Head> {
        let head = self.heads(self.seek(id)).next()?;
        (head.id == id && head.flags & DEAD == 0).then_some(head)
    }

    /// Removes the live entry with this id, one of several; `false` if there is none.
    pub(super) fn remove(&mut self, id: StreamId) -> bool {
        let Some(head) = self.live_head(id) else { return false };
        self.buf[head.at] |= DEAD;
        self.dead += 1;
        self.skip_dead();
        if self.dead as usize > self.live() && self.buf.len() > BUF_BYTES_MIN {
            self.compact();
        }
        true
    }

    /// Removes the first `count` live entries, fewer than there are.
    pub(super) fn remove_front(&mut self, count: usize) {
        for _ in 0..count {
            self.start = self.head(self.start).end;
            self.dead += 1;
            self.skip_dead();
        }
        let is_mostly_dead = |block: &Self| block.start - block.names_end() > block.buf.len() / 2;
        if self.buf.len() > SHORT_BYTES_MAX && is_mostly_dead(self) {
            self.compact();
        }
    }

    fn skip_dead(&mut self) {
        while self.start < self.buf.len() {
            let head = self.head(self.start);
            if head.flags & DEAD == 0 {
                break;
            }
            self.start = head.end;
        }
    }

    /// Drops the dead entries.
    pub(super) fn compact(&mut self) {
        let names_end = self.names_end();
        let live: usize = self.live_heads(self.start).map(|head| head.end - head.at).sum();
        let mut kept = Vec::with_capacity(roomy(names_end + live));
        kept.extend_from_slice(&self.buf[..names_end]);
        let mut last = self.first;
        for head in self.live_heads(self.start) {
            kept.extend_from_slice(&self.buf[head.at..head.end]);
            last = head.id;
        }
        self.buf = kept;
        self.start = names_end;
        self.count -= self.dead;
        self.dead = 0;
        self.last = last;
        *self.sought.get_mut() = 0;
    }
}

fn as_size(part: u64) -> usize {
    usize::try_from(part).expect("a word has 64 bits")
}

fn as_id(part: usize) -> u64 {
    part as u64
}
