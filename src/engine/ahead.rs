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

use std::ops::Range;
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

/// What was foreseen of the requests to come.
#[derive(Debug, Default)]
pub(super) struct Outlook {
    /// Their keys: those of the first requests of the clients that share the batch, each in its
    /// place; behind them those of the next requests of the client whose turn it is.
    keys: Vec<Foreseen>,
    /// How many of them are of first requests of clients.
    firsts: usize,
    /// The places of the requests until the next look ahead.
    coming: Range<usize>,
    /// The place of the request that was read last.
    now: usize,
}

/// The key that a request to come asks for.
#[derive(Clone, Copy, Debug)]
struct Foreseen {
    /// Where the key stands in the read buffer. While its request is run, nothing else is there.
    address: usize,
    len: usize,
    known: Known,
    hash: u64,
}

/// What is known of the key of a call before it is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) shard: usize,
    /// Where its entry probably is, as long as [`Batch::releases`] is this.
    location: Option<(Location, u32)>,
}

impl Outlook {
    /// What comes next is the first request of the client in this place of those that share the
    /// batch. What is behind it is looked at later: a batch of one request pays nothing for that.
    pub(super) fn begin_client(&mut self, engine: &Engine, place: usize) {
        self.keys.truncate(self.firsts);
        self.coming = place..if engine.looks_ahead() { place + 1 } else { usize::MAX };
    }

