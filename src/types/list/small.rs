//! When a list counts as small, which is what OBJECT ENCODING tells. Nothing but that name depends
//! on it: lists of any size are kept in the same form.

use super::List;
use super::chunk::CHUNK_BYTES_MAX;

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

impl List {
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
        // The first chunks tell that a list is large.
        let mut sizes = self.chunks.iter().map(|chunk| chunk.bytes());
        sizes.try_fold(limit.bytes, usize::checked_sub).is_some()
    }
}
