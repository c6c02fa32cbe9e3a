//! How far the snapshot that is being written has come, and what it costs.

use std::sync::atomic::{AtomicU64, Ordering};

/// Figures of the snapshot that is being written, or of the last one.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    keys: AtomicU64,
    keys_written: AtomicU64,
    /// Bytes of keys and values that went, but that are kept for the snapshot.
    kept_bytes: AtomicU64,
    /// Most of them at a time.
    kept_peak_bytes: AtomicU64,
}

impl Progress {
    /// A snapshot of so many keys begins. The shards are locked.
    pub(crate) fn begin(&self, keys: u64) {
        self.keys.store(keys, Ordering::Relaxed);
        self.keys_written.store(0, Ordering::Relaxed);
        self.kept_bytes.store(0, Ordering::Relaxed);
        self.kept_peak_bytes.store(0, Ordering::Relaxed);
    }

    /// It keeps so many bytes more of what went. Some of its shards are locked.
    pub(crate) fn keeps(&self, bytes: usize) {
        let bytes = bytes as u64;
        let kept_bytes = self.kept_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.kept_peak_bytes.fetch_max(kept_bytes, Ordering::Relaxed);
    }

    /// A key is written, for which so many bytes were kept.
    pub(crate) fn wrote_key(&self, kept_bytes: usize) {
        self.keys_written.fetch_add(1, Ordering::Relaxed);
        if kept_bytes > 0 {
            self.kept_bytes.fetch_sub(kept_bytes as u64, Ordering::Relaxed);
        }
    }

    /// It has ended, and keeps nothing any more.
    pub(crate) fn end(&self) {
        self.kept_bytes.store(0, Ordering::Relaxed);
    }

    /// Keys that it has in all, and those that are written.
    pub(crate) fn keys(&self) -> (u64, u64) {
        (self.keys.load(Ordering::Relaxed), self.keys_written.load(Ordering::Relaxed))
    }

    pub(crate) fn kept_bytes(&self) -> u64 {
        self.kept_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn kept_peak_bytes(&self) -> u64 {
        self.kept_peak_bytes.load(Ordering::Relaxed)
    }
}
