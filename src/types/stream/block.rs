//! A block: some entries in a row, packed.
//!
//! ```text
//! buf    [names][entry][entry]...
//! names  [count]([length][name])*          the field names of the first entry
//! entry  [size][flags][ms][seq][values]    with the block's names
//!        [size][flags][ms][seq][count]([length][name][length][value])*    with its own
//! values ([length][value])*
//! ```
//!
//! Numbers are LEB128 (seven bits a byte). `size` counts what follows it. `ms` counts from the
//! block's first id; `seq` too if `ms` is 0, else it stands as it is. A removed entry is marked
//! as dead; dead entries in front are skipped for good by `start`.

use std::sync::atomic::{AtomicU32, Ordering};

use super::entry::Entry;
use super::id::StreamId;
use super::words::{Words, number, number_bytes, push_bytes, push_number};

const DEAD: u8 = 1;
const OWN_NAMES: u8 = 2;

/// Bytes of a block's buffer at first; it doubles as it fills.
const BUF_BYTES_MIN: usize = 64;

/// When a block is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockLimits {
    /// 0: as many as there may be.
    pub(crate) bytes_max: usize,
    /// 0: no limit.
    pub(crate) entries_max: usize,
}

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
    count: usize,
    dead: usize,
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

/// The head of an entry in `buf`.
#[derive(Clone, Copy, Debug)]
struct Head {
    id: StreamId,
    flags_at: usize,
    flags: u8,
    body: usize,
    end: usize,
}

