//! A segment of a [`super::PackedTable`]: up to 64 entries in one packed run of bytes.
//!
//! ```text
//! tags      [t0 t1 t2 ...]      a byte of each key's hash: which entries to look at
//! offsets   [ 0 17 42 ...]      where each entry starts in the run
//! run       [length][key] [length][value]   [length][key] ...
//! ```
//!
//! A length takes one byte. A text of 255 bytes or more stands apart, in memory of its own,
//! so that a run stays below 64 KiB and neither a copy nor a removal moves large texts; the run
//! holds the byte 255 and the place of the text. Entries are in no order.

use crate::hash::{self, position};
use crate::prefetch;
use crate::types::long_bytes::LongBytes;
use crate::types::room::{self, roomy};

/// Most entries in a segment.
pub(super) const SEGMENT_LEN_MAX: usize = 64;
/// The mark of a text that stands apart; shorter texts have their length here.
const APART: u8 = 255;
/// Bytes of a mark and the place behind it.
const APART_BYTES: usize = 3;
/// Memory that is taken comes in multiples of this, at least.
const PIECE_BYTES: usize = 16;
/// Bytes of an entry that are prefetched.
const ENTRY_BYTES: usize = 96;

/// Entries of a contiguous range of positions.
#[derive(Clone, Debug)]
pub(super) struct Segment<const VALUES: bool> {
    depth: u8,
    len: u8,
    tags: [u8; SEGMENT_LEN_MAX],
    offsets: [u16; SEGMENT_LEN_MAX],
    run: Vec<u8>,
    /// The texts that stand apart; `None`: a place to use again.
    apart: Vec<Option<LongBytes>>,
    /// Memory that they take elsewhere, in [`PIECE_BYTES`]: with four bytes for it, a segment and
    /// its counter still fit 256.
    apart_pieces: u32,
}

fn tag(hash: u64) -> u8 {
    hash.to_be_bytes()[0]
}

impl<const VALUES: bool> Segment<VALUES> {
    pub(super) fn new(depth: u32, bytes: usize) -> Self {
        Self {
            depth: depth.to_le_bytes()[0],
            len: 0,
            tags: [0; SEGMENT_LEN_MAX],
            offsets: [0; SEGMENT_LEN_MAX],
            run: Vec::with_capacity(roomy(bytes)),
            apart: Vec::new(),
            apart_pieces: 0,
        }
    }

    /// Leading bits that all positions in here have in common.
    pub(super) fn depth(&self) -> u32 {
        u32::from(self.depth)
    }

    pub(super) fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// Bytes taken in memory, those of the `Arc` around it included.
    pub(super) fn bytes(&self) -> usize {
        let places = self.apart.capacity() * size_of::<Option<LongBytes>>();
        let apart = self.apart_pieces as usize * PIECE_BYTES;
        size_of::<Self>() + size_of::<usize>() + self.run.capacity() + places + apart
    }

    /// The place of `key` among the entries.
    #[inline]
    pub(super) fn find(&self, hash: u64, key: &[u8]) -> Option<usize> {
        let tags = &self.tags[..self.len()];
        memchr::memchr_iter(tag(hash), tags).find(|&index| self.text(self.offset(index)).0 == key)
    }

    /// Has what leads to its entries fetched into the processor's caches.
    pub(super) fn prefetch(&self) {
        prefetch::value(&self.run);
        prefetch::all(&self.tags);
        prefetch::all(&self.offsets);
    }

    /// Has the entry of a key with this hash fetched, if there is one.
    pub(super) fn prefetch_entry(&self, hash: u64) {
        if let Some(index) = memchr::memchr(tag(hash), &self.tags[..self.len()]) {
            let from = self.run.get(self.offset(index)..).unwrap_or_default();
            prefetch::all(&from[..from.len().min(ENTRY_BYTES)]);
        }
    }

    /// The entries whose key may have this hash.
    pub(super) fn tagged(&self, hash: u64) -> impl Iterator<Item = (&[u8], &[u8])> {
        memchr::memchr_iter(tag(hash), &self.tags[..self.len()]).map(|index| self.entry(index))
    }

