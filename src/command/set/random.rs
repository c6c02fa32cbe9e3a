//! Random choice and cursors.

use super::{Args, Class, CommandError, CommandResult, Context, Member, Outcome, Set, bulk_member};
use crate::command::choice::Choice;
use crate::command::scan::{Scan, read_cursor, reply_step};

/// Most members in one logged SREM.
const LOGGED_MAX: usize = 1024;

/// `SPOP key [count]`
///
/// Removes a random member and replies with it, or nil; with `count` a set of up to so many.
/// Logged as SREM, or DEL if none is left. Errors: WRONGTYPE; ERR on a bad `count`. O(count), or
/// O(members) if `count` is near their number.
/// <https://redis.io/docs/latest/commands/spop/>
pub(super) fn spop(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    if args.is_empty() {
        return spop_one(context, key);
    }
    if args.len() > 1 {
        return Err(CommandError::Syntax);
    }
    let count = args.count(CommandError::Plain("ERR value is out of range, must be positive"))?;
    let random = || context.services.random.next();
    let Some(set) = context.db.write::<Set>(key)? else {
        context.reply.set(0);
        return Ok(Outcome::Done);
    };
    let all = count >= set.len();
    let popped: Vec<Vec<u8>> = set.sample(count, random).into_iter().map(Member::to_vec).collect();
    context.reply.set(popped.len());
    for member in &popped {
        context.reply.bulk(member);
    }
    if popped.is_empty() {
        return Ok(Outcome::Done);
    }
    for member in &popped {
        set.remove(member);
    }
    context.modified(key, Class::Set, "spop");
    if all {
        context.propagate(&[b"DEL", key]);
        return Ok(Outcome::Done);
    }
    for some in popped.chunks(LOGGED_MAX) {
        let mut words: Vec<&[u8]> = vec![b"SREM", key];
        words.extend(some.iter().map(Vec::as_slice));
        context.propagate(&words);
    }
    Ok(Outcome::Done)
}

fn spop_one(context: &mut Context<'_>, key: &[u8]) -> CommandResult {
    let random = || context.services.random.next();
    let Some(set) = context.db.write::<Set>(key)? else {
        context.reply.nil();
        return Ok(Outcome::Done);
    };
    let member = set.random(random).map(Member::to_vec).unwrap_or_default();
    set.remove(&member);
    context.modified(key, Class::Set, "spop");
    context.propagate(&[b"SREM", key, &member]);
    context.reply.bulk(&member);
    Ok(Outcome::Done)
}

/// `SRANDMEMBER key [count]`
///
/// Replies a random member, or nil; with `count` an array of so many different members, or, if it
/// is negative, of members that may repeat. Errors: WRONGTYPE; ERR if `count` is no integer or out
/// of range. O(count), or O(members) if `count` is near their number.
/// Differs from Redis: a negative count goes down to -16777216 only.
/// <https://redis.io/docs/latest/commands/srandmember/>
pub(super) fn srandmember(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let random = || context.services.random.next();
    if args.is_empty() {
        match context.db.read::<Set>(key)?.and_then(|set| set.random(random)) {
            Some(member) => bulk_member(context.reply, member),
            None => context.reply.nil(),
        }
        return Ok(Outcome::Done);
    }
    if args.len() > 1 {
        return Err(CommandError::Syntax);
    }
    let choice = Choice::read(args)?;
    let Some(set) = context.db.read::<Set>(key)? else {
        context.reply.array(0);
        return Ok(Outcome::Done);
    };
    match choice {
        Choice::Different(count) => {
            let sample = set.sample(count, random);
            context.reply.array(sample.len());
            for member in sample {
                bulk_member(context.reply, member);
            }
        }
        Choice::Repeated(count) => {
            context.reply.array(count);
            set.draw(count, random, |member| bulk_member(context.reply, member));
        }
    }
    Ok(Outcome::Done)
}

/// `SSCAN key cursor [MATCH pattern] [COUNT count]`
///
/// Replies the next cursor (0: the end) and an array of members. A member that is there during the
/// whole walk comes exactly once. A small set comes as a whole. Options are not
/// looked at if there is no set. Errors: WRONGTYPE; ERR on an invalid cursor or option. O(count).
/// <https://redis.io/docs/latest/commands/sscan/>
pub(super) fn sscan(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let cursor = read_cursor(args)?;
    let Some(set) = context.db.read::<Set>(key)? else {
        reply_step(context.reply, None, &[]);
        return Ok(Outcome::Done);
    };
    let scan = Scan::read(cursor, args)?;
    if scan.no_values {
        return Err(CommandError::Syntax);
    }
    let mut found: Vec<Vec<u8>> = Vec::new();
    let next = set.scan(scan.cursor, scan.count, |member| {
        found.extend(Some(member.to_vec()).filter(|member| scan.matches(member)));
    });
    let found: Vec<&[u8]> = found.iter().map(Vec::as_slice).collect();
    reply_step(context.reply, next, &found);
    Ok(Outcome::Done)
}
