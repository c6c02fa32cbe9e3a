//! XRANGE, XREVRANGE, XLEN.

use super::write_entry;
use crate::command::{Args, CommandError, CommandResult, Context, Outcome};
use crate::resp::Reply;
use crate::types::stream::{Entry, Stream};

/// `XLEN key`
///
/// Replies the number of entries; 0 if there is no such key. O(1).
/// Errors: WRONGTYPE on another type.
/// <https://redis.io/docs/latest/commands/xlen/>
pub(super) fn xlen(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let len = context.db.read::<Stream>(args.bytes()?)?.map_or(0, |stream| stream.entries.len());
    context.reply.count(len);
    Ok(Outcome::Done)
}

/// `XRANGE key start end [COUNT count]`
///
/// Replies the entries with ids from `start` to `end`, `[id, [field, value, ...]]` each, at most
/// `count`. `-` and `+` are the smallest and the largest id, `(` in front excludes the bound, an id
/// may lack its sequence number. O(log N + entries replied).
/// Errors: WRONGTYPE on another type; ERR if an id is none.
/// <https://redis.io/docs/latest/commands/xrange/>
pub(super) fn xrange(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let (start, end) = (args.range_start()?, args.range_end()?);
    let count = count_option(args)?;
    let stream = context.db.read::<Stream>(key)?;
    let entries = stream.map(|stream| stream.entries.range(start, end));
    write_entries(context.reply, entries, count);
    Ok(Outcome::Done)
}

/// `XREVRANGE key end start [COUNT count]`
///
/// As XRANGE, but from the last entry to the first.
/// <https://redis.io/docs/latest/commands/xrevrange/>
pub(super) fn xrevrange(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let mut end = args.clone();
    args.bytes()?;
    let (start, end) = (args.range_start()?, end.range_end()?);
    let count = count_option(args)?;
    let stream = context.db.read::<Stream>(key)?;
    let entries = stream.map(|stream| stream.entries.range_back(start, end));
    write_entries(context.reply, entries, count);
    Ok(Outcome::Done)
}

/// Reads `[COUNT count]...`; the last one counts.
fn count_option(args: &mut Args<'_>) -> Result<Option<usize>, CommandError> {
    let mut count = None;
    while !args.is_empty() {
        if !args.keyword("COUNT") || args.is_empty() {
            return Err(CommandError::Syntax);
        }
        count = Some(usize::try_from(args.integer()?).unwrap_or(0));
    }
    Ok(count)
}

/// Writes entries, at most `count`; for none asked for, Redis replies with a null.
fn write_entries<'a>(
    reply: &mut Reply,
    entries: Option<impl Iterator<Item = Entry<'a>>>,
    count: Option<usize>,
) {
    let Some(entries) = entries else { return reply.array(0) };
    if count == Some(0) {
        return reply.nil_array();
    }
    reply.counted_array(|reply| {
        let entries = entries.take(count.unwrap_or(usize::MAX));
        entries.map(|entry| write_entry(reply, &entry)).count()
    });
}
