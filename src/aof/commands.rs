//! A key as commands that make it again: the base of the log where it is not to be in RDB form.

use crate::effects::encode;
use crate::number::format_f64;
use crate::store::snapshot::Captured;
use crate::types::hash::Hash;
use crate::types::set::Member;
use crate::types::stream::{Group, Stream, StreamId};
use crate::types::value::Value;

/// Most elements in one command.
const ELEMENTS_MAX: usize = 64;

/// Appends the commands that make a key.
pub(crate) fn push_key(buf: &mut Vec<u8>, entry: &Captured) {
    let key = &*entry.key;
    match &entry.value {
        Value::Hash(hash) => push_hash(buf, key, hash),
        Value::List(list) => {
            push_in_runs(buf, b"RPUSH", key, list.iter_from(0).map(<[u8]>::to_vec));
        }
        Value::Set(set) => {
            push_in_runs(buf, b"SADD", key, set.iter().map(Member::to_vec));
        }
        Value::SortedSet(set) => {
            let pairs = set
                .iter_from(0)
                .flat_map(|(member, score)| [format_f64(score).into_bytes(), member.to_vec()]);
            push_in_runs(buf, b"ZADD", key, pairs);
        }
        Value::Stream(stream) => push_stream(buf, key, stream),
        Value::String(string) => {
            push(buf, &[b"SET", key, string.bytes_in(&mut itoa::Buffer::new())]);
        }
    }
    if let Some(ms) = entry.expires_at_ms {
        push(buf, &[b"PEXPIREAT", key, ms.to_string().as_bytes()]);
    }
}

fn push(buf: &mut Vec<u8>, words: &[&[u8]]) {
    encode(buf, words.iter().copied());
}

fn push_in_runs(
    buf: &mut Vec<u8>,
    name: &[u8],
    key: &[u8],
    elements: impl Iterator<Item = Vec<u8>>,
) {
    let mut elements = elements.peekable();
    while elements.peek().is_some() {
        let run: Vec<Vec<u8>> = elements.by_ref().take(ELEMENTS_MAX).collect();
        let words: Vec<&[u8]> =
            [name, key].into_iter().chain(run.iter().map(Vec::as_slice)).collect();
        push(buf, &words);
    }
}

fn push_hash(buf: &mut Vec<u8>, key: &[u8], hash: &Hash) {
    let pairs = hash.iter().flat_map(|(field, value)| [field.to_vec(), value.to_vec()]);
    push_in_runs(buf, b"HSET", key, pairs);
    for (field, at_ms) in hash.expiries() {
        let at_ms = at_ms.to_string();
        push(buf, &[b"HPEXPIREAT", key, at_ms.as_bytes(), b"FIELDS", b"1", field]);
    }
}

fn text(id: StreamId) -> Vec<u8> {
    format!("{}-{}", id.ms, id.seq).into_bytes()
}

fn push_stream(buf: &mut Vec<u8>, key: &[u8], stream: &Stream) {
    let entries = &stream.entries;
    for entry in entries.iter() {
        let id = text(entry.id);
        let fields = entry.fields().flat_map(|(name, value)| [name, value]);
        let words: Vec<&[u8]> = [&b"XADD"[..], key, &id].into_iter().chain(fields).collect();
        push(buf, &words);
    }
    let last_id = text(entries.last_id);
    if entries.is_empty() {
        // A stream that never had an entry has the id 0-0, which XADD does not take.
        let id = if entries.last_id == StreamId::ZERO { b"0-1" } else { &last_id[..] };
        push(buf, &[b"XADD", key, b"MAXLEN", b"0", id, b"x", b"y"]);
    }
    let (added, deleted) = (entries.added.to_string(), text(entries.max_deleted_id));
    push(
        buf,
        &[b"XSETID", key, &last_id, b"ENTRIESADDED", added.as_bytes(), b"MAXDELETEDID", &deleted],
    );
    stream.groups().for_each(|(name, group)| push_group(buf, key, name, group));
}

fn push_group(buf: &mut Vec<u8>, key: &[u8], name: &[u8], group: &Group) {
    let id = text(group.last_delivered_id);
    let read = group.entries_read.map_or("-1".to_owned(), |read| read.to_string());
    push(buf, &[b"XGROUP", b"CREATE", key, name, &id, b"ENTRIESREAD", read.as_bytes()]);
    for (_, consumer) in group.consumers() {
        push(buf, &[b"XGROUP", b"CREATECONSUMER", key, name, &consumer.name]);
    }
    for (id, pending) in group.pending_from(StreamId::ZERO) {
        let consumer = &group.consumer(pending.consumer).name;
        let (id, time) = (text(id), pending.delivered_ms.to_string());
        let count = pending.delivery_count.to_string();
        let words: [&[u8]; 12] = [
            b"XCLAIM",
            key,
            name,
            consumer,
            b"0",
            &id,
            b"TIME",
            time.as_bytes(),
            b"RETRYCOUNT",
            count.as_bytes(),
            b"JUSTID",
            b"FORCE",
        ];
        push(buf, &words);
    }
}
