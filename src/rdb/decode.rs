//! Objects: from RDB to values.

use std::io::Read;

use super::input::Input;
use super::{Limits, RdbError, kind, packed, stream};
use crate::types::hash::{AT_MS_MAX, Hash};
use crate::types::list::{End, List};
use crate::types::set::Set;
use crate::types::sorted_set::SortedSet;
use crate::types::string::StringValue;
use crate::types::value::Value;

/// Container of a quicklist's node: one large element as it is, or packed ones.
const NODE_PLAIN: u64 = 1;
const NODE_PACKED: u64 = 2;

/// Reads the object of a type; a collection in it is not empty.
pub(super) fn object<R: Read>(
    input: &mut Input<R>,
    kind: u8,
    limits: &Limits,
) -> Result<Value, RdbError> {
    let value = match kind {
        kind::STRING => Value::String(StringValue::new(&input.string()?)),
        kind::LIST | kind::LIST_ZIPLIST | kind::LIST_QUICKLIST | kind::LIST_QUICKLIST_2 => {
            Value::List(Box::new(list(input, kind)?))
        }
        kind::SET | kind::SET_INTSET | kind::SET_LISTPACK => {
            Value::Set(Box::new(set(input, kind, limits)?))
        }
        kind::HASH | kind::HASH_ZIPMAP | kind::HASH_ZIPLIST | kind::HASH_LISTPACK => {
            Value::Hash(Box::new(hash(input, kind, limits)?))
        }
        kind::HASH_EXPIRING | kind::HASH_EXPIRING_LISTPACK => {
            Value::Hash(Box::new(expiring_hash(input, kind, limits)?))
        }
        kind::SORTED_SET_TEXT
        | kind::SORTED_SET
        | kind::SORTED_SET_ZIPLIST
        | kind::SORTED_SET_LISTPACK => Value::SortedSet(Box::new(sorted_set(input, kind, limits)?)),
        kind::STREAM_1 | kind::STREAM_2 | kind::STREAM_3 => {
            Value::Stream(Box::new(stream::read(input, kind, limits)?))
        }
        kind::MODULE_1 | kind::MODULE_2 => return Err(RdbError::Module),
        _ => return Err(RdbError::Corrupt("the type of a value is not known")),
    };
    if value.is_empty_collection() {
        return Err(RdbError::Corrupt("a collection is empty"));
    }
    Ok(value)
}

fn list<R: Read>(input: &mut Input<R>, kind: u8) -> Result<List, RdbError> {
    let mut list = List::new();
    let mut push_all = |elements: Vec<Vec<u8>>| {
        for element in elements {
            list.push(End::Tail, &element);
        }
    };
    if kind == kind::LIST_ZIPLIST {
        push_all(packed::ziplist(&input.string()?)?);
        return Ok(list);
    }
    for _ in 0..input.length()? {
        match kind {
            kind::LIST => push_all(vec![input.string()?]),
            kind::LIST_QUICKLIST => push_all(packed::ziplist(&input.string()?)?),
            _ => match input.length()? {
                NODE_PLAIN => push_all(vec![input.string()?]),
                NODE_PACKED => push_all(packed::listpack(&input.string()?)?),
                _ => return Err(RdbError::Corrupt("a node of a list has an unknown form")),
            },
        }
    }
    Ok(list)
}

fn set<R: Read>(input: &mut Input<R>, kind: u8, limits: &Limits) -> Result<Set, RdbError> {
    let mut set = Set::default();
    if kind == kind::SET {
        for _ in 0..input.length()? {
            set.add(&input.string()?, limits.set);
        }
        return Ok(set);
    }
    let bytes = input.string()?;
    let is_integers = kind == kind::SET_INTSET;
    let members = if is_integers { packed::intset(&bytes)? } else { packed::listpack(&bytes)? };
    for member in members {
        set.add(&member, limits.set);
    }
    Ok(set)
}

fn hash<R: Read>(input: &mut Input<R>, kind: u8, limits: &Limits) -> Result<Hash, RdbError> {
    let mut hash = Hash::default();
    if kind == kind::HASH {
        for _ in 0..input.length()? {
            let field = input.string()?;
            hash.set(&field, &input.string()?, limits.hash);
        }
        return Ok(hash);
    }
    let bytes = input.string()?;
    let texts = match kind {
        kind::HASH_ZIPMAP => packed::zipmap(&bytes)?,
        kind::HASH_ZIPLIST => packed::ziplist(&bytes)?,
        _ => packed::listpack(&bytes)?,
    };
    let (pairs, []) = texts.as_chunks::<2>() else {
        return Err(RdbError::Corrupt("a field has no value"));
    };
    for [field, value] in pairs {
        hash.set(field, value, limits.hash);
    }
    Ok(hash)
}

fn sorted_set<R: Read>(
    input: &mut Input<R>,
    kind: u8,
    limits: &Limits,
) -> Result<SortedSet, RdbError> {
    let mut sorted_set = SortedSet::default();
    let mut insert = |member: &[u8], score: f64| {
        if score.is_nan() {
            return Err(RdbError::Corrupt("a score is not a number"));
        }
        sorted_set.insert(member, score, limits.sorted_set);
        Ok(())
    };
    if matches!(kind, kind::SORTED_SET | kind::SORTED_SET_TEXT) {
        for _ in 0..input.length()? {
            let member = input.string()?;
            let is_binary = kind == kind::SORTED_SET;
            insert(&member, if is_binary { input.double()? } else { input.double_text()? })?;
        }
        return Ok(sorted_set);
    }
    let bytes = input.string()?;
    let texts = match kind {
        kind::SORTED_SET_ZIPLIST => packed::ziplist(&bytes)?,
        _ => packed::listpack(&bytes)?,
    };
    let (pairs, []) = texts.as_chunks::<2>() else {
        return Err(RdbError::Corrupt("a member has no score"));
    };
    for [member, score] in pairs {
        let score = crate::number::parse_f64(score);
        insert(member, score.ok_or(RdbError::Corrupt("a score is not a number"))?)?;
    }
    Ok(sorted_set)
}

/// A hash with fields that expire, each at an instant (unix ms).
fn expiring_hash<R: Read>(
    input: &mut Input<R>,
    kind: u8,
    limits: &Limits,
) -> Result<Hash, RdbError> {
    let mut hash = Hash::default();
    let first_ms = input.milliseconds()?;
    if kind == kind::HASH_EXPIRING {
        for _ in 0..input.length()? {
            let distance = input.length()?;
            let (field, value) = (input.string()?, input.string()?);
            hash.set(&field, &value, limits.hash);
            if distance > 0 {
                set_expiry(&mut hash, &field, first_ms.saturating_add(distance - 1))?;
            }
        }
        return Ok(hash);
    }
    let texts = packed::listpack(&input.string()?)?;
    let (triples, []) = texts.as_chunks::<3>() else {
        return Err(RdbError::Corrupt("a field has no value or time"));
    };
    for [field, value, at_ms] in triples {
        hash.set(field, value, limits.hash);
        match crate::number::parse_u64(at_ms) {
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
