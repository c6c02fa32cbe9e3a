//! Changing lists in the middle.

use super::{Args, Class, CommandError, CommandResult, Context, End, List, Outcome, place, range};

/// `LINSERT key BEFORE|AFTER pivot element`
///
/// Inserts an element next to the first one equal to `pivot`. Replies the length of the list; -1
/// if there is no such element, 0 if there is no list. Errors: WRONGTYPE. O(elements).
/// <https://redis.io/docs/latest/commands/linsert/>
pub(super) fn linsert(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let offset = if args.keyword("BEFORE") {
        0
    } else if args.keyword("AFTER") {
        1
    } else {
        return Err(CommandError::Syntax);
    };
    let (pivot, element) = (args.bytes()?, args.bytes()?);
    let Some(list) = context.db.write::<List>(key)? else {
        context.reply.integer(0);
        return Ok(Outcome::Done);
    };
    let Some(index) = list.iter_from(0).position(|found| found == pivot) else {
        context.reply.integer(-1);
        return Ok(Outcome::Done);
    };
    list.insert(index + offset, element);
    let len = list.len();
    context.modified(key, Class::List, "linsert");
    context.reply.count(len);
    Ok(Outcome::Done)
}

/// `LREM key count element`
///
/// Removes elements equal to `element`: the first `count` ones, the last `-count` ones, or, if 0,
/// all. Replies how many. Errors: WRONGTYPE. O(elements).
/// <https://redis.io/docs/latest/commands/lrem/>
pub(super) fn lrem(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, count, element) = (args.bytes()?, args.integer()?, args.bytes()?);
    let end = if count < 0 { End::Tail } else { End::Head };
    let most = match usize::try_from(count.unsigned_abs()) {
        Ok(0) | Err(_) => usize::MAX,
        Ok(count) => count,
    };
    let removed = match context.db.write::<List>(key)? {
        Some(list) => list.remove(end, most, element),
        None => 0,
    };
    if removed > 0 {
        context.modified(key, Class::List, "lrem");
    }
    context.reply.count(removed);
    Ok(Outcome::Done)
}

/// `LSET key index element`
///
/// Replaces the element at `index`, negative from the tail. Replies OK. Errors: WRONGTYPE; ERR if
/// there is no such key or index. O(chunks).
/// <https://redis.io/docs/latest/commands/lset/>
pub(super) fn lset(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let list_limit = context.db.changes().list_limit;
    let Some(list) = context.db.write::<List>(key)? else {
        return Err(CommandError::NoSuchKey);
    };
    let index = args.integer()?;
    let place = place(index, list.len()).ok_or(CommandError::Plain("ERR index out of range"))?;
    let element = args.bytes()?;
    list.note_replacing(list_limit, element.len());
    list.set(place, element);
    context.modified(key, Class::List, "lset");
    context.reply.ok();
    Ok(Outcome::Done)
}

/// `LTRIM key start stop`
///
/// Keeps the elements from `start` to `stop`, negative from the tail. Replies OK.
/// Errors: WRONGTYPE. O(removed elements).
/// <https://redis.io/docs/latest/commands/ltrim/>
pub(super) fn ltrim(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, start, stop) = (args.bytes()?, args.integer()?, args.integer()?);
    if let Some(list) = context.db.write::<List>(key)? {
        let (start, end) = range(start, stop, list.len());
        list.trim(start, end);
        context.modified(key, Class::List, "ltrim");
    }
    context.reply.ok();
    Ok(Outcome::Done)
}
