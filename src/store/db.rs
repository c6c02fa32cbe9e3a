//! The view of the keyspace that a command gets: one database of the locked shards.
//!
//! Keys that have expired are not there: the first look removes them, and that removal is an
//! effect like any other. Whoever changes a value says so once, by [`Db::modified`]; the
//! consequences (log, watches, waiting clients, events, removal of an empty collection) follow
//! from there.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::changes::{Changes, Class, ReadyKey};
use super::keyspace::Locked;
use super::shard::{Entry, NEVER, ShardDb};
use super::usage::{Usage, seconds};
use crate::hash;
use crate::types::value::{DataType, Value};

/// The key holds a value of another type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WrongType;

/// One database, for the length of a call.
pub(crate) struct Db<'a> {
    pub(super) locked: &'a mut Locked,
    pub(super) changes: &'a mut Changes,
    pub(super) index: usize,
    pub(super) now_ms: u64,
    /// Are expired keys left as they are? So on replay, where the log says when they went.
    pub(super) keeps_expired: bool,
    /// Do expired keys only seem to be gone? So while CLIENT PAUSE holds up writes.
    pub(super) expiry_paused: bool,
    /// Does no access count? So after CLIENT NO-TOUCH.
    pub(super) no_touch: bool,
}

impl<'a> Db<'a> {
    pub(crate) fn new(
        locked: &'a mut Locked,
        changes: &'a mut Changes,
        index: usize,
        now_ms: u64,
    ) -> Self {
        Self {
            locked,
            changes,
            index,
            now_ms,
            keeps_expired: false,
            expiry_paused: false,
            no_touch: false,
        }
    }

    /// The same view for a replay of the log.
    pub(crate) fn keeping_expired(mut self) -> Self {
        self.keeps_expired = true;
        self
    }

    /// The same view for a command that only reads while writes are held up.
    pub(crate) fn with_expiry_paused(mut self) -> Self {
        self.expiry_paused = true;
        self
    }

    /// The same view for a client whose accesses do not count.
    pub(crate) fn without_touching(mut self) -> Self {
        self.no_touch = true;
        self
    }

    /// The number of this database.
    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// Goes to another database, which exists.
    pub(crate) fn select(&mut self, index: usize) {
        self.index = index;
    }

