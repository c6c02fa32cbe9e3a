//! Objects: from RDB to values.

use super::blocks::Source;
use super::input::Input;
use super::packed::{Form, Words};
use super::{Limits, RdbError, kind, stream};
use crate::number::{parse_f64, parse_u64};
use crate::types::hash::{AT_MS_MAX, Hash};
use crate::types::list::{End, List};
use crate::types::set::Set;
use crate::types::sorted_set::{self, SortedSet};
use crate::types::string::StringValue;
use crate::types::value::Value;

/// Container of a quicklist's node: one large element as it is, or packed ones.
const NODE_PLAIN: u64 = 1;
const NODE_PACKED: u64 = 2;

/// Reads the object of a type; a collection in it is not empty.
pub(super) fn object<S: Source>(
    input: &mut Input<S>,
    kind: u8,
    limits: &Limits,
) -> Result<Value, RdbError> {
    let mut words = std::mem::take(&mut input.words);
    let value = object_with(input, kind, limits, &mut words)?;
    input.words = words;
    if value.is_empty_collection() {
        return Err(RdbError::Corrupt("a collection is empty"));
    }
    Ok(value)
}

/// As [`object`], with a buffer for packed values.
fn object_with<S: Source>(
    input: &mut Input<S>,
    kind: u8,
    limits: &Limits,
    words: &mut Words,
) -> Result<Value, RdbError> {
    Ok(match kind {
        kind::STRING => Value::String(StringValue::new(input.text()?)),
        kind::LIST | kind::LIST_ZIPLIST | kind::LIST_QUICKLIST | kind::LIST_QUICKLIST_2 => {
            Value::List(Box::new(list(input, kind, words)?))
        }
        kind::SET | kind::SET_INTSET | kind::SET_LISTPACK => {
            Value::Set(Box::new(set(input, kind, limits, words)?))
        }
        kind::HASH | kind::HASH_ZIPMAP | kind::HASH_ZIPLIST | kind::HASH_LISTPACK => {
            Value::Hash(Box::new(hash(input, kind, limits, words)?))
        }
        kind::HASH_EXPIRING | kind::HASH_EXPIRING_LISTPACK => {
            Value::Hash(Box::new(expiring_hash(input, kind, limits, words)?))
        }
        kind::SORTED_SET_TEXT
        | kind::SORTED_SET
        | kind::SORTED_SET_ZIPLIST
        | kind::SORTED_SET_LISTPACK => {
            Value::SortedSet(Box::new(sorted_set(input, kind, limits, words)?))
        }
        kind::STREAM_1 | kind::STREAM_2 | kind::STREAM_3 => {
            Value::Stream(Box::new(stream::read(input, kind, limits, words)?))
        }
        kind::MODULE_1 | kind::MODULE_2 => return Err(RdbError::Module),
        _ => return Err(RdbError::Corrupt("the type of a value is not known")),
    })
}

fn list<S: Source>(input: &mut Input<S>, kind: u8, words: &mut Words) -> Result<List, RdbError> {
    let mut list = List::new();
    let nodes = if kind == kind::LIST_ZIPLIST { 1 } else { input.length()? };
    for _ in 0..nodes {
        let form = match kind {
            kind::LIST => None,
            kind::LIST_ZIPLIST | kind::LIST_QUICKLIST => Some(Form::Ziplist),
            _ => match input.length()? {
                NODE_PLAIN => None,
                NODE_PACKED => Some(Form::Listpack),
                _ => return Err(RdbError::Corrupt("a node of a list has an unknown form")),
            },
        };
        let Some(form) = form else {
            list.push(End::Tail, input.text()?);
            continue;
        };
        words.read(input, form)?;
        words.iter().for_each(|element| list.push(End::Tail, element));
    }
    Ok(list)
}

fn set<S: Source>(
    input: &mut Input<S>,
    kind: u8,
    limits: &Limits,
    words: &mut Words,
) -> Result<Set, RdbError> {
    if kind == kind::SET {
        let count = input.length()?;
        let is_large = count > limits.set.packed.entries.max(limits.set.integers) as u64;
        let mut set = if is_large { Set::to_fill() } else { Set::default() };
        for _ in 0..count {
            set.add(input.text()?, limits.set);
        }
        set.fit();
        return Ok(set);
    }
    let mut set = Set::default();
    let is_integers = kind == kind::SET_INTSET;
    words.read(input, if is_integers { Form::Intset } else { Form::Listpack })?;
    for member in words.iter() {
        set.add(member, limits.set);
    }
    Ok(set)
}

