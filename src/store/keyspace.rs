//! The shards and their locks.
//!
//! Shards are always locked in ascending order, and a lock set is taken as a whole: whoever needs
//! another shard lets go of all and starts again. So no two calls can wait for each other.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{ArcMutexGuard, Mutex, RawMutex};
use smallvec::SmallVec;

use super::figures::LastSeen;
use super::find::{Found, Location};
use super::shard::Shard;
use crate::hash;

/// Most shards there can be: a [`ShardSet`] is one word.
const SHARDS_MAX: usize = 64;

/// How long a lock is waited for before one looks up.
const PATIENCE: Duration = Duration::from_millis(20);

/// A set of shard numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ShardSet(u64);

impl ShardSet {
    pub(crate) const EMPTY: Self = Self(0);

    pub(crate) fn of(shard: usize) -> Self {
        Self(1 << shard)
    }

    pub(crate) fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) fn contains(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Number of members.
    fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// The only member.
    fn only(self) -> Option<usize> {
        self.0.is_power_of_two().then(|| self.0.trailing_zeros() as usize)
    }

    /// Position of `shard` among the members.
    fn rank(self, shard: usize) -> usize {
        (self.0 & ((1 << shard) - 1)).count_ones() as usize
    }

    /// The members, ascending.
    pub(crate) fn iter(self) -> impl Iterator<Item = usize> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            if left == 0 {
                return None;
            }
            let shard = left.trailing_zeros() as usize;
            left &= left - 1;
            Some(shard)
        })
    }
}

/// All keys of all databases.
#[derive(Debug)]
pub(crate) struct Keyspace {
    shards: Vec<Arc<Mutex<Shard>>>,
    databases: usize,
    pub(super) last_seen: LastSeen,
}

impl Keyspace {
    /// An empty keyspace; `shards` is rounded up to a power of two.
    pub(crate) fn new(shards: usize, databases: usize) -> Self {
        let shards = shards.next_power_of_two().min(SHARDS_MAX);
        let shards = (0..shards).map(|_| Arc::new(Mutex::new(Shard::new(databases)))).collect();
        Self { shards, databases, last_seen: LastSeen::default() }
    }

    /// Number of databases.
    pub(crate) fn databases(&self) -> usize {
        self.databases
    }

    /// Number of shards.
    pub(crate) fn shards(&self) -> usize {
        self.shards.len()
    }

    /// The shard that holds `key`, in every database.
    pub(crate) fn shard_of(&self, key: &[u8]) -> usize {
        shard_index(key, self.shards.len())
    }

    /// As [`Keyspace::shard_of`], with the hash of the whole key.
    pub(crate) fn shard_and_hash(&self, key: &[u8]) -> (usize, u64) {
        let (hash, tag) = (hash::of(key), hash::tag(key));
        let of_tag = if tag.len() == key.len() { hash } else { hash::of(tag) };
        (hash::shard_bits(of_tag) & (self.shards.len() - 1), hash)
    }

    /// The set of all shards.
    pub(crate) fn all(&self) -> ShardSet {
        ShardSet(u64::MAX >> (SHARDS_MAX - self.shards.len()))
    }

    /// As [`Keyspace::lock`], but gives up when `stop` says so while others hold a lock.
    pub(crate) fn lock_unless(&self, set: ShardSet, stop: impl Fn() -> bool) -> Option<Locked> {
        let mut guards = SmallVec::new();
        for shard in set.iter() {
            loop {
                if let Some(guard) = self.shards[shard].try_lock_arc_for(PATIENCE) {
                    guards.push(guard);
                    break;
                }
                if stop() {
                    return None;
                }
            }
        }
        Some(self.locked(set, guards))
    }

    /// Locks shards if nobody else holds one of them.
    pub(crate) fn try_lock(&self, set: ShardSet) -> Option<Locked> {
        let mut guards = SmallVec::with_capacity(set.len());
        for shard in set.iter() {
            guards.push(self.shards[shard].try_lock_arc()?);
        }
        Some(self.locked(set, guards))
    }

