//! Values of every type come back, and nothing that is fed in makes the reader fail badly.

use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use proptest::prelude::*;

use super::*;
use crate::types::hash::Hash;
use crate::types::list::{End, List};
use crate::types::packed_map::Limits as PackedLimits;
use crate::types::set::Set;
use crate::types::sorted_set::SortedSet;
use crate::types::stream::{Pending, Stream, StreamId};
use crate::types::string::StringValue;
use crate::types::value::Value;

// Small, so that values leave their packed form.
const PACKED: PackedLimits = PackedLimits { entries: 16, value_bytes: 64 };
const LIMITS: Limits = Limits {
    hash: PACKED,
    set: SetLimits { integers: 16, packed: PACKED },
    sorted_set: PACKED,
    stream: BlockLimits { bytes_max: 65536, entries_max: 100 },
};

fn stream() -> Stream {
    let mut stream = Stream::default();
    for n in 1..250u64 {
        let text = n.to_string();
        let name: &[u8] = if n % 10 == 0 { b"other" } else { b"field" };
        let fields = [name, text.as_bytes(), b"b", b"x"];
        stream.entries.append(StreamId::new(n / 3, n), fields.into_iter(), LIMITS.stream);
    }
    stream.entries.remove(StreamId::new(1, 4));
    let group = stream.add_group(b"group", StreamId::new(2, 8), Some(7)).unwrap();
    let consumer = group.add_consumer(b"worker", 1000);
    let pending = Pending { delivered_ms: 900, delivery_count: 2, consumer };
    group.assign(StreamId::new(2, 7), pending);
    group.add_consumer(b"idle", 500);
    stream
}

fn values() -> Vec<Value> {
    let texts: Vec<String> = (0..300).map(|n| format!("{}", n * n * 7919)).collect();
    let (mut list, mut set, mut hash) = (List::new(), Set::default(), Hash::default());
    let mut sorted_set = SortedSet::default();
    for (n, text) in texts.iter().enumerate() {
        list.push(End::Tail, text.as_bytes());
        set.add(text.as_bytes(), LIMITS.set);
        hash.set(text.as_bytes(), b"value", LIMITS.hash);
        let n = f64::from(u32::try_from(n).unwrap());
        sorted_set.insert(text.as_bytes(), n / 3.0 - 10.0, LIMITS.sorted_set);
    }
    let mut expiring = hash.clone();
    expiring.set_expiry(texts[3].as_bytes(), Some(5_000_000_000_000));
    expiring.set_expiry(texts[4].as_bytes(), Some(5_000_000_000_001));
    let strings = ["", "12", "-70000", "text", &"repeat ".repeat(100), "99999999999999"];
    let mut values: Vec<Value> =
        strings.iter().map(|text| Value::String(StringValue::new(text.as_bytes()))).collect();
    values.push(Value::List(Box::new(list)));
    values.push(Value::Set(Box::new(set)));
    values.push(Value::Hash(Box::new(hash)));
    values.push(Value::Hash(Box::new(expiring)));
    values.push(Value::SortedSet(Box::new(sorted_set)));
    values.push(Value::Stream(Box::new(stream())));
    values
}

/// Equal payloads are equal values, but for the order of sets and hashes that became tables.
fn shown(value: &Value) -> String {
    match value {
        Value::Hash(hash) => {
            let mut fields: Vec<_> =
                hash.iter().map(|(f, v)| (f, v, hash.expires_at_ms(f))).collect();
            fields.sort_unstable();
            format!("{fields:?}")
        }
        Value::Set(set) => {
            let mut members: Vec<_> = set.iter().map(crate::types::set::Member::to_vec).collect();
            members.sort_unstable();
            format!("{members:?}")
        }
        other => format!("{:?}", dump(other)),
    }
}

#[test]
fn dumps_restore() {
    for value in values() {
        let restored = restore(&dump(&value), &LIMITS).unwrap().unwrap();
        assert_eq!(shown(&restored), shown(&value));
    }
}

#[test]
fn a_changed_payload_is_refused() {
    let payload = dump(&values()[3]);
    for at in 0..payload.len() {
        let mut changed = payload.clone();
        changed[at] ^= 1;
        assert!(restore(&changed, &LIMITS).is_none());
        assert!(restore(&payload[..at], &LIMITS).is_none());
    }
}

fn attributes(n: usize) -> Attributes {
    Attributes {
        expires_at_ms: (n == 2).then_some(12345),
        idle_s: (n == 3).then_some(100_000),
        frequency: (n == 4).then_some(200),
    }
}

