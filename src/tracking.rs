//! Client-side caching: who has read which keys, and word to them when a key changes.
//!
//! A client in the default mode is remembered with each key that it reads; the first change of
//! the key is told and the memory of it dropped. A client in broadcast mode is told of all changes
//! of keys with its prefixes. Keys of all databases are one. A client that left or stopped may
//! still stand beside keys; it is passed over.
//!
//! Keys are remembered and changes are told under the lock of the key's shard, so none is missed.
//! <https://redis.io/docs/latest/develop/reference/client-side-caching/>

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;
use parking_lot::Mutex;

use crate::client::{ClientId, Handle, Kind, Registry, Tracker};
use crate::resp::{Protocol, Reply};
use crate::store::{Touch, Touched};

/// Word of a change, for a client.
#[derive(Debug)]
pub(crate) struct Invalidation {
    pub(crate) client: Arc<Handle>,
    pub(crate) bytes: Vec<u8>,
}

/// The clients that cache keys.
#[derive(Debug, Default)]
pub(crate) struct Tracking {
    trackers: DashMap<ClientId, Arc<Tracker>>,
    /// Number of trackers; read by every batch.
    count: AtomicUsize,
    keys: Mutex<HashMap<Box<[u8]>, BTreeSet<ClientId>>>,
    prefixes: Mutex<BTreeMap<Box<[u8]>, BTreeSet<ClientId>>>,
}

impl Tracking {
    /// Does any client cache keys?
    pub(crate) fn is_used(&self) -> bool {
        self.count.load(Ordering::Relaxed) > 0
    }

    /// Number of clients that cache keys.
    pub(crate) fn clients_count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Number of keys that are remembered.
    pub(crate) fn keys_count(&self) -> usize {
        self.keys.lock().len()
    }

    /// Number of clients beside all keys that are remembered.
    pub(crate) fn items_count(&self) -> usize {
        self.keys.lock().values().map(BTreeSet::len).sum()
    }

    /// Number of prefixes in broadcast mode.
    pub(crate) fn prefixes_count(&self) -> usize {
        self.prefixes.lock().len()
    }

