//! ZRANGE and its older relatives: replying with a run of elements, or storing it.

use std::ops::Range;

use super::select::Selection;
use super::{
    Args, CommandError, CommandResult, Context, Outcome, SortedSet, limits, scored_array,
    scored_member, store,
};

/// What the bounds of a range are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Member,
    Rank,
    Score,
}

/// A range as a command asks for it.
#[derive(Debug)]
struct Query<'a> {
    selection: Selection<'a>,
    reverse: bool,
    /// How many elements to skip; `None`: all.
    offset: Option<usize>,
    /// Most elements.
    count: usize,
    with_scores: bool,
}

/// What a command's name says about its range; `None`: an option may say it.
#[derive(Clone, Copy, Debug)]
struct Fixed {
    by: Option<By>,
    reverse: Option<bool>,
    /// Is it stored, hence has all its scores?
    stored: bool,
}

/// The options behind the bounds.
#[derive(Debug, Default)]
struct Options {
    by: Option<By>,
    reverse: bool,
    limit: Option<(i64, i64)>,
    with_scores: bool,
}

impl Options {
    fn read(args: &mut Args<'_>, fixed: Fixed) -> Result<Self, CommandError> {
        let reverse = fixed.reverse.unwrap_or(false);
        let mut options = Self { by: fixed.by, reverse, ..Self::default() };
        while !args.is_empty() {
            if !fixed.stored && args.keyword("WITHSCORES") {
                options.with_scores = true;
            } else if args.len() > 2 && args.keyword("LIMIT") {
                options.limit = Some((args.integer()?, args.integer()?));
            } else if fixed.reverse.is_none() && !options.reverse && args.keyword("REV") {
                options.reverse = true;
            } else if options.by.is_none() && args.keyword("BYLEX") {
                options.by = Some(By::Member);
            } else if options.by.is_none() && args.keyword("BYSCORE") {
                options.by = Some(By::Score);
            } else {
                return Err(CommandError::Syntax);
            }
        }
        options.check()?;
        Ok(options)
    }

    fn check(&self) -> Result<(), CommandError> {
        let by = self.by.unwrap_or(By::Rank);
        if by == By::Rank && self.limit.is_some_and(|(_, count)| count != -1) {
            return Err(CommandError::Plain(
                "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or \
                 BYLEX",
            ));
        }
        if by == By::Member && self.with_scores {
            return Err(CommandError::Plain(
                "ERR syntax error, WITHSCORES not supported in combination with BYLEX",
            ));
        }
        Ok(())
    }
}

impl<'a> Query<'a> {
    /// Reads the bounds and the options.
    fn read(args: &mut Args<'a>, fixed: Fixed) -> Result<Self, CommandError> {
        let (first, second) = (args.bytes()?, args.bytes()?);
        let options = Options::read(args, fixed)?;
        let (min, max) = if options.reverse { (second, first) } else { (first, second) };
        let selection = match options.by {
            Some(By::Member) => Selection::by_member(min, max)?,
            Some(By::Score) => Selection::by_score(min, max)?,
            Some(By::Rank) | None => Selection::by_rank(first, second)?,
        };
        let is_rank = matches!(selection, Selection::Ranks { .. });
        let (offset, count) = options.limit.filter(|_| !is_rank).unwrap_or((0, -1));
        Ok(Self {
            selection,
            reverse: options.reverse,
            offset: usize::try_from(offset).ok(),
            count: usize::try_from(count).unwrap_or(usize::MAX),
            with_scores: options.with_scores,
        })
    }

    /// The ranks of the elements, limits applied.
    fn ranks(&self, set: &SortedSet) -> Range<usize> {
        let ranks = self.selection.ranks_in(set, self.reverse);
        let skip = self.offset.unwrap_or(usize::MAX).min(ranks.len());
        if self.reverse {
            let end = ranks.end - skip;
            end.saturating_sub(self.count).max(ranks.start)..end
        } else {
            let start = ranks.start + skip;
            start..start.saturating_add(self.count).min(ranks.end)
        }
    }

