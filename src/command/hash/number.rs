//! Fields that hold numbers.

use super::{Args, Class, CommandError, CommandResult, Context, Hash, Outcome, limits};
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
