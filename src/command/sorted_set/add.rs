//! Adding members and changing scores.

use smallvec::SmallVec;

use super::{Args, Class, CommandError, CommandResult, Context, Outcome, SortedSet, limits};
use crate::types::packed_map::Limits;

/// What a score must not become.
const NOT_A_NUMBER: CommandError = CommandError::Plain("ERR resulting score is not a number (NaN)");

/// Options of ZADD, each a bit.
#[derive(Clone, Copy, Debug)]
pub(in crate::command) struct Options(u8);

impl Options {
    const NEW: Self = Self(1);
    const EXISTING: Self = Self(2);
    const GREATER: Self = Self(4);
    const LESS: Self = Self(8);
    const COUNT_CHANGED: Self = Self(16);
    const INCREMENT: Self = Self(32);

    const WORDS: [(&'static str, Self); 6] = [
        ("NX", Self::NEW),
        ("XX", Self::EXISTING),
        ("GT", Self::GREATER),
        ("LT", Self::LESS),
        ("CH", Self::COUNT_CHANGED),
        ("INCR", Self::INCREMENT),
    ];

    fn has(self, option: Self) -> bool {
        self.0 & option.0 != 0
    }

    fn is_none(self) -> bool {
        self.0 == 0
    }

    fn read(args: &mut Args<'_>) -> Self {
        Self::read_some(args, &Self::WORDS.map(|(word, _)| word))
    }

    /// Reads those of the options that have these words.
    pub(in crate::command) fn read_some(args: &mut Args<'_>, words: &[&str]) -> Self {
        let mut options = Self(0);
        if !args.may_be_keyword() {
            return options;
        }
        let known = |word: &&str| words.contains(word);
        while let Some((_, option)) =
            Self::WORDS.iter().find(|(word, _)| known(word) && args.keyword(word))
        {
            options.0 |= option.0;
        }
        options
    }

    /// Do the options agree with each other, and with the number of pairs?
    pub(in crate::command) fn check(self, pairs: usize) -> Result<(), CommandError> {
        if self.has(Self::NEW) && self.has(Self::EXISTING) {
            return Err(CommandError::Plain(
                "ERR XX and NX options at the same time are not compatible",
            ));
        }
        let exclusive = [Self::GREATER, Self::LESS, Self::NEW];
        if exclusive.iter().filter(|&&option| self.has(option)).count() > 1 {
            return Err(CommandError::Plain(
                "ERR GT, LT, and/or NX options at the same time are not compatible",
            ));
        }
        if self.has(Self::INCREMENT) && pairs > 1 {
            return Err(CommandError::Plain(
                "ERR INCR option supports a single increment-element pair",
            ));
        }
        Ok(())
    }

    /// The score that a member gets for `score`, if it now has `old`; `None` if the options keep
    /// it from getting one.
    fn score(self, old: Option<f64>, score: f64) -> Result<Option<f64>, CommandError> {
        let Some(old) = old else {
            return Ok((!self.has(Self::EXISTING)).then_some(score));
        };
        if self.has(Self::NEW) {
            return Ok(None);
        }
        let score = if self.has(Self::INCREMENT) { old + score } else { score };
        if score.is_nan() {
            return Err(NOT_A_NUMBER);
        }
        let kept = self.has(Self::GREATER) && score <= old || self.has(Self::LESS) && score >= old;
        Ok((!kept).then_some(score))
    }
}

/// What became of a pair.
struct Added {
    /// The score, unless the options kept it from being set.
    score: Option<f64>,
    is_new: bool,
    is_changed: bool,
}

fn add(
    set: &mut SortedSet,
    options: Options,
    (score, member): (f64, &[u8]),
    limits: Limits,
) -> Result<Added, CommandError> {
    // Most often there is nothing to look at before.
    if options.0 & !Options::COUNT_CHANGED.0 == 0 {
        let old = set.insert(member, score, limits);
        let is_changed = old != Some(score);
        return Ok(Added { score: Some(score), is_new: old.is_none(), is_changed });
    }
    let old = set.score(member);
    let score = options.score(old, score)?;
    if let Some(score) = score {
        set.insert(member, score, limits);
    }
    let is_changed = score.is_some() && score != old;
    Ok(Added { score, is_new: score.is_some() && old.is_none(), is_changed })
}

/// `ZADD key [NX|XX] [GT|LT] [CH] [INCR] score member [score member ...]`
///
/// Adds members, and gives those that are there the new score: with `NX` only the first, with `XX`
/// only the second, with `GT` and `LT` only if it is higher or lower. Replies how many are new,
/// with `CH` how many are new or changed. With `INCR`, adds to the score of one member and replies
/// with it, or nil if the options forbid it. Errors: WRONGTYPE; ERR if a score is not a number or
/// would be none, or if options exclude each other. O(log n) for each member. Differs from Redis:
/// no score is a negative zero, in large sets as in small ones.
/// <https://redis.io/docs/latest/commands/zadd/>
pub(super) fn zadd(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let options = Options::read(args);
    if args.is_empty() || !args.len().is_multiple_of(2) {
        return Err(CommandError::Syntax);
    }
    options.check(args.len() / 2)?;
    let mut pairs: SmallVec<[(f64, &[u8]); 4]> = SmallVec::new();
    while !args.is_empty() {
        pairs.push((args.float()?, args.bytes()?));
    }
    add_all(context, key, options, &pairs)
}

/// Adds members to a sorted set as the options say, and replies.
pub(in crate::command) fn add_all(
    context: &mut Context<'_>,
    key: &[u8],
    options: Options,
    pairs: &[(f64, &[u8])],
) -> CommandResult {
    let limits = limits(&context.services.config);
    let incr = options.has(Options::INCREMENT);
    let (mut new, mut changed, mut last) = (0, 0, None);
    if !options.has(Options::EXISTING) || context.db.write::<SortedSet>(key)?.is_some() {
        let set = context.db.create::<SortedSet>(key)?;
        if options.is_none() && set.pays_to_merge(pairs.len()) {
            let inserted = set.insert_all(pairs, limits);
            (new, changed) = (inserted.new, usize::from(inserted.is_changed));
        } else {
            for &pair in pairs {
                let added = add(set, options, pair, limits)?;
                new += usize::from(added.is_new);
                changed += usize::from(added.is_changed);
                last = added.score;
            }
        }
    }
    if changed > 0 {
        let event = if incr { "zincr" } else { "zadd" };
        context.modified(key, Class::SortedSet, event);
    }
    match last {
        Some(score) if incr => context.reply.double(score),
        None if incr => context.reply.nil(),
        _ if options.has(Options::COUNT_CHANGED) => context.reply.count(changed),
        _ => context.reply.count(new),
    }
    Ok(Outcome::Done)
}

/// `ZINCRBY key increment member`
///
/// Adds to the score of a member, which is 0 if it is not there. Replies with the new score.
/// Errors: WRONGTYPE; ERR if the sum is not a number. O(log n).
/// <https://redis.io/docs/latest/commands/zincrby/>
pub(super) fn zincrby(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    // A word that is an option of ZADD is no increment.
    Options::read(args);
    if args.len() != 2 {
        return Err(CommandError::Syntax);
    }
    add_all(context, key, Options::INCREMENT, &[(args.float()?, args.bytes()?)])
}
