//! Counters, as INFO shows them.
//!
//! Every thread counts in a slot of its own, on cache lines of its own, so that counting is not a
//! fight between the threads; whoever reads adds the slots up.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use hdrhistogram::Histogram;
use parking_lot::Mutex;

use super::loops::Loops;

/// Slots; more threads than that share them.
const SLOTS: usize = 16;
/// Error codes that are counted one by one; a script can make up any number of them.
const ERROR_CODES_MAX: usize = 128;
/// Longer times count as this one.
const TIME_NS_MAX: u64 = 1_000_000_000;
/// Samples over which a rate is averaged.
const RATE_SAMPLES: usize = 16;

/// The slot of this thread.
fn slot() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static SLOT: usize = NEXT.fetch_add(1, Ordering::Relaxed) % SLOTS;
    }
    SLOT.with(|slot| *slot)
}

/// A value on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Padded<T>(T);

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

/// A call that ran.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    /// [`crate::command::table::Command::index`].
    pub(crate) command: usize,
    pub(crate) ns: u64,
    pub(crate) failed: bool,
    /// Is its time to be kept for percentiles?
    pub(crate) tracked: bool,
}

/// Calls of one command.
#[derive(Clone, Debug, Default)]
pub(crate) struct CommandStats {
    pub(crate) calls: u64,
    pub(crate) ns: u64,
    /// Calls refused before they ran.
    pub(crate) rejected: u64,
    /// Calls that failed.
    pub(crate) failed: u64,
    /// How many nanoseconds they took, to two digits.
    pub(crate) times: Option<Box<Histogram<u32>>>,
}

impl CommandStats {
    fn count(&mut self, call: Call) {
        self.calls += 1;
        self.ns += call.ns;
        self.failed += u64::from(call.failed);
        if call.tracked {
            if self.times.is_none() {
                self.times = Histogram::new(2).ok().map(Box::new);
            }
            if let Some(times) = &mut self.times {
                let recorded = times.record(call.ns.clamp(1, TIME_NS_MAX));
                debug_assert!(recorded.is_ok(), "the histogram grows by itself");
            }
        }
    }

    fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.ns += other.ns;
        self.rejected += other.rejected;
        self.failed += other.failed;
        match (&mut self.times, &other.times) {
            (Some(times), Some(more)) => {
                let added = times.add(&**more);
                debug_assert!(added.is_ok(), "the histogram grows by itself");
            }
            (times @ None, Some(more)) => *times = Some(more.clone()),
            (_, None) => {}
        }
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

    /// Milliseconds ever.
    pub(crate) fn total_ms(&self, now_ns: u64) -> u64 {
        self.ended_ms.value() + self.current_ms(now_ns)
    }
}

/// Something that INFO shows per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rate {
    BytesIn,
    BytesOut,
    Calls,
    /// Turns of the event loops.
    Cycles,
    /// Microseconds that they were busy.
    BusyUs,
}

impl Rate {
    const COUNT: usize = 5;
}

/// Counts at the last samples.
#[derive(Debug, Default)]
struct Rates {
    last: Option<(u64, [u64; Rate::COUNT])>,
    per_second: [[f64; RATE_SAMPLES]; Rate::COUNT],
    next: usize,
}

/// The counters of the server.
#[derive(Debug)]
pub(crate) struct Stats {
    /// Number of commands and subcommands.
    len: usize,
    /// Per slot, by [`crate::command::table::Command::index`]; empty until the slot is used.
    commands: [Padded<Mutex<Vec<CommandStats>>>; SLOTS],
    error_codes: Mutex<BTreeMap<Box<str>, u64>>,
    rates: Mutex<Rates>,
    peak_bytes: AtomicU64,
    /// When (elapsed time) the allocator was asked last how much memory is in use.
    measured_ns: AtomicU64,
    /// Bytes in use before any data were loaded.
    pub(crate) startup_bytes: AtomicU64,
    pub(crate) connections: Counter,
    pub(crate) rejected_connections: Counter,
    pub(crate) errors: Counter,
    pub(crate) expired_keys: Counter,
    pub(crate) evicted_clients: Counter,
    pub(crate) evicted_keys: Counter,
    pub(crate) excess: Excess,
    pub(crate) keyspace_hits: Counter,
    pub(crate) keyspace_misses: Counter,
    pub(crate) bytes_in: Counter,
    pub(crate) bytes_out: Counter,
    /// Clients disconnected as they did not read.
    pub(crate) output_limit_disconnections: Counter,
    /// Clients disconnected as they sent too much.
    pub(crate) query_limit_disconnections: Counter,
    /// Reads from and writes to sockets.
    pub(crate) reads: Counter,
    pub(crate) writes: Counter,
    /// Changes of the data, ever.
    pub(crate) changes: Counter,
    /// Cycles of active expiry that ended before all that is due had gone, and their time.
    pub(crate) unfinished_expiry_cycles: Counter,
    pub(crate) expiry_ns: Counter,
    pub(crate) loops: Loops,
}

