//! Counters, as INFO shows them.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only goes up.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// Calls of one command.
#[derive(Debug, Default)]
pub(crate) struct CommandStats {
    pub(crate) calls: Counter,
    pub(crate) ns: Counter,
    /// Calls refused before they ran.
    pub(crate) rejected: Counter,
    /// Calls that failed.
    pub(crate) failed: Counter,
}

/// The counters of the server.
#[derive(Debug)]
pub(crate) struct Stats {
    /// By [`crate::command::table::Command::index`].
    pub(crate) commands: Vec<CommandStats>,
    pub(crate) calls: Counter,
    pub(crate) connections: Counter,
    pub(crate) rejected_connections: Counter,
    pub(crate) errors: Counter,
    pub(crate) expired_keys: Counter,
    pub(crate) keyspace_hits: Counter,
    pub(crate) keyspace_misses: Counter,
    pub(crate) bytes_in: Counter,
    pub(crate) bytes_out: Counter,
    /// Clients disconnected as they did not read.
    pub(crate) output_limit_disconnections: Counter,
    /// Clients disconnected as they sent too much.
    pub(crate) query_limit_disconnections: Counter,
    /// Changes since the last save, ever.
    pub(crate) changes: Counter,
}

impl Stats {
    /// Counters for so many commands.
    pub(crate) fn new(commands: usize) -> Self {
        Self {
            commands: (0..commands).map(|_| CommandStats::default()).collect(),
            calls: Counter::default(),
            connections: Counter::default(),
            rejected_connections: Counter::default(),
            errors: Counter::default(),
            expired_keys: Counter::default(),
            keyspace_hits: Counter::default(),
            keyspace_misses: Counter::default(),
            bytes_in: Counter::default(),
            bytes_out: Counter::default(),
            output_limit_disconnections: Counter::default(),
            query_limit_disconnections: Counter::default(),
            changes: Counter::default(),
        }
    }
}
