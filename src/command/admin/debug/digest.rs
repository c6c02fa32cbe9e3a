//! DEBUG DIGEST and DIGEST-VALUE: is it the same data set?
//!
//! Two servers with the same keys, values and times to live have the same digest, whatever the
//! order of their tables. Elements without an order are combined by exclusive or.

use crate::command::{Args, CommandResult, Context, Outcome};
use crate::number::write_hex;
use crate::store::shard::Entry;
use crate::types::hash::Hash;
use crate::types::stream::{Stream, StreamId};
use crate::types::value::Value;

/// Forty hexadecimal digits.
const LANES: usize = 5;

/// A digest of 160 bits: five 32-bit hashes with different starts. Good against accidents, not
/// against forgers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Digest([u32; LANES]);

impl Digest {
    /// Of some words in their order.
    fn of(words: &[&[u8]]) -> Self {
        let mut digest = Self::default();
        for (lane, hash) in digest.0.iter_mut().enumerate() {
            let mut state = 0xcbf2_9ce4_8422_2325 ^ (lane as u64).wrapping_mul(0x9E37_79B9);
            for word in words {
                for byte in (word.len() as u64).to_le_bytes().iter().chain(*word) {
                    state = (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
                }
            }
            state ^= state >> 32;
            state = state.wrapping_mul(0xd6e8_feb8_6659_fd93);
            *hash = u32::try_from(state >> 32).unwrap_or(0);
        }
        digest
    }

    /// Adds another, in any order.
    fn mix(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(hash, other)| *hash ^= other);
    }

    fn bytes(self) -> [u8; LANES * 4] {
        let mut bytes = [0; LANES * 4];
        for (slot, hash) in bytes.chunks_mut(4).zip(self.0) {
            slot.copy_from_slice(&hash.to_be_bytes());
        }
        bytes
    }

    fn text(self) -> String {
        let mut text = String::new();
        for hash in self.0 {
            write_hex(&mut text, u64::from(hash), 8);
        }
        text
    }
}

/// DEBUG DIGEST: O(keys and elements).
pub(super) fn all(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    let now_ms = context.db.now_ms();
    let mut digest = Digest::default();
    for shard in context.db.locked().iter_mut() {
        for (index, db) in shard.dbs().iter().enumerate() {
            for entry in db.keys.iter().filter(|entry| is_there(entry, now_ms)) {
                let value = of_value(&entry.value, now_ms).bytes();
                let expires = entry.expires_at_ms().unwrap_or(0).to_le_bytes();
                let index = (index as u64).to_le_bytes();
                digest.mix(Digest::of(&[&index, entry.key(), &value, &expires]));
            }
        }
    }
    context.reply.status(&digest.text());
    Ok(Outcome::Done)
}

/// DEBUG DIGEST-VALUE: zeros for a key that does not exist.
pub(super) fn values(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let keys = args.rest();
    let now_ms = context.db.now_ms();
    context.reply.array(keys.len());
    for key in keys {
        let value = context.db.peek(key).map(|entry| &entry.value);
        let digest = value.map_or(Digest::default(), |value| of_value(value, now_ms));
        context.reply.status(&digest.text());
    }
    Ok(Outcome::Done)
}

/// Neither the key nor all of its fields have expired, seen or unseen.
fn is_there(entry: &Entry, now_ms: u64) -> bool {
    let has_fields = match &entry.value {
        Value::Hash(hash) if hash.next_due_ms() < now_ms => {
            hash.iter().any(|(field, _)| !is_due(hash, field, now_ms))
        }
        _ => true,
    };
    has_fields && !entry.is_expired(now_ms)
}

fn is_due(hash: &Hash, field: &[u8], now_ms: u64) -> bool {
    hash.expires_at_ms(field).is_some_and(|at_ms| at_ms < now_ms)
}

/// Of elements whose order does not matter.
fn unordered<'v>(pairs: impl Iterator<Item = (&'v [u8], impl AsRef<[u8]>)>) -> Digest {
    let mut digest = Digest::default();
    pairs.for_each(|(name, value)| digest.mix(Digest::of(&[name, value.as_ref()])));
    digest
}

fn of_value(value: &Value, now_ms: u64) -> Digest {
    let content = match value {
        Value::Hash(hash) => {
            let fields = hash.iter().filter(|(field, _)| !is_due(hash, field, now_ms));
            let mut digest = unordered(fields);
            for (field, at_ms) in hash.expiries().filter(|(_, at_ms)| *at_ms >= now_ms) {
                digest.mix(Digest::of(&[field, &at_ms.to_le_bytes(), b"expires"]));
            }
            digest
        }
        Value::List(list) => {
            let mut digest = Digest::default();
            for element in list.iter_from(0) {
                digest = Digest::of(&[&digest.bytes(), element]);
            }
            digest
        }
        Value::Set(set) => {
            let mut digest = Digest::default();
            let mut digits = itoa::Buffer::new();
            for member in set.iter() {
                digest.mix(Digest::of(&[member.bytes_in(&mut digits)]));
            }
            digest
        }
        Value::SortedSet(set) => unordered(
            set.iter_from(0).map(|(member, score)| (member, score.to_bits().to_le_bytes())),
        ),
        Value::Stream(stream) => of_stream(stream),
        Value::String(string) => {
            let mut digits = itoa::Buffer::new();
            Digest::of(&[string.bytes_in(&mut digits)])
        }
    };
    Digest::of(&[value.type_name().as_bytes(), &content.bytes()])
}

/// Entries, groups and who has which entries pending; not the times of deliveries.
fn of_stream(stream: &Stream) -> Digest {
    let mut digest = Digest::of(&[&id_bytes(stream.entries.last_id)]);
    for entry in stream.entries.iter() {
        digest = Digest::of(&[&digest.bytes(), &id_bytes(entry.id)]);
        for (field, value) in entry.fields() {
            digest = Digest::of(&[&digest.bytes(), field, value]);
        }
    }
    for (name, group) in stream.groups() {
        let mut pending_all = Digest::of(&[name, &id_bytes(group.last_delivered_id)]);
        for (id, pending) in group.pending_from(StreamId::default()) {
            let consumer = &group.consumer(pending.consumer).name;
            let count = pending.delivery_count.to_le_bytes();
            pending_all = Digest::of(&[&pending_all.bytes(), &id_bytes(id), consumer, &count]);
        }
        digest.mix(pending_all);
    }
    digest
}

fn id_bytes(id: StreamId) -> [u8; 16] {
    ((u128::from(id.ms) << 64) | u128::from(id.seq)).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_borders() {
        assert_ne!(Digest::of(&[b"ab", b"c"]), Digest::of(&[b"a", b"bc"]));
        assert_eq!(Digest::of(&[b"a"]).text().len(), 40);
        let lanes = Digest::of(&[b"a"]).0;
        assert_ne!(lanes[0], lanes[1]);
    }
}
