//! How far the loading of the data has come.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Set while the data are being loaded; commands that need them are refused with `-LOADING`.
#[derive(Debug, Default)]
pub(crate) struct Loading {
    active: AtomicBool,
    started_ms: AtomicU64,
    total_bytes: AtomicU64,
    loaded_bytes: AtomicU64,
}

impl Loading {
    /// Loading starts at `now_ms` (unix time).
    pub(crate) fn begin(&self, now_ms: u64) {
        self.started_ms.store(now_ms, Ordering::Relaxed);
        self.active.store(true, Ordering::Release);
    }

    /// All data are there.
    pub(crate) fn end(&self) {
        self.active.store(false, Ordering::Release);
    }

    pub(crate) fn is_active(&self) -> bool {
        self.active.load(Ordering::Acquire)
    }

    /// So many bytes of files are to be loaded.
    pub(crate) fn expect(&self, bytes: u64) {
        self.total_bytes.store(bytes, Ordering::Relaxed);
        self.loaded_bytes.store(0, Ordering::Relaxed);
    }

    /// So many of them are loaded.
    pub(crate) fn reached(&self, bytes: u64) {
        self.loaded_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Unix time in milliseconds.
    pub(crate) fn started_ms(&self) -> u64 {
        self.started_ms.load(Ordering::Relaxed)
    }

    pub(crate) fn total_bytes(&self) -> u64 {
        self.total_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn loaded_bytes(&self) -> u64 {
        self.loaded_bytes.load(Ordering::Relaxed)
    }
}
