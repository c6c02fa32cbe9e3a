//! A hash: values of named fields, which may expire one by one.

use super::field_expiry::{FieldExpiry, NEVER};
use super::packed_map::{Limits, PackedMap};

/// The latest instant that a field can expire at (46 bits, as in Redis).
pub(crate) const AT_MS_MAX: u64 = (1 << 46) - 2;

/// A map of fields to values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hash {
    fields: PackedMap<true>,
    /// Which fields expire and when; never empty.
    expiry: Option<Box<FieldExpiry>>,
}

impl Hash {
    /// As [`PackedMap::to_fill`].
    pub(crate) fn to_fill() -> Self {
        Self { fields: PackedMap::to_fill(), expiry: None }
    }

    /// As [`PackedMap::fit`].
    pub(crate) fn fit(&mut self) {
        self.fields.fit();
    }

    pub(crate) fn len(&self) -> usize {
        self.fields.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn find(&self, field: &[u8]) -> Option<&[u8]> {
        self.fields.find(field)
    }

    /// As [`PackedMap::prefetch`].
    pub(crate) fn prefetch<'n>(&self, fields: impl Iterator<Item = &'n [u8]>) {
        self.fields.prefetch(fields);
    }

    /// As [`PackedMap::make_room`], for fields and values in turn.
    pub(crate) fn make_room<'t>(&mut self, words: impl ExactSizeIterator<Item = &'t [u8]> + Clone) {
        self.fields.make_room(words);
    }

    /// Sets the value of a field, which expires no more; returns whether it is new.
    pub(crate) fn set(&mut self, field: &[u8], value: &[u8], limits: Limits) -> bool {
        self.set_expiry(field, None);
        self.fields.insert(field, value, limits)
    }

    /// As [`Hash::set`], but the field expires when it did before.
    pub(crate) fn set_keeping_ttl(&mut self, field: &[u8], value: &[u8], limits: Limits) -> bool {
        self.fields.insert(field, value, limits)
    }

    /// Removes a field; `false` if it was not there.
    pub(crate) fn remove(&mut self, field: &[u8]) -> bool {
        self.set_expiry(field, None);
        self.fields.remove(field)
    }

    /// When a field expires (unix ms); `None` if it does not.
    pub(crate) fn expires_at_ms(&self, field: &[u8]) -> Option<u64> {
        self.expiry.as_ref()?.find(field)
    }

    /// Lets a field that exists expire at an instant (unix ms), or never.
    pub(crate) fn set_expiry(&mut self, field: &[u8], at_ms: Option<u64>) {
        match (at_ms, &mut self.expiry) {
            (Some(at_ms), expiry) => expiry.get_or_insert_default().set(field, at_ms),
            (None, None) => {}
            (None, Some(expiry)) => {
                expiry.remove(field);
                if expiry.is_empty() {
                    self.expiry = None;
                }
            }
        }
    }

    /// When the next field expires (unix ms); `u64::MAX` if none does.
    pub(crate) fn next_due_ms(&self) -> u64 {
        self.expiry.as_ref().map_or(NEVER, |expiry| expiry.next_ms())
    }

    /// Removes up to `count` fields whose time is up; returns which.
    pub(crate) fn take_due(&mut self, now_ms: u64, count: usize) -> Vec<Box<[u8]>> {
        let Some(expiry) = &mut self.expiry else { return Vec::new() };
        let due = expiry.due(now_ms, count);
        for field in &due {
            self.remove(field);
        }
        due
    }

    /// The fields that expire, and when (unix ms).
    pub(crate) fn expiries(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.expiry.iter().flat_map(|expiry| expiry.iter())
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
        let expiry = self.expiry.as_ref().map_or(0, |expiry| expiry.bytes());
        size_of::<Self>() + self.fields.bytes() + expiry
    }
}

#[cfg(test)]
mod tests;