    /// The key and the value of an entry.
    #[inline]
    pub(super) fn entry(&self, index: usize) -> (&[u8], &[u8]) {
        let (key, at) = self.text(self.offset(index));
        (key, if VALUES { self.text(at).0 } else { &[] })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        (0..self.len()).map(|index| self.entry(index))
    }

    /// Adds an entry; there is room for it.
    pub(super) fn push(&mut self, hash: u64, key: &[u8], value: &[u8]) {
        let value = VALUES.then_some(value);
        self.begin_entry(tag(hash));
        self.reserve(text_bytes(key) + value.map_or(0, text_bytes));
        self.push_text(key);
        if let Some(value) = value {
            self.push_text(value);
        }
    }

    /// Removes an entry.
    pub(super) fn remove(&mut self, index: usize) {
        let (start, end) = self.bounds(index);
        self.drop_texts(start, end);
        self.run.drain(start..end);
        self.move_offsets(start, end, start);
        let last = self.len() - 1;
        self.tags[index] = self.tags[last];
        self.offsets[index] = self.offsets[last];
        self.len -= 1;
        if self.run.len() < self.run.capacity() / 2 && self.run.capacity() > 64 {
            self.fit();
        }
    }

    /// Replaces the value of an entry.
    #[inline]
    pub(super) fn set_value(&mut self, index: usize, value: &[u8]) {
        let (_, start) = self.text(self.offset(index));
        let (old, end) = self.text(start);
        if old.len() == value.len() && value.len() < usize::from(APART) {
            self.run[start + 1..end].copy_from_slice(value);
            return;
        }
        self.drop_texts(start, end);
        let (head, inline) = self.encode(value);
        let bytes = head.len() + inline.len();
        self.reserve(bytes.saturating_sub(end - start));
        self.run.splice(start..end, head.iter().chain(inline).copied());
        self.move_offsets(start, end, start + bytes);
    }

    /// The entries of the lower and the upper half of the range of positions, parted by `bit`.
    pub(super) fn split(&self, bit: u64) -> (Self, Self) {
        let mut bytes = [0; 2];
        let mut sides = [0; SEGMENT_LEN_MAX];
        for (index, side) in sides.iter_mut().enumerate().take(self.len()) {
            let (start, end) = self.bounds(index);
            *side = usize::from(position(hash::of(self.text(start).0)) & bit != 0);
            bytes[*side] += end - start;
        }
        let mut halves = bytes.map(|bytes| Self::new(self.depth() + 1, bytes));
        for (index, side) in sides.into_iter().enumerate().take(self.len()) {
            halves[side].push_from(self, index);
        }
        halves.into()
    }

    /// The entries of both, which are the two halves of a range.
    pub(super) fn join(&self, other: &Self) -> Self {
        let mut joined = Self::new(self.depth() - 1, self.run.len() + other.run.len());
        (0..self.len()).for_each(|index| joined.push_from(self, index));
        (0..other.len()).for_each(|index| joined.push_from(other, index));
        joined
    }

    /// Adds an entry of another segment; texts that stand apart are shared.
    fn push_from(&mut self, other: &Self, index: usize) {
        self.begin_entry(other.tags[index]);
        let mut at = other.offset(index);
        for _ in 0..=usize::from(VALUES) {
            let (text, next) = other.text(at);
            match other.text_apart(at) {
                Some(shared) => {
                    let head = self.put_apart(shared.clone());
                    self.run.extend_from_slice(&head);
                }
                None => self.push_text(text),
            }
            at = next;
        }
    }

    /// The next text to be pushed begins an entry.
    fn begin_entry(&mut self, tag: u8) {
        let index = self.len();
        self.tags[index] = tag;
        self.offsets[index] = u16::try_from(self.run.len())
            .expect("64 entries of 2 x 255 bytes take less than 64 KiB");
        self.len += 1;
    }

    fn offset(&self, index: usize) -> usize {
        usize::from(self.offsets[index])
    }

    /// Where an entry starts and ends.
    fn bounds(&self, index: usize) -> (usize, usize) {
        let start = self.offset(index);
        let (_, end) = self.text(start);
        (start, if VALUES { self.text(end).1 } else { end })
    }

