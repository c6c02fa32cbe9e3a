//! Numbers in strings.

use super::{Args, Class, CommandError, CommandResult, Context, Outcome, StringValue, Value};
use crate::long_double::LongDouble;

/// `INCR key`
///
/// Adds 1; a key that does not exist counts as 0. Replies the sum. Errors: WRONGTYPE; ERR if the
/// string is no integer of 64 bits, or on overflow. O(1).
/// <https://redis.io/docs/latest/commands/incr/>
pub(super) fn incr(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    add(context, args.bytes()?, 1)
}

/// `DECR key`
///
/// Subtracts 1; otherwise as INCR.
/// <https://redis.io/docs/latest/commands/decr/>
pub(super) fn decr(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    add(context, args.bytes()?, -1)
}

/// `INCRBY key increment`
///
/// Adds `increment`; otherwise as INCR.
/// <https://redis.io/docs/latest/commands/incrby/>
pub(super) fn incrby(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, increment) = (args.bytes()?, args.integer()?);
    add(context, key, increment)
}

/// `DECRBY key decrement`
///
/// Subtracts `decrement`; otherwise as INCR.
/// <https://redis.io/docs/latest/commands/decrby/>
pub(super) fn decrby(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, decrement) = (args.bytes()?, args.integer()?);
    let would_overflow = CommandError::Plain("ERR decrement would overflow");
    add(context, key, decrement.checked_neg().ok_or(would_overflow)?)
}

fn add(context: &mut Context<'_>, key: &[u8], increment: i64) -> CommandResult {
    let string = context.db.write::<StringValue>(key)?;
    let before = match &string {
        Some(string) => string.as_integer().ok_or(CommandError::NotAnInteger)?,
        None => 0,
    };
    let would_overflow = CommandError::Plain("ERR increment or decrement would overflow");
    let sum = before.checked_add(increment).ok_or(would_overflow)?;
    match string {
        Some(string) => *string = StringValue::Integer(sum),
        None => context.db.set(key, Value::String(StringValue::Integer(sum))),
    }
    context.modified(key, Class::String, "incrby");
    context.reply.integer(sum);
    Ok(Outcome::Done)
}

/// `INCRBYFLOAT key increment`
///
/// Adds a decimal number; a key that does not exist counts as 0. Replies the text of the sum, with
/// up to 17 digits behind the point. Logged as `SET key sum KEEPTTL`. Errors: WRONGTYPE; ERR if
/// either is no number or the sum is infinite. O(1).
/// <https://redis.io/docs/latest/commands/incrbyfloat/>
pub(super) fn incrbyfloat(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, increment) = (args.bytes()?, args.bytes()?);
    let before = match context.db.write::<StringValue>(key)? {
        Some(string) => LongDouble::parse(string.bytes_in(&mut itoa::Buffer::new())),
        None => Some(LongDouble::ZERO),
    };
    let before = before.ok_or(CommandError::NotAFloat)?;
    let increment = LongDouble::parse(increment).ok_or(CommandError::NotAFloat)?;
    let infinite = CommandError::Plain("ERR increment would produce NaN or Infinity");
    let sum = before.checked_add(increment).ok_or(infinite)?;
    let text = sum.to_string();
    context.db.set_keeping_ttl(key, Value::String(StringValue::new(text.as_bytes())));
    context.modified(key, Class::String, "incrbyfloat");
    context.propagate(&[b"SET", key, text.as_bytes(), b"KEEPTTL"]);
    context.reply.bulk(text.as_bytes());
    Ok(Outcome::Done)
}
