//! Does a value agree with itself? For tests and fuzz targets.

use super::hash::Hash;
use super::list::List;
use super::set::Set;
use super::sorted_set::SortedSet;
use super::stream::{Stream, StreamId};
use super::value::Value;

impl Value {
    /// Walks through all of a value; the error says what does not agree. Slow.
    pub(crate) fn audit(&self) -> Result<(), &'static str> {
        match self {
            Self::Hash(hash) => audit_hash(hash),
            Self::List(list) => audit_list(list),
            Self::Set(set) => audit_set(set),
            Self::SortedSet(set) => audit_sorted_set(set),
            Self::Stream(stream) => audit_stream(stream),
            Self::String(_) => Ok(()),
        }
    }
}

fn ensure(agrees: bool, what: &'static str) -> Result<(), &'static str> {
    if agrees { Ok(()) } else { Err(what) }
}

fn audit_hash(hash: &Hash) -> Result<(), &'static str> {
    ensure(hash.iter().count() == hash.len(), "the length of a hash")?;
    for (field, value) in hash.iter() {
        ensure(hash.find(field) == Some(value), "a field is not found")?;
    }
    for (field, at_ms) in hash.expiries() {
        ensure(hash.find(field).is_some(), "a field that expires is not there")?;
        ensure(hash.expires_at_ms(field) == Some(at_ms), "the time of a field")?;
    }
    let next_ms = hash.expiries().map(|(_, at_ms)| at_ms).min().unwrap_or(u64::MAX);
    ensure(hash.next_due_ms() == next_ms, "when the next field expires")
}

fn audit_list(list: &List) -> Result<(), &'static str> {
    ensure(list.iter_from(0).count() == list.len(), "the length of a list")?;
    ensure(list.iter_back().count() == list.len(), "the length of a list from its end")?;
    for (index, element) in list.iter_from(0).enumerate() {
        ensure(list.at(index) == Some(element), "an element of a list is not at its place")?;
    }
    Ok(())
}

fn audit_set(set: &Set) -> Result<(), &'static str> {
    ensure(set.iter().count() == set.len(), "the length of a set")?;
    for member in set.iter() {
        ensure(set.contains_member(member), "a member is not found")?;
    }
    Ok(())
}

fn audit_sorted_set(set: &SortedSet) -> Result<(), &'static str> {
    ensure(set.iter_from(0).count() == set.len(), "the length of a sorted set")?;
    let mut before: Option<(&[u8], f64)> = None;
    for (rank, (member, score)) in set.iter_from(0).enumerate() {
        ensure(set.score(member) == Some(score), "the score of a member")?;
        ensure(set.rank(member) == Some((rank, score)), "the rank of a member")?;
        let follows =
            before.is_none_or(|(earlier, low)| low < score || (low <= score && earlier < member));
        ensure(follows, "the order of a sorted set")?;
        before = Some((member, score));
    }
    Ok(())
}

fn audit_stream(stream: &Stream) -> Result<(), &'static str> {
    let entries = &stream.entries;
    ensure(entries.iter().count() == entries.len(), "the length of a stream")?;
    let mut before = None;
    for entry in entries.iter() {
        ensure(before.is_none_or(|id| id < entry.id), "the order of a stream")?;
        ensure(entry.id <= entries.last_id, "the last id of a stream")?;
        ensure(entries.contains(entry.id), "an entry is not found")?;
        before = Some(entry.id);
    }
    for (_, group) in stream.groups() {
        let consumers = group.consumers().map(|(_, consumer)| consumer.pending_len());
        ensure(consumers.sum::<usize>() == group.pending_len(), "what consumers have pending")?;
        let pending = group.pending_from(StreamId::ZERO);
        ensure(pending.count() == group.pending_len(), "the number of pending entries")?;
        for (id, consumer) in group.consumers() {
            let pending = group.pending_of(id, StreamId::ZERO);
            let own = pending.filter(|(_, pending)| pending.consumer == id).count();
            ensure(own == consumer.pending_len(), "who has an entry pending")?;
        }
    }
    Ok(())
}
