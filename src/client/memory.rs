//! The memory of all clients, and what `maxmemory-clients` does about it.
//!
//! While there is a limit, a client is counted anew when it has sent something, when something is
//! written for it, and now and then. When all together are above the limit, those that take most
//! are disconnected. Without a limit nothing is counted.

use std::sync::atomic::Ordering;

use super::{Handle, Poster};

/// Memory of a connection beyond its buffers.
const FIXED_BYTES: usize = 1024;
/// Memory of a watched key, a subscription or a prefix of cached keys.
const NAME_BYTES: usize = 128;

impl Handle {
    /// Bytes that the client takes, about.
    pub(crate) fn memory_bytes(&self) -> usize {
        let figures = &self.figures;
        let names = [
            &figures.channels,
            &figures.patterns,
            &figures.shard_channels,
            &figures.watched,
            &figures.prefixes,
        ];
        let names: usize = names.iter().map(|count| count.get()).sum();
        let buffers = [
            &figures.argv_bytes,
            &figures.query_bytes,
            &figures.query_bytes_free,
            &figures.queued_bytes,
            &figures.reply_buf_bytes,
        ];
        let buffers: usize = buffers.iter().map(|bytes| bytes.load(Ordering::Relaxed)).sum();
        FIXED_BYTES + names * NAME_BYTES + buffers + self.outbox_capacity()
    }

    fn may_be_evicted(&self) -> bool {
        !self.is_killed() && !self.figures.no_evict.load(Ordering::Relaxed)
    }
}

impl Poster<'_> {
    /// Counts a client's memory, if it is limited, and disconnects clients if all take too much.
    #[inline]
    pub(crate) fn count(&self, client: &Handle) {
        let limit = self.config.client_memory_limit();
        if limit > 0 {
            self.count_to(client, limit);
        }
    }

    fn count_to(&self, client: &Handle, limit: u64) {
        let bytes = if client.may_be_evicted() { client.memory_bytes() } else { 0 };
        let all = self.clients.count_memory(client, bytes);
        if all > limit {
            self.disconnect_largest(limit);
        }
    }

    /// As [`Poster::count`], for all clients.
    pub(crate) fn count_all(&self) {
        let limit = self.config.client_memory_limit();
        if limit == 0 {
            return;
        }
        let mut all = 0;
        self.clients.for_each(|client| {
            let bytes = if client.may_be_evicted() { client.memory_bytes() } else { 0 };
            client.counted_bytes.store(bytes, Ordering::Relaxed);
            all += bytes as u64;
        });
        self.clients.set_memory(all);
        if all > limit {
            self.disconnect_largest(limit);
        }
    }

    #[cold]
    fn disconnect_largest(&self, limit: u64) {
        // Who finds another at it leaves it to that one.
        let Some(_turn) = self.clients.evicting.try_lock() else { return };
        let mut clients = self.clients.all();
        clients.sort_by_key(|client| client.counted_bytes.load(Ordering::Relaxed));
        while self.clients.memory() > limit
            && let Some(client) = clients.pop()
        {
            if !client.may_be_evicted() {
                continue;
            }
            let bytes = client.counted_bytes.load(Ordering::Relaxed);
            tracing::info!(client = client.id, bytes, "takes too much memory; disconnecting");
            client.kill();
            client.clear_outbox();
            self.clients.count_memory(&client, 0);
            self.stats.evicted_clients.add(1);
        }
    }
}
