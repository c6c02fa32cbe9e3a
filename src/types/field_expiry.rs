//! When fields of a hash expire; kept beside the fields, by those hashes only that need it.
//!
//! Field by field the instant is in a packed map. A large one has an index by time as well: pairs
//! of instant and hash of the field, so 16 bytes each. A clone, which is a snapshot as a rule, is
//! without the index; it is built again if the clone is changed.

use std::collections::BTreeSet;

use super::packed_map::{Limits, PackedMap};
use crate::hash;

/// Fewer fields, of few bytes, are searched through instead of indexed.
const LIMITS: Limits = Limits { entries: 64, value_bytes: 1024 };
/// No field is due, ever.
pub(crate) const NEVER: u64 = u64::MAX;

/// Instants (unix ms) of fields.
#[derive(Debug)]
pub(crate) struct FieldExpiry {
    /// The instants, little-endian.
    fields: PackedMap<true>,
    /// The fields by instant; `None`: too few for it, or not built yet.
    index: Option<BTreeSet<(u64, u64)>>,
    /// The earliest instant, or [`NEVER`].
    next_ms: u64,
}

impl Default for FieldExpiry {
    fn default() -> Self {
        Self { fields: PackedMap::default(), index: None, next_ms: NEVER }
    }
}

impl Clone for FieldExpiry {
    fn clone(&self) -> Self {
        Self { fields: self.fields.clone(), index: None, next_ms: self.next_ms }
    }
}

fn instant(value: &[u8]) -> u64 {
    value.try_into().map_or(NEVER, u64::from_le_bytes)
}

impl FieldExpiry {
    pub(crate) fn is_empty(&self) -> bool {
        self.fields.len() == 0
    }

    /// When a field expires; `None`: never.
    pub(crate) fn find(&self, field: &[u8]) -> Option<u64> {
        self.fields.find(field).map(instant)
    }

    /// The earliest instant, or [`NEVER`].
    pub(crate) fn next_ms(&self) -> u64 {
        self.next_ms
    }

    /// All fields with their instants.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.fields.iter().map(|(field, value)| (field, instant(value)))
    }

    /// Lets a field expire at an instant.
    pub(crate) fn set(&mut self, field: &[u8], at_ms: u64) {
        self.unfile(field);
        self.fields.insert(field, &at_ms.to_le_bytes(), LIMITS);
        if let Some(index) = self.index() {
            index.insert((at_ms, hash::of(field)));
        }
        self.find_next();
    }

    /// Lets a field expire no more; `false` if it did not anyway.
    pub(crate) fn remove(&mut self, field: &[u8]) -> bool {
        self.unfile(field);
        let removed = self.fields.remove(field);
        self.find_next();
        removed
    }

    /// Up to `count` fields whose time is up: not yet at the very instant, as with keys.
    pub(crate) fn due(&mut self, now_ms: u64, count: usize) -> Vec<Box<[u8]>> {
        if self.next_ms >= now_ms {
            return Vec::new();
        }
        let Some(index) = self.index() else {
            let due = self.iter().filter(|(_, at_ms)| *at_ms < now_ms);
            return due.take(count).map(|(field, _)| field.into()).collect();
        };
        let due: Vec<_> = index.range(..(now_ms, 0)).take(count).copied().collect();
        let fields = due.into_iter().flat_map(|(at_ms, hash)| {
            let same = move |(_, value): &(&[u8], &[u8])| instant(value) == at_ms;
            self.fields.with_hash(hash).filter(same).map(|(field, _)| field.into())
        });
        fields.collect()
    }

    /// Bytes taken in memory.
    pub(crate) fn bytes(&self) -> usize {
        // A node of a B-tree is about three quarters full.
        let index = self.index.as_ref().map_or(0, |index| index.len() * 22);
        size_of::<Self>() + self.fields.bytes() + index
    }

    /// The index by time, built if it is not there; `None` if there are too few fields.
    fn index(&mut self) -> Option<&mut BTreeSet<(u64, u64)>> {
        if self.index.is_none() && self.fields.is_large() {
            let pairs = self.fields.iter().map(|(field, value)| (instant(value), hash::of(field)));
            self.index = Some(pairs.collect());
        }
        self.index.as_mut()
    }

    /// Takes a field out of the index.
    fn unfile(&mut self, field: &[u8]) {
        let Some(at_ms) = self.find(field) else { return };
        let hash = hash::of(field);
        let same = |(_, value): &(&[u8], &[u8])| instant(value) == at_ms;
        let is_only = self.fields.with_hash(hash).filter(same).count() <= 1;
        if let (true, Some(index)) = (is_only, self.index()) {
            index.remove(&(at_ms, hash));
        }
    }

    fn find_next(&mut self) {
        let first = match self.index() {
            Some(index) => index.first().map(|(at_ms, _)| *at_ms),
            None => self.iter().map(|(_, at_ms)| at_ms).min(),
        };
        self.next_ms = first.unwrap_or(NEVER);
    }
}
