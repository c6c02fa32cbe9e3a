//! Random choice and cursors.

use std::collections::HashSet;

use super::{
    Args, CommandError, CommandResult, Context, Outcome, SortedSet, scored_array, scored_member,
};
use crate::command::choice::{Choice, OUT_OF_RANGE};
use crate::command::scan::{Scan, read_cursor, reply_step};
use crate::number::format_f64;
use crate::random::Random;

/// `ZRANDMEMBER key [count [WITHSCORES]]`
///
/// Replies a random member, or nil; with `count` an array of so many different members, or, if it
/// is negative, of members that may repeat. `WITHSCORES`: members and scores; RESP3: pairs.
/// Errors: WRONGTYPE; ERR if `count` is no integer or out of range. O(count * log n).
/// Differs from Redis: a negative count goes down to -16777216 only.
/// <https://redis.io/docs/latest/commands/zrandmember/>
pub(super) fn zrandmember(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let random = &context.services.random;
    if args.is_empty() {
        let set = context.db.read::<SortedSet>(key)?;
        match set.and_then(|set| set.at(random.below(set.len()))) {
            Some((member, _)) => context.reply.bulk(member),
            None => context.reply.nil(),
        }
        return Ok(Outcome::Done);
    }
    let choice = Choice::read(args)?;
    let with_scores = args.keyword("WITHSCORES");
    args.finish()?;
    let too_many = |count: usize| with_scores && count > usize::MAX / 4;
    if matches!(choice, Choice::Different(count) if too_many(count)) {
        return Err(OUT_OF_RANGE);
    }
    let Some(set) = context.db.read::<SortedSet>(key)? else {
        context.reply.array(0);
        return Ok(Outcome::Done);
    };
    let ranks = ranks(random, choice, set.len());
    let elements = ranks.into_iter().filter_map(|rank| set.at(rank));
    let elements: Vec<(&[u8], f64)> = elements.collect();
    if with_scores {
        scored_array(context.reply, elements.len());
        for element in elements {
            scored_member(context.reply, element);
        }
    } else {
        context.reply.array(elements.len());
        for (member, _) in elements {
            context.reply.bulk(member);
        }
    }
    Ok(Outcome::Done)
}

/// Ranks below `len`, which is not 0, chosen at random.
fn ranks(random: &Random, choice: Choice, len: usize) -> Vec<usize> {
    match choice {
        Choice::Repeated(count) => (0..count).map(|_| random.below(len)).collect(),
        Choice::Different(count) if count >= len => (0..len).collect(),
        Choice::Different(count) => {
            // Floyd's algorithm: each number is new, or else the largest so far is.
            let mut chosen = HashSet::with_capacity(count);
            let draw = |most: usize| {
                let rank = random.below(most + 1);
                let rank = if chosen.contains(&rank) { most } else { rank };
                chosen.insert(rank);
                rank
            };
            (len - count..len).map(draw).collect()
        }
    }
}

/// `ZSCAN key cursor [MATCH pattern] [COUNT count]`
///
/// Replies the next cursor (0: the end) and an array of members and scores. A member that is there
/// during the whole walk comes exactly once. A small sorted set comes as a whole; one in which very
/// many members have the same score comes in larger steps than `count`. Errors: WRONGTYPE; ERR on
/// an invalid cursor or option. O(count * log n).
/// <https://redis.io/docs/latest/commands/zscan/>
pub(super) fn zscan(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let cursor = read_cursor(args)?;
    let Some(set) = context.db.read::<SortedSet>(key)? else {
        reply_step(context.reply, None, &[]);
        return Ok(Outcome::Done);
    };
    let scan = Scan::read(cursor, args)?;
    if scan.no_values {
        return Err(CommandError::Syntax);
    }
    let mut found: Vec<Vec<u8>> = Vec::new();
    let next = set.scan(scan.cursor, scan.count, |member, score| {
        if scan.matches(member) {
            found.extend([member.to_vec(), format_f64(score).into_bytes()]);
        }
    });
    let found: Vec<&[u8]> = found.iter().map(Vec::as_slice).collect();
    reply_step(context.reply, next, &found);
    Ok(Outcome::Done)
}