#[test]
fn files_come_back() {
    for compresses in [false, true] {
        let mut writer = Writer::new(Vec::new(), compresses, true, &[]).unwrap();
        for (n, value) in values().iter().enumerate() {
            let key = format!("key{n}");
            writer.entry(n % 3, key.as_bytes(), value, attributes(n)).unwrap();
        }
        writer.function(b"#!lua name=a").unwrap();
        let (bytes, len) = writer.finish().unwrap();
        assert_eq!(bytes.len() as u64, len);
        let (entries, functions) = (Mutex::new(Vec::new()), AtomicUsize::new(0));
        let end = load(&bytes[..], &LIMITS, |item| {
            match item {
                Item::Function(source) => {
                    assert_eq!(source, b"#!lua name=a");
                    functions.fetch_add(1, Ordering::Relaxed);
                }
                Item::Entry { db, key, value, attributes } => {
                    let key = String::from_utf8(key.to_vec()).unwrap();
                    entries.lock().push((key, db, shown(&value), attributes));
                }
                Item::Progress(_) => {}
            }
            Ok(())
        });
        assert_eq!(end.unwrap(), len);
        let expected = values()
            .into_iter()
            .enumerate()
            .map(|(n, value)| (format!("key{n}"), n % 3, shown(&value), attributes(n)));
        let mut expected: Vec<_> = expected.collect();
        let mut entries = entries.into_inner();
        expected.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        entries.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        assert_eq!(entries, expected);
        assert_eq!(functions.into_inner(), 1);
        for at in (9..bytes.len()).step_by(53) {
            let mut changed = bytes.clone();
            changed[at] ^= 0x10;
            assert!(load(&changed[..], &LIMITS, |_| Ok(())).is_err(), "a flip at {at} goes unseen");
            assert!(load(&bytes[..at], &LIMITS, |_| Ok(())).is_err());
        }
    }
}

/// The log may hold as commands what was loaded, and they take signed numbers.
#[test]
fn what_no_command_can_say_is_refused() {
    let mut hash = Hash::default();
    hash.set(b"f", b"v", LIMITS.hash);
    hash.set_expiry(b"f", Some(1 << 46));
    let mut values = vec![Value::Hash(Box::new(hash))];
    for change in [
        |stream: &mut Stream| stream.entries.added = 1 << 63,
        |stream: &mut Stream| stream.entries.added = 3,
        |stream: &mut Stream| stream.entries.last_id = StreamId::new(1, 1),
        |stream: &mut Stream| stream.group_mut(b"group").unwrap().entries_read = Some(1 << 63),
        |stream: &mut Stream| {
            let group = stream.group_mut(b"group").unwrap();
            let consumer = group.find_consumer(b"worker").unwrap();
            let pending = Pending { delivered_ms: 1 << 63, delivery_count: 1, consumer };
            group.assign(StreamId::new(2, 7), pending);
        },
        |stream: &mut Stream| {
            let group = stream.group_mut(b"group").unwrap();
            let consumer = group.find_consumer(b"worker").unwrap();
            let pending = Pending { delivered_ms: 1, delivery_count: 1 << 63, consumer };
            group.assign(StreamId::new(2, 7), pending);
        },
        |stream: &mut Stream| {
            let mut first = Stream::default();
            first.entries.append(StreamId::ZERO, [&b"a"[..], b"b"].into_iter(), LIMITS.stream);
            first.entries.last_id = StreamId::MAX;
            *stream = first;
        },
    ] {
        let mut stream = stream();
        change(&mut stream);
        values.push(Value::Stream(Box::new(stream)));
    }
    for (number, value) in values.iter().enumerate() {
        assert!(restore(&dump(value), &LIMITS).unwrap().is_err(), "{number}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn nonsense_is_an_error(kind in 0u8..26, bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let mut input = input::Input::new(&bytes[..]);
        drop(decode::object(&mut input, kind, &LIMITS));
    }

    #[test]
    fn damaged_values_are_an_error(
        which in 0usize..12, at in any::<prop::sample::Index>(), byte in any::<u8>()
    ) {
        let mut payload = dump(&values()[which]);
        let at = at.index(payload.len());
        payload[at] = byte;
        let kind = payload[0];
        let mut input = input::Input::new(&payload[1..]);
        drop(decode::object(&mut input, kind, &LIMITS));
    }
}
