//! What there is, of what type, and away with it.

use super::{Args, Class, CommandResult, Context, Outcome};

/// `DEL key [key ...]`
///
/// Replies how many of the keys existed. Large values are freed in the background. O(keys).
/// <https://redis.io/docs/latest/commands/del/>
pub(super) fn del(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let mut removed = 0;
    for key in args.rest() {
        if context.db.delete(key) {
            removed += 1;
            context.modified(key, Class::Generic, "del");
        }
    }
    context.reply.count(removed);
    Ok(Outcome::Done)
}

/// `UNLINK key [key ...]`
///
/// As DEL, which frees large values in the background too. O(keys).
/// <https://redis.io/docs/latest/commands/unlink/>
pub(super) fn unlink(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    del(context, args)
}

/// `EXISTS key [key ...]`
///
/// Replies how many of the keys exist; one that is named twice counts twice. O(keys).
/// <https://redis.io/docs/latest/commands/exists/>
pub(super) fn exists(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let found = args.rest().filter(|key| context.db.look(key).is_some()).count();
    context.reply.count(found);
    Ok(Outcome::Done)
}

/// `TOUCH key [key ...]`
///
/// Notes an access to the keys. Replies how many exist. O(keys).
/// <https://redis.io/docs/latest/commands/touch/>
pub(super) fn touch(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let found = args.rest().filter(|key| context.db.value(key).is_some()).count();
    context.reply.count(found);
    Ok(Outcome::Done)
}

/// `TYPE key`
///
/// Replies `string`, `list`, `hash`, `set`, `zset` or `stream`; `none` if there is no such key.
/// O(1).
/// <https://redis.io/docs/latest/commands/type/>
pub(super) fn type_of(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let name = context.db.look(args.bytes()?).map_or("none", |entry| entry.value.type_name());
    context.reply.status(name);
    Ok(Outcome::Done)
}
