//! Adding and removing members.

use super::{Args, Class, CommandResult, Context, Outcome, Set, limits};

/// `SADD key member [member ...]`
///
/// Replies how many of the members are new. Errors: WRONGTYPE. O(members given).
/// <https://redis.io/docs/latest/commands/sadd/>
pub(super) fn sadd(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let limits = limits(context);
    let set = context.db.create::<Set>(key)?;
    set.prepare(args.peek().unwrap_or_default(), args.len(), limits);
    let added = args.rest().filter(|member| set.add(member, limits)).count();
    if added > 0 {
        context.modified(key, Class::Set, "sadd");
    }
    context.reply.count(added);
    Ok(Outcome::Done)
}

/// `SMOVE source destination member`
///
/// Replies 1 if the member was moved, 0 if it is not in the source. Errors: WRONGTYPE. O(1).
/// <https://redis.io/docs/latest/commands/smove/>
pub(super) fn smove(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (source, destination, member) = (args.bytes()?, args.bytes()?, args.bytes()?);
    let limits = limits(context);
    let Some(set) = context.db.write::<Set>(source)? else {
        context.reply.integer(0);
        return Ok(Outcome::Done);
    };
    let found = set.contains(member);
    context.db.write::<Set>(destination)?;
    if found && source != destination {
        if let Some(set) = context.db.write::<Set>(source)? {
            set.remove(member);
        }
        context.modified(source, Class::Set, "srem");
        if context.db.create::<Set>(destination)?.add(member, limits) {
            context.modified(destination, Class::Set, "sadd");
        }
    }
    context.reply.integer(i64::from(found));
    Ok(Outcome::Done)
}

/// `SREM key member [member ...]`
///
/// Replies how many of the members were in the set. Errors: WRONGTYPE. O(members given).
/// <https://redis.io/docs/latest/commands/srem/>
pub(super) fn srem(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let mut removed = 0;
    if let Some(set) = context.db.write::<Set>(key)? {
        removed = args.rest().filter(|member| set.remove(member)).count();
    }
    if removed > 0 {
        context.modified(key, Class::Set, "srem");
    }
    context.reply.count(removed);
    Ok(Outcome::Done)
}
