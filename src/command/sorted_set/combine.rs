//! Unions, intersections and differences of sorted sets. A set counts as a sorted set whose
//! members have the score 1; a key that does not exist is an empty one.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::{
    Args, CommandError, CommandResult, Context, Outcome, SortedSet, Value, limits, scored_array,
    scored_member, store,
};
use crate::types::packed_map::Limits;
use crate::types::set::Set;

#[derive(Clone, Copy, Debug)]
enum Aggregate {
    Max,
    Min,
    Sum,
}

impl Aggregate {
    fn of(self, one: f64, other: f64) -> f64 {
        match self {
            Self::Max => one.max(other),
            Self::Min => one.min(other),
            Self::Sum => or_zero(one + other),
        }
    }
}

/// Infinity times zero, or less infinity, counts as 0: in a sum, and where a sum begins.
fn or_zero(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

/// What is combined.
#[derive(Clone, Copy)]
enum Source<'a> {
    Empty,
    Set(&'a Set),
    SortedSet(&'a SortedSet),
}

impl<'a> Source<'a> {
    fn of(value: Option<&'a Value>) -> Result<Self, CommandError> {
        match value {
            None => Ok(Self::Empty),
            Some(Value::Set(set)) => Ok(Self::Set(set)),
            Some(Value::SortedSet(set)) => Ok(Self::SortedSet(set)),
            Some(_) => Err(CommandError::WrongType),
        }
    }

    fn len(self) -> usize {
        match self {
            Self::Empty => 0,
            Self::Set(set) => set.len(),
            Self::SortedSet(set) => set.len(),
        }
    }

    fn score(self, member: &[u8]) -> Option<f64> {
        match self {
            Self::Empty => None,
            Self::Set(set) => set.contains(member).then_some(1.0),
            Self::SortedSet(set) => set.score(member),
        }
    }

    /// Calls `visit` with the elements as long as it replies `true`.
    fn each(self, mut visit: impl FnMut(&[u8], f64) -> bool) {
        match self {
            Self::Empty => {}
            Self::Set(set) => {
                let digits = &mut itoa::Buffer::new();
                set.iter().all(|member| visit(member.bytes_in(digits), 1.0));
            }
            Self::SortedSet(set) => {
                set.iter_from(0).all(|(member, score)| visit(member, score));
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Difference,
    Intersection,
    Union,
}

/// What a command asks for, its keys aside.
struct Request {
    operation: Operation,
    aggregate: Aggregate,
    weights: Vec<f64>,
    with_scores: bool,
}

/// Reads `numkeys key [key ...]` of the command `name`.
fn read_keys<'a>(args: &mut Args<'a>, name: &'static str) -> Result<Vec<&'a [u8]>, CommandError> {
    let count = args.integer()?;
    if count < 1 {
        return Err(CommandError::NoInputKey(name));
    }
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count > args.len() {
        return Err(CommandError::Syntax);
    }
    (0..count).map(|_| args.bytes()).collect()
}

impl Request {
    /// Reads the options behind `keys` keys.
    fn read(
        args: &mut Args<'_>,
        operation: Operation,
        keys: usize,
        stored: bool,
    ) -> Result<Self, CommandError> {
        let weights = vec![1.0; keys];
        let mut request =
            Self { operation, aggregate: Aggregate::Sum, weights, with_scores: false };
        let weighted = operation != Operation::Difference;
        while !args.is_empty() {
            if weighted && args.len() > keys && args.keyword("WEIGHTS") {
                for weight in &mut request.weights {
                    let error = CommandError::Plain("ERR weight value is not a float");
                    *weight = args.float().map_err(|_| error)?;
                }
            } else if weighted && args.len() > 1 && args.keyword("AGGREGATE") {
                request.aggregate = read_aggregate(args)?;
            } else if !stored && args.keyword("WITHSCORES") {
                request.with_scores = true;
            } else {
                return Err(CommandError::Syntax);
            }
        }
        Ok(request)
    }

    fn run(&self, sources: Vec<Source<'_>>, limits: Limits) -> SortedSet {
        let mut weighted: Vec<(Source<'_>, f64)> =
            sources.into_iter().zip(self.weights.iter().copied()).collect();
        match self.operation {
            Operation::Difference => difference(&weighted, limits),
            Operation::Intersection => {
                weighted.sort_by_key(|(source, _)| source.len());
                self.intersection(&weighted, limits)
            }
            Operation::Union => {
                weighted.sort_by_key(|(source, _)| source.len());
                self.union(&weighted, limits)
            }
        }
    }

    fn intersection(&self, weighted: &[(Source<'_>, f64)], limits: Limits) -> SortedSet {
        let mut result = SortedSet::default();
        let Some(((smallest, weight), others)) = weighted.split_first() else { return result };
        smallest.each(|member, score| {
            let start = or_zero(weight * score);
            let score = others.iter().try_fold(start, |sum, (other, weight)| {
                Some(self.aggregate.of(sum, weight * other.score(member)?))
            });
            if let Some(score) = score {
                result.insert(member, score, limits);
            }
            true
        });
        result
    }

    fn union(&self, weighted: &[(Source<'_>, f64)], limits: Limits) -> SortedSet {
        let mut scores: HashMap<Box<[u8]>, f64, RandomState> = HashMap::default();
        for (source, weight) in weighted {
            source.each(|member, score| {
                let score = or_zero(weight * score);
                if let Some(sum) = scores.get_mut(member) {
                    *sum = self.aggregate.of(*sum, score);
                } else {
                    scores.insert(member.into(), score);
                }
                true
            });
        }
        let mut result = SortedSet::default();
        for (member, score) in scores {
            result.insert(&member, score, limits);
        }
        result
    }
}

fn difference(sources: &[(Source<'_>, f64)], limits: Limits) -> SortedSet {
    let mut result = SortedSet::default();
    let Some(((first, _), others)) = sources.split_first() else { return result };
    first.each(|member, score| {
        if others.iter().all(|(other, _)| other.score(member).is_none()) {
            result.insert(member, score, limits);
        }
        true
    });
    result
}

fn read_aggregate(args: &mut Args<'_>) -> Result<Aggregate, CommandError> {
    for (word, aggregate) in
        [("SUM", Aggregate::Sum), ("MIN", Aggregate::Min), ("MAX", Aggregate::Max)]
    {
        if args.keyword(word) {
            return Ok(aggregate);
        }
    }
    Err(CommandError::Syntax)
}

/// What the keys hold, read together.
fn sources<'c>(
    context: &'c mut Context<'_>,
    keys: &[&[u8]],
) -> Result<Vec<Source<'c>>, CommandError> {
    let values = context.db.values(keys.iter().copied());
    values.into_iter().map(Source::of).collect()
}

fn reply(
    context: &mut Context<'_>,
    args: &mut Args<'_>,
    operation: Operation,
    name: &'static str,
) -> CommandResult {
    let keys = read_keys(args, name)?;
    let limits = limits(&context.services.config);
    let sources = sources(context, &keys)?;
    let request = Request::read(args, operation, keys.len(), false)?;
    let result = request.run(sources, limits);
    if request.with_scores {
        scored_array(context.reply, result.len());
        result.iter_from(0).for_each(|element| scored_member(context.reply, element));
    } else {
        context.reply.array(result.len());
        result.iter_from(0).for_each(|(member, _)| context.reply.bulk(member));
    }
    Ok(Outcome::Done)
}

fn store_result(
    context: &mut Context<'_>,
    args: &mut Args<'_>,
    operation: Operation,
    name: &'static str,
) -> CommandResult {
    let destination = args.bytes()?;
    let keys = read_keys(args, name)?;
    let limits = limits(&context.services.config);
    let sources = sources(context, &keys)?;
    let request = Request::read(args, operation, keys.len(), true)?;
    let result = request.run(sources, limits);
    store(context, destination, result, name);
    Ok(Outcome::Done)
}

/// `ZDIFF numkeys key [key ...] [WITHSCORES]`
///
/// Replies the members of the first sorted set that are in no other, in order. `WITHSCORES`:
/// members and scores; RESP3: pairs. Errors: WRONGTYPE; ERR if `numkeys` is not positive.
/// O(members of the first set times sets).
/// <https://redis.io/docs/latest/commands/zdiff/>
pub(super) fn zdiff(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    reply(context, args, Operation::Difference, "zdiff")
}

/// `ZDIFFSTORE destination numkeys key [key ...]`
///
/// As ZDIFF, but gives the destination the result, in place of any other value, and replies its
/// size.
/// <https://redis.io/docs/latest/commands/zdiffstore/>
pub(super) fn zdiffstore(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    store_result(context, args, Operation::Difference, "zdiffstore")
}

/// `ZINTER numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM|MIN|MAX]
/// [WITHSCORES]`
///
/// Replies the members that all sorted sets have, in the order of their scores: the sum, least or
/// greatest of the single ones, each multiplied by the weight of its set. `WITHSCORES`: members and
/// scores; RESP3: pairs. Errors: WRONGTYPE; ERR if `numkeys` is not positive or a weight not a
/// number. O(members of the smallest set times sets).
/// <https://redis.io/docs/latest/commands/zinter/>
pub(super) fn zinter(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    reply(context, args, Operation::Intersection, "zinter")
}

/// `ZINTERSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]]
/// [AGGREGATE SUM|MIN|MAX]`
///
/// As ZINTER, but gives the destination the result, in place of any other value, and replies its
/// size.
/// <https://redis.io/docs/latest/commands/zinterstore/>
pub(super) fn zinterstore(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    store_result(context, args, Operation::Intersection, "zinterstore")
}

/// `ZUNION numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM|MIN|MAX]
/// [WITHSCORES]`
///
/// As ZINTER, with the members that any of the sorted sets has. O(members * log members).
/// <https://redis.io/docs/latest/commands/zunion/>
pub(super) fn zunion(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    reply(context, args, Operation::Union, "zunion")
}

/// `ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]]
/// [AGGREGATE SUM|MIN|MAX]`
///
/// As ZUNION, but gives the destination the result, in place of any other value, and replies its
/// size.
/// <https://redis.io/docs/latest/commands/zunionstore/>
pub(super) fn zunionstore(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    store_result(context, args, Operation::Union, "zunionstore")
}

/// `ZINTERCARD numkeys key [key ...] [LIMIT limit]`
///
/// Replies how many members all sorted sets have; stops counting at `limit` (0: none).
/// Errors: WRONGTYPE; ERR on a bad number or option. O(members of the smallest set times sets).
/// <https://redis.io/docs/latest/commands/zintercard/>
pub(super) fn zintercard(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let keys = read_keys(args, "zintercard")?;
    let mut sources = sources(context, &keys)?;
    let mut limit = 0;
    while !args.is_empty() {
        if args.len() < 2 || !args.keyword("LIMIT") {
            return Err(CommandError::Syntax);
        }
        limit = args.count(CommandError::Plain("ERR LIMIT can't be negative"))?;
    }
    let most = if limit == 0 { usize::MAX } else { limit };
    sources.sort_by_key(|source| source.len());
    let mut found = 0;
    if let Some((smallest, others)) = sources.split_first() {
        smallest.each(|member, _| {
            found += usize::from(others.iter().all(|other| other.score(member).is_some()));
            found < most
        });
    }
    context.reply.count(found);
    Ok(Outcome::Done)
}
