//! Does what the keyspace keeps beside its keys agree with them? For tests and fuzz targets.

use super::keyspace::Keyspace;
use super::shard::{Entry, NEVER, ShardDb};

fn ensure(agrees: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if agrees { Ok(()) } else { Err(what()) }
}

impl Keyspace {
    /// Walks through all keys; returns at how many places clients wait. Slow.
    pub(crate) fn audit(&self) -> Result<usize, String> {
        let mut locked = self.lock(self.all());
        let mut waiting = 0;
        for (number, shard) in locked.iter_mut().enumerate() {
            for part in shard.dbs() {
                waiting += part.audit()?;
                for entry in part.keys.iter() {
                    let is_here = self.shard_of(entry.key()) == number;
                    ensure(is_here, || about(entry, "another shard's key"))?;
                }
            }
        }
        Ok(waiting)
    }
}

/// What is wrong with a key.
fn about(entry: &Entry, what: &str) -> String {
    format!("{what}: {} of type {}", entry.key().escape_ascii(), entry.value.type_name())
}

impl ShardDb {
    fn audit(&self) -> Result<usize, String> {
        ensure(self.keys.iter().count() == self.keys.len(), || "the number of keys".to_owned())?;
        let volatile = self.keys.iter().filter(|entry| entry.expires_at_ms != NEVER);
        ensure(volatile.count() == self.volatile, || "keys with a time to live".to_owned())?;
        for entry in self.keys.iter() {
            self.audit_entry(entry)?;
        }
        self.audit_waiting()
    }

    fn audit_entry(&self, entry: &Entry) -> Result<(), String> {
        entry.value.audit().map_err(|what| about(entry, what))?;
        let is_found = self.entry(entry.key()).is_some_and(|found| std::ptr::eq(found, entry));
        ensure(is_found, || about(entry, "not found"))?;
        ensure(!entry.value.is_empty_collection(), || about(entry, "empty"))?;
        let has_parts = entry.value.next_due_ms() != NEVER;
        ensure(!has_parts || self.has_expiring_parts, || about(entry, "parts not noted"))?;
        ensure(self.expiry.has_in_time(entry), || about(entry, "would not expire unasked"))
    }
}
