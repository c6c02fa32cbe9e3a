//! Expiry of parts of values: the fields of a hash, which have times to live of their own.
//!
//! As with keys, the first look at a value removes its parts whose time is up, and active expiry
//! finds those that nobody looks at. So commands see what is alive, and nothing else.

use super::changes::Class;
use super::db::Db;
use crate::hash;
use crate::types::value::Value;

/// Most fields in one logged HDEL.
const LOGGED_MAX: usize = 1024;

impl Db<'_> {
    /// Removes a key that is due, or up to `count` of its parts that are; returns whether more
    /// may be due.
    pub(crate) fn expire_due(&mut self, key: &[u8], count: usize) -> bool {
        let now_ms = self.now_ms();
        let Some(entry) = self.shard(key).entry(key) else { return false };
        if entry.is_expired(now_ms) {
            self.expire(key);
            return false;
        }
        self.expire_parts(key, count) == count
    }

    /// Removes up to `count` parts of a value whose time is up; returns how many.
    pub(super) fn expire_parts(&mut self, key: &[u8], count: usize) -> usize {
        let now_ms = self.now_ms();
        let hash = hash::of(key);
        self.shard(key).preserve(key);
        let Some(entry) = self.shard(key).keys.find_mut(hash, |entry| entry.key() == key) else {
            return 0;
        };
        let Value::Hash(fields) = &mut entry.value else { return 0 };
        let due = fields.take_due(now_ms, count);
        let db = self.index();
        for some in due.chunks(LOGGED_MAX) {
            let words = [&b"HDEL"[..], key].into_iter().chain(some.iter().map(|field| &**field));
            let words: Vec<&[u8]> = words.collect();
            self.changes().effects.push_own(db, words.into_iter());
        }
        if !due.is_empty() {
            self.signal(key);
            self.notify(key, Class::Hash, "hexpired");
        }
        self.settle(key);
        due.len()
    }
}
