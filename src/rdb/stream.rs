//! Streams in RDB: runs of entries as listpacks, then ids and counters, then groups.
//!
//! ```text
//! listpack  count deleted fields name... 0                      of the first entry
//!           flags ms seq [fields name value...] or [value...] words    for each entry
//! ```
//!
//! An id in a listpack is the difference to that of its first entry. `flags` tell whether an entry
//! was deleted, and whether it has the names of the first.

use std::io::{self, Write};

use super::blocks::Source;
use super::input::Input;
use super::listpack::Listpack;
use super::output::Output;
use super::packed::{Form, Words};
use super::{Limits, RdbError, kind};
use crate::number::parse_i64;
use crate::types::stream::{Entries, Entry, Group, Pending, Stream, StreamId};

const DELETED: i64 = 1;
const SAME_NAMES: i64 = 2;
/// Bytes and entries of a listpack that is written.
const PACK_BYTES_MAX: usize = 4096;
const PACK_ENTRIES_MAX: usize = 100;
/// In the place of a number or time that is not known.
const UNKNOWN: u64 = u64::MAX;

const NONSENSE: RdbError = RdbError::Corrupt("entries of a stream make no sense");

/// Reads the object of a stream.
pub(super) fn read<S: Source>(
    input: &mut Input<S>,
    kind: u8,
    limits: &Limits,
    words: &mut Words,
) -> Result<Stream, RdbError> {
    let mut stream = Stream::default();
    for _ in 0..input.length()? {
        let first = id_of_bytes(input.text()?)?;
        words.read(input, Form::Listpack)?;
        read_pack(&mut stream.entries, first, words, limits)?;
    }
    let len = input.length()?;
    if len != stream.entries.len() as u64 {
        return Err(RdbError::Corrupt("a stream has another length than it says"));
    }
    let entries = &mut stream.entries;
    let top_id = entries.top_id();
    entries.last_id = id_of_lengths(input)?;
    if kind == kind::STREAM_1 {
        entries.added = len;
    } else {
        id_of_lengths(input)?;
        // Redis 7.0 lets XSETID go back behind it.
        entries.max_deleted_id = id_of_lengths(input)?.min(entries.last_id);
        entries.added = input.number()?;
    }
    if entries.last_id < top_id || entries.added < len {
        return Err(NONSENSE);
    }
    for _ in 0..input.length()? {
        read_group(&mut stream, input, kind)?;
    }
    Ok(stream)
}

fn id_of_bytes(bytes: &[u8]) -> Result<StreamId, RdbError> {
    let (words, []) = bytes.as_chunks::<8>() else { return Err(NONSENSE) };
    let [ms, seq] = words else { return Err(NONSENSE) };
    Ok(StreamId::new(u64::from_be_bytes(*ms), u64::from_be_bytes(*seq)))
}

fn id_of_lengths<S: Source>(input: &mut Input<S>) -> Result<StreamId, RdbError> {
    Ok(StreamId::new(input.length()?, input.length()?))
}

/// The next word.
fn text<'a>(words: &mut impl Iterator<Item = &'a [u8]>) -> Result<&'a [u8], RdbError> {
    words.next().ok_or(NONSENSE)
}

fn number<'a>(words: &mut impl Iterator<Item = &'a [u8]>) -> Result<i64, RdbError> {
    parse_i64(text(words)?).ok_or(NONSENSE)
}

/// A number of words that are still to come.
fn count<'a>(words: &mut impl ExactSizeIterator<Item = &'a [u8]>) -> Result<usize, RdbError> {
    let count = usize::try_from(number(words)?).map_err(|_| NONSENSE)?;
    if count > words.len() { Err(NONSENSE) } else { Ok(count) }
}

fn read_pack(
    entries: &mut Entries,
    first: StreamId,
    words: &Words,
    limits: &Limits,
) -> Result<(), RdbError> {
    let mut top_id = entries.top_id();
    let words = &mut words.iter();
    number(words)?;
    number(words)?;
    let names_len = count(words)?;
    let names = words.clone().take(names_len);
    let mut fields: Vec<&[u8]> = Vec::with_capacity(2 * names_len);
    words.nth(names_len).ok_or(NONSENSE)?;
    while words.len() > 0 {
        let flags = number(words)?;
        let id = StreamId::new(
            first.ms.wrapping_add_signed(number(words)?),
            first.seq.wrapping_add_signed(number(words)?),
        );
        fields.clear();
        if flags & SAME_NAMES != 0 {
            for name in names.clone() {
                fields.extend([name, text(words)?]);
            }
        } else {
            for _ in 0..count(words)? {
                fields.extend([text(words)?, text(words)?]);
            }
        }
        number(words)?;
        if flags & DELETED != 0 {
            continue;
        }
        // The id of no entry is that of a stream without any.
        if fields.is_empty() || id <= top_id {
            return Err(NONSENSE);
        }
        entries.restore(id, fields.iter().copied(), limits.stream);
        top_id = id;
    }
    Ok(())
}

