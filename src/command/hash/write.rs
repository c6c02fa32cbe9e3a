//! Setting and removing fields.

use super::{Args, Class, CommandError, CommandResult, Context, Hash, Outcome, limits};

/// `HDEL key field [field ...]`
///
/// Replies how many of the fields existed. Errors: WRONGTYPE. O(fields given).
/// <https://redis.io/docs/latest/commands/hdel/>
pub(super) fn hdel(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let mut removed = 0;
    if let Some(hash) = context.db.write::<Hash>(key)? {
        removed = args.rest().filter(|field| hash.remove(field)).count();
    }
    if removed > 0 {
        context.modified(key, Class::Hash, "hdel");
    }
    context.reply.count(removed);
    Ok(Outcome::Done)
}

/// `HMSET key field value [field value ...]`
///
/// As HSET, but replies OK.
/// <https://redis.io/docs/latest/commands/hmset/>
pub(super) fn hmset(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    set_fields(context, args, "hmset")?;
    context.reply.ok();
    Ok(Outcome::Done)
}

/// `HSET key field value [field value ...]`
///
/// Replies how many of the fields are new. Errors: WRONGTYPE; ERR if a value is missing.
/// O(fields given).
/// <https://redis.io/docs/latest/commands/hset/>
pub(super) fn hset(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let added = set_fields(context, args, "hset")?;
    context.reply.count(added);
    Ok(Outcome::Done)
}

fn set_fields(
    context: &mut Context<'_>,
    args: &mut Args<'_>,
    name: &'static str,
) -> Result<usize, CommandError> {
    let key = args.bytes()?;
    if !args.len().is_multiple_of(2) {
        return Err(CommandError::WrongArity(name.into()));
    }
    let limits = limits(context);
    let hash = context.db.create::<Hash>(key)?;
    let mut words = args.rest();
    hash.make_room(words.clone());
    let mut added = 0;
    while let (Some(field), Some(value)) = (words.next(), words.next()) {
        added += usize::from(hash.set(field, value, limits));
    }
    context.modified(key, Class::Hash, "hset");
    Ok(added)
}

/// `HSETNX key field value`
///
/// Replies 1 if the field was set, 0 if it existed. Errors: WRONGTYPE. O(1).
/// <https://redis.io/docs/latest/commands/hsetnx/>
pub(super) fn hsetnx(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, field, value) = (args.bytes()?, args.bytes()?, args.bytes()?);
    let limits = limits(context);
    let exists = match context.db.write::<Hash>(key)? {
        Some(hash) => hash.find(field).is_some(),
        None => false,
    };
    if !exists {
        context.db.create::<Hash>(key)?.set(field, value, limits);
        context.modified(key, Class::Hash, "hset");
    }
    context.reply.integer(i64::from(!exists));
    Ok(Outcome::Done)
}
