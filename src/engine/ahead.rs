//! Looking ahead: the keys of the pipelined requests after the next one are locked at once, and
//! looked for side by side.
//!
//! A key among very many is in no cache, and a call that looks for it waits for memory twice: for
//! the entry, then for its value. When the keys are looked for one right after the other, and
//! nothing in between depends on what is found, the processor fetches them side by side. The calls
//! then start where their key probably is.
//!
//! This is about speed only: a word that is no key costs one more locked shard, a call that needs
//! other shards than those foreseen locks them itself, and a key that has gone elsewhere meanwhile
//! is looked for again.

use std::sync::atomic::Ordering;

use super::{Batch, Engine};
use crate::command::table::{Command, table};
use crate::number::parse_f64;
use crate::resp::ProtocolError;
use crate::resp::argv::Argv;
use crate::resp::request::{Decoded, Limits, RequestDecoder};
use crate::store::shard::Entry;
use crate::store::{Location, ShardSet};
use crate::types::step::Step;

/// Requests that are foreseen at a time.
const FORESEEN_MAX: usize = 32;

/// The key that a request to come asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Foreseen {
    /// Where the key stands in the read buffer. While its request is run, nothing else is there.
    address: usize,
    len: usize,
    pub(super) shard: usize,
    hash: u64,
    /// Where its entry probably is, as long as [`Batch::releases`] is this.
    location: Option<(Location, u32)>,
}

impl Engine {
    /// So many threads run batches. With several, a batch that holds many shards at once would keep
    /// the others waiting.
    pub(crate) fn serve_by(&self, threads: usize) {
        self.looks_ahead.store(threads == 1, Ordering::Relaxed);
    }

    /// Do batches lock ahead what their requests need?
    pub(crate) fn looks_ahead(&self) -> bool {
        self.looks_ahead.load(Ordering::Relaxed)
    }
}

