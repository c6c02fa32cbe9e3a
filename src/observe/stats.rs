//! The counters of the server, as INFO shows them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::command_stats::{Call, Calls, CommandStats, Tally};
use super::counter::{Counter, Excess};
use super::loops::Loops;
use super::rates::{Rate, Rates};

/// Error codes that are counted one by one; a script can make up any number of them.
const ERROR_CODES_MAX: usize = 128;

/// The counters of the server.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    calls: Calls,
    error_codes: Mutex<BTreeMap<Box<str>, u64>>,
    rates: Rates,
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
        Self { calls: Calls::of(commands), ..Self::default() }
    }

    /// Counts calls that ran.
    pub(crate) fn called(&self, tally: &Tally) {
        self.calls.called(tally);
    }

    /// Counts a call that ran.
    pub(crate) fn called_once(&self, call: Call) {
        self.calls.called_once(call);
    }

    /// Counts a call that was refused before it ran.
    pub(crate) fn rejected(&self, command: usize) {
        self.calls.rejected(command);
    }

    /// The calls of each command.
    pub(crate) fn commands(&self) -> Vec<CommandStats> {
        self.calls.by_command()
    }

    /// Number of calls that ran.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.total()
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
        self.rates.sample(now_ns, [bytes_in, bytes_out, self.calls(), loops.cycles, busy_us]);
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
    pub(crate) fn rate(&self, rate: Rate) -> f64 {
        self.rates.per_second(rate)
    }

    /// Most bytes of memory that were in use at a time.
    pub(crate) fn peak_bytes(&self, used_bytes: u64) -> u64 {
        self.peak_bytes.fetch_max(used_bytes, Ordering::Relaxed).max(used_bytes)
    }

    /// CONFIG RESETSTAT. As in Redis, what tells how things stand remains, and so does the most
    /// memory that was ever in use; every field is named, so a new one has to be decided upon.
    pub(crate) fn reset(&self) {
        let Self {
            calls,
            error_codes,
            rates,
            peak_bytes: _,
            measured_ns: _,
            startup_bytes: _,
            connections,
            rejected_connections,
            errors,
            expired_keys,
            evicted_clients,
            evicted_keys,
            excess,
            keyspace_hits,
            keyspace_misses,
            bytes_in,
            bytes_out,
            output_limit_disconnections,
            query_limit_disconnections,
            reads,
            writes,
            changes: _,
            unfinished_expiry_cycles,
            expiry_ns,
            loops,
        } = self;
        calls.reset();
        error_codes.lock().clear();
        rates.reset();
        excess.reset();
        loops.reset();
        for counter in [
            connections,
            rejected_connections,
            errors,
            expired_keys,
            evicted_clients,
            evicted_keys,
            keyspace_hits,
            keyspace_misses,
            bytes_in,
            bytes_out,
            output_limit_disconnections,
            query_limit_disconnections,
            reads,
            writes,
            unfinished_expiry_cycles,
            expiry_ns,
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
                    let mut tally = Tally::default();
                    (0..99).for_each(|_| tally.push(call));
                    stats.called(&tally);
                    stats.called_once(call);
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