impl Stats {
    /// Counters for so many commands.
    pub(crate) fn new(commands: usize) -> Self {
        Self {
            len: commands,
            commands: Default::default(),
            error_codes: Mutex::default(),
            rates: Mutex::default(),
            peak_bytes: AtomicU64::new(0),
            measured_ns: AtomicU64::new(0),
            startup_bytes: AtomicU64::new(0),
            connections: Counter::default(),
            rejected_connections: Counter::default(),
            errors: Counter::default(),
            expired_keys: Counter::default(),
            evicted_clients: Counter::default(),
            evicted_keys: Counter::default(),
            excess: Excess::default(),
            keyspace_hits: Counter::default(),
            keyspace_misses: Counter::default(),
            bytes_in: Counter::default(),
            bytes_out: Counter::default(),
            output_limit_disconnections: Counter::default(),
            query_limit_disconnections: Counter::default(),
            reads: Counter::default(),
            writes: Counter::default(),
            changes: Counter::default(),
            unfinished_expiry_cycles: Counter::default(),
            expiry_ns: Counter::default(),
            loops: Loops::default(),
        }
    }

    fn with_command(&self, command: usize, count: impl FnOnce(&mut CommandStats)) {
        let mut commands = self.commands[slot()].0.lock();
        if commands.is_empty() {
            commands.resize_with(self.len, CommandStats::default);
        }
        if let Some(stats) = commands.get_mut(command) {
            count(stats);
        }
    }

    /// Counts a call that ran.
    pub(crate) fn called(&self, call: Call) {
        self.with_command(call.command, |stats| stats.count(call));
    }

    /// Counts a call that was refused before it ran.
    pub(crate) fn rejected(&self, command: usize) {
        self.with_command(command, |stats| stats.rejected += 1);
    }

    /// The calls of each command.
    pub(crate) fn commands(&self) -> Vec<CommandStats> {
        let mut all = vec![CommandStats::default(); self.len];
        for slot in &self.commands {
            all.iter_mut().zip(slot.0.lock().iter()).for_each(|(sum, stats)| sum.add(stats));
        }
        all
    }

    /// Number of calls that ran.
    pub(crate) fn calls(&self) -> u64 {
        let of = |slot: &Padded<Mutex<Vec<CommandStats>>>| {
            slot.0.lock().iter().map(|stats| stats.calls).sum::<u64>()
        };
        self.commands.iter().map(of).sum()
    }

    /// Counts an error reply, which starts with its code.
    pub(crate) fn error(&self, text: &str) {
        self.errors.add(1);
        let code = text.split(' ').next().unwrap_or_default();
        let mut codes = self.error_codes.lock();
        if let Some(count) = codes.get_mut(code) {
            *count += 1;
        } else if codes.len() < ERROR_CODES_MAX {
            codes.insert(code.into(), 1);
        }
    }

    /// How often each error code was replied.
    pub(crate) fn error_codes(&self) -> Vec<(Box<str>, u64)> {
        self.error_codes.lock().iter().map(|(code, count)| (code.clone(), *count)).collect()
    }

