//! Where a key is among the locked shards.

use std::num::NonZeroU8;

use super::changes::Class;
use super::db::Db;
use super::keyspace::Locked;
use super::shard::{Entry, ShardDb};
use crate::hash;
use crate::short;
use crate::types::table::Place;

/// Where an entry is: the place of its shard among those that are locked, and in its table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Location {
    rank: u8,
    pub(super) place: Place,
}

/// A short key, and where its entry is while no entry comes or goes: pipelined requests often go to
/// one key, each command several times.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    words: [u64; 2],
    db: u32,
    len: NonZeroU8,
    shard: u8,
    location: Location,
}

impl Found {
    fn new(db: usize, key: &[u8], shard: usize, location: Location) -> Option<Self> {
        let (words, db) = (short::words(key)?, u32::try_from(db).ok()?);
        let (len, shard) = (key.len().to_le_bytes()[0].try_into().ok()?, shard.to_le_bytes()[0]);
        Some(Self { words, db, len, shard, location })
    }

    #[inline]
    fn is(&self, db: usize, key: &[u8]) -> bool {
        key.len() == usize::from(self.len.get())
            && db == self.db as usize
            && short::words(key) == Some(self.words)
    }
}

impl Locked {
    /// The shard of `key`, if it is the short one that was looked up last.
    #[inline]
    pub(crate) fn shard_of_last(&self, db: usize, key: &[u8]) -> Option<usize> {
        self.last_found.filter(|found| found.is(db, key)).map(|found| usize::from(found.shard))
    }

    /// Has what leads to a key of this hash in this shard fetched into the processor's caches.
    pub(crate) fn prefetch(&self, db: usize, shard: usize, hash: u64) {
        if let Some(rank) = self.rank(shard) {
            self.at_ref(rank).db_ref(db).keys.prefetch(hash);
        }
    }

    /// Where a key of this hash in this shard probably is in database `db`: told without a look at
    /// the entry itself.
    pub(crate) fn guess(&self, db: usize, shard: usize, hash: u64) -> Option<Location> {
        let rank = self.rank(shard)?;
        let place = self.at_ref(rank).db_ref(db).keys.guess(hash)?;
        Some(Location { rank: rank.to_le_bytes()[0], place })
    }

    /// Where the entry of `key` is, of which shard and hash are known, in database `db`.
    pub(crate) fn locate(
        &self,
        db: usize,
        shard: usize,
        hash: u64,
        key: &[u8],
    ) -> Option<Location> {
        let rank = self.rank(shard)?;
        let keys = &self.at_ref(rank).db_ref(db).keys;
        let place = keys.locate(hash, |entry| entry.key() == key)?;
        Some(Location { rank: rank.to_le_bytes()[0], place })
    }

    /// The entry at a location in database `db`.
    pub(crate) fn entry_at(&self, db: usize, location: Location) -> Option<&Entry> {
        self.at_ref(usize::from(location.rank)).db_ref(db).keys.at(location.place)
    }

    /// The call that runs will ask for what is at a location, as a rule: it looks there first.
    pub(crate) fn look_first_at(&mut self, location: Location) {
        self.last_location = Some(location);
    }
}

