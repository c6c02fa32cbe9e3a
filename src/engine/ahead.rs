//! Looking ahead: the keys of the pipelined requests after the next one are locked at once and
//! prefetched into the processor's caches.
//!
//! A key among very many is in no cache, and a call that looks for it waits for memory twice: for
//! the entry, then for its value. When the keys are looked for one right after the other, and
//! nothing in between depends on what is found, the processor fetches them side by side.
//!
//! This is about speed only: a word that is no key costs one more locked shard, and a call that
//! needs other shards than those foreseen locks them itself.

use std::hint::black_box;
use std::sync::atomic::Ordering;

use smallvec::SmallVec;

use super::{Batch, Engine};
use crate::resp::glance::SecondWords;
use crate::store::ShardSet;
use crate::store::shard::Entry;

/// Requests that are foreseen at a time.
const FORESEEN_MAX: usize = 32;

/// A key that will be asked for.
#[derive(Clone, Copy, Debug)]
struct Foreseen<'a> {
    key: &'a [u8],
    hash: u64,
    shard: usize,
}

impl Engine {
    /// So many threads run batches. With several, a batch that holds many shards at once would keep
    /// the others waiting.
    pub(crate) fn serve_by(&self, threads: usize) {
        self.looks_ahead.store(threads == 1, Ordering::Relaxed);
    }

    /// Do batches lock ahead what their requests need?
    pub(super) fn looks_ahead(&self) -> bool {
        self.looks_ahead.load(Ordering::Relaxed)
    }
}

impl Batch<'_> {
    /// Foresees the next calls of a client in database `db`; `requests` starts with the next one.
    /// To be asked before each call. A batch of one request pays nothing for it.
    pub(crate) fn look_ahead(&mut self, db: usize, requests: &[u8]) {
        if self.calls_to_look > 0 {
            self.calls_to_look -= 1;
        } else {
            self.foresee(db, requests);
        }
    }

    #[inline(never)]
    fn foresee(&mut self, db: usize, requests: &[u8]) {
        self.calls_to_look = FORESEEN_MAX - 1;
        let mut words = SecondWords::new(requests).take(FORESEEN_MAX).peekable();
        let first = words.next();
        if first.is_none() || words.peek().copied() == first || words.peek().is_none() {
            // All go to one key, as a rule.
            return;
        }
        let keyspace = &self.engine.services.keyspace;
        let keys: SmallVec<[Foreseen<'_>; FORESEEN_MAX]> = first
            .into_iter()
            .chain(words)
            .filter(|key| !key.is_empty())
            .map(|key| {
                let (shard, hash) = keyspace.shard_and_hash(key);
                Foreseen { key, hash, shard }
            })
            .collect();
        let shards = keys.iter().map(|key| ShardSet::of(key.shard));
        if self.lock_ahead(shards.fold(ShardSet::EMPTY, ShardSet::union)) {
            self.fetch(db, &keys);
        }
    }

    /// Locks `shards`, if nobody else holds one of them.
    fn lock_ahead(&mut self, shards: ShardSet) -> bool {
        self.release();
        let locked = self.engine.services.keyspace.try_lock(shards);
        locked.is_some_and(|locked| self.hold(locked).is_ok())
    }

    /// Reads from the place of each key, and then from its value.
    fn fetch(&self, db: usize, keys: &[Foreseen<'_>]) {
        let Some(locked) = &self.locked else { return };
        let entry = |wanted: &Foreseen<'_>| {
            let keys = &locked.shard_ref(wanted.shard)?.db_ref(db).keys;
            keys.find(wanted.hash, |entry| entry.key() == wanted.key)
        };
        let entries: SmallVec<[&Entry; FORESEEN_MAX]> = keys.iter().filter_map(entry).collect();
        let bytes = entries.iter().map(|entry| u32::from(entry.value.first_byte()));
        black_box(bytes.sum::<u32>());
    }
}
