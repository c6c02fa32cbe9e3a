//! Reading sets.

use super::{Args, CommandResult, Context, Outcome, Set, bulk_member};

/// `SCARD key`
///
/// Replies the number of members; 0 if there is no set. Errors: WRONGTYPE. O(1).
/// <https://redis.io/docs/latest/commands/scard/>
pub(super) fn scard(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let len = context.db.read::<Set>(args.bytes()?)?.map_or(0, Set::len);
    context.reply.count(len);
    Ok(Outcome::Done)
}

/// `SISMEMBER key member`
///
/// Replies 1 if the set has the member, else 0. Errors: WRONGTYPE. O(1).
/// <https://redis.io/docs/latest/commands/sismember/>
pub(super) fn sismember(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, member) = (args.bytes()?, args.bytes()?);
    let found = context.db.read::<Set>(key)?.is_some_and(|set| set.contains(member));
    context.reply.integer(i64::from(found));
    Ok(Outcome::Done)
}

/// `SMEMBERS key`
///
/// Replies a set of all members. Errors: WRONGTYPE. O(members).
/// <https://redis.io/docs/latest/commands/smembers/>
pub(super) fn smembers(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let set = context.db.read::<Set>(args.bytes()?)?;
    context.reply.set(set.map_or(0, Set::len));
    let members = set.into_iter().flat_map(Set::iter);
    members.for_each(|member| bulk_member(context.reply, member));
    Ok(Outcome::Done)
}

/// `SMISMEMBER key member [member ...]`
///
/// Replies an array of 1 and 0: which of the members the set has. Errors: WRONGTYPE.
/// O(members given).
/// <https://redis.io/docs/latest/commands/smismember/>
pub(super) fn smismember(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let set = context.db.read::<Set>(args.bytes()?)?;
    let members = args.rest();
    context.reply.array(members.len());
    for member in members {
        let found = set.is_some_and(|set| set.contains(member));
        context.reply.integer(i64::from(found));
    }
    Ok(Outcome::Done)
}