    /// Takes a sample for the rates; `now_ns` is elapsed time.
    pub(crate) fn sample(&self, now_ns: u64) {
        let loops = self.loops.figures();
        let busy_us = u64::try_from(loops.busy.as_micros()).unwrap_or(u64::MAX);
        let (bytes_in, bytes_out) = (self.bytes_in.value(), self.bytes_out.value());
        let counts = [bytes_in, bytes_out, self.calls(), loops.cycles, busy_us];
        let mut rates = self.rates.lock();
        if let Some((last_ns, last)) = rates.last {
            let next = rates.next;
            #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
            let seconds = now_ns.saturating_sub(last_ns).max(1) as f64 / 1e9;
            for (rate, per_second) in rates.per_second.iter_mut().enumerate() {
                #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
                let count = counts[rate].saturating_sub(last[rate]) as f64;
                per_second[next] = count / seconds;
            }
            rates.next = (next + 1) % RATE_SAMPLES;
        }
        rates.last = Some((now_ns, counts));
        drop(rates);
        let used_bytes = super::process::used_bytes();
        self.peak_bytes.fetch_max(used_bytes, Ordering::Relaxed);
        self.measured_ns.store(now_ns, Ordering::Relaxed);
    }

    /// Asks the allocator how much memory is in use, unless that was asked within `fresh_ns`.
    pub(crate) fn measure_memory(&self, now_ns: u64, fresh_ns: u64) {
        let last_ns = self.measured_ns.load(Ordering::Relaxed);
        if last_ns == 0 || now_ns.saturating_sub(last_ns) > fresh_ns {
            self.measured_ns.store(now_ns, Ordering::Relaxed);
            super::process::used_bytes();
        }
    }

    /// Bytes in use, about: see [`super::process::used_bytes_about`].
    pub(crate) fn used_bytes_about(&self) -> u64 {
        if self.measured_ns.load(Ordering::Relaxed) == 0 {
            self.measure_memory(1, 0);
        }
        super::process::used_bytes_about()
    }

    /// So many of these a second, over the last samples.
    #[expect(clippy::cast_precision_loss, reason = "a small constant")]
    pub(crate) fn rate(&self, rate: Rate) -> f64 {
        let rates = self.rates.lock();
        rates.per_second[rate as usize].iter().sum::<f64>() / RATE_SAMPLES as f64
    }

    /// Most bytes of memory that were in use at a time.
    pub(crate) fn peak_bytes(&self, used_bytes: u64) -> u64 {
        self.peak_bytes.fetch_max(used_bytes, Ordering::Relaxed).max(used_bytes)
    }

    /// CONFIG RESETSTAT.
    pub(crate) fn reset(&self) {
        for slot in &self.commands {
            slot.0.lock().clear();
        }
        self.error_codes.lock().clear();
        *self.rates.lock() = Rates::default();
        self.peak_bytes.store(0, Ordering::Relaxed);
        self.loops.reset();
        for counter in [
            &self.connections,
            &self.rejected_connections,
            &self.errors,
            &self.expired_keys,
            &self.evicted_clients,
            &self.evicted_keys,
            &self.excess.ended_ms,
            &self.keyspace_hits,
            &self.keyspace_misses,
            &self.bytes_in,
            &self.bytes_out,
            &self.reads,
            &self.writes,
            &self.unfinished_expiry_cycles,
            &self.expiry_ns,
        ] {
            counter.reset();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_count_together() {
        let stats = Stats::new(2);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let call = Call { command: 1, ns: 1000, failed: false, tracked: true };
                    (0..100).for_each(|_| stats.called(call));
                    stats.error("WRONGTYPE of something");
                    stats.bytes_in.add(5);
                });
            }
        });
        let commands = stats.commands();
        assert_eq!((commands[0].calls, commands[1].calls, stats.calls()), (0, 400, 400));
        assert_eq!(commands[1].times.as_ref().map(|times| times.len()), Some(400));
        assert_eq!(stats.error_codes(), [("WRONGTYPE".into(), 4)]);
        assert_eq!(stats.bytes_in.value(), 20);
        stats.reset();
        assert_eq!((stats.calls(), stats.bytes_in.value()), (0, 0));
    }

    #[test]
    fn rates_are_per_second() {
        let stats = Stats::new(1);
        for second in 0..20 {
            stats.sample(second * 1_000_000_000);
            stats.bytes_out.add(7);
        }
        assert!((stats.rate(Rate::BytesOut) - 7.0).abs() < 0.001);
    }
}
