//! Objects: from values to RDB.

use std::io::{self, Write};

use super::output::Output;
use super::{kind, stream};
use crate::types::hash::Hash;
use crate::types::value::Value;

/// The number that stands for the encoding of a value.
pub(super) fn kind(value: &Value) -> u8 {
    match value {
        Value::Hash(hash) if expires(hash) => kind::HASH_EXPIRING,
        Value::Hash(_) => kind::HASH,
        Value::List(_) => kind::LIST,
        Value::Set(_) => kind::SET,
        Value::SortedSet(_) => kind::SORTED_SET,
        Value::Stream(_) => kind::STREAM_2,
        Value::String(_) => kind::STRING,
    }
}

fn expires(hash: &Hash) -> bool {
    hash.expiries().next().is_some()
}

/// Writes the object of a value.
pub(super) fn object<W: Write>(output: &mut Output<W>, value: &Value) -> io::Result<()> {
    match value {
        Value::Hash(hash) if expires(hash) => expiring_hash(output, hash),
        Value::Hash(hash) => {
            output.count(hash.len())?;
            hash.iter().try_for_each(|(field, value)| {
                output.string(field)?;
                output.string(value)
            })
        }
        Value::List(list) => {
            output.count(list.len())?;
            list.iter_from(0).try_for_each(|element| output.string(element))
        }
        Value::Set(set) => {
            output.count(set.len())?;
            let mut digits = itoa::Buffer::new();
            set.iter().try_for_each(|member| output.string(member.bytes_in(&mut digits)))
        }
        Value::SortedSet(sorted_set) => {
            output.count(sorted_set.len())?;
            sorted_set.iter_back(sorted_set.len()).try_for_each(|(member, score)| {
                output.string(member)?;
                output.bytes(&score.to_le_bytes())
            })
        }
        Value::Stream(stream) => stream::write(output, stream),
        Value::String(string) => output.string(string.bytes_in(&mut itoa::Buffer::new())),
    }
}

/// Times are written as the distance from the first, plus one; 0: never.
fn expiring_hash<W: Write>(output: &mut Output<W>, hash: &Hash) -> io::Result<()> {
    let first_ms = hash.expiries().map(|(_, at_ms)| at_ms).min().unwrap_or(0);
    output.bytes(&first_ms.to_le_bytes())?;
    output.count(hash.len())?;
    hash.iter().try_for_each(|(field, value)| {
        let at_ms = hash.expires_at_ms(field);
        output.length(at_ms.map_or(0, |at_ms| at_ms - first_ms + 1))?;
        output.string(field)?;
        output.string(value)
    })
}
