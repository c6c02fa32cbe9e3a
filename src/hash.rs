//! Hashing of keys, members and fields: one seeded function for the whole process.
//!
//! The bits of a hash are shared out so that no part sees the same ones twice: a segment of a
//! table takes the top eight for its tags, [`shard_bits`] takes 6 bits from bit 9, and [`position`]
//! (the place in a [`crate::types::table::Table`]) 40 bits from bit 16.

use std::hash::{BuildHasher, Hasher};
use std::sync::OnceLock;

use foldhash::quality::RandomState;

use crate::short;

/// Number of bits in a [`position`].
pub(crate) const POSITION_BITS: u32 = 40;

fn state() -> &'static RandomState {
    static STATE: OnceLock<RandomState> = OnceLock::new();
    STATE.get_or_init(RandomState::default)
}

/// Hashes bytes with the seed of this process.
pub(crate) fn of(bytes: &[u8]) -> u64 {
    let mut hasher = state().build_hasher();
    hasher.write(bytes);
    hasher.finish()
}

/// The part of a hash that orders the elements of a table: 40 bits.
pub(crate) fn position(hash: u64) -> u64 {
    (hash >> 16) & ((1 << POSITION_BITS) - 1)
}

/// The part of a hash that chooses a shard: 6 bits.
pub(crate) fn shard_bits(hash: u64) -> usize {
    ((hash >> 9) & 63) as usize
}

/// The part of a key that decides its shard: what stands between the first `{` and the next `}`,
/// if that is not empty, else the whole key.
///
/// <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags>
pub(crate) fn tag(key: &[u8]) -> &[u8] {
    let Some(open) = short::position(key, b'{') else { return key };
    let rest = &key[open + 1..];
    match memchr::memchr(b'}', rest) {
        Some(len) if len > 0 => &rest[..len],
        _ => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_is_between_the_first_braces() {
        for (key, expected) in [
            ("plain", "plain"),
            ("{q}:wait", "q"),
            ("a{q}b{r}", "q"),
            ("{}empty", "{}empty"),
            ("{open", "{open"),
            ("a{{b}c", "{b"),
        ] {
            assert_eq!(tag(key.as_bytes()), expected.as_bytes(), "{key}");
        }
    }
}