    /// Calls `visit` with the elements of these ranks, in the order asked for.
    fn for_each(&self, set: &SortedSet, ranks: Range<usize>, visit: impl FnMut((&[u8], f64))) {
        if self.reverse {
            set.iter_back(ranks.end).take(ranks.len()).for_each(visit);
        } else {
            set.iter_from(ranks.start).take(ranks.len()).for_each(visit);
        }
    }
}

/// Replies with the range that the arguments behind the key ask for.
fn reply(context: &mut Context<'_>, args: &mut Args<'_>, fixed: Fixed) -> CommandResult {
    let key = args.bytes()?;
    let query = Query::read(args, fixed)?;
    let Some(set) = context.db.read::<SortedSet>(key)? else {
        context.reply.array(0);
        return Ok(Outcome::Done);
    };
    let ranks = query.ranks(set);
    let reply = &mut *context.reply;
    if query.with_scores {
        scored_array(reply, ranks.len());
        query.for_each(set, ranks, |element| scored_member(reply, element));
    } else {
        reply.array(ranks.len());
        query.for_each(set, ranks, |(member, _)| reply.bulk(member));
    }
    Ok(Outcome::Done)
}

/// `ZRANGE key start stop [BYSCORE|BYLEX] [REV] [LIMIT offset count] [WITHSCORES]`
///
/// Replies the members from one place to another (negative from the end) or, with `BYSCORE` or
/// `BYLEX`, between two scores or members; `REV` counts and replies from the highest, with the
/// higher bound first. `WITHSCORES`: members and scores; RESP3: pairs. Errors: WRONGTYPE; ERR if a
/// bound is none or options exclude each other. O(log n + elements replied).
/// <https://redis.io/docs/latest/commands/zrange/>
pub(super) fn zrange(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    reply(context, args, Fixed { by: None, reverse: None, stored: false })
}

/// `ZREVRANGE key start stop [WITHSCORES]`
///
/// As ZRANGE with `REV`.
/// <https://redis.io/docs/latest/commands/zrevrange/>
pub(super) fn zrevrange(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    reply(context, args, Fixed { by: Some(By::Rank), reverse: Some(true), stored: false })
}

/// `ZRANGEBYLEX key min max [LIMIT offset count]`
///
/// As ZRANGE with `BYLEX`.
/// <https://redis.io/docs/latest/commands/zrangebylex/>
pub(super) fn zrangebylex(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    reply(context, args, Fixed { by: Some(By::Member), reverse: Some(false), stored: false })
}

/// `ZREVRANGEBYLEX key max min [LIMIT offset count]`
///
/// As ZRANGE with `BYLEX REV`.
/// <https://redis.io/docs/latest/commands/zrevrangebylex/>
pub(super) fn zrevrangebylex(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    reply(context, args, Fixed { by: Some(By::Member), reverse: Some(true), stored: false })
}

/// `ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]`
///
/// As ZRANGE with `BYSCORE`.
/// <https://redis.io/docs/latest/commands/zrangebyscore/>
pub(super) fn zrangebyscore(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    reply(context, args, Fixed { by: Some(By::Score), reverse: Some(false), stored: false })
}

/// `ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]`
///
/// As ZRANGE with `BYSCORE REV`.
/// <https://redis.io/docs/latest/commands/zrevrangebyscore/>
pub(super) fn zrevrangebyscore(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    reply(context, args, Fixed { by: Some(By::Score), reverse: Some(true), stored: false })
}

/// `ZRANGESTORE destination source min max [BYSCORE|BYLEX] [REV] [LIMIT offset count]`
///
/// Stores what ZRANGE would reply with, in place of whatever `destination` holds; nothing removes
/// it. Replies the number of members. Errors as ZRANGE. O(log n + elements * log elements).
/// <https://redis.io/docs/latest/commands/zrangestore/>
pub(super) fn zrangestore(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (destination, source) = (args.bytes()?, args.bytes()?);
    let query = Query::read(args, Fixed { by: None, reverse: None, stored: true })?;
    let limits = limits(&context.services.config);
    let mut stored = SortedSet::default();
    if let Some(set) = context.db.read::<SortedSet>(source)? {
        query.for_each(set, query.ranks(set), |(member, score)| {
            stored.insert(member, score, limits);
        });
    }
    store(context, destination, stored, "zrangestore");
    Ok(Outcome::Done)
}