    /// A shard to look at for a moment, if nobody has locked it.
    pub(super) fn try_look(&self, shard: usize) -> Option<impl Deref<Target = Shard> + '_> {
        self.shards[shard].try_lock()
    }

    /// Locks shards, in ascending order.
    pub(crate) fn lock(&self, set: ShardSet) -> Locked {
        let guards = set.iter().map(|shard| self.shards[shard].lock_arc()).collect();
        self.locked(set, guards)
    }

    fn locked(&self, set: ShardSet, guards: Guards) -> Locked {
        let mut locked = Locked {
            set,
            guards,
            shards: self.shards.len(),
            only: None,
            last_ranked: LastKey::default(),
            last_location: None,
            last_found: None,
        };
        locked.narrow(set);
        locked
    }
}

fn shard_index(key: &[u8], shards: usize) -> usize {
    hash::shard_bits(hash::of(hash::tag(key))) & (shards - 1)
}

/// The locks of several shards, ascending; as many in place as there are shards, as a rule.
type Guards = SmallVec<[ArcMutexGuard<RawMutex, Shard>; 16]>;

/// Shards that are locked until this is dropped. It is moved when they are, so it is no larger than
/// need be.
pub(crate) struct Locked {
    set: ShardSet,
    guards: Guards,
    shards: usize,
    /// The place of the only shard that the call which runs needs.
    only: Option<u8>,
    last_ranked: LastKey,
    /// Where an entry was found last. A command goes to its key several times, and so does the next
    /// one; what is there now, if anything, must be looked at.
    pub(super) last_location: Option<Location>,
    /// The short key that was last looked up in its table, and where it is. Whoever has entries
    /// come, go or move forgets it: [`super::Db`], and all to whom a whole shard is given.
    pub(super) last_found: Option<Found>,
}

/// Longer keys are hashed each time.
const LAST_KEY_BYTES: usize = 62;

/// The key that was asked for last among several shards, and the place of its shard: a command
/// goes to its key several times.
struct LastKey {
    bytes: [u8; LAST_KEY_BYTES],
    len: u8,
    rank: u8,
}

impl Default for LastKey {
    fn default() -> Self {
        Self { bytes: [0; LAST_KEY_BYTES], len: u8::MAX, rank: 0 }
    }
}

impl LastKey {
    fn is(&self, key: &[u8]) -> bool {
        self.bytes.get(..usize::from(self.len)) == Some(key)
    }

    fn note(&mut self, key: &[u8], rank: usize) {
        if let Some(bytes) = self.bytes.get_mut(..key.len()) {
            bytes.copy_from_slice(key);
            self.len = key.len().to_le_bytes()[0];
            self.rank = rank.to_le_bytes()[0];
        }
    }
}

impl Locked {
    /// Which shards are locked.
    pub(crate) fn set(&self) -> ShardSet {
        self.set
    }

    /// The call that runs goes to keys of these shards only, which are locked.
    pub(crate) fn narrow(&mut self, need: ShardSet) {
        debug_assert!(self.set.contains(need), "what a call needs is locked");
        self.only = match need.only() {
            Some(_) if need == self.set => Some(0),
            only => only.map(|shard| self.set.rank(shard).to_le_bytes()[0]),
        };
    }

    /// The shard of `key`, which must be locked: a command's lock set covers all keys it names.
    pub(crate) fn shard_of(&mut self, key: &[u8]) -> &mut Shard {
        self.last_found = None;
        let rank = self.find_rank(key);
        self.at(rank)
    }

    /// The place of `key`'s shard, for [`Locked::at`].
    pub(super) fn find_rank(&mut self, key: &[u8]) -> usize {
        if self.only.is_some() { self.rank_of(key) } else { self.same_rank(key) }
    }

    /// The shard at a place.
    pub(super) fn at(&mut self, rank: usize) -> &mut Shard {
        &mut self.guards[rank]
    }

    /// As [`Locked::at`], to read.
    pub(super) fn at_ref(&self, rank: usize) -> &Shard {
        &self.guards[rank]
    }

    /// The number of the shard at a place.
    pub(super) fn number(&self, rank: usize) -> Option<usize> {
        self.set.only().or_else(|| self.set.iter().nth(rank))
    }

    /// The place of a shard by its number, if it is locked.
    pub(super) fn rank(&self, shard: usize) -> Option<usize> {
        self.covers(shard).then(|| self.set.rank(shard))
    }

    /// As [`Locked::shard_of`], to read.
    pub(crate) fn shard_of_ref(&self, key: &[u8]) -> &Shard {
        &self.guards[self.rank_of(key)]
    }

