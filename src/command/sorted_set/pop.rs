//! Removing the members with the lowest or highest scores.

use super::{
    Args, Class, CommandError, CommandResult, Context, Outcome, Side, SortedSet, TimeoutReply,
    scored_array, scored_member,
};

impl Side {
    /// The name of the command that pops here, for the log.
    fn pop_name(self) -> &'static [u8] {
        if self == Self::Min { b"ZPOPMIN" } else { b"ZPOPMAX" }
    }

    fn pop_event(self) -> &'static str {
        if self == Self::Min { "zpopmin" } else { "zpopmax" }
    }

    /// The rank of the element that is popped next.
    fn rank(self, set: &SortedSet) -> usize {
        if self == Self::Min { 0 } else { set.len() - 1 }
    }
}

/// Removes up to `count` elements, in order; `write` gets each of them and the reply.
fn pop_each(
    context: &mut Context<'_>,
    key: &[u8],
    side: Side,
    count: usize,
    write: impl Fn(&mut crate::resp::Reply, (&[u8], f64)),
) -> Result<(), CommandError> {
    let Some(set) = context.db.write::<SortedSet>(key)? else { return Ok(()) };
    for _ in 0..count.min(set.len()) {
        let rank = side.rank(set);
        if let Some(element) = set.at(rank) {
            write(context.reply, element);
        }
        set.remove_at(rank);
    }
    context.modified(key, Class::SortedSet, side.pop_event());
    Ok(())
}

/// `ZPOPMIN key [count]` and `ZPOPMAX`
///
/// Removes the member with the lowest or highest score and replies `[member, score]`. With
/// `count`, up to so many, in order; RESP3: an array of pairs. An empty array if there is none.
/// Errors: WRONGTYPE; ERR if `count` is negative. O(log n) for each.
/// <https://redis.io/docs/latest/commands/zpopmin/>
/// <https://redis.io/docs/latest/commands/zpopmax/>
pub(super) fn pop(context: &mut Context<'_>, args: &mut Args<'_>, side: Side) -> CommandResult {
    let key = args.bytes()?;
    if args.len() > 1 {
        return Err(CommandError::Syntax);
    }
    let counted = !args.is_empty();
    let count = if counted {
        args.count(CommandError::Plain("ERR value is out of range, must be positive"))?
    } else {
        1
    };
    let len = context.db.write::<SortedSet>(key)?.map_or(0, |set| set.len());
    let count = count.min(len);
    if count == 0 {
        context.reply.array(0);
    } else if counted {
        scored_array(context.reply, count);
        pop_each(context, key, side, count, scored_member)?;
    } else {
        context.reply.array(2);
        pop_each(context, key, side, 1, |reply, (member, score)| {
            reply.bulk(member);
            reply.double(score);
        })?;
    }
    Ok(Outcome::Done)
}

/// `BZPOPMIN key [key ...] timeout` and `BZPOPMAX`
///
/// Pops from the first sorted set that exists; waits up to `timeout` seconds (decimal; 0 = for
/// ever). Replies `[key, member, score]`, or a nil array at the time-out. Logged as `ZPOPMIN key`
/// or `ZPOPMAX key`. Errors: WRONGTYPE; ERR if `timeout` is negative or not a number.
/// O(keys + log n).
/// <https://redis.io/docs/latest/commands/bzpopmin/>
/// <https://redis.io/docs/latest/commands/bzpopmax/>
pub(super) fn blocking_pop(
    context: &mut Context<'_>,
    args: &mut Args<'_>,
    side: Side,
) -> CommandResult {
    let argv = args.argv();
    let keys = || argv.iter_from(1).take(argv.len() - 2);
    let deadline_ms = Args::new(argv, argv.len() - 1).deadline_ms(context.db.now_ms())?;
    for key in keys() {
        if context.db.write::<SortedSet>(key)?.is_none() {
            continue;
        }
        context.reply.array(3);
        context.reply.bulk(key);
        pop_each(context, key, side, 1, |reply, (member, score)| {
            reply.bulk(member);
            reply.double(score);
        })?;
        context.propagate(&[side.pop_name(), key]);
        return Ok(Outcome::Done);
    }
    context.wait(keys(), "zset", deadline_ms, TimeoutReply::NilArray)
}

/// `ZMPOP numkeys key [key ...] MIN|MAX [COUNT count]`
///
/// Pops up to `count` (1 unless told) members from the first sorted set that exists. Replies
/// `[key, [[member, score] ...]]`, or a nil array. Logged as `ZPOPMIN key count` or `ZPOPMAX key
/// count`. Errors: WRONGTYPE; ERR if a count is not positive. O(keys + count * log n).
/// <https://redis.io/docs/latest/commands/zmpop/>
pub(super) fn zmpop(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let request = MultiPop::read(args)?;
    if !request.run(context)? {
        context.reply.nil_array();
    }
    Ok(Outcome::Done)
}

/// `BZMPOP timeout numkeys key [key ...] MIN|MAX [COUNT count]`
///
/// As ZMPOP; waits up to `timeout` seconds (decimal; 0 = for ever) for one of the sorted sets.
/// <https://redis.io/docs/latest/commands/bzmpop/>
pub(super) fn bzmpop(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    // The time-out comes first, but is looked at last.
    args.bytes()?;
    let request = MultiPop::read(args)?;
    let deadline_ms = Args::new(args.argv(), 1).deadline_ms(context.db.now_ms())?;
    if request.run(context)? {
        return Ok(Outcome::Done);
    }
    context.wait(request.keys.into_iter(), "zset", deadline_ms, TimeoutReply::NilArray)
}

/// What ZMPOP and BZMPOP ask for.
struct MultiPop<'a> {
    keys: Vec<&'a [u8]>,
    side: Side,
    count: usize,
}

impl<'a> MultiPop<'a> {
    fn read(args: &mut Args<'a>) -> Result<Self, CommandError> {
        let keys = args.counted_keys()?;
        let side = if args.keyword("MIN") {
            Side::Min
        } else if args.keyword("MAX") {
            Side::Max
        } else {
            return Err(CommandError::Syntax);
        };
        let count = args.pop_count()?;
        args.finish()?;
        Ok(Self { keys, side, count })
    }

    /// Pops from the first sorted set that is there; `false` if none is.
    fn run(&self, context: &mut Context<'_>) -> Result<bool, CommandError> {
        for key in &self.keys {
            let Some(set) = context.db.write::<SortedSet>(key)? else { continue };
            let count = self.count.min(set.len());
            context.reply.array(2);
            context.reply.bulk(key);
            context.reply.array(count);
            pop_each(context, key, self.side, count, |reply, (member, score)| {
                reply.array(2);
                reply.bulk(member);
                reply.double(score);
            })?;
            let digits = count.to_string();
            context.propagate(&[self.side.pop_name(), key, digits.as_bytes()]);
            return Ok(true);
        }
        Ok(false)
    }
}
