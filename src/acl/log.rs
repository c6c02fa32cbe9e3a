//! ACL LOG: what was denied lately; what repeats itself is counted in one entry.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::Reason;

/// Entries that are looked at for one of the same kind.
const LOOKED_AT: usize = 10;
/// How far apart (ms) two denials may be to be of the same kind.
const SAME_WITHIN_MS: u64 = 60_000;

/// Something that was denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Denial {
    pub(crate) reason: Reason,
    /// `toplevel`, `multi` or `lua`.
    pub(crate) context: &'static str,
    /// The command, key or channel.
    pub(crate) object: Box<[u8]>,
    pub(crate) user: Box<[u8]>,
    /// The client as CLIENT INFO shows it.
    pub(crate) client: Box<[u8]>,
}

impl Denial {
    fn is_like(&self, other: &Self) -> bool {
        self.reason == other.reason
            && self.context == other.context
            && self.object == other.object
            && self.user == other.user
    }
}

/// An entry: a denial, and how often it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: u64,
    pub(crate) count: u64,
    /// The last one.
    pub(crate) denial: Denial,
    /// Unix ms of the first one.
    pub(crate) created_ms: u64,
    /// Unix ms of the last one.
    pub(crate) updated_ms: u64,
}

#[derive(Debug, Default)]
struct Entries {
    /// The latest first.
    entries: VecDeque<Entry>,
    next_id: u64,
}

/// What was denied lately, and how often anything was since the start.
#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: Mutex<Entries>,
    /// By [`Reason`].
    counts: [AtomicU64; 4],
}

impl Log {
    /// Notes a denial; keeps `len_max` entries.
    pub(crate) fn note(&self, denial: Denial, now_ms: u64, len_max: usize) {
        self.counts[denial.reason as usize].fetch_add(1, Ordering::Relaxed);
        let mut log = self.entries.lock();
        let place = log.entries.iter().take(LOOKED_AT).position(|entry| {
            entry.updated_ms.abs_diff(now_ms) <= SAME_WITHIN_MS && entry.denial.is_like(&denial)
        });
        if let Some(mut entry) = place.and_then(|place| log.entries.remove(place)) {
            entry.count += 1;
            entry.denial = denial;
            entry.updated_ms = now_ms;
            log.entries.push_front(entry);
            return;
        }
        let id = log.next_id;
        log.next_id += 1;
        let (created_ms, updated_ms) = (now_ms, now_ms);
        log.entries.push_front(Entry { id, count: 1, denial, created_ms, updated_ms });
        log.entries.truncate(len_max);
    }

    /// The latest entries, the last one first.
    pub(crate) fn latest(&self, count: usize) -> Vec<Entry> {
        self.entries.lock().entries.iter().take(count).cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.entries.lock().entries.clear();
    }

    /// How often something was denied for this reason.
    pub(crate) fn count(&self, reason: Reason) -> u64 {
        self.counts[reason as usize].load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denial(object: &str) -> Denial {
        Denial {
            reason: Reason::Key,
            context: "toplevel",
            object: object.as_bytes().into(),
            user: (*b"user").into(),
            client: (*b"id=1").into(),
        }
    }

    #[test]
    fn what_repeats_itself_is_counted() {
        let log = Log::default();
        for (at_ms, object) in [(0, "a"), (1, "b"), (2, "a"), (60_003, "a")] {
            log.note(denial(object), at_ms, 128);
        }
        let shown: Vec<_> = log
            .latest(9)
            .iter()
            .map(|entry| (entry.id, entry.count, entry.created_ms, entry.updated_ms))
            .collect();
        assert_eq!(shown, [(2, 1, 60_003, 60_003), (0, 2, 0, 2), (1, 1, 1, 1)]);
        assert_eq!(log.count(Reason::Key), 4);
        assert_eq!(log.count(Reason::Auth), 0);
    }

    #[test]
    fn it_is_bounded() {
        let log = Log::default();
        for number in 0..20 {
            log.note(denial(&number.to_string()), 0, 5);
        }
        assert_eq!(log.latest(usize::MAX).len(), 5);
        assert_eq!(log.latest(2).len(), 2);
        log.clear();
        assert!(log.latest(9).is_empty());
        log.note(denial("x"), 0, 0);
        assert!(log.latest(9).is_empty());
    }
}