    /// Is the shard of `key` locked?
    pub(crate) fn has(&self, key: &[u8]) -> bool {
        self.covers(shard_index(key, self.shards))
    }

    /// As [`Locked::rank_of`], among several shards.
    fn same_rank(&mut self, key: &[u8]) -> usize {
        if self.last_ranked.is(key) {
            return usize::from(self.last_ranked.rank);
        }
        let rank = self.rank_of(key);
        self.last_ranked.note(key, rank);
        rank
    }

    /// The place of `key`'s shard among the guards. A call that needs one shard needs no hash: it
    /// can only be that one.
    fn rank_of(&self, key: &[u8]) -> usize {
        if let Some(only) = self.only.map(usize::from) {
            debug_assert!(
                self.set.rank(shard_index(key, self.shards)) == only
                    && self.covers(shard_index(key, self.shards)),
                "a key of another shard"
            );
            return only;
        }
        let shard = shard_index(key, self.shards);
        assert!(self.covers(shard), "the lock set covers every key");
        self.set.rank(shard)
    }

    fn covers(&self, shard: usize) -> bool {
        self.set.contains(ShardSet::of(shard))
    }

    /// A locked shard by its number.
    pub(crate) fn shard(&mut self, shard: usize) -> Option<&mut Shard> {
        if shard >= self.shards || !self.set.contains(ShardSet::of(shard)) {
            return None;
        }
        self.last_found = None;
        Some(&mut self.guards[self.set.rank(shard)])
    }

    /// The log goes up to `position`, with what was done to those of the locked shards.
    pub(crate) fn log_reaches(&mut self, written: ShardSet, position: u64) {
        for shard in written.iter() {
            let rank = self.set.rank(shard);
            self.guards[rank].log_position = position;
        }
    }

    /// The log position that holds all that was done to those of the locked shards.
    pub(crate) fn log_position(&self, of: ShardSet) -> u64 {
        let positions = of.iter().map(|shard| self.guards[self.set.rank(shard)].log_position);
        positions.max().unwrap_or(0)
    }

    /// All locked shards, ascending.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Shard> {
        self.last_found = None;
        self.guards.iter_mut().map(|guard| &mut **guard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_small() {
        assert!(size_of::<Option<Locked>>() <= 288, "{}", size_of::<Option<Locked>>());
    }

    #[test]
    fn keys_of_one_tag_share_a_shard() {
        let keyspace = Keyspace::new(16, 1);
        let shard = keyspace.shard_of(b"{q}:wait");
        assert_eq!(keyspace.shard_of(b"{q}:active"), shard);
        assert_eq!(keyspace.shard_of(b"q"), shard);
    }

    #[test]
    fn a_key_finds_its_shard_again() {
        let keyspace = Keyspace::new(16, 1);
        let mut locked = keyspace.lock(keyspace.all());
        let long = "long".repeat(20);
        for key in ["a", "a", "b", "", "", "a", &long, &long, "{long}a", &long, "b"] {
            let found = locked.same_rank(key.as_bytes());
            assert_eq!(found, keyspace.shard_of(key.as_bytes()), "{key}");
        }
    }

    #[test]
    fn a_hash_tells_the_same_shard() {
        let keyspace = Keyspace::new(16, 1);
        for key in ["", "a", "{q}:wait", "{}b", "key:000000000001"] {
            let found = keyspace.shard_and_hash(key.as_bytes());
            assert_eq!(
                found,
                (keyspace.shard_of(key.as_bytes()), hash::of(key.as_bytes())),
                "{key}"
            );
        }
    }

    #[test]
    fn the_log_reaches_the_shards_that_were_written() {
        let keyspace = Keyspace::new(16, 1);
        let [read, written] = [3, 5].map(ShardSet::of);
        let mut locked = keyspace.lock(read.union(written));
        locked.log_reaches(written, 7);
        assert_eq!([read, written].map(|set| locked.log_position(set)), [0, 7]);
        assert_eq!(locked.log_position(read.union(written)), 7);
    }

    #[test]
    fn sets_iterate_in_ascending_order() {
        let set = [9, 0, 63].iter().fold(ShardSet::EMPTY, |set, &n| set.union(ShardSet::of(n)));
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 9, 63]);
        assert_eq!(set.rank(63), 2);
        assert!(set.contains(ShardSet::of(9)) && !set.contains(ShardSet::of(8)));
    }
}