impl Batch<'_> {
    /// Reads the next request of a client in database `db`, with which `requests` starts, as
    /// [`RequestDecoder::decode`] does; now and then foresees those behind it. A batch of one
    /// request pays nothing for that.
    pub(crate) fn decode<'r>(
        &mut self,
        db: usize,
        decoder: &'r mut RequestDecoder,
        requests: &'r [u8],
        limits: &Limits,
    ) -> Result<Decoded<'r>, ProtocolError> {
        if self.calls_to_look > 0 {
            self.calls_to_look -= 1;
        } else if !requests.is_empty() {
            self.foresee(db, decoder, requests, limits);
        }
        decoder.decode(requests, limits)
    }

    #[inline(never)]
    fn foresee(
        &mut self,
        db: usize,
        decoder: &mut RequestDecoder,
        requests: &[u8],
        limits: &Limits,
    ) {
        self.calls_to_look = FORESEEN_MAX - 1;
        self.foreseen.clear();
        let mut first = decoder.read_ahead(requests, limits, 2);
        let (one, other) = (first.next(), first.next());
        if one.map(key) != other.map(key) {
            self.foresee_keys(db, decoder.read_ahead(requests, limits, FORESEEN_MAX).map(key));
        } else if let Some(argv) = one
            && step(argv).is_some()
            && let Some(location) = self.foresee_one(db, key(argv))
        {
            // All go to one key, as a rule.
            let ahead = decoder.read_ahead(requests, limits, FORESEEN_MAX);
            let value = self.locked.as_ref().and_then(|locked| locked.entry_at(db, location));
            value.inspect(|entry| entry.value.prefetch_for(ahead.filter_map(step)));
        }
    }

    /// Foresees the next requests, in database `db`, of the clients that share the batch, each in
    /// its place. If the first two go to one key, all are taken to.
    pub(crate) fn foresee_clients<'r>(
        &mut self,
        db: usize,
        requests: impl Iterator<Item = Option<Argv<'r>>> + Clone,
    ) {
        self.foreseen.clear();
        let mut keys = requests.clone().map(|argv| argv.map_or(&[][..], key));
        let (one, other) = (keys.next(), keys.next());
        if one != other {
            self.foresee_keys(db, requests.map(|argv| argv.map_or(&[][..], key)));
        } else if let Some(argv) = requests.clone().next().flatten()
            && step(argv).is_some()
            && let Some(location) = self.foresee_one(db, key(argv))
        {
            let value = self.locked.as_ref().and_then(|locked| locked.entry_at(db, location));
            value.inspect(|entry| entry.value.prefetch_for(requests.flatten().filter_map(step)));
        }
        std::mem::swap(&mut self.foreseen, &mut self.foreseen_firsts);
    }

    /// What comes next is the first request of the client in this place of those that share the
    /// batch.
    pub(super) fn expect_first_of(&mut self, place: usize) {
        self.calls_to_look = if self.engine.looks_ahead() { 1 } else { usize::MAX };
        self.foreseen.clear();
        self.foreseen_first = self.foreseen_firsts.get(place).copied();
    }

    /// Locks a key that many requests go to; returns where it is.
    fn foresee_one(&mut self, db: usize, key: &[u8]) -> Option<Location> {
        let (shard, hash) = self.engine.services.keyspace.shard_and_hash(key);
        self.lock_ahead(ShardSet::of(shard)).then_some(())?;
        self.locked.as_ref()?.locate(db, shard, hash, key)
    }

    /// Foresees requests that go to these keys.
    fn foresee_keys<'r>(&mut self, db: usize, keys: impl Iterator<Item = &'r [u8]>) {
        let keyspace = &self.engine.services.keyspace;
        let mut shards = ShardSet::EMPTY;
        self.foreseen.reserve(FORESEEN_MAX);
        self.foreseen.extend(keys.map(|key| {
            let (shard, hash) = keyspace.shard_and_hash(key);
            shards = shards.union(ShardSet::of(shard));
            let (address, len) = (key.as_ptr().addr(), key.len());
            Foreseen { address, len, shard, hash, location: None }
        }));
        if self.lock_ahead(shards) {
            self.find_ahead(db);
        }
    }

    /// Locks `shards`, if nobody else holds one of them.
    fn lock_ahead(&mut self, shards: ShardSet) -> bool {
        self.release();
        self.locked = self.engine.services.keyspace.try_lock(shards);
        self.locked.is_some() && self.hold().is_ok()
    }

    /// Has what is at each key fetched: the entries, and when all are on their way, their values.
    fn find_ahead(&mut self, db: usize) {
        let Some(locked) = &self.locked else { return };
        for foreseen in &mut self.foreseen {
            let location = locked.guess(db, foreseen.shard, foreseen.hash);
            foreseen.location = location.map(|location| (location, self.releases));
            let entry = location.and_then(|location| locked.entry_at(db, location));
            entry.inspect(|entry| entry.prefetch());
        }
        let locations = self.foreseen.iter().filter_map(|foreseen| foreseen.location);
        let entries = locations.filter_map(|(location, _)| locked.entry_at(db, location));
        entries.for_each(Entry::prefetch_data);
    }

    /// What was foreseen of the call that comes next, if it asks for this key.
    pub(super) fn foreseen(&mut self, command: &Command, argv: Argv<'_>) -> Option<Foreseen> {
        let place = (FORESEEN_MAX - 1).wrapping_sub(self.calls_to_look);
        let first = self.foreseen_first.take();
        let foreseen = self.foreseen.get(place).copied().or(first)?;
        let key = argv.get(command.only_key?)?;
        let is_it = foreseen.address == key.as_ptr().addr() && foreseen.len == key.len();
        is_it.then_some(foreseen)
    }

    /// Has a call, for which all is locked, start where its key probably is.
    pub(super) fn start_where_foreseen(&mut self, foreseen: Option<Foreseen>) {
        if let Some((location, releases)) = foreseen.and_then(|foreseen| foreseen.location)
            && releases == self.releases
            && let Some(locked) = &mut self.locked
        {
            locked.look_first_at(location);
        }
    }
}

/// The word that is the key, as a rule.
fn key(argv: Argv<'_>) -> &[u8] {
    argv.get(1).unwrap_or_default()
}

/// What a request will do with a part of its key's value, if it is one that does.
fn step(argv: Argv<'_>) -> Option<Step<'_>> {
    let command = table().resolve(argv)?;
    match (command.group, command.spec.name) {
        ("sorted-set", "zadd") => {
            let score = argv.get(argv.len().checked_sub(2)?)?;
            Some(Step::Add(parse_f64(score)?, argv.get(argv.len() - 1)?))
        }
        ("sorted-set", "zincrby") => argv.get(3).map(Step::Find),
        ("sorted-set", "zpopmax") => Some(Step::TakeLast),
        ("sorted-set", "zpopmin") => Some(Step::TakeFirst),
        ("hash" | "set" | "sorted-set", _) => argv.get(2).map(Step::Find),
        _ => None,
    }
}
