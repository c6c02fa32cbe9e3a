//! Figures of a client that CLIENT LIST shows.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// A number that others see: a count, the number of a database, the place of a command.
#[derive(Debug, Default)]
pub(crate) struct Number(AtomicU32);

impl Number {
    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed) as usize
    }

    pub(crate) fn set(&self, number: usize) {
        self.0.store(u32::try_from(number).unwrap_or(u32::MAX), Ordering::Relaxed);
    }
}

/// Figures that CLIENT LIST shows; written by the connection, but for `broken_redirect`.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) db: Number,
    /// Index of the last command in the table, plus one.
    last_command: Number,
    pub(crate) last_active_ms: AtomicU64,
    /// Queued commands plus one; 0 outside of MULTI.
    pub(crate) queued: Number,
    pub(crate) queued_bytes: AtomicUsize,
    pub(crate) watched: Number,
    pub(crate) protocol: AtomicU8,
    /// Bytes of arguments of a request that is not complete.
    pub(crate) argv_bytes: AtomicUsize,
    pub(crate) query_bytes: AtomicUsize,
    pub(crate) query_bytes_free: AtomicUsize,
    pub(crate) output_bytes: AtomicUsize,
    /// Subscriptions.
    pub(crate) channels: Number,
    pub(crate) patterns: Number,
    pub(crate) shard_channels: Number,
    /// The buffer that holds what was not sent yet; 0 if all was.
    pub(crate) reply_buf_bytes: AtomicUsize,
    /// Prefixes of the keys of whose changes it is told.
    pub(crate) prefixes: Number,
    /// The client that is told of changes, plus one; 0: none is.
    pub(crate) redirect: AtomicU64,
    pub(crate) broken_redirect: AtomicBool,
    pub(crate) broadcast: AtomicBool,
    pub(crate) monitor: AtomicBool,
    /// Does CLIENT PAUSE hold the client up?
    pub(crate) paused: AtomicBool,
    pub(crate) no_evict: AtomicBool,
    pub(crate) no_touch: AtomicBool,
}

impl Figures {
    /// Index of the last command in the table, if there was one.
    pub(crate) fn last_command(&self) -> Option<usize> {
        self.last_command.get().checked_sub(1)
    }

    /// The command at this index of the table is the last one.
    pub(crate) fn set_last_command(&self, index: usize) {
        self.last_command.set(index + 1);
    }
}
