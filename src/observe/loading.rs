//! How far the loading of the data has come.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Set while the data are being loaded; commands that need them are refused with `-LOADING`.
#[derive(Debug, Default)]
pub(crate) struct Loading {
    active: AtomicBool,
    started_ms: AtomicU64,
    total_bytes: AtomicU64,
    loaded_bytes: AtomicU64,
    /// Keys of the RDB file that was loaded last.
    keys: AtomicU64,
    /// Those of them whose time was up.
    expired_keys: AtomicU64,
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

    /// An RDB file was loaded.
    pub(crate) fn loaded_keys(&self, keys: u64, expired_keys: u64) {
        self.keys.store(keys, Ordering::Relaxed);
        self.expired_keys.store(expired_keys, Ordering::Relaxed);
    }

    /// Keys that were loaded from the last RDB file, and those left out as their time was up.
    pub(crate) fn keys(&self) -> (u64, u64) {
        (self.keys.load(Ordering::Relaxed), self.expired_keys.load(Ordering::Relaxed))
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
