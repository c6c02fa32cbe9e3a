//! XADD, XTRIM, XSETID.

use smallvec::SmallVec;

use super::trim::{Options, Trimmed};
use super::{INVALID_ID, block_limits};
use crate::command::{Args, CommandError, CommandResult, Context, Outcome};
use crate::store::Class;
use crate::types::stream::{BLOCK_BYTES_MAX, Entries, Stream, StreamId};

/// The id that XADD was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NewId {
    /// `*`
    Next,
    /// `ms-*`
    NextWithin(u64),
    Given(StreamId),
}

impl NewId {
    fn parse(word: &[u8]) -> Result<Self, CommandError> {
        if word == b"*" {
            return Ok(Self::Next);
        }
        if let Some(ms) = word.strip_suffix(b"-*") {
            // A second dash makes it no number.
            let id = StreamId::parse(ms, 0).filter(|_| !ms.contains(&b'-'));
            return id.map(|id| Self::NextWithin(id.ms)).ok_or(INVALID_ID);
        }
        StreamId::parse(word, 0).map(Self::Given).ok_or(INVALID_ID)
    }

    /// The id behind `last`; `None` if there is none.
    fn behind(self, last: StreamId, now_ms: u64) -> Option<StreamId> {
        let id = match self {
            Self::Next if now_ms > last.ms => StreamId::new(now_ms, 0),
            Self::Next => last.next()?,
            Self::NextWithin(ms) if ms == last.ms => StreamId::new(ms, last.seq.checked_add(1)?),
            Self::NextWithin(ms) => StreamId::new(ms, 0),
            Self::Given(id) => id,
        };
        (id > last).then_some(id)
    }
}

/// `XADD key [NOMKSTREAM] [KEEPREF | DELREF | ACKED]
/// [<MAXLEN | MINID> [= | ~] threshold [LIMIT count]] <* | id> field value [field value ...]`
///
/// Adds an entry; `*` gives it the next id at this time, `ms-*` the next one within that
/// millisecond. Then trims as XTRIM does. Replies the id, or nil if there is no such key and
/// NOMKSTREAM is given. Logged with the id and the exact outcome of trimming. O(1), and O(entries)
/// trimmed.
/// Errors: WRONGTYPE on another type; ERR if the id is not larger than the last one.
/// <https://redis.io/docs/latest/commands/xadd/>
pub(super) fn xadd(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let (mut options, mut create) = (Options::new(), true);
    while args.may_be_keyword() {
        if args.keyword("NOMKSTREAM") {
            create = false;
        } else if !options.read(args)? {
            break;
        }
    }
    let new_id = args.bytes().ok().map(NewId::parse).transpose()?;
    options.finish(context)?;
    let new_id = new_id.ok_or_else(|| wrong_arity("xadd"))?;
    let fields = args.rest();
    check_fields(fields.clone())?;
    if new_id == NewId::Given(StreamId::ZERO) {
        return Err(CommandError::Plain("ERR The ID specified in XADD must be greater than 0-0"));
    }
    let (now_ms, limits) = (context.db.now_ms(), block_limits(context));
    let entries = match context.db.write::<Stream>(key)? {
        Some(stream) => &mut stream.entries,
        None if create => &mut context.db.create::<Stream>(key)?.entries,
        None => {
            context.reply.nil();
            return Ok(Outcome::Done);
        }
    };
    let id = next_id(entries, new_id, now_ms)?;
    entries.append(id, fields.clone(), limits);
    let id = id.text();
    context.reply.bulk(&id);
    context.modified(key, Class::Stream, "xadd");
    let trimmed = Trimmed::run(context, key, &options)?;
    if !context.propagates_nothing() {
        log_append(context, key, &id, fields, &trimmed);
    }
    if trimmed.count > 0 {
        context.db.notify(key, Class::Stream, "xtrim");
    }
    trimmed.log_references(context, key);
    Ok(Outcome::Done)
}

/// The id of the entry to add. A new stream takes any id but 0-0.
fn next_id(entries: &Entries, new_id: NewId, now_ms: u64) -> Result<StreamId, CommandError> {
    if entries.last_id == StreamId::MAX {
        return Err(CommandError::Plain(
            "ERR The stream has exhausted the last possible ID, unable to add more items",
        ));
    }
    new_id.behind(entries.last_id, now_ms).ok_or(CommandError::Plain(
        "ERR The ID specified in XADD is equal or smaller than the target stream top item",
    ))
}

fn check_fields<'a>(fields: impl ExactSizeIterator<Item = &'a [u8]>) -> Result<(), CommandError> {
    if fields.len() == 0 || !fields.len().is_multiple_of(2) {
        return Err(wrong_arity("xadd"));
    }
    if fields.map(<[u8]>::len).sum::<usize>() > BLOCK_BYTES_MAX {
        return Err(CommandError::Plain("ERR Elements are too large to be stored"));
    }
    Ok(())
}

fn wrong_arity(name: &str) -> CommandError {
    CommandError::WrongArity(name.into())
}

/// Logs an added entry with its id, and what trimming came to.
fn log_append<'a>(
    context: &mut Context<'_>,
    key: &[u8],
    id: &[u8],
    fields: impl Iterator<Item = &'a [u8]>,
    trimmed: &Trimmed,
) {
    let mut words: SmallVec<[&[u8]; 16]> = SmallVec::new();
    words.extend([&b"XADD"[..], key]);
    words.extend(trimmed.words());
    words.push(id);
    for field in fields {
        words.push(field);
    }
    context.propagate(&words);
}

/// `XSETID key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]`
///
/// Sets the id behind which new ones are given, and what was counted so far. Replies OK. O(1).
/// Errors: ERR if there is no such key, or if the stream has larger ids or more entries; WRONGTYPE
/// on another type.
/// <https://redis.io/docs/latest/commands/xsetid/>
pub(super) fn xsetid(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, id) = (args.bytes()?, args.stream_id()?);
    let (mut added, mut max_deleted) = (None, StreamId::ZERO);
    while args.len() >= 2 {
        if args.keyword("ENTRIESADDED") {
            let error = CommandError::Plain("ERR entries_added must be positive");
            added = Some(u64::try_from(args.integer()?).map_err(|_| error)?);
        } else if args.keyword("MAXDELETEDID") {
            max_deleted = args.stream_id()?;
            if id < max_deleted {
                return Err(CommandError::Plain(
                    "ERR The ID specified in XSETID is smaller than the provided \
                     max_deleted_entry_id",
                ));
            }
        } else {
            return Err(CommandError::Syntax);
        }
    }
    args.finish()?;
    let stream = context.db.write::<Stream>(key)?;
    let entries = &mut stream.ok_or(CommandError::NoSuchKey)?.entries;
    let refused = if id < entries.max_deleted_id {
        Some("ERR The ID specified in XSETID is smaller than current max_deleted_entry_id")
    } else if id < entries.top_id() {
        Some("ERR The ID specified in XSETID is smaller than the target stream top item")
    } else if added.is_some_and(|added| (entries.len() as u64) > added) {
        Some("ERR The entries_added specified in XSETID is smaller than the target stream length")
    } else {
        None
    };
    if let Some(text) = refused {
        return Err(CommandError::Plain(text));
    }
    entries.last_id = id;
    entries.added = added.unwrap_or(entries.added);
    if max_deleted != StreamId::ZERO {
        entries.max_deleted_id = max_deleted;
    }
    // No change of the key for those who watch it or wait for it, as in Redis.
    context.db.changes().dirty += 1;
    context.db.notify(key, Class::Stream, "xsetid");
    context.reply.ok();
    Ok(Outcome::Done)
}
