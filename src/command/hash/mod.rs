//! The group `hash`.
//!
//! Rows are here; handlers by what they do: [`read`], [`write`], [`number`] for fields that hold
//! numbers, [`walk`] for cursors and random choice.

use super::{
    Args, Arity, Category, CommandError, CommandResult, CommandSpec, Context, FIRST_KEY, Flag,
    Outcome,
};
use crate::config::Setting;
use crate::resp::Reply;
use crate::store::Class;
use crate::types::hash::Hash;
use crate::types::packed_map::Limits;

mod number;
mod read;
mod walk;
mod write;

pub(crate) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "hdel",
        arity: Arity::AtLeast(3),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::Fast],
        acl: &[Category::Hash],
        since: "2.0.0",
        syntax: "key field [field ...]",
        summary: "Removes fields from a hash.",
        subcommands: &[],
        handler: write::hdel,
    },
    CommandSpec {
        name: "hexists",
        arity: Arity::Exact(3),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly, Flag::Fast],
        acl: &[Category::Hash],
        since: "2.0.0",
        syntax: "key field",
        summary: "Tells whether a hash has a field.",
        subcommands: &[],
        handler: read::hexists,
    },
    CommandSpec {
        name: "hget",
        arity: Arity::Exact(3),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly, Flag::Fast],
        acl: &[Category::Hash],
        since: "2.0.0",
        syntax: "key field",
        summary: "Replies with the value of a field.",
        subcommands: &[],
        handler: read::hget,
    },
    CommandSpec {
        name: "hgetall",
        arity: Arity::Exact(2),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly],
        acl: &[Category::Hash],
        since: "2.0.0",
        syntax: "key",
        summary: "Replies with all fields and values of a hash.",
        subcommands: &[],
        handler: read::hgetall,
    },
    CommandSpec {
        name: "hincrby",
        arity: Arity::Exact(4),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::DenyOom, Flag::Fast],
        acl: &[Category::Hash],
        since: "2.0.0",
        syntax: "key field increment",
        summary: "Adds an integer to the value of a field.",
        subcommands: &[],
        handler: number::hincrby,
    },
    CommandSpec {
        name: "hkeys",
        arity: Arity::Exact(2),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly],
        acl: &[Category::Hash],
        since: "2.0.0",
        syntax: "key",
        summary: "Replies with all fields of a hash.",
        subcommands: &[],
        handler: read::hkeys,
    },
    CommandSpec {
        name: "hlen",
        arity: Arity::Exact(2),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly, Flag::Fast],
        acl: &[Category::Hash],
        since: "2.0.0",
        syntax: "key",
        summary: "Replies with the number of fields of a hash.",
        subcommands: &[],
        handler: read::hlen,
    },
    CommandSpec {
        name: "hmget",
        arity: Arity::AtLeast(3),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly, Flag::Fast],
        acl: &[Category::Hash],
        since: "2.0.0",
        syntax: "key field [field ...]",
        summary: "Replies with the values of several fields.",
        subcommands: &[],
        handler: read::hmget,
    },
    CommandSpec {
        name: "hmset",
        arity: Arity::AtLeast(4),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::DenyOom, Flag::Fast],
        acl: &[Category::Hash],
        since: "2.0.0",
        syntax: "key field value [field value ...]",
        summary: "Sets the values of several fields.",
        subcommands: &[],
        handler: write::hmset,
    },
    CommandSpec {
        name: "hrandfield",
        arity: Arity::AtLeast(2),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly],
        acl: &[Category::Hash],
        since: "6.2.0",
        syntax: "key [count [WITHVALUES]]",
        summary: "Replies with fields of a hash chosen at random.",
        subcommands: &[],
        handler: walk::hrandfield,
    },
    CommandSpec {
        name: "hscan",
        arity: Arity::AtLeast(3),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly],
        acl: &[Category::Hash],
        since: "2.8.0",
        syntax: "key cursor [MATCH pattern] [COUNT count] [NOVALUES]",
        summary: "Walks the fields of a hash piece by piece.",
        subcommands: &[],
        handler: walk::hscan,
    },
    CommandSpec {
        name: "hset",
        arity: Arity::AtLeast(4),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::DenyOom, Flag::Fast],
        acl: &[Category::Hash],
        since: "2.0.0",
        syntax: "key field value [field value ...]",
        summary: "Sets the values of fields; makes the hash if need be.",
        subcommands: &[],
        handler: write::hset,
    },
    CommandSpec {
        name: "hsetnx",
        arity: Arity::Exact(4),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::DenyOom, Flag::Fast],
        acl: &[Category::Hash],
        since: "2.0.0",
        syntax: "key field value",
        summary: "Sets the value of a field unless it exists.",
        subcommands: &[],
        handler: write::hsetnx,
    },
    CommandSpec {
        name: "hstrlen",
        arity: Arity::Exact(3),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly, Flag::Fast],
        acl: &[Category::Hash],
        since: "3.2.0",
        syntax: "key field",
        summary: "Replies with the length of the value of a field.",
        subcommands: &[],
        handler: read::hstrlen,
    },
    CommandSpec {
        name: "hvals",
        arity: Arity::Exact(2),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly],
        acl: &[Category::Hash],
        since: "2.0.0",
        syntax: "key",
        summary: "Replies with all values of a hash.",
        subcommands: &[],
        handler: read::hvals,
    },
];

/// How large a hash may get before it becomes a table.
fn limits(context: &Context<'_>) -> Limits {
    let config = &context.services.config;
    Limits {
        entries: config.size(Setting::HashMaxListpackEntries),
        value_bytes: config.size(Setting::HashMaxListpackValue),
    }
}

/// A value, or nil.
fn bulk_or_nil(reply: &mut Reply, value: Option<&[u8]>) {
    match value {
        Some(value) => reply.bulk(value),
        None => reply.nil(),
    }
}
