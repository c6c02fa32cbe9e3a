//! A hash: values of named fields.

use super::packed_map::{Limits, PackedMap};

/// A map of fields to values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hash {
    fields: PackedMap<true>,
}

impl Hash {
    pub(crate) fn len(&self) -> usize {
        self.fields.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn find(&self, field: &[u8]) -> Option<&[u8]> {
        self.fields.find(field)
    }

    /// Sets the value of a field; replies whether it is new.
    pub(crate) fn set(&mut self, field: &[u8], value: &[u8], limits: Limits) -> bool {
        self.fields.insert(field, value, limits)
    }

    /// Removes a field; `false` if it was not there.
    pub(crate) fn remove(&mut self, field: &[u8]) -> bool {
        self.fields.remove(field)
    }

    /// Fields and values; of a small hash in the order in which they were added.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields.iter()
    }

    /// As [`PackedMap::scan`].
    pub(crate) fn scan<'t>(
        &'t self,
        cursor: u64,
        count: usize,
        visit: impl FnMut(&'t [u8], &'t [u8]),
    ) -> Option<u64> {
        self.fields.scan(cursor, count, visit)
    }

    /// As [`PackedMap::random`].
    pub(crate) fn random(&self, random: impl FnMut() -> u64) -> Option<(&[u8], &[u8])> {
        self.fields.random(random)
    }

    /// As [`PackedMap::sample`].
    pub(crate) fn sample(&self, count: usize, random: impl FnMut() -> u64) -> Vec<(&[u8], &[u8])> {
        self.fields.sample(count, random)
    }

    /// As [`PackedMap::draw`].
    pub(crate) fn draw(
        &self,
        count: usize,
        random: impl FnMut() -> u64,
        visit: impl FnMut(&[u8], &[u8]),
    ) {
        self.fields.draw(count, random, visit);
    }

    /// The name OBJECT ENCODING replies with.
    pub(crate) fn encoding(&self) -> &'static str {
        self.fields.encoding()
    }

    /// Bytes taken in memory.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.fields.bytes()
    }
}
