//! One bit.

use super::{
    Args, Class, CommandError, CommandResult, Context, Outcome, StringValue, bit_offset, bits,
    buffer_of,
};

/// `GETBIT key offset`
///
/// Replies the bit; 0 behind the end of the string. Errors: WRONGTYPE; ERR on a bad offset. O(1).
/// <https://redis.io/docs/latest/commands/getbit/>
pub(super) fn getbit(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, offset) = (args.bytes()?, args.bytes()?);
    let offset = bit_offset(context, offset, 1)?;
    let string = context.db.read::<StringValue>(key)?;
    let mut digits = itoa::Buffer::new();
    let bit = string.is_some_and(|string| bits::get(string.bytes_in(&mut digits), offset));
    context.reply.integer(i64::from(bit));
    Ok(Outcome::Done)
}

/// `SETBIT key offset value`
///
/// Sets the bit; the string is made, and grows with zeros, as far as need be. Replies the bit
/// before. Errors: WRONGTYPE; ERR on a bad offset or bit. O(1), or O(bytes) where it grows.
/// <https://redis.io/docs/latest/commands/setbit/>
pub(super) fn setbit(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, offset, value) = (args.bytes()?, args.bytes()?, args.bytes()?);
    let offset = bit_offset(context, offset, 1)?;
    let bit = match value {
        b"0" => false,
        b"1" => true,
        _ => return Err(CommandError::Plain("ERR bit is not an integer or out of range")),
    };
    let (bytes, grew) = buffer_of(context, key, offset / 8 + 1)?;
    let before = bits::get(bytes, offset);
    bits::set(bytes, offset, bit);
    if grew || before != bit {
        context.modified(key, Class::String, "setbit");
    }
    context.reply.integer(i64::from(before));
    Ok(Outcome::Done)
}
