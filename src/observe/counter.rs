//! Numbers that many threads count together.
//!
//! Every thread counts in a slot of its own, on cache lines of its own, so that counting is not a
//! fight between the threads; whoever reads adds the slots up.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Slots; more threads than that share them.
pub(super) const SLOTS: usize = 16;

/// The slot of this thread.
pub(super) fn slot() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static SLOT: usize = NEXT.fetch_add(1, Ordering::Relaxed) % SLOTS;
    }
    SLOT.with(|slot| *slot)
}

/// A value on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Padded<T>(pub(super) T);

/// A number that only goes up.
#[derive(Debug, Default)]
pub(crate) struct Counter([Padded<AtomicU64>; SLOTS]);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0[slot()].0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn value(&self) -> u64 {
        self.0.iter().map(|cell| cell.0.load(Ordering::Relaxed)).sum()
    }

    pub(crate) fn reset(&self) {
        self.0.iter().for_each(|cell| cell.0.store(0, Ordering::Relaxed));
    }
}

/// For how long more memory is in use than allowed, as keys cannot go fast enough.
#[derive(Debug, Default)]
pub(crate) struct Excess {
    /// Since when (elapsed time); 0: it is not so.
    since_ns: AtomicU64,
    /// Milliseconds of all times that are over.
    ended_ms: Counter,
}

impl Excess {
    pub(crate) fn begin(&self, now_ns: u64) {
        if self.since_ns.load(Ordering::Relaxed) == 0 {
            self.since_ns.store(now_ns.max(1), Ordering::Relaxed);
        }
    }

    pub(crate) fn end(&self, now_ns: impl FnOnce() -> u64) {
        if self.since_ns.load(Ordering::Relaxed) != 0 {
            self.ended_ms.add(self.current_ms(now_ns()));
            self.since_ns.store(0, Ordering::Relaxed);
        }
    }

    /// Milliseconds so far.
    pub(crate) fn current_ms(&self, now_ns: u64) -> u64 {
        match self.since_ns.load(Ordering::Relaxed) {
            0 => 0,
            since_ns => now_ns.saturating_sub(since_ns) / 1_000_000,
        }
    }

    /// Milliseconds since the last reset.
    pub(crate) fn total_ms(&self, now_ns: u64) -> u64 {
        self.ended_ms.value() + self.current_ms(now_ns)
    }

    /// If it is so now, that begins anew with the next command that finds no room.
    pub(super) fn reset(&self) {
        self.since_ns.store(0, Ordering::Relaxed);
        self.ended_ms.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excess_counts_from_its_last_reset() {
        let excess = Excess::default();
        excess.begin(1_000_000);
        excess.end(|| 3_000_000);
        excess.begin(5_000_000);
        assert_eq!((excess.current_ms(9_000_000), excess.total_ms(9_000_000)), (4, 6));
        excess.reset();
        assert_eq!((excess.current_ms(9_000_000), excess.total_ms(9_000_000)), (0, 0));
    }
}
