//! Adding elements at the ends.

use super::{Args, Class, CommandResult, Context, End, List, Outcome, push_event};

/// `LPUSH key element [element ...]` and `RPUSH`
///
/// Adds elements one after the other at an end; makes the list if need be. Replies its length.
/// Errors: WRONGTYPE. O(elements).
/// <https://redis.io/docs/latest/commands/lpush/>
/// <https://redis.io/docs/latest/commands/rpush/>
pub(super) fn push(context: &mut Context<'_>, args: &mut Args<'_>, end: End) -> CommandResult {
    let key = args.bytes()?;
    let list = context.db.create::<List>(key)?;
    args.rest().for_each(|element| list.push(end, element));
    let len = list.len();
    context.modified(key, Class::List, push_event(end));
    context.reply.count(len);
    Ok(Outcome::Done)
}

/// `LPUSHX key element [element ...]` and `RPUSHX`
///
/// As LPUSH and RPUSH, but only if the list exists; else replies 0.
/// <https://redis.io/docs/latest/commands/lpushx/>
/// <https://redis.io/docs/latest/commands/rpushx/>
pub(super) fn push_existing(
    context: &mut Context<'_>,
    args: &mut Args<'_>,
    end: End,
) -> CommandResult {
    let key = args.argv().get(1).unwrap_or_default();
    if context.db.write::<List>(key)?.is_none() {
        context.reply.integer(0);
        return Ok(Outcome::Done);
    }
    push(context, args, end)
}
