//! Time: the only place that asks the system for it.
//!
//! A command sees one fixed instant, taken before it runs, so that replay gives the same state.
//! Tests use a manual clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A source of wall-clock and elapsed time; clones share it.
#[derive(Clone, Debug)]
pub struct Clock {
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    Manual(Arc<AtomicU64>),
    System(quanta::Clock),
}

impl Clock {
    /// The clock of the operating system.
    pub fn system() -> Self {
        Self { source: Source::System(quanta::Clock::new()) }
    }

    /// A clock that stands still at `unix_ms` until [`Clock::advance`] moves it.
    pub fn manual(unix_ms: u64) -> Self {
        Self { source: Source::Manual(Arc::new(AtomicU64::new(unix_ms * 1000))) }
    }

    /// Moves a manual clock on; does nothing to the system's.
    pub fn advance(&self, ms: u64) {
        if let Source::Manual(now_us) = &self.source {
            now_us.fetch_add(ms * 1000, Ordering::Relaxed);
        }
    }

    /// Unix time in milliseconds.
    pub fn now_ms(&self) -> u64 {
        self.now_us() / 1000
    }

    /// Unix time in microseconds.
    #[expect(clippy::disallowed_methods, reason = "the clock is where time comes from")]
    pub fn now_us(&self) -> u64 {
        match &self.source {
            Source::Manual(now_us) => now_us.load(Ordering::Relaxed),
            Source::System(_) => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
            }
        }
    }

    /// Nanoseconds of elapsed time since some fixed instant; never goes back. Costs a few
    /// nanoseconds, so every command can be timed.
    pub fn elapsed_ns(&self) -> u64 {
        match &self.source {
            Source::Manual(now_us) => now_us.load(Ordering::Relaxed) * 1000,
            Source::System(ticks) => ticks.delta_as_nanos(0, ticks.raw()),
        }
    }
}