    /// A client is told of changes from now on, of all keys with these prefixes if it is in
    /// broadcast mode. Returns the prefixes that nobody had.
    pub(crate) fn start<'p>(
        &self,
        tracker: Arc<Tracker>,
        prefixes: impl Iterator<Item = &'p [u8]>,
    ) -> Vec<&'p [u8]> {
        let id = tracker.client.id;
        let mut fresh = Vec::new();
        let mut known = self.prefixes.lock();
        for prefix in prefixes {
            let clients = known.entry(prefix.into()).or_default();
            if clients.is_empty() {
                fresh.push(prefix);
            }
            clients.insert(id);
        }
        drop(known);
        if self.trackers.insert(id, tracker).is_none() {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
        fresh
    }

    /// A client is told nothing more.
    pub(crate) fn stop(&self, client: ClientId) {
        if self.trackers.remove(&client).is_none() {
            return;
        }
        if self.count.fetch_sub(1, Ordering::Relaxed) == 1 {
            // Nobody is left who could be told.
            self.keys.lock().clear();
        }
        self.prefixes.lock().retain(|_, clients| {
            clients.remove(&client);
            !clients.is_empty()
        });
    }

    fn remember(&self, client: ClientId, key: &[u8]) {
        let mut keys = self.keys.lock();
        match keys.get_mut(key) {
            Some(clients) => {
                clients.insert(client);
            }
            None => {
                keys.insert(key.into(), BTreeSet::from([client]));
            }
        }
    }

    /// Remembers who read keys, and adds who is to be told of keys that were changed.
    pub(crate) fn apply(
        &self,
        touched: &[Touched],
        clients: &Registry,
        told: &mut Vec<Invalidation>,
    ) {
        for touched in touched {
            match (&touched.key, touched.what) {
                (None, _) => self.invalidate_all(clients, told),
                (Some(_), Touch::Broadcast) => {}
                (Some(key), Touch::Read) => self.remember(touched.by, key),
                (Some(key), Touch::Changed) => {
                    self.invalidate_key(key, touched.by, clients, told);
                }
            }
        }
        self.broadcast(touched, clients, told);
    }

    fn invalidate_all(&self, clients: &Registry, told: &mut Vec<Invalidation>) {
        self.keys.lock().clear();
        let trackers: Vec<_> = self.trackers.iter().map(|entry| Arc::clone(&entry)).collect();
        told.extend(trackers.iter().filter_map(|tracker| word(tracker, None, clients)));
    }

    fn invalidate_key(
        &self,
        key: &[u8],
        by: ClientId,
        clients: &Registry,
        told: &mut Vec<Invalidation>,
    ) {
        let Some(readers) = self.keys.lock().remove(key) else { return };
        for reader in readers {
            let Some(tracker) = self.tracker(reader) else { continue };
            let own = tracker.no_loop && reader == by;
            if !tracker.is_broadcast && !own {
                told.extend(word(&tracker, Some(&[key]), clients));
            }
        }
    }

    fn tracker(&self, client: ClientId) -> Option<Arc<Tracker>> {
        self.trackers.get(&client).map(|tracker| Arc::clone(&tracker))
    }

    fn broadcast(&self, touched: &[Touched], clients: &Registry, told: &mut Vec<Invalidation>) {
        for (prefix, subscribers) in &*self.prefixes.lock() {
            let touched = since_broadcast(prefix, touched);
            for &subscriber in subscribers {
                let Some(tracker) = self.tracker(subscriber) else { continue };
                let keys: BTreeSet<&[u8]> = touched
                    .iter()
                    .filter(|touched| touched.what == Touch::Changed)
                    .filter(|touched| !(tracker.no_loop && touched.by == subscriber))
                    .filter_map(|touched| touched.key.as_deref())
                    .filter(|key| key.starts_with(prefix))
                    .collect();
                if !keys.is_empty() {
                    let keys: Vec<&[u8]> = keys.into_iter().collect();
                    told.extend(word(&tracker, Some(&keys), clients));
                }
            }
        }
    }

    /// Forgets keys until no more than `keys_max` are remembered, telling who read them.
    pub(crate) fn shrink(&self, keys_max: usize, clients: &Registry, told: &mut Vec<Invalidation>) {
        let surplus: Vec<Box<[u8]>> = {
            let keys = self.keys.lock();
            let count = keys.len().saturating_sub(keys_max);
            keys.keys().take(count).cloned().collect()
        };
        for key in surplus {
            self.invalidate_key(&key, 0, clients, told);
        }
    }
}

/// What came after the transaction itself had the first client told of keys with this prefix. One
/// that joins others is told with them.
fn since_broadcast<'t>(prefix: &[u8], touched: &'t [Touched]) -> &'t [Touched] {
    let is_start = |touched: &Touched| {
        touched.what == Touch::Broadcast && touched.key.as_deref() == Some(prefix)
    };
    touched.iter().rposition(is_start).map_or(touched, |start| &touched[start + 1..])
}

/// Word to a tracker that `keys` were changed, or all; `None` if it cannot be told.
fn word(tracker: &Tracker, keys: Option<&[&[u8]]>, clients: &Registry) -> Option<Invalidation> {
    let client = match tracker.redirect {
        0 => Arc::clone(&tracker.client),
        redirect => match clients.find(redirect) {
            Some(client) => client,
            None => return broken(tracker),
        },
    };
    let mut reply = Reply::new(client.protocol());
    if reply.protocol() == Protocol::Resp3 {
        reply.push(2);
        reply.bulk(b"invalidate");
    } else if tracker.redirect != 0 && client.kind() == Kind::PubSub {
        reply.push(3);
        reply.bulk(b"message");
        reply.bulk(b"__redis__:invalidate");
    } else {
        return None;
    }
    match keys {
        None => reply.nil(),
        Some(keys) => {
            reply.array(keys.len());
            for key in keys {
                reply.bulk(key);
            }
        }
    }
    Some(Invalidation { client, bytes: reply.take() })
}

/// The client that was to be told is gone.
fn broken(tracker: &Tracker) -> Option<Invalidation> {
    let client = Arc::clone(&tracker.client);
    client.figures.broken_redirect.store(true, Ordering::Relaxed);
    if client.protocol() == Protocol::Resp2 {
        return None;
    }
    let mut reply = Reply::new(Protocol::Resp3);
    reply.push(2);
    reply.bulk(b"tracking-redir-broken");
    reply.integer(i64::try_from(tracker.redirect).unwrap_or(i64::MAX));
    Some(Invalidation { client, bytes: reply.take() })
}
