//! The group `sorted-set`.
//!
//! Rows are here; handlers by what they do: [`add`], [`remove`] and [`pop`] change a sorted set,
//! [`read`], [`range`] and [`walk`] reply with parts of one, [`combine`] makes one of several.
//! What selects a part (ranks, scores, members) is in [`select`].

use super::{
    Args, Arity, Category, CommandError, CommandResult, CommandSpec, Context, FIRST_KEY, Flag,
    KeySpec, Outcome, TimeoutReply, counted_keys,
};
use crate::config::{Config, Setting};
use crate::resp::argv::Argv;
use crate::resp::{Protocol, Reply};
use crate::store::Class;
use crate::types::packed_map::Limits;
use crate::types::sorted_set::SortedSet;
use crate::types::value::Value;

pub(super) mod add;
mod combine;
mod pop;
mod range;
mod read;
mod remove;
mod select;
mod walk;

pub(crate) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "bzmpop",
        arity: Arity::AtLeast(5),
        keys: KeySpec::Find(|argv| counted_keys(argv, 2)),
        flags: &[Flag::Write, Flag::Blocking],
        acl: &[Category::SortedSet],
        since: "7.0.0",
        syntax: "timeout numkeys key [key ...] MIN|MAX [COUNT count]",
        summary: "Pops elements from the first sorted set that exists, or waits for one.",
        subcommands: &[],
        handler: pop::bzmpop,
    },
    CommandSpec {
        name: "bzpopmax",
        arity: Arity::AtLeast(3),
        keys: KeySpec::Range { first: 1, last: -2, step: 1 },
        flags: &[Flag::Write, Flag::Fast, Flag::Blocking],
        acl: &[Category::SortedSet],
        since: "5.0.0",
        syntax: "key [key ...] timeout",
        summary: "Pops the member with the highest score, or waits for one.",
        subcommands: &[],
        handler: |context, args| pop::blocking_pop(context, args, Side::Max),
    },
    CommandSpec {
        name: "bzpopmin",
        arity: Arity::AtLeast(3),
        keys: KeySpec::Range { first: 1, last: -2, step: 1 },
        flags: &[Flag::Write, Flag::Fast, Flag::Blocking],
        acl: &[Category::SortedSet],
        since: "5.0.0",
        syntax: "key [key ...] timeout",
        summary: "Pops the member with the lowest score, or waits for one.",
        subcommands: &[],
        handler: |context, args| pop::blocking_pop(context, args, Side::Min),
    },
    CommandSpec {
        name: "zadd",
        arity: Arity::AtLeast(4),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::DenyOom, Flag::Fast],
        acl: &[Category::SortedSet],
        since: "1.2.0",
        syntax: "key [NX|XX] [GT|LT] [CH] [INCR] score member [score member ...]",
        summary: "Adds members, or gives members other scores.",
        subcommands: &[],
        handler: add::zadd,
    },
    CommandSpec {
        name: "zcard",
        arity: Arity::Exact(2),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly, Flag::Fast],
        acl: &[Category::SortedSet],
        since: "1.2.0",
        syntax: "key",
        summary: "Replies with the number of members.",
        subcommands: &[],
        handler: read::zcard,
    },
    CommandSpec {
        name: "zcount",
        arity: Arity::Exact(4),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly, Flag::Fast],
        acl: &[Category::SortedSet],
        since: "2.0.0",
        syntax: "key min max",
        summary: "Counts the members with a score in a range.",
        subcommands: &[],
        handler: read::zcount,
    },
    CommandSpec {
        name: "zdiff",
        arity: Arity::AtLeast(3),
        keys: KeySpec::Find(|argv| counted_keys(argv, 1)),
        flags: &[Flag::ReadOnly],
        acl: &[Category::SortedSet],
        since: "6.2.0",
        syntax: "numkeys key [key ...] [WITHSCORES]",
        summary: "Replies with what the first sorted set has and the others have not.",
        subcommands: &[],
        handler: combine::zdiff,
    },
    CommandSpec {
        name: "zdiffstore",
        arity: Arity::AtLeast(4),
        keys: KeySpec::Find(destination_and_counted),
        flags: &[Flag::Write, Flag::DenyOom],
        acl: &[Category::SortedSet],
        since: "6.2.0",
        syntax: "destination numkeys key [key ...]",
        summary: "Stores what the first sorted set has and the others have not.",
        subcommands: &[],
        handler: combine::zdiffstore,
    },
    CommandSpec {
        name: "zincrby",
        arity: Arity::Exact(4),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::DenyOom, Flag::Fast],
        acl: &[Category::SortedSet],
        since: "1.2.0",
        syntax: "key increment member",
        summary: "Adds to the score of a member.",
        subcommands: &[],
        handler: add::zincrby,
    },
    CommandSpec {
        name: "zinter",
        arity: Arity::AtLeast(3),
        keys: KeySpec::Find(|argv| counted_keys(argv, 1)),
        flags: &[Flag::ReadOnly],
        acl: &[Category::SortedSet],
        since: "6.2.0",
        syntax: "numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM|MIN|MAX] \
                 [WITHSCORES]",
        summary: "Replies with what several sorted sets have in common.",
        subcommands: &[],
        handler: combine::zinter,
    },
    CommandSpec {
        name: "zintercard",
        arity: Arity::AtLeast(3),
        keys: KeySpec::Find(|argv| counted_keys(argv, 1)),
        flags: &[Flag::ReadOnly],
        acl: &[Category::SortedSet],
        since: "7.0.0",
        syntax: "numkeys key [key ...] [LIMIT limit]",
        summary: "Counts what several sorted sets have in common.",
        subcommands: &[],
        handler: combine::zintercard,
    },
    CommandSpec {
        name: "zinterstore",
        arity: Arity::AtLeast(4),
        keys: KeySpec::Find(destination_and_counted),
        flags: &[Flag::Write, Flag::DenyOom],
        acl: &[Category::SortedSet],
        since: "2.0.0",
        syntax: "destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE \
                 SUM|MIN|MAX]",
        summary: "Stores what several sorted sets have in common.",
        subcommands: &[],
        handler: combine::zinterstore,
    },
    CommandSpec {
        name: "zlexcount",
        arity: Arity::Exact(4),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly, Flag::Fast],
        acl: &[Category::SortedSet],
        since: "2.8.9",
        syntax: "key min max",
        summary: "Counts the members in an alphabetical range.",
        subcommands: &[],
        handler: read::zlexcount,
    },
    CommandSpec {
        name: "zmpop",
        arity: Arity::AtLeast(4),
        keys: KeySpec::Find(|argv| counted_keys(argv, 1)),
        flags: &[Flag::Write],
        acl: &[Category::SortedSet],
        since: "7.0.0",
        syntax: "numkeys key [key ...] MIN|MAX [COUNT count]",
        summary: "Pops elements from the first sorted set that exists.",
        subcommands: &[],
        handler: pop::zmpop,
    },
    CommandSpec {
        name: "zmscore",
        arity: Arity::AtLeast(3),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly, Flag::Fast],
        acl: &[Category::SortedSet],
        since: "6.2.0",
        syntax: "key member [member ...]",
        summary: "Replies with the scores of several members.",
        subcommands: &[],
        handler: read::zmscore,
    },
    CommandSpec {
        name: "zpopmax",
        arity: Arity::AtLeast(2),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::Fast],
        acl: &[Category::SortedSet],
        since: "5.0.0",
        syntax: "key [count]",
        summary: "Pops the members with the highest scores.",
        subcommands: &[],
        handler: |context, args| pop::pop(context, args, Side::Max),
    },
    CommandSpec {
        name: "zpopmin",
        arity: Arity::AtLeast(2),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::Fast],
        acl: &[Category::SortedSet],
        since: "5.0.0",
        syntax: "key [count]",
        summary: "Pops the members with the lowest scores.",
        subcommands: &[],
        handler: |context, args| pop::pop(context, args, Side::Min),
    },
    CommandSpec {
        name: "zrandmember",
        arity: Arity::AtLeast(2),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly],
        acl: &[Category::SortedSet],
        since: "6.2.0",
        syntax: "key [count [WITHSCORES]]",
        summary: "Replies with members chosen at random.",
        subcommands: &[],
        handler: walk::zrandmember,
    },
    CommandSpec {
        name: "zrange",
        arity: Arity::AtLeast(4),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly],
        acl: &[Category::SortedSet],
        since: "1.2.0",
        syntax: "key start stop [BYSCORE|BYLEX] [REV] [LIMIT offset count] [WITHSCORES]",
        summary: "Replies with a range of members.",
        subcommands: &[],
        handler: range::zrange,
    },
    CommandSpec {
        name: "zrangebylex",
        arity: Arity::AtLeast(4),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly],
        acl: &[Category::SortedSet],
        since: "2.8.9",
        syntax: "key min max [LIMIT offset count]",
        summary: "Replies with an alphabetical range of members.",
        subcommands: &[],
        handler: range::zrangebylex,
    },
    CommandSpec {
        name: "zrangebyscore",
        arity: Arity::AtLeast(4),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly],
        acl: &[Category::SortedSet],
        since: "1.0.5",
        syntax: "key min max [WITHSCORES] [LIMIT offset count]",
        summary: "Replies with the members with a score in a range.",
        subcommands: &[],
        handler: range::zrangebyscore,
    },
    CommandSpec {
        name: "zrangestore",
        arity: Arity::AtLeast(5),
        keys: KeySpec::Range { first: 1, last: 2, step: 1 },
        flags: &[Flag::Write, Flag::DenyOom],
        acl: &[Category::SortedSet],
        since: "6.2.0",
        syntax: "destination source min max [BYSCORE|BYLEX] [REV] [LIMIT offset count]",
        summary: "Stores a range of members of another sorted set.",
        subcommands: &[],
        handler: range::zrangestore,
    },
    CommandSpec {
        name: "zrank",
        arity: Arity::AtLeast(3),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly, Flag::Fast],
        acl: &[Category::SortedSet],
        since: "2.0.0",
        syntax: "key member [WITHSCORE]",
        summary: "Replies with the place of a member, lowest score first.",
        subcommands: &[],
        handler: |context, args| read::rank(context, args, Side::Min),
    },
    CommandSpec {
        name: "zrem",
        arity: Arity::AtLeast(3),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::Fast],
        acl: &[Category::SortedSet],
        since: "1.2.0",
        syntax: "key member [member ...]",
        summary: "Removes members.",
        subcommands: &[],
        handler: remove::zrem,
    },
    CommandSpec {
        name: "zremrangebylex",
        arity: Arity::Exact(4),
        keys: FIRST_KEY,
        flags: &[Flag::Write],
        acl: &[Category::SortedSet],
        since: "2.8.9",
        syntax: "key min max",
        summary: "Removes an alphabetical range of members.",
        subcommands: &[],
        handler: remove::zremrangebylex,
    },
    CommandSpec {
        name: "zremrangebyrank",
        arity: Arity::Exact(4),
        keys: FIRST_KEY,
        flags: &[Flag::Write],
        acl: &[Category::SortedSet],
        since: "2.0.0",
        syntax: "key start stop",
        summary: "Removes the members in a range of places.",
        subcommands: &[],
        handler: remove::zremrangebyrank,
    },
    CommandSpec {
        name: "zremrangebyscore",
        arity: Arity::Exact(4),
        keys: FIRST_KEY,
        flags: &[Flag::Write],
        acl: &[Category::SortedSet],
        since: "1.2.0",
        syntax: "key min max",
        summary: "Removes the members with a score in a range.",
        subcommands: &[],
        handler: remove::zremrangebyscore,
    },
    CommandSpec {
        name: "zrevrange",
        arity: Arity::AtLeast(4),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly],
        acl: &[Category::SortedSet],
        since: "1.2.0",
        syntax: "key start stop [WITHSCORES]",
        summary: "Replies with a range of members, highest score first.",
        subcommands: &[],
        handler: range::zrevrange,
    },
    CommandSpec {
        name: "zrevrangebylex",
        arity: Arity::AtLeast(4),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly],
        acl: &[Category::SortedSet],
        since: "2.8.9",
        syntax: "key max min [LIMIT offset count]",
        summary: "Replies with an alphabetical range of members, last first.",
        subcommands: &[],
        handler: range::zrevrangebylex,
    },
    CommandSpec {
        name: "zrevrangebyscore",
        arity: Arity::AtLeast(4),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly],
        acl: &[Category::SortedSet],
        since: "2.2.0",
        syntax: "key max min [WITHSCORES] [LIMIT offset count]",
        summary: "Replies with the members with a score in a range, highest first.",
        subcommands: &[],
        handler: range::zrevrangebyscore,
    },
    CommandSpec {
        name: "zrevrank",
        arity: Arity::AtLeast(3),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly, Flag::Fast],
        acl: &[Category::SortedSet],
        since: "2.0.0",
        syntax: "key member [WITHSCORE]",
        summary: "Replies with the place of a member, highest score first.",
        subcommands: &[],
        handler: |context, args| read::rank(context, args, Side::Max),
    },
    CommandSpec {
        name: "zscan",
        arity: Arity::AtLeast(3),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly],
        acl: &[Category::SortedSet],
        since: "2.8.0",
        syntax: "key cursor [MATCH pattern] [COUNT count]",
        summary: "Walks over the members with a cursor.",
        subcommands: &[],
        handler: walk::zscan,
    },
    CommandSpec {
        name: "zscore",
        arity: Arity::Exact(3),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly, Flag::Fast],
        acl: &[Category::SortedSet],
        since: "1.2.0",
        syntax: "key member",
        summary: "Replies with the score of a member.",
        subcommands: &[],
        handler: read::zscore,
    },
    CommandSpec {
        name: "zunion",
        arity: Arity::AtLeast(3),
        keys: KeySpec::Find(|argv| counted_keys(argv, 1)),
        flags: &[Flag::ReadOnly],
        acl: &[Category::SortedSet],
        since: "6.2.0",
        syntax: "numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM|MIN|MAX] \
                 [WITHSCORES]",
        summary: "Replies with all that several sorted sets have.",
        subcommands: &[],
        handler: combine::zunion,
    },
    CommandSpec {
        name: "zunionstore",
        arity: Arity::AtLeast(4),
        keys: KeySpec::Find(destination_and_counted),
        flags: &[Flag::Write, Flag::DenyOom],
        acl: &[Category::SortedSet],
        since: "2.0.0",
        syntax: "destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE \
                 SUM|MIN|MAX]",
        summary: "Stores all that several sorted sets have.",
        subcommands: &[],
        handler: combine::zunionstore,
    },
];

