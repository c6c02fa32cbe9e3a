//! The group `set`.
//!
//! Rows are here; handlers by what they do: [`read`], [`write`], [`algebra`] of several sets,
//! [`random`] for random choice and cursors.

use super::{
    Args, Arity, Category, CommandError, CommandResult, CommandSpec, Context, FIRST_KEY, Flag,
    KeySpec, Outcome, counted_keys,
};
use crate::config::Setting;
use crate::resp::Reply;
use crate::store::Class;
use crate::types::packed_map::Limits;
use crate::types::set::{Member, Set, SetLimits};

mod algebra;
mod random;
mod read;
mod write;

pub(crate) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "sadd",
        arity: Arity::AtLeast(3),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::DenyOom, Flag::Fast],
        acl: &[Category::Set],
        since: "1.0.0",
        syntax: "key member [member ...]",
        summary: "Adds members to a set; makes it if need be.",
        subcommands: &[],
        handler: write::sadd,
    },
    CommandSpec {
        name: "scard",
        arity: Arity::Exact(2),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly, Flag::Fast],
        acl: &[Category::Set],
        since: "1.0.0",
        syntax: "key",
        summary: "Replies with the number of members of a set.",
        subcommands: &[],
        handler: read::scard,
    },
    CommandSpec {
        name: "sdiff",
        arity: Arity::AtLeast(2),
        keys: KeySpec::Range { first: 1, last: -1, step: 1 },
        flags: &[Flag::ReadOnly],
        acl: &[Category::Set],
        since: "1.0.0",
        syntax: "key [key ...]",
        summary: "Replies with the members of the first set that are in no other.",
        subcommands: &[],
        handler: algebra::sdiff,
    },
    CommandSpec {
        name: "sdiffstore",
        arity: Arity::AtLeast(3),
        keys: KeySpec::Range { first: 1, last: -1, step: 1 },
        flags: &[Flag::Write, Flag::DenyOom],
        acl: &[Category::Set],
        since: "1.0.0",
        syntax: "destination key [key ...]",
        summary: "Stores the members of the first set that are in no other.",
        subcommands: &[],
        handler: algebra::sdiffstore,
    },
    CommandSpec {
        name: "sinter",
        arity: Arity::AtLeast(2),
        keys: KeySpec::Range { first: 1, last: -1, step: 1 },
        flags: &[Flag::ReadOnly],
        acl: &[Category::Set],
        since: "1.0.0",
        syntax: "key [key ...]",
        summary: "Replies with the members that all sets have.",
        subcommands: &[],
        handler: algebra::sinter,
    },
    CommandSpec {
        name: "sintercard",
        arity: Arity::AtLeast(3),
        keys: KeySpec::Find(|argv| counted_keys(argv, 1)),
        flags: &[Flag::ReadOnly],
        acl: &[Category::Set],
        since: "7.0.0",
        syntax: "numkeys key [key ...] [LIMIT limit]",
        summary: "Counts the members that all sets have.",
        subcommands: &[],
        handler: algebra::sintercard,
    },
    CommandSpec {
        name: "sinterstore",
        arity: Arity::AtLeast(3),
        keys: KeySpec::Range { first: 1, last: -1, step: 1 },
        flags: &[Flag::Write, Flag::DenyOom],
        acl: &[Category::Set],
        since: "1.0.0",
        syntax: "destination key [key ...]",
        summary: "Stores the members that all sets have.",
        subcommands: &[],
        handler: algebra::sinterstore,
    },
    CommandSpec {
        name: "sismember",
        arity: Arity::Exact(3),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly, Flag::Fast],
        acl: &[Category::Set],
        since: "1.0.0",
        syntax: "key member",
        summary: "Tells whether a set has a member.",
        subcommands: &[],
        handler: read::sismember,
    },
    CommandSpec {
        name: "smembers",
        arity: Arity::Exact(2),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly],
        acl: &[Category::Set],
        since: "1.0.0",
        syntax: "key",
        summary: "Replies with all members of a set.",
        subcommands: &[],
        handler: read::smembers,
    },
    CommandSpec {
        name: "smismember",
        arity: Arity::AtLeast(3),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly, Flag::Fast],
        acl: &[Category::Set],
        since: "6.2.0",
        syntax: "key member [member ...]",
        summary: "Tells which of some members a set has.",
        subcommands: &[],
        handler: read::smismember,
    },
    CommandSpec {
        name: "smove",
        arity: Arity::Exact(4),
        keys: KeySpec::Range { first: 1, last: 2, step: 1 },
        flags: &[Flag::Write, Flag::Fast],
        acl: &[Category::Set],
        since: "1.0.0",
        syntax: "source destination member",
        summary: "Moves a member from one set to another.",
        subcommands: &[],
        handler: write::smove,
    },
    CommandSpec {
        name: "spop",
        arity: Arity::AtLeast(2),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::Fast],
        acl: &[Category::Set],
        since: "1.0.0",
        syntax: "key [count]",
        summary: "Removes members chosen at random and replies with them.",
        subcommands: &[],
        handler: random::spop,
    },
    CommandSpec {
        name: "srandmember",
        arity: Arity::AtLeast(2),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly],
        acl: &[Category::Set],
        since: "1.0.0",
        syntax: "key [count]",
        summary: "Replies with members of a set chosen at random.",
        subcommands: &[],
        handler: random::srandmember,
    },
    CommandSpec {
        name: "srem",
        arity: Arity::AtLeast(3),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::Fast],
        acl: &[Category::Set],
        since: "1.0.0",
        syntax: "key member [member ...]",
        summary: "Removes members from a set.",
        subcommands: &[],
        handler: write::srem,
    },
    CommandSpec {
        name: "sscan",
        arity: Arity::AtLeast(3),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly],
        acl: &[Category::Set],
        since: "2.8.0",
        syntax: "key cursor [MATCH pattern] [COUNT count]",
        summary: "Walks the members of a set piece by piece.",
        subcommands: &[],
        handler: random::sscan,
    },
    CommandSpec {
        name: "sunion",
        arity: Arity::AtLeast(2),
        keys: KeySpec::Range { first: 1, last: -1, step: 1 },
        flags: &[Flag::ReadOnly],
        acl: &[Category::Set],
        since: "1.0.0",
        syntax: "key [key ...]",
        summary: "Replies with the members that any of the sets has.",
        subcommands: &[],
        handler: algebra::sunion,
    },
    CommandSpec {
        name: "sunionstore",
        arity: Arity::AtLeast(3),
        keys: KeySpec::Range { first: 1, last: -1, step: 1 },
        flags: &[Flag::Write, Flag::DenyOom],
        acl: &[Category::Set],
        since: "1.0.0",
        syntax: "destination key [key ...]",
        summary: "Stores the members that any of the sets has.",
        subcommands: &[],
        handler: algebra::sunionstore,
    },
];

/// How large a set may get before it becomes a table.
fn limits(context: &Context<'_>) -> SetLimits {
    let config = &context.services.config;
    let packed = Limits {
        entries: config.size(Setting::SetMaxListpackEntries),
        value_bytes: config.size(Setting::SetMaxListpackValue),
    };
    SetLimits { integers: config.size(Setting::SetMaxIntsetEntries), packed }
}

/// A member as a bulk string.
fn bulk_member(reply: &mut Reply, member: Member<'_>) {
    reply.bulk(member.bytes_in(&mut itoa::Buffer::new()));
}
