//! All clients that are connected.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};

use dashmap::DashMap;
use parking_lot::Mutex;

use super::{ClientId, Handle, Peer};

/// The connected clients by their number.
#[derive(Debug)]
pub(crate) struct Registry {
    clients: DashMap<ClientId, Arc<Handle>>,
    next_id: AtomicU64,
    blocked: AtomicUsize,
    /// Those of them that wait for so long only.
    blocked_for_a_time: AtomicUsize,
    /// Bytes that all clients take; kept up to date while they are limited.
    memory: AtomicI64,
    /// Held by who disconnects clients as they take too much.
    pub(super) evicting: Mutex<()>,
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            clients: DashMap::new(),
            next_id: AtomicU64::new(1),
            blocked: AtomicUsize::new(0),
            blocked_for_a_time: AtomicUsize::new(0),
            memory: AtomicI64::new(0),
            evicting: Mutex::default(),
        }
    }
}

impl Registry {
    /// Registers a client that connected at `now_ms`.
    pub(crate) fn add(&self, peer: Peer, now_ms: u64) -> Arc<Handle> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let handle = Arc::new(Handle::new(id, peer, now_ms));
        self.clients.insert(id, Arc::clone(&handle));
        handle
    }

    pub(crate) fn remove(&self, id: ClientId) {
        if let Some((_, handle)) = self.clients.remove(&id) {
            self.count_memory(&handle, 0);
        }
    }

    /// A client takes so many bytes; returns how many all take.
    pub(super) fn count_memory(&self, client: &Handle, bytes: usize) -> u64 {
        let before = client.counted_bytes.swap(bytes, Ordering::Relaxed);
        let change = bytes.cast_signed() - before.cast_signed();
        let all = self.memory.fetch_add(change as i64, Ordering::Relaxed) + change as i64;
        all.max(0).cast_unsigned()
    }

    /// Bytes that all clients take, as counted last.
    pub(super) fn memory(&self) -> u64 {
        self.memory.load(Ordering::Relaxed).max(0).cast_unsigned()
    }

    /// All clients take so many bytes.
    pub(super) fn set_memory(&self, bytes: u64) {
        self.memory.store(bytes.cast_signed(), Ordering::Relaxed);
    }

    /// Number of clients.
    pub(crate) fn len(&self) -> usize {
        self.clients.len()
    }

    pub(crate) fn find(&self, id: ClientId) -> Option<Arc<Handle>> {
        self.clients.get(&id).map(|handle| Arc::clone(&handle)).filter(|handle| !handle.is_killed())
    }

    /// All clients that are not about to be closed, in the order in which they connected.
    pub(crate) fn all(&self) -> Vec<Arc<Handle>> {
        let mut all: Vec<_> = self.clients.iter().map(|entry| Arc::clone(entry.value())).collect();
        all.retain(|handle| !handle.is_killed());
        all.sort_unstable_by_key(|handle| handle.id);
        all
    }

    /// Visits all clients that are not about to be closed; `visit` must not come back here.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&Handle)) {
        for entry in &self.clients {
            if !entry.value().is_killed() {
                visit(entry.value());
            }
        }
    }

    /// Number of clients in a blocking command.
    pub(crate) fn blocked(&self) -> usize {
        self.blocked.load(Ordering::Relaxed)
    }

    /// Number of them that wait for so long only.
    pub(crate) fn blocked_for_a_time(&self) -> usize {
        self.blocked_for_a_time.load(Ordering::Relaxed)
    }

    /// A client has started to wait in a blocking command, for ever or for a time.
    pub(crate) fn count_blocked(&self, for_a_time: bool) {
        self.blocked.fetch_add(1, Ordering::Relaxed);
        self.blocked_for_a_time.fetch_add(usize::from(for_a_time), Ordering::Relaxed);
    }

    /// A client has stopped waiting.
    pub(crate) fn count_unblocked(&self, for_a_time: bool) {
        self.blocked.fetch_sub(1, Ordering::Relaxed);
        self.blocked_for_a_time.fetch_sub(usize::from(for_a_time), Ordering::Relaxed);
    }
}