fn read_group<S: Source>(
    stream: &mut Stream,
    input: &mut Input<S>,
    kind: u8,
) -> Result<(), RdbError> {
    let name = input.text()?.to_vec();
    let last_delivered_id = id_of_lengths(input)?;
    let entries_read = if kind == kind::STREAM_1 {
        stream.entries.added_up_to(last_delivered_id)
    } else {
        input.known_number()?
    };
    let mut pending = std::collections::BTreeMap::new();
    for _ in 0..input.length()? {
        let id = id_of_bytes(&input.array::<16>()?)?;
        pending.insert(id, (input.milliseconds()?, input.number()?));
    }
    let group = stream
        .add_group(&name, last_delivered_id, entries_read)
        .ok_or(RdbError::Corrupt("a stream has two groups of one name"))?;
    for _ in 0..input.length()? {
        read_consumer(group, input, kind, &mut pending)?;
    }
    if pending.is_empty() { Ok(()) } else { Err(NONSENSE) }
}

fn read_consumer<S: Source>(
    group: &mut Group,
    input: &mut Input<S>,
    kind: u8,
    pending: &mut std::collections::BTreeMap<StreamId, (u64, u64)>,
) -> Result<(), RdbError> {
    let name = input.text()?.to_vec();
    let seen_ms = input.milliseconds()?;
    let active_ms = match kind {
        kind::STREAM_3 => input.known_milliseconds()?,
        _ => Some(seen_ms),
    };
    if group.find_consumer(&name).is_some() {
        return Err(RdbError::Corrupt("a group has two consumers of one name"));
    }
    let consumer = group.add_consumer(&name, seen_ms);
    group.consumer_mut(consumer).active_ms = active_ms;
    for _ in 0..input.length()? {
        let id = id_of_bytes(&input.array::<16>()?)?;
        let (delivered_ms, delivery_count) = pending.remove(&id).ok_or(NONSENSE)?;
        group.assign(id, Pending { delivered_ms, delivery_count, consumer });
    }
    Ok(())
}

/// Writes the object of a stream.
pub(super) fn write<W: Write>(output: &mut Output<W>, stream: &Stream) -> io::Result<()> {
    output.count(packs(stream).count())?;
    for (first, pack) in packs(stream) {
        output.count(16)?;
        write_id(output, first)?;
        output.string(&pack)?;
    }
    let entries = &stream.entries;
    output.count(entries.len())?;
    for id in [entries.last_id, entries.first_id(), entries.max_deleted_id] {
        output.length(id.ms)?;
        output.length(id.seq)?;
    }
    output.length(entries.added)?;
    output.count(stream.groups_len())?;
    stream.groups().try_for_each(|(name, group)| write_group(output, name, group))
}

fn write_id<W: Write>(output: &mut Output<W>, id: StreamId) -> io::Result<()> {
    output.bytes(&id.ms.to_be_bytes())?;
    output.bytes(&id.seq.to_be_bytes())
}

fn write_group<W: Write>(output: &mut Output<W>, name: &[u8], group: &Group) -> io::Result<()> {
    output.string(name)?;
    output.length(group.last_delivered_id.ms)?;
    output.length(group.last_delivered_id.seq)?;
    output.length(group.entries_read.unwrap_or(UNKNOWN))?;
    output.count(group.pending_len())?;
    for (id, pending) in group.pending_from(StreamId::ZERO) {
        write_id(output, id)?;
        output.bytes(&pending.delivered_ms.to_le_bytes())?;
        output.length(pending.delivery_count)?;
    }
    output.count(group.consumers_len())?;
    for (consumer_id, consumer) in group.consumers() {
        output.string(&consumer.name)?;
        output.bytes(&consumer.seen_ms.to_le_bytes())?;
        output.count(consumer.pending_len())?;
        for (id, _) in group.pending_of(consumer_id, StreamId::ZERO) {
            write_id(output, id)?;
        }
    }
    Ok(())
}

/// The entries as listpacks, each with the id of its first entry.
fn packs(stream: &Stream) -> impl Iterator<Item = (StreamId, Vec<u8>)> {
    let mut entries = stream.entries.iter().peekable();
    std::iter::from_fn(move || {
        let first = entries.peek()?.clone();
        let mut body = Listpack::new();
        let mut count = 0;
        while count < PACK_ENTRIES_MAX && (count == 0 || body.len() < PACK_BYTES_MAX) {
            let Some(entry) = entries.next() else { break };
            count += 1;
            push_entry(&mut body, &first, &entry);
        }
        let mut pack = Listpack::new();
        pack.push_integer(count_as_integer(count));
        pack.push_integer(0);
        pack.push_integer(count_as_integer(first.len()));
        first.fields().for_each(|(name, _)| pack.push(name));
        pack.push_integer(0);
        pack.extend(&body);
        Some((first.id, pack.finish()))
    })
}

fn push_entry(pack: &mut Listpack, first: &Entry<'_>, entry: &Entry<'_>) {
    let names =
        |entry: &Entry<'_>| entry.fields().map(|(name, _)| name.to_vec()).collect::<Vec<_>>();
    let is_same = names(first) == names(entry);
    pack.push_integer(if is_same { SAME_NAMES } else { 0 });
    pack.push_integer(entry.id.ms.wrapping_sub(first.id.ms).cast_signed());
    pack.push_integer(entry.id.seq.wrapping_sub(first.id.seq).cast_signed());
    let mut words = entry.len() + 3;
    if !is_same {
        pack.push_integer(count_as_integer(entry.len()));
        words += entry.len() + 1;
    }
    for (name, value) in entry.fields() {
        if !is_same {
            pack.push(name);
        }
        pack.push(value);
    }
    pack.push_integer(count_as_integer(words));
}

fn count_as_integer(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
