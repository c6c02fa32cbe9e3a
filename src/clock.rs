//! Time: the only place that asks the system for it.
//!
//! A command sees one fixed instant, taken before it runs, so that replay gives the same state.
//! Tests use a manual clock.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// For so long after the system was asked for the time, the processor's counter tells it, in a
/// fifth of the instructions. When the system's time is set, this clock follows as soon.
const SYNC_NS: u64 = 1_000_000;
/// How long it may have taken to ask: by so much the clock may go back, or differ between threads.
const SYNC_ERROR_NS: u64 = 10_000;

/// What the system said last, to this thread.
#[derive(Clone, Copy, Debug)]
struct Synced {
    ticks: u64,
    unix_ns: u64,
}

thread_local! {
    static SYNCED: Cell<Option<Synced>> = const { Cell::new(None) };
}

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
    pub fn now_us(&self) -> u64 {
        match &self.source {
            Source::Manual(now_us) => now_us.load(Ordering::Relaxed),
            Source::System(counter) => {
                let ticks = counter.raw();
                let last = SYNCED.get().filter(|last| last.ticks <= ticks);
                let since = last.map(|last| (last, counter.delta_as_nanos(last.ticks, ticks)));
                match since {
                    Some((last, ns)) if ns < SYNC_NS => (last.unix_ns + ns) / 1000,
                    _ => sync(counter) / 1000,
                }
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

/// Asks the system for the Unix time in nanoseconds. It is kept unless the thread was put aside
/// meanwhile: then nobody knows which ticks it belongs to.
#[cold]
#[expect(clippy::disallowed_methods, reason = "the clock is where time comes from")]
fn sync(counter: &quanta::Clock) -> u64 {
    let ticks = counter.raw();
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let took_ns = counter.delta_as_nanos(ticks, counter.raw());
    let unix_ns = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX - SYNC_NS);
    SYNCED.set((took_ns < SYNC_ERROR_NS).then_some(Synced { ticks, unix_ns }));
    unix_ns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "compared with the system's")]
    fn the_counter_tells_the_systems_time() {
        let clock = Clock::system();
        for _ in 0..100_000 {
            let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
            let now = u128::from(clock.now_us());
            let after = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
            let error_us = u128::from(SYNC_ERROR_NS / 1000);
            assert!(before <= now + error_us && now <= after + error_us, "{before} {now} {after}");
        }
    }

    #[test]
    fn the_systems_time_is_followed_soon() {
        let clock = Clock::system();
        let Source::System(counter) = &clock.source else { panic!("it is the system's") };
        // A thread may be put aside for that long.
        let counts_for_a_moment = (0..1000).any(|_| {
            SYNCED.set(Some(Synced { ticks: counter.raw(), unix_ns: 5_000_000 }));
            clock.now_us() < 10_000
        });
        assert!(counts_for_a_moment, "what was told last");
        std::thread::sleep(std::time::Duration::from_nanos(2 * SYNC_NS));
        assert!(clock.now_us() > 1_700_000_000_000_000);
    }

    #[test]
    fn a_counter_that_was_set_back_is_not_waited_for() {
        let clock = Clock::system();
        let unix_ns = 1_000_000_000_000;
        SYNCED.set(Some(Synced { ticks: u64::MAX, unix_ns }));
        assert!(clock.now_us() > 2 * unix_ns / 1000);
    }
}