fn hash<S: Source>(
    input: &mut Input<S>,
    kind: u8,
    limits: &Limits,
    words: &mut Words,
) -> Result<Hash, RdbError> {
    if kind == kind::HASH {
        let count = input.length()?;
        let is_large = count > limits.hash.entries as u64;
        let mut hash = if is_large { Hash::to_fill() } else { Hash::default() };
        let field = words.buffer();
        for _ in 0..count {
            input.text_into(field)?;
            hash.set(field, input.text()?, limits.hash);
        }
        hash.fit();
        return Ok(hash);
    }
    let mut hash = Hash::default();
    words.read(
        input,
        match kind {
            kind::HASH_ZIPMAP => Form::Zipmap,
            kind::HASH_ZIPLIST => Form::Ziplist,
            _ => Form::Listpack,
        },
    )?;
    let pairs = words.groups::<2>().ok_or(RdbError::Corrupt("a field has no value"))?;
    for [field, value] in pairs {
        hash.set(field, value, limits.hash);
    }
    Ok(hash)
}

fn sorted_set<S: Source>(
    input: &mut Input<S>,
    kind: u8,
    limits: &Limits,
    words: &mut Words,
) -> Result<SortedSet, RdbError> {
    const NO_SCORE: RdbError = RdbError::Corrupt("a score is not a number");
    let mut builder = sorted_set::Builder::new(limits.sorted_set);
    let mut push = |member: &[u8], score: f64| {
        if score.is_nan() {
            return Err(NO_SCORE);
        }
        builder.push(member, score);
        Ok(())
    };
    if matches!(kind, kind::SORTED_SET | kind::SORTED_SET_TEXT) {
        let member = words.buffer();
        for _ in 0..input.length()? {
            input.text_into(member)?;
            let is_binary = kind == kind::SORTED_SET;
            push(member, if is_binary { input.double()? } else { input.double_text()? })?;
        }
    } else {
        let is_ziplist = kind == kind::SORTED_SET_ZIPLIST;
        words.read(input, if is_ziplist { Form::Ziplist } else { Form::Listpack })?;
        let pairs = words.groups::<2>().ok_or(RdbError::Corrupt("a member has no score"))?;
        for [member, score] in pairs {
            push(member, parse_f64(score).ok_or(NO_SCORE)?)?;
        }
    }
    builder.finish().ok_or(RdbError::Corrupt("a sorted set has a member twice"))
}

/// A hash with fields that expire, each at an instant (unix ms).
fn expiring_hash<S: Source>(
    input: &mut Input<S>,
    kind: u8,
    limits: &Limits,
    words: &mut Words,
) -> Result<Hash, RdbError> {
    let mut hash = Hash::default();
    let first_ms = input.milliseconds()?;
    if kind == kind::HASH_EXPIRING {
        let field = words.buffer();
        for _ in 0..input.length()? {
            let distance = input.length()?;
            input.text_into(field)?;
            hash.set(field, input.text()?, limits.hash);
            if distance > 0 {
                set_expiry(&mut hash, field, first_ms.saturating_add(distance - 1))?;
            }
        }
        return Ok(hash);
    }
    words.read(input, Form::Listpack)?;
    let triples = words.groups::<3>().ok_or(RdbError::Corrupt("a field has no value or time"))?;
    for [field, value, at_ms] in triples {
        hash.set(field, value, limits.hash);
        match parse_u64(at_ms) {
            Some(0) => {}
            Some(at_ms) => set_expiry(&mut hash, field, at_ms)?,
            None => return Err(RdbError::Corrupt("the time of a field is not a number")),
        }
    }
    Ok(hash)
}

/// Lets a field expire at an instant that commands could give it.
fn set_expiry(hash: &mut Hash, field: &[u8], at_ms: u64) -> Result<(), RdbError> {
    if at_ms > AT_MS_MAX {
        return Err(RdbError::Corrupt("the time of a field is too large"));
    }
    hash.set_expiry(field, Some(at_ms));
    Ok(())
}
