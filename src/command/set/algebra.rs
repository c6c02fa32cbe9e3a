//! Differences, intersections and unions of sets. A key that does not exist is an empty set.

use super::{
    Args, Class, CommandError, CommandResult, Context, Member, Outcome, Set, SetLimits,
    bulk_member, limits,
};
use crate::types::value::Value;

/// `SDIFF key [key ...]`
///
/// Replies a set of the members of the first set that are in no other. Errors: WRONGTYPE.
/// O(members of the first set times sets).
/// <https://redis.io/docs/latest/commands/sdiff/>
pub(super) fn sdiff(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let sets = context.db.read_all::<Set>(args.rest())?;
    let members: Vec<_> = difference(sets).collect();
    context.reply.set(members.len());
    for member in members {
        bulk_member(context.reply, member);
    }
    Ok(Outcome::Done)
}

/// `SDIFFSTORE destination key [key ...]`
///
/// As SDIFF, but gives the destination the result, in place of any other value, and replies its
/// size.
/// <https://redis.io/docs/latest/commands/sdiffstore/>
pub(super) fn sdiffstore(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let destination = args.bytes()?;
    let limits = limits(context);
    let sets = context.db.read_all::<Set>(args.rest())?;
    let result = collect(difference(sets), limits);
    store(context, destination, result, "sdiffstore")
}

/// `SINTER key [key ...]`
///
/// Replies a set of the members that all sets have. Errors: WRONGTYPE. O(members of the smallest
/// set times sets).
/// <https://redis.io/docs/latest/commands/sinter/>
pub(super) fn sinter(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let sets = context.db.read_all::<Set>(args.rest())?;
    let members: Vec<_> = intersection(sets).collect();
    context.reply.set(members.len());
    for member in members {
        bulk_member(context.reply, member);
    }
    Ok(Outcome::Done)
}

/// `SINTERCARD numkeys key [key ...] [LIMIT limit]`
///
/// Replies how many members all sets have; stops counting at `limit` (0: none).
/// Errors: WRONGTYPE; ERR on a bad number or option. O(members of the smallest set times sets).
/// <https://redis.io/docs/latest/commands/sintercard/>
pub(super) fn sintercard(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let too_few = CommandError::Plain("ERR numkeys should be greater than 0");
    let count = usize::try_from(args.integer_from(1, too_few.clone())?).map_err(|_| too_few)?;
    if count > args.len() {
        return Err(CommandError::Plain("ERR Number of keys can't be greater than number of args"));
    }
    let keys = args.rest();
    let mut options = Args::new(args.argv(), args.argv().len() - keys.len() + count);
    let mut limit = 0;
    while !options.is_empty() {
        if !options.keyword("LIMIT") {
            return Err(CommandError::Syntax);
        }
        if options.is_empty() {
            return Err(CommandError::Syntax);
        }
        limit = options.count(CommandError::Plain("ERR LIMIT can't be negative"))?;
    }
    let sets = context.db.read_all::<Set>(keys.take(count))?;
    let most = if limit == 0 { usize::MAX } else { limit };
    context.reply.count(intersection(sets).take(most).count());
    Ok(Outcome::Done)
}

/// `SINTERSTORE destination key [key ...]`
///
/// As SINTER, but gives the destination the result, in place of any other value, and replies its
/// size.
/// <https://redis.io/docs/latest/commands/sinterstore/>
pub(super) fn sinterstore(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let destination = args.bytes()?;
    let limits = limits(context);
    let sets = context.db.read_all::<Set>(args.rest())?;
    let result = collect(intersection(sets), limits);
    store(context, destination, result, "sinterstore")
}

/// `SUNION key [key ...]`
///
/// Replies a set of the members that any of the sets has. Errors: WRONGTYPE. O(members).
/// <https://redis.io/docs/latest/commands/sunion/>
pub(super) fn sunion(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let limits = limits(context);
    let sets = context.db.read_all::<Set>(args.rest())?;
    let union = collect(sets.into_iter().flatten().flat_map(Set::iter), limits);
    context.reply.set(union.len());
    union.iter().for_each(|member| bulk_member(context.reply, member));
    Ok(Outcome::Done)
}

/// `SUNIONSTORE destination key [key ...]`
///
/// As SUNION, but gives the destination the result, in place of any other value, and replies its
/// size.
/// <https://redis.io/docs/latest/commands/sunionstore/>
pub(super) fn sunionstore(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let destination = args.bytes()?;
    let limits = limits(context);
    let sets = context.db.read_all::<Set>(args.rest())?;
    let result = collect(sets.into_iter().flatten().flat_map(Set::iter), limits);
    store(context, destination, result, "sunionstore")
}

/// The members of the first set that are in no other.
fn difference(sets: Vec<Option<&Set>>) -> impl Iterator<Item = Member<'_>> {
    let mut sets = sets.into_iter();
    let first = sets.next().flatten();
    let mut others: Vec<&Set> = sets.flatten().collect();
    others.sort_by_key(|set| std::cmp::Reverse(set.len()));
    let members = first.into_iter().flat_map(Set::iter);
    members.filter(move |member| !others.iter().any(|set| set.contains_member(*member)))
}

/// The members that all sets have.
fn intersection(sets: Vec<Option<&Set>>) -> impl Iterator<Item = Member<'_>> {
    let all: Option<Vec<&Set>> = sets.into_iter().collect();
    let mut sets = all.unwrap_or_default();
    sets.sort_by_key(|set| set.len());
    let smallest = sets.first().copied();
    let members = smallest.into_iter().flat_map(Set::iter);
    members.filter(move |member| sets.iter().skip(1).all(|set| set.contains_member(*member)))
}

fn collect<'s>(members: impl Iterator<Item = Member<'s>>, limits: SetLimits) -> Set {
    let mut set = Set::default();
    for member in members {
        set.add(member.bytes_in(&mut itoa::Buffer::new()), limits);
    }
    set
}

/// Gives `destination` the result, or removes it if that is empty; returns its size.
fn store(
    context: &mut Context<'_>,
    destination: &[u8],
    result: Set,
    event: &'static str,
) -> CommandResult {
    let len = result.len();
    if len > 0 {
        context.db.set(destination, Value::Set(Box::new(result)));
        context.modified(destination, Class::Set, event);
    } else if context.db.remove(destination).is_some() {
        context.modified(destination, Class::Generic, "del");
    }
    context.reply.count(len);
    Ok(Outcome::Done)
}
