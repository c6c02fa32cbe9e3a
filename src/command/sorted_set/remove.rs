//! Removing members: by name, or a range of them.

use super::select::Selection;
use super::{Args, Class, CommandError, CommandResult, Context, Outcome, SortedSet};

/// `ZREM key member [member ...]`
///
/// Removes members. Replies how many were there. Errors: WRONGTYPE. O(log n) for each.
/// <https://redis.io/docs/latest/commands/zrem/>
pub(super) fn zrem(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let removed = match context.db.write::<SortedSet>(key)? {
        Some(set) => args.rest().filter(|member| set.remove(member).is_some()).count(),
        None => 0,
    };
    if removed > 0 {
        context.modified(key, Class::SortedSet, "zrem");
    }
    context.reply.count(removed);
    Ok(Outcome::Done)
}

/// `ZREMRANGEBYLEX key min max`
///
/// Removes the members in an alphabetical range, all having the same score. Replies how many.
/// Errors: WRONGTYPE; ERR if a bound begins with none of `[`, `(`, `+`, `-`. O(removed * log n).
/// <https://redis.io/docs/latest/commands/zremrangebylex/>
pub(super) fn zremrangebylex(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let selection = Selection::by_member(args.bytes()?, args.bytes()?)?;
    remove_selection(context, key, &selection, "zremrangebylex")
}

/// `ZREMRANGEBYRANK key start stop`
///
/// Removes the members from one place to another, negative from the end. Replies how many.
/// Errors: WRONGTYPE. O(removed * log n).
/// <https://redis.io/docs/latest/commands/zremrangebyrank/>
pub(super) fn zremrangebyrank(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let selection = Selection::by_rank(args.bytes()?, args.bytes()?)?;
    remove_selection(context, key, &selection, "zremrangebyrank")
}

/// `ZREMRANGEBYSCORE key min max`
///
/// Removes the members with a score in a range. Replies how many. Errors: WRONGTYPE; ERR if a
/// bound is not a number. O(removed * log n).
/// <https://redis.io/docs/latest/commands/zremrangebyscore/>
pub(super) fn zremrangebyscore(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let selection = Selection::by_score(args.bytes()?, args.bytes()?)?;
    remove_selection(context, key, &selection, "zremrangebyscore")
}

fn remove_selection(
    context: &mut Context<'_>,
    key: &[u8],
    selection: &Selection<'_>,
    event: &'static str,
) -> Result<Outcome, CommandError> {
    let mut removed = 0;
    if let Some(set) = context.db.write::<SortedSet>(key)? {
        let ranks = selection.ranks(set);
        removed = ranks.len();
        ranks.rev().for_each(|rank| set.remove_at(rank));
    }
    if removed > 0 {
        context.modified(key, Class::SortedSet, event);
    }
    context.reply.count(removed);
    Ok(Outcome::Done)
}
