//! Files of many extents: all arrives, whoever reads it, and the first error counts.

use std::collections::BTreeMap;

use super::*;
use crate::rdb::file::Writer;
use crate::types::sorted_set::SortedSet;
use crate::types::string::StringValue;

/// A score that is found again in the bytes of a file.
const SCORE: f64 = 1234.5678;

fn text(bytes: usize) -> Value {
    Value::String(StringValue::new(&vec![b'x'; bytes]))
}

fn sorted_set() -> Value {
    let mut set = SortedSet::default();
    set.insert(b"member", SCORE, Limits::default().sorted_set);
    Value::SortedSet(Box::new(set))
}

/// A file without a checksum.
fn file(entries: impl Iterator<Item = (usize, String, Value, Option<u64>)>) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), false, false, &[("name", "value".into())]).unwrap();
    for (db, key, value, expires_at_ms) in entries {
        let attributes = Attributes { expires_at_ms, ..Attributes::default() };
        writer.entry(db, key.as_bytes(), &value, attributes).unwrap();
    }
    writer.finish().unwrap().0
}

/// Where `bytes` stand in a file.
fn places(file: &[u8], bytes: &[u8]) -> Vec<usize> {
    memchr::memmem::find_iter(file, bytes).collect()
}

#[test]
fn entries_of_many_extents_keep_what_belongs_to_them() {
    const COUNT: u64 = 20_000;
    let entry = |n: u64| {
        let db = usize::try_from(n / 700).unwrap();
        let bytes = if n % 5000 == 7 { 700_000 } else { 40 };
        (db, format!("key{n}"), text(bytes), n.is_multiple_of(3).then_some(n + 1))
    };
    let bytes = file((0..COUNT).map(entry));
    let (found, done) = (Mutex::new(BTreeMap::new()), Mutex::new(0));
    let end = load(&bytes[..], &Limits::default(), |item| {
        match item {
            Item::Entry { db, key, value: Value::String(value), attributes } => {
                let entry = (db, value.len(), attributes.expires_at_ms);
                let is_new = found.lock().insert(key.to_vec(), entry);
                assert_eq!(is_new, None);
            }
            Item::Progress(more) => *done.lock() += more,
            other => panic!("{other:?}"),
        }
        Ok(())
    });
    assert_eq!(end.unwrap(), bytes.len() as u64);
    // All but the signature, the end mark and the checksum.
    assert_eq!(done.into_inner(), bytes.len() as u64 - 9 - 9);
    let expected = (0..COUNT).map(entry).map(|(db, key, value, expires_at_ms)| {
        let Value::String(value) = value else { unreachable!() };
        (key.into_bytes(), (db, value.len(), expires_at_ms))
    });
    assert_eq!(found.into_inner(), expected.collect());
}

#[test]
fn the_first_error_counts() {
    let entry = |n: usize| {
        let value = if n % 100 == 50 { sorted_set() } else { text(400) };
        (0, format!("key{n}"), value, None)
    };
    let whole = file((0..10_000).map(entry));
    let scores = places(&whole, &SCORE.to_le_bytes());
    assert_eq!(scores.len(), 100);
    let spoilt = |which: &[usize]| {
        let mut bytes = whole.clone();
        for &score in which {
            bytes[scores[score]..scores[score] + 8].copy_from_slice(&f64::NAN.to_le_bytes());
        }
        bytes
    };
    let error = |bytes: &[u8]| {
        let (offset, error) = load(bytes, &Limits::default(), |_| Ok(())).unwrap_err();
        (usize::try_from(offset).unwrap(), error.to_string())
    };
    for first in [0, 3, 50, 99] {
        let after: Vec<usize> = (first..100).collect();
        let expected = (scores[first] + 8, "a score is not a number".to_owned());
        for _ in 0..20 {
            assert_eq!(error(&spoilt(&after)), expected);
            assert_eq!(error(&spoilt(&[first])), expected);
        }
        // What is wrong with the end of the file comes behind that, or before.
        let mut bytes = spoilt(&[first]);
        bytes.truncate(scores[first] + 20);
        assert_eq!(error(&bytes), expected);
        bytes.truncate(scores[first] - 20);
        let (offset, reason) = error(&bytes);
        assert!(offset < scores[first] && reason == "the data are cut short", "{offset}: {reason}");
    }
}

#[test]
fn what_the_visitor_refuses_is_an_error_there() {
    let bytes = file((0..3000).map(|n| (0, format!("key{n:04}"), text(400), None)));
    let refuse = |item: Item<'_>| match item {
        Item::Entry { key, .. } if key >= &b"key2000"[..] => Err(RdbError::Corrupt("refused")),
        _ => Ok(()),
    };
    let (offset, error) = load(&bytes[..], &Limits::default(), refuse).unwrap_err();
    assert_eq!(error.to_string(), "refused");
    let behind = places(&bytes, b"key2001")[0] as u64;
    assert!((behind - 3..behind).contains(&offset), "{offset}, {behind}");
}

#[test]
fn what_comes_before_an_error_is_looked_at() {
    let failure = Failure::none();
    assert!(!failure.is_before(u64::MAX));
    for offset in [70, 50, 60] {
        failure.note(offset, RdbError::EndOfInput);
    }
    assert!(failure.is_before(51) && !failure.is_before(50));
    assert_eq!(failure.first.into_inner().map(|(offset, _)| offset), Some(50));
}
