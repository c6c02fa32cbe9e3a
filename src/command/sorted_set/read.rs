//! Reading members and scores, and counting.

use super::select::Selection;
use super::{Args, CommandError, CommandResult, Context, Outcome, Side, SortedSet};

/// `ZCARD key`
///
/// Replies the number of members; 0 if there is no set. Errors: WRONGTYPE. O(1).
/// <https://redis.io/docs/latest/commands/zcard/>
pub(super) fn zcard(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let len = context.db.read::<SortedSet>(args.bytes()?)?.map_or(0, SortedSet::len);
    context.reply.count(len);
    Ok(Outcome::Done)
}

/// `ZCOUNT key min max`
///
/// Replies how many members have a score in a range. Errors: WRONGTYPE; ERR if a bound is not a
/// number. O(log n).
/// <https://redis.io/docs/latest/commands/zcount/>
pub(super) fn zcount(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let selection = Selection::by_score(args.bytes()?, args.bytes()?)?;
    count(context, key, &selection)
}

/// `ZLEXCOUNT key min max`
///
/// Replies how many members are in an alphabetical range, all having the same score.
/// Errors: WRONGTYPE; ERR if a bound begins with none of `[`, `(`, `+`, `-`. O(log n).
/// <https://redis.io/docs/latest/commands/zlexcount/>
pub(super) fn zlexcount(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let selection = Selection::by_member(args.bytes()?, args.bytes()?)?;
    count(context, key, &selection)
}

fn count(context: &mut Context<'_>, key: &[u8], selection: &Selection<'_>) -> CommandResult {
    let set = context.db.read::<SortedSet>(key)?;
    let found = set.map_or(0, |set| selection.ranks(set).len());
    context.reply.count(found);
    Ok(Outcome::Done)
}

/// `ZSCORE key member`
///
/// Replies the score of a member, or nil. Errors: WRONGTYPE. O(log n).
/// <https://redis.io/docs/latest/commands/zscore/>
pub(super) fn zscore(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, member) = (args.bytes()?, args.bytes()?);
    let score = context.db.read::<SortedSet>(key)?.and_then(|set| set.score(member));
    match score {
        Some(score) => context.reply.double(score),
        None => context.reply.nil(),
    }
    Ok(Outcome::Done)
}

/// `ZMSCORE key member [member ...]`
///
/// Replies an array of scores, with nil for each member that is not there. Errors: WRONGTYPE.
/// O(log n) for each.
/// <https://redis.io/docs/latest/commands/zmscore/>
pub(super) fn zmscore(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let set = context.db.read::<SortedSet>(key)?;
    let members = args.rest();
    context.reply.array(members.len());
    for member in members {
        match set.and_then(|set| set.score(member)) {
            Some(score) => context.reply.double(score),
            None => context.reply.nil(),
        }
    }
    Ok(Outcome::Done)
}

/// `ZRANK key member [WITHSCORE]` and `ZREVRANK`
///
/// Replies the place of a member in the order of scores, 0 being the lowest or, for ZREVRANK, the
/// highest; with `WITHSCORE`, an array of it and the score. Nil if it is not there.
/// Errors: WRONGTYPE. O(log n).
/// <https://redis.io/docs/latest/commands/zrank/>
/// <https://redis.io/docs/latest/commands/zrevrank/>
pub(super) fn rank(context: &mut Context<'_>, args: &mut Args<'_>, side: Side) -> CommandResult {
    let (key, member) = (args.bytes()?, args.bytes()?);
    if args.len() > 1 {
        let name = if side == Side::Min { "zrank" } else { "zrevrank" };
        return Err(CommandError::WrongArity(name.into()));
    }
    let with_score = args.keyword("WITHSCORE");
    args.finish()?;
    let set = context.db.read::<SortedSet>(key)?;
    let found = set.and_then(|set| {
        let (rank, score) = set.rank(member)?;
        Some((if side == Side::Min { rank } else { set.len() - 1 - rank }, score))
    });
    match found {
        Some((rank, score)) if with_score => {
            context.reply.array(2);
            context.reply.count(rank);
            context.reply.double(score);
        }
        Some((rank, _)) => context.reply.count(rank),
        None if with_score => context.reply.nil_array(),
        None => context.reply.nil(),
    }
    Ok(Outcome::Done)
}
