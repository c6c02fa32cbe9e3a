//! Changing strings in place.

use super::{
    Args, Class, CommandError, CommandResult, Context, Outcome, StringValue, Value, check_len,
};

/// `APPEND key value`
///
/// Adds `value` at the end of the string; makes it if the key does not exist. Replies its length.
/// Errors: WRONGTYPE; ERR if it gets too long. O(added bytes), amortized.
/// <https://redis.io/docs/latest/commands/append/>
pub(super) fn append(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, suffix) = (args.bytes()?, args.bytes()?);
    let len_before = context.db.write::<StringValue>(key)?.map(|value| value.len());
    let len = len_before.unwrap_or(0) + suffix.len();
    if len_before.is_some() {
        check_len(context, len)?;
        context.db.create::<StringValue>(key)?.make_mut().extend_from_slice(suffix);
    } else {
        context.db.set(key, Value::String(StringValue::new(suffix)));
    }
    context.modified(key, Class::String, "append");
    context.reply.count(len);
    Ok(Outcome::Done)
}

/// `SETRANGE key offset value`
///
/// Overwrites the string from `offset` on; a gap before is filled with zero bytes. Replies its
/// length. Errors: WRONGTYPE; ERR on a negative offset or if it gets too long. O(value bytes).
/// <https://redis.io/docs/latest/commands/setrange/>
pub(super) fn setrange(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, offset, value) = (args.bytes()?, args.integer()?, args.bytes()?);
    let out_of_range = CommandError::Plain("ERR offset is out of range");
    let offset = usize::try_from(offset).map_err(|_| out_of_range)?;
    let len = context.db.write::<StringValue>(key)?.map_or(0, |string| string.len());
    if value.is_empty() {
        context.reply.count(len);
        return Ok(Outcome::Done);
    }
    let end = offset.saturating_add(value.len());
    check_len(context, end)?;
    let bytes = context.db.create::<StringValue>(key)?.make_mut();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[offset..end].copy_from_slice(value);
    let len = bytes.len();
    context.modified(key, Class::String, "setrange");
    context.reply.count(len);
    Ok(Outcome::Done)
}