/// An end of a sorted set, and what is counted from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Max,
    Min,
}

/// How large a sorted set may be to count as a small one.
pub(super) fn limits(config: &Config) -> Limits {
    Limits {
        entries: config.size(Setting::ZsetMaxListpackEntries),
        value_bytes: config.size(Setting::ZsetMaxListpackValue),
    }
}

/// Finds the keys of `destination numkeys key [key ...]`.
fn destination_and_counted(argv: Argv<'_>) -> Vec<usize> {
    let mut keys = vec![1];
    keys.extend(counted_keys(argv, 2));
    keys
}

/// Writes the head of `len` members with their scores: flat in RESP2, pairs in RESP3.
fn scored_array(reply: &mut Reply, len: usize) {
    let values = if reply.protocol() == Protocol::Resp2 { 2 * len } else { len };
    reply.array(values);
}

/// Writes one of these.
fn scored_member(reply: &mut Reply, (member, score): (&[u8], f64)) {
    if reply.protocol() == Protocol::Resp3 {
        reply.array(2);
    }
    reply.bulk(member);
    reply.double(score);
}

/// Puts `set` in place of whatever `destination` holds; an empty one removes it. `event` is told.
/// Replies with its length.
pub(super) fn store(
    context: &mut Context<'_>,
    destination: &[u8],
    set: SortedSet,
    event: &'static str,
) {
    context.reply.count(set.len());
    if !set.is_empty() {
        context.db.set(destination, Value::SortedSet(Box::new(set)));
        context.modified(destination, Class::SortedSet, event);
    } else if context.db.remove(destination).is_some() {
        context.modified(destination, Class::Generic, "del");
    }
}