    /// The text at `at`, and where the next one starts.
    #[inline]
    fn text(&self, at: usize) -> (&[u8], usize) {
        let mark = self.run[at];
        if mark == APART {
            let text = self.text_apart(at).map(|text| &**text).unwrap_or_default();
            return (text, at + APART_BYTES);
        }
        let end = at + 1 + usize::from(mark);
        (&self.run[at + 1..end], end)
    }

    /// The text at `at`, if it stands apart.
    #[inline]
    fn text_apart(&self, at: usize) -> Option<&LongBytes> {
        if self.run[at] == APART { self.apart[self.place(at)].as_ref() } else { None }
    }

    /// The place among `apart` of the text at `at`.
    fn place(&self, at: usize) -> usize {
        usize::from(u16::from_le_bytes([self.run[at + 1], self.run[at + 2]]))
    }

    fn push_text(&mut self, text: &[u8]) {
        let (head, inline) = self.encode(text);
        self.run.extend_from_slice(&head);
        self.run.extend_from_slice(inline);
    }

    /// What stands for `text` in the run: a head, and the text itself if it is short.
    fn encode<'t>(&mut self, text: &'t [u8]) -> (Head, &'t [u8]) {
        match u8::try_from(text.len()) {
            Ok(len) if len != APART => (Head::from_slice(&[len]), text),
            _ => (self.put_apart(text.into()), &[]),
        }
    }

    fn put_apart(&mut self, text: LongBytes) -> Head {
        self.apart_pieces = self.apart_pieces.saturating_add(pieces(&text));
        let free = self.apart.iter().position(Option::is_none);
        let place = free.unwrap_or(self.apart.len());
        match self.apart.get_mut(place) {
            Some(slot) => *slot = Some(text),
            None => self.apart.push(Some(text)),
        }
        let [low, high, ..] = place.to_le_bytes();
        Head::from_slice(&[APART, low, high])
    }

    /// Frees what stands apart of the texts from `start` to `end`.
    fn drop_texts(&mut self, start: usize, end: usize) {
        let mut at = start;
        while at < end {
            if self.run[at] == APART {
                let place = self.place(at);
                let freed = self.apart[place].take().map_or(0, |text| pieces(&text));
                self.apart_pieces = self.apart_pieces.saturating_sub(freed);
            }
            at = self.text(at).1;
        }
    }

    /// Bytes that ended at `end` end at `now` instead: moves the entries behind `start`.
    fn move_offsets(&mut self, start: usize, end: usize, now: usize) {
        let wrap = |at: usize| u16::try_from(at).expect("a run is shorter than 64 KiB");
        let (start, end, now) = (wrap(start), wrap(end), wrap(now));
        let len = self.len();
        for offset in &mut self.offsets[..len] {
            let moved = offset.wrapping_sub(end).wrapping_add(now);
            *offset = if *offset > start { moved } else { *offset };
        }
    }

    /// Makes room for an entry and, if the run must move for it, for as much again as there is.
    pub(super) fn make_room(&mut self, key: &[u8], value: &[u8]) {
        let needed = self.run.len() + text_bytes(key) + text_bytes(value);
        if needed > self.run.capacity() {
            self.reserve(needed);
        }
    }

    /// Gives back room that pushes would not have taken.
    pub(super) fn fit(&mut self) {
        let used = self.run.len();
        room::shrink(&mut self.run, roomy(used));
    }

    fn reserve(&mut self, bytes: usize) {
        let needed = self.run.len() + bytes;
        if needed > self.run.capacity() {
            room::grow(&mut self.run, roomy(needed));
        }
    }
}

/// How much memory a text that stands apart takes elsewhere.
fn pieces(text: &LongBytes) -> u32 {
    let pieces = LongBytes::heap_bytes(1, text.len()).div_ceil(PIECE_BYTES);
    u32::try_from(pieces).unwrap_or(u32::MAX)
}

/// One byte of length, or the three of a text that stands apart.
type Head = smallvec::SmallVec<[u8; APART_BYTES]>;

/// Bytes that a text takes in the run.
fn text_bytes(text: &[u8]) -> usize {
    if text.len() < usize::from(APART) { 1 + text.len() } else { APART_BYTES }
}