    /// The instant at which the command runs: unix time in milliseconds.
    pub(crate) fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// The same locks with another database, which exists.
    pub(crate) fn other(&mut self, index: usize) -> Db<'_> {
        Db {
            locked: self.locked,
            changes: self.changes,
            index,
            now_ms: self.now_ms,
            keeps_expired: self.keeps_expired,
            expiry_paused: self.expiry_paused,
            no_touch: self.no_touch,
        }
    }

    /// What was changed so far.
    pub(crate) fn changes(&mut self) -> &mut Changes {
        self.changes
    }

    /// The locked shards; for commands that walk the whole keyspace.
    pub(crate) fn locked(&mut self) -> &mut Locked {
        self.locked
    }

    pub(super) fn shard(&mut self, key: &[u8]) -> &mut ShardDb {
        let rank = self.locked.find_rank(key);
        self.locked.at(rank).db(self.index)
    }

    /// The entry of `key`. Does not count as an access.
    pub(crate) fn peek(&mut self, key: &[u8]) -> Option<&Entry> {
        let location = self.locate(key)?;
        self.at(location).map(|entry| &*entry)
    }

    /// The entry of `key`, to change its value. Counts as an access.
    pub(crate) fn entry_mut(&mut self, key: &[u8]) -> Option<&mut Entry> {
        let location = self.locate(key)?;
        self.open_at(location, key)
    }

    /// The entry of `key`, for a reading command: counted as a hit or a miss, but not as an access.
    pub(crate) fn look(&mut self, key: &[u8]) -> Option<&Entry> {
        let location = self.locate_to_read(key)?;
        self.at(location).map(|entry| &*entry)
    }

    pub(crate) fn exists(&mut self, key: &[u8]) -> bool {
        self.locate(key).is_some()
    }

    /// The value of `key`, for a reading command: counted as a hit or a miss.
    pub(crate) fn value(&mut self, key: &[u8]) -> Option<&Value> {
        let location = self.locate_to_read(key)?;
        self.access_at(location).map(|entry| &entry.value)
    }

    /// The data of `key`, to read.
    pub(crate) fn read<T: DataType>(&mut self, key: &[u8]) -> Result<Option<&T>, WrongType> {
        self.value(key).map(|value| T::of(value).ok_or(WrongType)).transpose()
    }

    /// The data of several keys, to read together; `None` for one that does not exist.
    pub(crate) fn read_all<'k, T: DataType>(
        &mut self,
        keys: impl Iterator<Item = &'k [u8]> + Clone,
    ) -> Result<Vec<Option<&T>>, WrongType> {
        let values = self.values(keys).into_iter();
        values.map(|value| value.map(|value| T::of(value).ok_or(WrongType)).transpose()).collect()
    }

    /// The values of several keys, of any type, to read together.
    pub(crate) fn values<'k>(
        &mut self,
        keys: impl Iterator<Item = &'k [u8]> + Clone,
    ) -> Vec<Option<&Value>> {
        for key in keys.clone() {
            self.value(key);
        }
        let (locked, index) = (&*self.locked, self.index);
        let (now_ms, keeps_expired) = (self.now_ms, self.keeps_expired);
        let entry = |key| {
            let entry = locked.shard_of_ref(key).db_ref(index).entry(key);
            entry.filter(|entry| keeps_expired || !entry.is_expired(now_ms))
        };
        keys.map(|key| entry(key).map(|entry| &entry.value)).collect()
    }

    /// The data of `key`, to change; say [`Db::modified`] afterwards.
    pub(crate) fn write<T: DataType>(&mut self, key: &[u8]) -> Result<Option<&mut T>, WrongType> {
        self.entry_mut(key).map(|entry| T::of_mut(&mut entry.value).ok_or(WrongType)).transpose()
    }

    /// As [`Db::write`]; a key that does not exist is made, without content.
    pub(crate) fn create<T: DataType>(&mut self, key: &[u8]) -> Result<&mut T, WrongType> {
        let entry = match self.locate(key) {
            Some(location) => self.open_at(location, key).expect("it was just found there"),
            None => self.insert(key, T::empty()),
        };
        T::of_mut(&mut entry.value).ok_or(WrongType)
    }

    fn insert(&mut self, key: &[u8], value: Value) -> &mut Entry {
        self.notify(key, Class::New, "new");
        let entry = Entry::new(key, value, self.changes.usage.fresh(self.now_ms));
        self.locked.last_found = None;
        let shard = self.shard(key);
        shard.preserve(key);
        shard.keys.insert(entry)
    }

    /// Gives `key` this value, in place of any other; its time to live stays.
    pub(crate) fn set_keeping_ttl(&mut self, key: &[u8], value: Value) {
        self.replace(key, value);
    }

    /// Gives `key` this value; returns whether it has a time to live.
    fn replace(&mut self, key: &[u8], mut value: Value) -> bool {
        if let Value::List(list) = &mut value {
            list.note_size(self.changes.list_limit);
        }
        let has_expiring_parts = value.next_due_ms() != NEVER;
        let mut is_volatile = false;
        let kept_bytes = self.shard(key).preserve_last(key);
        self.changes.kept_bytes += kept_bytes;
        let location = self.locate(key);
        match location.and_then(|location| self.access_at(location)) {
            Some(entry) => {
                is_volatile = entry.expires_at_ms != NEVER;
                let before = std::mem::replace(&mut entry.value, value);
                self.changes.discard(before);
            }
            None => {
                self.insert(key, value);
            }
        }
        if has_expiring_parts {
            self.settle(key);
        }
        is_volatile
    }

    /// Gives `key` this value, in place of any other, without a time to live.
    pub(crate) fn set(&mut self, key: &[u8], value: Value) {
        if self.replace(key, value) {
            self.set_expiry(key, None);
        }
    }

    /// Removes `key`; returns what it held.
    pub(crate) fn remove(&mut self, key: &[u8]) -> Option<Value> {
        self.peek(key)?;
        self.take(key)
    }

    /// Removes `key` and frees what it held; returns whether it existed.
    pub(crate) fn delete(&mut self, key: &[u8]) -> bool {
        let value = self.remove(key);
        let existed = value.is_some();
        if let Some(value) = value {
            self.changes.discard(value);
        }
        existed
    }

    pub(super) fn take(&mut self, key: &[u8]) -> Option<Value> {
        self.locked.last_found = None;
        let shard = self.shard(key);
        let kept_bytes = shard.preserve_last(key);
        let entry = shard.keys.remove(hash::of(key), |entry| entry.key() == key)?;
        shard.volatile -= usize::from(entry.expires_at_ms != NEVER);
        self.changes.kept_bytes += kept_bytes;
        Some(entry.value)
    }

    /// When `key` expires (unix ms); `None` if it does not, or does not exist.
    pub(crate) fn expires_at_ms(&mut self, key: &[u8]) -> Option<u64> {
        self.peek(key)?.expires_at_ms()
    }

    /// Lets an existing `key` expire at an instant (unix ms), or never.
    pub(crate) fn set_expiry(&mut self, key: &[u8], expires_at_ms: Option<u64>) {
        let Some(location) = self.find(key) else { return };
        let shard = self.shard_at(location);
        shard.preserve(key);
        let Some(entry) = shard.keys.at_mut(location.place) else { return };
        let was = entry.expires_at_ms;
        entry.expires_at_ms = expires_at_ms.unwrap_or(NEVER);
        shard.volatile -= usize::from(was != NEVER);
        if entry.expires_at_ms != NEVER {
            shard.volatile += 1;
            shard.expiry.file(entry);
            shard.drop_stale();
        }
    }

    /// Lets `key` look as if its last access was so many seconds ago, if that is what is noted.
    pub(crate) fn set_idle_s(&mut self, key: &[u8], idle_s: u32) {
        let accessed_s = seconds(self.now_ms).saturating_sub(idle_s);
        if self.changes.usage == Usage::Recency {
            self.set_used(key, accessed_s);
        }
    }

    /// Lets `key` have this access count, if that is what is noted.
    pub(crate) fn set_frequency(&mut self, key: &[u8], count: u8) {
        if self.changes.usage != Usage::Recency {
            self.set_used(key, Usage::with_frequency(count, self.now_ms));
        }
    }

    fn set_used(&mut self, key: &[u8], used: u32) {
        let Some(location) = self.locate(key) else { return };
        if let Some(entry) = self.at(location) {
            entry.used = used;
        }
    }

    /// `key` was changed by the command that runs: `event` of `class` happened to it.
    pub(crate) fn modified(&mut self, key: &[u8], class: Class, event: &'static str) {
        self.changes.dirty += 1;
        self.also_modified(key, class, event);
    }

    /// As [`Db::modified`], where that was said of another key and both make one change.
    pub(crate) fn also_modified(&mut self, key: &[u8], class: Class, event: &'static str) {
        self.signal(key);
        self.notify(key, class, event);
        self.settle(key);
    }

    /// After a change of its value: a key with an empty collection goes, and parts that expire are
    /// filed.
    pub(super) fn settle(&mut self, key: &[u8]) {
        let list_limit = self.changes.list_limit;
        let Some(location) = self.find(key) else { return };
        let shard = self.shard_at(location);
        let Some(entry) = shard.keys.at_mut(location.place) else { return };
        if let Value::List(list) = &mut entry.value {
            list.note_size(list_limit);
        }
        if entry.value.is_empty_collection() {
            self.take(key);
            self.notify(key, Class::Generic, "del");
        } else if entry.value.next_due_ms() != NEVER {
            shard.has_expiring_parts = true;
            shard.expiry.file(entry);
            shard.drop_stale();
        }
    }

    /// Tells those who watch or wait for `key` that it changed.
    pub(crate) fn signal(&mut self, key: &[u8]) {
        self.signal_by(key, self.changes.client);
    }

    fn signal_by(&mut self, key: &[u8], client: u64) {
        self.changes.touch(Some(key), client);
        self.take_notice(key);
    }

    /// Tells those who watch or cache `key` that it is kept otherwise, which nobody waits for.
    pub(crate) fn rewritten(&mut self, key: &[u8]) {
        self.changes.touch(Some(key), self.changes.client);
        self.shard(key).touch_watched(key);
    }

    /// Has those who watch or wait for `key` take notice, but not those who cache it.
    pub(crate) fn take_notice(&mut self, key: &[u8]) {
        let shard = self.shard(key);
        if shard.has_observers() {
            shard.touch_watched(key);
            self.wake_waiting(key);
        }
    }

    /// Has those who wait for `key` look again, as if it had changed.
    pub(crate) fn wake_waiting(&mut self, key: &[u8]) {
        let db = self.index;
        if self.shard(key).is_awaited(key) {
            self.changes.ready.push_back(ReadyKey { db, key: key.into() });
        }
    }

    /// Publishes a keyspace event, where `notify-keyspace-events` asks for its class.
    #[inline]
    pub(crate) fn notify(&mut self, key: &[u8], class: Class, event: &'static str) {
        self.changes.notify(self.index, key, class, event);
    }

    /// Removes a key whose time is up.
    pub(crate) fn expire(&mut self, key: &[u8]) {
        let Some(value) = self.take(key) else { return };
        self.changes.discard(value);
        self.changes.expired += 1;
        self.tell_dropped(key, b"DEL");
        self.notify(key, Class::Expired, "expired");
    }

    /// The server itself has removed `key`: that is logged as this command.
    pub(super) fn tell_dropped(&mut self, key: &[u8], command: &[u8]) {
        let db = self.index;
        self.changes.effects.push_own(db, [command, key].into_iter());
        self.signal_by(key, 0);
    }

    /// Sets `dirty` when `key` changes.
    pub(crate) fn watch(&mut self, key: &[u8], client: u64, dirty: &Arc<AtomicBool>) {
        self.shard(key).watch(key, client, dirty);
    }

    pub(crate) fn unwatch(&mut self, key: &[u8], client: u64) {
        self.shard(key).unwatch(key, client);
    }

    /// Number of keys, those that have expired unseen included.
    pub(crate) fn len(&mut self) -> usize {
        let index = self.index;
        self.locked.iter_mut().map(|shard| shard.db(index).keys.len()).sum()
    }
}