    /// Forgets all that was foreseen.
    pub(super) fn clear(&mut self) {
        self.keys.clear();
        self.firsts = 0;
    }
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
    /// [`RequestDecoder::decode`] does; now and then foresees those behind it.
    #[inline]
    pub(crate) fn decode<'r>(
        &mut self,
        db: usize,
        decoder: &'r mut RequestDecoder,
        requests: &'r [u8],
        limits: &Limits,
    ) -> Result<Decoded<'r>, ProtocolError> {
        if self.outlook.coming.is_empty() && !requests.is_empty() {
            self.foresee(db, decoder.read_ahead(requests, limits, FORESEEN_MAX));
            let from = self.outlook.firsts;
            self.outlook.coming = from..from + FORESEEN_MAX;
        }
        self.outlook.now = self.outlook.coming.next().unwrap_or(usize::MAX);
        decoder.decode(requests, limits)
    }

    /// Foresees the first requests, in database `db`, of the clients that will share the batch,
    /// each in its place, if they were read ahead: one of which nothing is known has no words.
    pub(crate) fn foresee_clients<'r>(
        &mut self,
        db: usize,
        requests: impl Iterator<Item = Argv<'r>> + Clone,
    ) {
        if requests.clone().next().is_some_and(|argv| argv.get(0).is_some()) {
            self.foresee(db, requests);
            self.outlook.firsts = self.outlook.keys.len();
        }
    }

    /// Foresees requests. If the first two go to one key, all are taken to.
    #[inline(never)]
    fn foresee<'r>(&mut self, db: usize, requests: impl Iterator<Item = Argv<'r>> + Clone) {
        self.outlook.keys.truncate(self.outlook.firsts);
        let mut first = requests.clone();
        let (Some(one), Some(other)) = (first.next(), first.next()) else { return };
        if key(one) != key(other) {
            self.foresee_keys(db, requests.map(key));
        } else if steps([one].into_iter()).next().is_some()
            && let Some(location) = self.foresee_one(db, key(one))
        {
            let value = self.locked.as_ref().and_then(|locked| locked.entry_at(db, location));
            value.inspect(|entry| entry.value.prefetch_for(steps(requests)));
        }
    }

    /// Locks a key that many requests go to; returns where it is.
    fn foresee_one(&mut self, db: usize, key: &[u8]) -> Option<Location> {
        let (shard, hash) = self.engine.services.keyspace.shard_and_hash(key);
        self.lock_ahead(ShardSet::of(shard)).then_some(())?;
        self.locked.as_ref()?.locate(db, shard, hash, key)
    }

    /// Foresees requests that go to these keys; those that are empty are of requests without one.
    fn foresee_keys<'r>(&mut self, db: usize, keys: impl Iterator<Item = &'r [u8]>) {
        let keyspace = &self.engine.services.keyspace;
        let mut shards = ShardSet::EMPTY;
        self.outlook.keys.extend(keys.map(|key| {
            let (shard, hash) = keyspace.shard_and_hash(key);
            if !key.is_empty() {
                shards = shards.union(ShardSet::of(shard));
            }
            let (address, len) = (key.as_ptr().addr(), key.len());
            Foreseen { address, len, known: Known { shard, location: None }, hash }
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

    /// Has what is at each key fetched: what leads to the entries, and when all of that is on its
    /// way, the entries, then their values.
    fn find_ahead(&mut self, db: usize) {
        let Some(locked) = &self.locked else { return };
        let coming = &mut self.outlook.keys[self.outlook.firsts..];
        for Foreseen { known, hash, .. } in &*coming {
            locked.prefetch(db, known.shard, *hash);
        }
        for Foreseen { known, hash, .. } in &mut *coming {
            let location = locked.guess(db, known.shard, *hash);
            known.location = location.map(|location| (location, self.releases));
            let entry = location.and_then(|location| locked.entry_at(db, location));
            entry.inspect(|entry| entry.prefetch());
        }
        let locations = coming.iter().filter_map(|foreseen| foreseen.known.location);
        let entries = locations.filter_map(|(location, _)| locked.entry_at(db, location));
        entries.for_each(Entry::prefetch_data);
    }

    /// What was foreseen of the call of the request that was read last, if it asks for this key.
    pub(super) fn foreseen(&self, command: &Command, argv: Argv<'_>) -> Option<Known> {
        let foreseen = self.outlook.keys.get(self.outlook.now)?;
        let key = argv.get(command.only_key?)?;
        let is_it = foreseen.address == key.as_ptr().addr() && foreseen.len == key.len();
        is_it.then_some(foreseen.known)
    }

    /// Has a call, for which all is locked, start where its key probably is.
    pub(super) fn start_where_foreseen(&mut self, known: Option<Known>) {
        if let Some((location, releases)) = known.and_then(|known| known.location)
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

/// What requests will do with parts of their key's value, as far as they do.
fn steps<'r>(requests: impl Iterator<Item = Argv<'r>>) -> impl Iterator<Item = Step<'r>> {
    let mut last = None;
    requests.filter_map(move |argv| {
        let command = table().resolve_again(last, argv)?;
        last = Some(command);
        step(command, argv)
    })
}

fn step<'r>(command: &Command, argv: Argv<'r>) -> Option<Step<'r>> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::config::Config;
    use crate::resp::argv::OwnedArgv;
    use crate::store::Locked;

    fn locked_for(engine: &Engine, lines: &[&str]) -> Option<ShardSet> {
        let words = |line: &&str| OwnedArgv::new(line.split_whitespace().map(str::as_bytes));
        let requests: Vec<OwnedArgv> = lines.iter().map(words).collect();
        let mut batch = engine.batch();
        batch.foresee_clients(0, requests.iter().map(OwnedArgv::as_argv));
        batch.locked.as_ref().map(Locked::set)
    }

    #[test]
    fn what_is_locked_ahead_is_what_the_keys_need() {
        let engine = Engine::new(Config::default(), Clock::manual(1));
        let shard_of = |key: &str| engine.services.keyspace.shard_of(key.as_bytes());
        let mut keys = (0..).map(|number| format!("key:{number}"));
        let mut other_than = |shards: &[usize]| {
            keys.find(|key| !shards.contains(&shard_of(key))).expect("there are several shards")
        };
        let one = other_than(&[shard_of("")]);
        let other = other_than(&[shard_of(""), shard_of(&one)]);
        let [of_one, of_other] = [&one, &other].map(|key| ShardSet::of(shard_of(key)));
        let (get_one, get_other) = (format!("GET {one}"), format!("GET {other}"));
        let add_one = format!("ZADD {one} 1 member");
        // A request of which nothing is known has no words.
        let cases: [(&[&str], Option<ShardSet>); 7] = [
            (&[&get_one, &get_other], Some(of_one.union(of_other))),
            (&["PING", &get_one, "", &get_other], Some(of_one.union(of_other))),
            (&[&get_one, "PING"], Some(of_one)),
            (&[&add_one, &add_one], Some(of_one)),
            (&[&get_one, &get_one], None),
            (&["", &get_one, &get_other], None),
            (&[&get_one], None),
        ];
        for (lines, expected) in cases {
            assert_eq!(locked_for(&engine, lines), expected, "{lines:?}");
        }
    }
}
