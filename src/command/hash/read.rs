//! Reading hashes.

use super::{Args, CommandResult, Context, Hash, Outcome, bulk_or_nil};

/// `HEXISTS key field`
///
/// Replies 1 if the hash has the field, else 0. Errors: WRONGTYPE. O(1).
/// <https://redis.io/docs/latest/commands/hexists/>
pub(super) fn hexists(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, field) = (args.bytes()?, args.bytes()?);
    let found = context.db.read::<Hash>(key)?.and_then(|hash| hash.find(field));
    context.reply.integer(i64::from(found.is_some()));
    Ok(Outcome::Done)
}

/// `HGET key field`
///
/// Replies the value of the field, or nil. Errors: WRONGTYPE. O(1).
/// <https://redis.io/docs/latest/commands/hget/>
pub(super) fn hget(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, field) = (args.bytes()?, args.bytes()?);
    let value = context.db.read::<Hash>(key)?.and_then(|hash| hash.find(field));
    bulk_or_nil(context.reply, value);
    Ok(Outcome::Done)
}

/// `HGETALL key`
///
/// Replies a map of all fields and values, empty if there is no hash. Errors: WRONGTYPE.
/// O(fields).
/// <https://redis.io/docs/latest/commands/hgetall/>
pub(super) fn hgetall(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let hash = context.db.read::<Hash>(args.bytes()?)?;
    context.reply.map(hash.map_or(0, Hash::len));
    for (field, value) in hash.into_iter().flat_map(Hash::iter) {
        context.reply.bulk(field);
        context.reply.bulk(value);
    }
    Ok(Outcome::Done)
}

/// `HKEYS key`
///
/// Replies an array of all fields. Errors: WRONGTYPE. O(fields).
/// <https://redis.io/docs/latest/commands/hkeys/>
pub(super) fn hkeys(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let hash = context.db.read::<Hash>(args.bytes()?)?;
    context.reply.array(hash.map_or(0, Hash::len));
    hash.into_iter().flat_map(Hash::iter).for_each(|(field, _)| context.reply.bulk(field));
    Ok(Outcome::Done)
}

/// `HLEN key`
///
/// Replies the number of fields; 0 if there is no hash. Errors: WRONGTYPE. O(1).
/// <https://redis.io/docs/latest/commands/hlen/>
pub(super) fn hlen(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let len = context.db.read::<Hash>(args.bytes()?)?.map_or(0, Hash::len);
    context.reply.count(len);
    Ok(Outcome::Done)
}

/// `HMGET key field [field ...]`
///
/// Replies an array with the value of each field, nil for one that is missing. Errors: WRONGTYPE.
/// O(fields asked for).
/// <https://redis.io/docs/latest/commands/hmget/>
pub(super) fn hmget(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let hash = context.db.read::<Hash>(args.bytes()?)?;
    let fields = args.rest();
    context.reply.array(fields.len());
    for field in fields {
        bulk_or_nil(context.reply, hash.and_then(|hash| hash.find(field)));
    }
    Ok(Outcome::Done)
}

/// `HSTRLEN key field`
///
/// Replies the length of the field's value; 0 if it is missing. Errors: WRONGTYPE. O(1).
/// <https://redis.io/docs/latest/commands/hstrlen/>
pub(super) fn hstrlen(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, field) = (args.bytes()?, args.bytes()?);
    let value = context.db.read::<Hash>(key)?.and_then(|hash| hash.find(field));
    context.reply.count(value.map_or(0, <[u8]>::len));
    Ok(Outcome::Done)
}

/// `HVALS key`
///
/// Replies an array of all values. Errors: WRONGTYPE. O(fields).
/// <https://redis.io/docs/latest/commands/hvals/>
pub(super) fn hvals(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let hash = context.db.read::<Hash>(args.bytes()?)?;
    context.reply.array(hash.map_or(0, Hash::len));
    hash.into_iter().flat_map(Hash::iter).for_each(|(_, value)| context.reply.bulk(value));
    Ok(Outcome::Done)
}
