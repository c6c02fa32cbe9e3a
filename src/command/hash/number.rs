//! Fields that hold numbers.

use super::{Args, Class, CommandError, CommandResult, Context, Hash, Outcome, limits};
use crate::long_double::LongDouble;
use crate::number::parse_i64;

/// `HINCRBY key field increment`
///
/// Adds to the integer in a field; a missing one counts as 0. Replies the sum; when the
/// field expires does not change.
/// Errors: WRONGTYPE; ERR if the value is no integer or the sum is out of range. O(1).
/// <https://redis.io/docs/latest/commands/hincrby/>
pub(super) fn hincrby(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, field, increment) = (args.bytes()?, args.bytes()?, args.integer()?);
    let limits = limits(context);
    let value = match context.db.write::<Hash>(key)?.and_then(|hash| hash.find(field)) {
        Some(text) => {
            parse_i64(text).ok_or(CommandError::Plain("ERR hash value is not an integer"))?
        }
        None => 0,
    };
    let sum = value
        .checked_add(increment)
        .ok_or(CommandError::Plain("ERR increment or decrement would overflow"))?;
    let mut digits = itoa::Buffer::new();
    context.db.create::<Hash>(key)?.set_keeping_ttl(field, digits.format(sum).as_bytes(), limits);
    context.modified(key, Class::Hash, "hincrby");
    context.reply.integer(sum);
    Ok(Outcome::Done)
}

/// `HINCRBYFLOAT key field increment`
///
/// Adds to the decimal number in a field; a missing one counts as 0. Replies the text of the sum,
/// with up to 17 digits behind the point; when the field expires does not change. Logged as HSET,
/// or HSETEX with KEEPTTL if the field expires.
/// Errors: WRONGTYPE; ERR if either is no number or the sum is infinite. O(1).
/// <https://redis.io/docs/latest/commands/hincrbyfloat/>
pub(super) fn hincrbyfloat(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, field) = (args.bytes()?, args.bytes()?);
    let increment = LongDouble::parse(args.bytes()?).ok_or(CommandError::NotAFloat)?;
    let infinite = CommandError::Plain("ERR value is NaN or Infinity");
    LongDouble::ZERO.checked_add(increment).ok_or(infinite)?;
    let limits = limits(context);
    let hash = context.db.write::<Hash>(key)?;
    let before = match hash.as_ref().and_then(|hash| hash.find(field)) {
        Some(text) => {
            LongDouble::parse(text).ok_or(CommandError::Plain("ERR hash value is not a float"))?
        }
        None => LongDouble::ZERO,
    };
    let expires = hash.is_some_and(|hash| hash.expires_at_ms(field).is_some());
    let infinite = CommandError::Plain("ERR increment would produce NaN or Infinity");
    let sum = before.checked_add(increment).ok_or(infinite)?.to_string();
    let sum = sum.as_bytes();
    context.db.create::<Hash>(key)?.set_keeping_ttl(field, sum, limits);
    context.modified(key, Class::Hash, "hincrbyfloat");
    if expires {
        context.propagate(&[b"HSETEX", key, b"KEEPTTL", b"FIELDS", b"1", field, sum]);
    } else {
        context.propagate(&[b"HSET", key, field, sum]);
    }
    context.reply.bulk(sum);
    Ok(Outcome::Done)
}