impl Db<'_> {
    /// The shard at a location.
    pub(super) fn shard_at(&mut self, location: Location) -> &mut ShardDb {
        self.locked.at(usize::from(location.rank)).db(self.index)
    }

    /// The entry at a location.
    pub(super) fn at(&mut self, location: Location) -> Option<&mut Entry> {
        self.shard_at(location).keys.at_mut(location.place)
    }

    /// Where the entry of `key` is, expired or not.
    #[inline]
    pub(super) fn find(&mut self, key: &[u8]) -> Option<Location> {
        match self.locked.last_found {
            Some(found) if found.is(self.index, key) => {
                debug_assert!(
                    self.at(found.location).is_some_and(|entry| entry.key() == key),
                    "entries come and go by way of those who forget what was found"
                );
                Some(found.location)
            }
            _ => self.find_elsewhere(key),
        }
    }

    /// As [`Db::find`], for another key than was looked up last, or a long one.
    #[inline(never)]
    fn find_elsewhere(&mut self, key: &[u8]) -> Option<Location> {
        let last = self.locked.last_location;
        match last {
            Some(last) if self.at(last).is_some_and(|entry| short::same(entry.key(), key)) => {
                Some(last)
            }
            _ => self.search(key),
        }
    }

    fn search(&mut self, key: &[u8]) -> Option<Location> {
        let rank = self.locked.find_rank(key);
        let keys = &self.locked.at(rank).db(self.index).keys;
        let place = keys.locate(hash::of(key), |entry| entry.key() == key)?;
        let location = Location { rank: rank.to_le_bytes()[0], place };
        self.locked.last_location = Some(location);
        let shard = self.locked.number(rank);
        self.locked.last_found =
            shard.and_then(|shard| Found::new(self.index, key, shard, location));
        Some(location)
    }

    /// Where the entry of `key` is; it or parts of it go before that if their time is up.
    pub(super) fn locate(&mut self, key: &[u8]) -> Option<Location> {
        let location = self.find(key)?;
        let shard = self.shard_at(location);
        let may_expire = shard.volatile > 0 || shard.has_expiring_parts;
        if may_expire && !self.keeps_expired {
            return self.locate_alive(key, location);
        }
        Some(location)
    }

    /// As [`Db::locate`], for an entry that may have expired.
    #[inline(never)]
    fn locate_alive(&mut self, key: &[u8], location: Location) -> Option<Location> {
        let now_ms = self.now_ms;
        let entry = self.at(location)?;
        if entry.is_expired(now_ms) {
            if !self.expiry_paused {
                self.expire(key);
            }
            return None;
        }
        if entry.due_ms() >= now_ms {
            return Some(location);
        }
        self.expire_parts(key, usize::MAX);
        self.find(key)
    }

    /// The entry at a location; counts as an access.
    pub(super) fn access_at(&mut self, location: Location) -> Option<&mut Entry> {
        self.access_after(location, |_| ())
    }

    /// The entry of `key`, which is at a location, to change its value. Counts as an access.
    pub(super) fn open_at(&mut self, location: Location, key: &[u8]) -> Option<&mut Entry> {
        self.access_after(location, |shard| shard.preserve(key))
    }

    /// As [`Db::access_at`], after something was done in its shard.
    #[inline]
    fn access_after(
        &mut self,
        location: Location,
        act: impl FnOnce(&mut ShardDb),
    ) -> Option<&mut Entry> {
        let shard = self.locked.at(usize::from(location.rank)).db(self.index);
        act(shard);
        let entry = shard.keys.at_mut(location.place)?;
        if !self.no_touch {
            entry.used = self.changes.used_now(entry.used, self.now_ms);
        }
        Some(entry)
    }

    /// As [`Db::locate`], counted as a hit or a miss.
    pub(super) fn locate_to_read(&mut self, key: &[u8]) -> Option<Location> {
        let location = self.locate(key);
        self.count_look(key, location.is_some());
        location
    }

    /// A command has looked for `key`: counts that as a hit or a miss.
    pub(crate) fn count_look(&mut self, key: &[u8], found: bool) {
        if found {
            self.changes.hits += 1;
        } else {
            self.changes.misses += 1;
            self.notify(key, Class::KeyMiss, "keymiss");
        }
    }

    /// The entry of `key`, for a command that asks about the entry itself: as [`Db::look`], but a
    /// miss is no event.
    pub(crate) fn inspect(&mut self, key: &[u8]) -> Option<&Entry> {
        let location = self.locate(key);
        self.changes.hits += u64::from(location.is_some());
        self.changes.misses += u64::from(location.is_none());
        self.at(location?).map(|entry| &*entry)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Changes, Keyspace};
    use super::*;
    use crate::types::string::StringValue;
    use crate::types::value::Value;

    fn string(text: &str) -> Value {
        Value::String(StringValue::new(text.as_bytes()))
    }

    /// What `key` holds is its own name.
    fn holds_itself(db: &mut Db<'_>, key: &str) -> bool {
        let entry = db.find(key.as_bytes()).and_then(|location| db.at(location));
        entry.is_some_and(|entry| entry.key() == key.as_bytes())
    }

    #[test]
    fn what_was_found_is_forgotten_when_entries_move() {
        let keyspace = Keyspace::new(4, 1);
        let mut locked = keyspace.lock(keyspace.all());
        let mut changes = Changes::default();
        let mut db = Db::new(&mut locked, &mut changes, 0, 1);
        db.set(b"key", string("key"));
        for n in 0..5000 {
            assert!(holds_itself(&mut db, "key"), "{n}");
            db.set(format!("{n}").as_bytes(), string("x"));
        }
        for n in 0..5000 {
            assert!(db.delete(format!("{n}").as_bytes()));
            assert!(holds_itself(&mut db, "key"), "{n}");
        }
        db.delete(b"key");
        assert!(!holds_itself(&mut db, "key"));
    }

    #[test]
    fn it_is_found_in_its_own_database() {
        let keyspace = Keyspace::new(4, 2);
        let mut locked = keyspace.lock(keyspace.all());
        let mut changes = Changes::default();
        let mut db = Db::new(&mut locked, &mut changes, 0, 1);
        db.set(b"key", string("key"));
        assert!(holds_itself(&mut db, "key") && db.locked.last_found.is_some());
        assert!(!holds_itself(&mut db.other(1), "key"));
        assert!(holds_itself(&mut db, "key"));
        for shard in db.locked().iter_mut() {
            let (low, high) = shard.dbs().split_at_mut(1);
            low[0].swap_keys(&mut high[0]);
        }
        assert!(!holds_itself(&mut db, "key"));
        assert!(holds_itself(&mut db.other(1), "key"));
    }

    #[test]
    fn its_shard_is_known() {
        let keyspace = Keyspace::new(16, 1);
        let mut locked = keyspace.lock(keyspace.all());
        let mut changes = Changes::default();
        for key in ["ab", "{t}key", "0123456789abcdef"] {
            let mut db = Db::new(&mut locked, &mut changes, 0, 1);
            db.set(key.as_bytes(), string("x"));
            assert!(holds_itself(&mut db, key));
            let shard = locked.shard_of_last(0, key.as_bytes());
            assert_eq!(shard, Some(keyspace.shard_of(key.as_bytes())), "{key}");
            assert_eq!(locked.shard_of_last(0, b"other"), None);
        }
    }
}
