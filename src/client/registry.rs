//! All clients that are connected.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use dashmap::DashMap;

use super::{ClientId, Handle, Peer};

/// The connected clients by their number.
#[derive(Debug)]
pub(crate) struct Registry {
    clients: DashMap<ClientId, Arc<Handle>>,
    next_id: AtomicU64,
    blocked: AtomicUsize,
}

impl Default for Registry {
    fn default() -> Self {
        Self { clients: DashMap::new(), next_id: AtomicU64::new(1), blocked: AtomicUsize::new(0) }
    }
}

impl Registry {
    /// Registers a client that connected at `now_ms`.
    pub(crate) fn add(
        &self,
        peer: Peer,
        now_ms: u64,
        wake: Box<dyn Fn() + Send + Sync>,
    ) -> Arc<Handle> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let handle = Arc::new(Handle::new(id, peer, now_ms, wake));
        self.clients.insert(id, Arc::clone(&handle));
        handle
    }

    pub(crate) fn remove(&self, id: ClientId) {
        self.clients.remove(&id);
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

    /// A client has started to wait in a blocking command.
    pub(crate) fn count_blocked(&self) {
        self.blocked.fetch_add(1, Ordering::Relaxed);
    }

    /// A client has stopped waiting.
    pub(crate) fn count_unblocked(&self) {
        self.blocked.fetch_sub(1, Ordering::Relaxed);
    }
}