impl Block {
    /// A block with one entry.
    pub(super) fn new<'a>(
        id: StreamId,
        fields: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
    ) -> Self {
        let names = fields.clone().step_by(2);
        let bytes = names.clone().map(|name| number_bytes(name.len()) + name.len()).sum::<usize>();
        let values = fields.clone().skip(1).step_by(2);
        let bytes = bytes + values.map(|value| value.len() + 2).sum::<usize>() + 16;
        let mut buf = Vec::with_capacity(bytes.max(BUF_BYTES_MIN));
        push_number(&mut buf, fields.len() / 2);
        names.for_each(|name| push_bytes(&mut buf, name));
        let start = buf.len();
        let sought = AtomicU32::new(0);
        let mut block = Self { first: id, last: id, buf, start, count: 0, dead: 0, sought };
        block.push(id, fields);
        block
    }

    pub(super) fn live(&self) -> usize {
        self.count - self.dead
    }

    /// Bytes it takes in memory, without the struct itself.
    pub(super) fn heap_bytes(&self) -> usize {
        self.buf.capacity()
    }

    /// Is there room for an entry of `payload` bytes?
    pub(super) fn has_room(&self, payload: usize, limits: BlockLimits) -> bool {
        let below_count = limits.entries_max == 0 || self.count < limits.entries_max;
        below_count && self.buf.len() + payload < limits.bytes_max()
    }

    /// Adds an entry, whose id is larger than all others; `fields` alternates names and values.
    pub(super) fn push<'a>(
        &mut self,
        id: StreamId,
        fields: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
    ) {
        let ms = id.ms - self.first.ms;
        let seq = if ms == 0 { id.seq - self.first.seq } else { id.seq };
        let shared = self.has_names(fields.clone());
        let own_count = fields.len() / 2;
        let values = fields.skip(usize::from(shared)).step_by(1 + usize::from(shared));
        let body: usize = values.clone().map(|word| number_bytes(word.len()) + word.len()).sum();
        let count = if shared { 0 } else { number_bytes(own_count) };
        let size = 1 + number_bytes(as_size(ms)) + number_bytes(as_size(seq)) + count + body;
        self.reserve(number_bytes(size) + size);
        push_number(&mut self.buf, size);
        self.buf.push(if shared { 0 } else { OWN_NAMES });
        push_number(&mut self.buf, as_size(ms));
        push_number(&mut self.buf, as_size(seq));
        if !shared {
            push_number(&mut self.buf, own_count);
        }
        values.for_each(|word| push_bytes(&mut self.buf, word));
        self.last = id;
        self.count += 1;
    }

    /// Makes room by doubling, so that a short stream stays small.
    fn reserve(&mut self, bytes: usize) {
        let needed = self.buf.len() + bytes;
        if needed > self.buf.capacity() {
            let grown = needed.max(2 * self.buf.capacity());
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

    /// Are the names among `fields` those of the block?
    fn has_names<'a>(&self, fields: impl ExactSizeIterator<Item = &'a [u8]>) -> bool {
        let mut names = self.names();
        names.left == fields.len() / 2
            && fields.step_by(2).all(|name| names.next().is_some_and(|other| other == name))
    }

    fn head(&self, at: usize) -> Head {
        let (size, flags_at) = number(&self.buf, at);
        let (ms, after) = number(&self.buf, flags_at + 1);
        let (seq, body) = number(&self.buf, after);
        let ms = as_id(ms);
        let seq = if ms == 0 { self.first.seq + as_id(seq) } else { as_id(seq) };
        let id = StreamId { ms: self.first.ms + ms, seq };
        Head { id, flags_at, flags: self.buf[flags_at], body, end: flags_at + size }
    }

    /// Where the first entry starts, dead or not, whose id is this one or larger. Who reads entry
    /// by entry, as the consumers of a group do, finds each one step behind the one before.
    fn seek(&self, id: StreamId) -> usize {
        let sought = self.sought.load(Ordering::Relaxed) as usize;
        let is_there = (self.start..self.buf.len()).contains(&sought);
        let from = if is_there && self.head(sought).id <= id { sought } else { self.start };
        let found = self.heads(from).find(|(_, head)| head.id >= id);
        let Some((at, _)) = found else { return self.buf.len() };
        self.sought.store(u32::try_from(at).unwrap_or(0), Ordering::Relaxed);
        at
    }

    /// The heads of all entries from the one on that starts at `at`, with the offset of each.
    fn heads(&self, mut at: usize) -> impl Iterator<Item = (usize, Head)> {
        std::iter::from_fn(move || {
            if at >= self.buf.len() {
                return None;
            }
            let head = self.head(at);
            Some((std::mem::replace(&mut at, head.end), head))
        })
    }

    fn entry(&self, head: Head) -> Entry<'_> {
        let body = &self.buf[head.body..head.end];
        if head.flags & OWN_NAMES != 0 {
            Entry { id: head.id, names: None, words: Words::counted(body) }
        } else {
            let names = self.names();
            let words = Words { rest: body, left: names.left };
            Entry { id: head.id, names: Some(names), words }
        }
    }

    /// The live entries in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Entry<'_>> {
        self.iter_from(StreamId::ZERO)
    }

    /// The live entries of this id and larger ones, in order.
    pub(super) fn iter_from(&self, id: StreamId) -> impl Iterator<Item = Entry<'_>> {
        let start = if id <= self.first { self.start } else { self.seek(id) };
        let live = self.heads(start).filter(|(_, head)| head.flags & DEAD == 0);
        live.map(|(_, head)| self.entry(head))
    }

    /// The live entries from the last to the first.
    pub(super) fn iter_back(&self) -> impl Iterator<Item = Entry<'_>> {
        let live = self.heads(self.start).filter(|(_, head)| head.flags & DEAD == 0);
        let at: Vec<usize> = live.map(|(at, _)| at).collect();
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
        let (_, head) = self.heads(self.seek(id)).next()?;
        (head.id == id && head.flags & DEAD == 0).then_some(head)
    }

    /// Removes the live entry with this id, one of several; `false` if there is none.
    pub(super) fn remove(&mut self, id: StreamId) -> bool {
        let Some(head) = self.live_head(id) else { return false };
        self.buf[head.flags_at] |= DEAD;
        self.dead += 1;
        self.skip_dead();
        if self.dead > self.live() && self.buf.len() > BUF_BYTES_MIN {
            self.compact();
        }
        true
    }

    /// Removes the first `count` live entries, fewer than there are.
    pub(super) fn remove_front(&mut self, count: usize) {
        for _ in 0..count {
            self.start = self.head(self.start).end;
            self.skip_dead();
        }
        self.dead += count;
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
        let mut names = self.names();
        names.by_ref().for_each(drop);
        let names_end = self.buf.len() - names.rest.len();
        let mut kept = self.buf[..names_end].to_vec();
        let mut last = self.first;
        for (at, head) in self.heads(self.start).filter(|(_, head)| head.flags & DEAD == 0) {
            kept.extend_from_slice(&self.buf[at..head.end]);
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
