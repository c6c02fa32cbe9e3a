//! The group `stream`.
//!
//! | file | commands |
//! |---|---|
//! | `append.rs` | XADD, XSETID |
//! | `claim.rs` | XCLAIM, XAUTOCLAIM |
//! | `delete.rs` | XDEL, XDELEX, XACK, XACKDEL |
//! | `group.rs` | XGROUP |
//! | `info.rs` | XINFO |
//! | `pending.rs` | XPENDING |
//! | `range.rs` | XRANGE, XREVRANGE, XLEN |
//! | `read.rs` | XREAD |
//! | `read_group.rs` | XREADGROUP |
//! | `trim.rs` | XTRIM |
//! | `effects.rs` | what is logged of a group's changes |

use super::{Args, Arity, Category, CommandError, CommandSpec, Context, FIRST_KEY, Flag, KeySpec};
use crate::config::Setting;
use crate::resp::Reply;
use crate::resp::argv::Argv;
use crate::types::stream::{BlockLimits, Entry, Stream, StreamId};

mod append;
mod claim;
mod delete;
mod effects;
mod group;
mod info;
mod pending;
mod range;
mod read;
mod read_group;
mod trim;

const STREAM: &[Category] = &[Category::Stream];

pub(crate) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "xack",
        arity: Arity::AtLeast(4),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::Fast],
        acl: STREAM,
        since: "5.0.0",
        syntax: "key group id [id ...]",
        summary: "Acknowledges entries: they are no longer pending in the group.",
        subcommands: &[],
        handler: delete::xack,
    },
    CommandSpec {
        name: "xackdel",
        arity: Arity::AtLeast(6),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::Fast],
        acl: STREAM,
        since: "8.2.0",
        syntax: "key group [KEEPREF | DELREF | ACKED] IDS numids id [id ...]",
        summary: "Acknowledges entries and removes them from the stream.",
        subcommands: &[],
        handler: delete::xackdel,
    },
    CommandSpec {
        name: "xadd",
        arity: Arity::AtLeast(5),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::DenyOom, Flag::Fast],
        acl: STREAM,
        since: "5.0.0",
        syntax: "key [NOMKSTREAM] [KEEPREF | DELREF | ACKED] [<MAXLEN | MINID> [= | ~] threshold \
                 [LIMIT count]] <* | id> field value [field value ...]",
        summary: "Adds an entry to a stream, and may trim it.",
        subcommands: &[],
        handler: append::xadd,
    },
    CommandSpec {
        name: "xautoclaim",
        arity: Arity::AtLeast(6),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::Fast],
        acl: STREAM,
        since: "6.2.0",
        syntax: "key group consumer min-idle-time start [COUNT count] [JUSTID]",
        summary: "Hands pending entries that were idle for long over to a consumer.",
        subcommands: &[],
        handler: claim::xautoclaim,
    },
    CommandSpec {
        name: "xclaim",
        arity: Arity::AtLeast(6),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::Fast],
        acl: STREAM,
        since: "5.0.0",
        syntax: "key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-time-ms] \
                 [RETRYCOUNT count] [FORCE] [JUSTID] [LASTID lastid]",
        summary: "Hands pending entries over to a consumer.",
        subcommands: &[],
        handler: claim::xclaim,
    },
    CommandSpec {
        name: "xdel",
        arity: Arity::AtLeast(3),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::Fast],
        acl: STREAM,
        since: "5.0.0",
        syntax: "key id [id ...]",
        summary: "Removes entries from a stream.",
        subcommands: &[],
        handler: delete::xdel,
    },
    CommandSpec {
        name: "xdelex",
        arity: Arity::AtLeast(5),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::Fast],
        acl: STREAM,
        since: "8.2.0",
        syntax: "key [KEEPREF | DELREF | ACKED] IDS numids id [id ...]",
        summary: "Removes entries from a stream, with a say in what groups know of them.",
        subcommands: &[],
        handler: delete::xdelex,
    },
    CommandSpec {
        name: "xgroup",
        arity: Arity::AtLeast(2),
        keys: KeySpec::None,
        flags: &[],
        acl: &[],
        since: "5.0.0",
        syntax: "",
        summary: "A container for commands on consumer groups.",
        subcommands: group::SUBCOMMANDS,
        handler: super::help::help,
    },
    CommandSpec {
        name: "xinfo",
        arity: Arity::AtLeast(2),
        keys: KeySpec::None,
        flags: &[],
        acl: &[],
        since: "5.0.0",
        syntax: "",
        summary: "A container for commands that tell about streams.",
        subcommands: info::SUBCOMMANDS,
        handler: super::help::help,
    },
    CommandSpec {
        name: "xlen",
        arity: Arity::Exact(2),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly, Flag::Fast],
        acl: STREAM,
        since: "5.0.0",
        syntax: "key",
        summary: "Counts the entries of a stream.",
        subcommands: &[],
        handler: range::xlen,
    },
    CommandSpec {
        name: "xpending",
        arity: Arity::AtLeast(3),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly],
        acl: STREAM,
        since: "5.0.0",
        syntax: "key group [[IDLE min-idle-time] start end count [consumer]]",
        summary: "Tells which entries of a group are pending, and with whom.",
        subcommands: &[],
        handler: pending::xpending,
    },
    CommandSpec {
        name: "xrange",
        arity: Arity::AtLeast(4),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly],
        acl: STREAM,
        since: "5.0.0",
        syntax: "key start end [COUNT count]",
        summary: "Replies with the entries in a range of ids.",
        subcommands: &[],
        handler: range::xrange,
    },
    CommandSpec {
        name: "xread",
        arity: Arity::AtLeast(4),
        keys: KeySpec::Find(stream_keys),
        flags: &[Flag::ReadOnly, Flag::Blocking],
        acl: STREAM,
        since: "5.0.0",
        syntax: "[COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]",
        summary: "Replies with the entries behind given ids, or waits for some.",
        subcommands: &[],
        handler: read::xread,
    },
    CommandSpec {
        name: "xreadgroup",
        arity: Arity::AtLeast(7),
        keys: KeySpec::Find(stream_keys),
        flags: &[Flag::Write, Flag::Blocking],
        acl: STREAM,
        since: "5.0.0",
        syntax: "GROUP group consumer [COUNT count] [BLOCK milliseconds] [CLAIM min-idle-time] \
                 [NOACK] STREAMS key [key ...] id [id ...]",
        summary: "Gives a consumer of a group entries that nobody else was given, or waits for \
                  some.",
        subcommands: &[],
        handler: read_group::xreadgroup,
    },
    CommandSpec {
        name: "xrevrange",
        arity: Arity::AtLeast(4),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly],
        acl: STREAM,
        since: "5.0.0",
        syntax: "key end start [COUNT count]",
        summary: "Replies with the entries in a range of ids, the last one first.",
        subcommands: &[],
        handler: range::xrevrange,
    },
    CommandSpec {
        name: "xsetid",
        arity: Arity::AtLeast(3),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::DenyOom, Flag::Fast],
        acl: STREAM,
        since: "5.0.0",
        syntax: "key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]",
        summary: "Sets what a stream knows of entries that are gone.",
        subcommands: &[],
        handler: append::xsetid,
    },
    CommandSpec {
        name: "xtrim",
        arity: Arity::AtLeast(4),
        keys: FIRST_KEY,
        flags: &[Flag::Write],
        acl: STREAM,
        since: "5.0.0",
        syntax: "key <MAXLEN | MINID> [= | ~] threshold [LIMIT count] [KEEPREF | DELREF | ACKED]",
        summary: "Removes the oldest entries of a stream.",
        subcommands: &[],
        handler: trim::xtrim,
    },
];

/// The keys of XREAD and XREADGROUP: the first half of what follows STREAMS.
fn stream_keys(argv: Argv<'_>) -> Vec<usize> {
    let mut at = 1;
    while let Some(word) = argv.get(at) {
        at += 1;
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword.as_bytes());
        if is("STREAMS") {
            let keys = argv.len().saturating_sub(at) / 2;
            return (at..at + keys).collect();
        }
        if is("BLOCK") || is("COUNT") || is("CLAIM") {
            at += 1;
        } else if is("GROUP") {
            at += 2;
        }
    }
    Vec::new()
}

const INVALID_ID: CommandError =
    CommandError::Plain("ERR Invalid stream ID specified as stream command argument");

impl Args<'_> {
    /// Reads an id; a sequence number that is missing is 0.
    fn stream_id(&mut self) -> Result<StreamId, CommandError> {
        StreamId::parse(self.bytes()?, 0).ok_or(INVALID_ID)
    }

    /// Reads the start of a range of ids.
    fn range_start(&mut self) -> Result<StreamId, CommandError> {
        match self.range_bound(0)? {
            (id, false) => Ok(id),
            (id, true) => {
                let error = CommandError::Plain("ERR invalid start ID for the interval");
                id.next().ok_or(error)
            }
        }
    }

    /// Reads the end of a range of ids.
    fn range_end(&mut self) -> Result<StreamId, CommandError> {
        match self.range_bound(u64::MAX)? {
            (id, false) => Ok(id),
            (id, true) => {
                let error = CommandError::Plain("ERR invalid end ID for the interval");
                id.previous().ok_or(error)
            }
        }
    }

    /// Reads a bound: `-`, `+`, an id, or `(` and an id that does not belong to the range.
    fn range_bound(&mut self, seq_if_missing: u64) -> Result<(StreamId, bool), CommandError> {
        let (id, exclusive) = match self.bytes()? {
            b"-" => (Some(StreamId::ZERO), false),
            b"+" => (Some(StreamId::MAX), false),
            [b'(', id @ ..] if !id.is_empty() => (StreamId::parse(id, seq_if_missing), true),
            id => (StreamId::parse(id, seq_if_missing), false),
        };
        Ok((id.ok_or(INVALID_ID)?, exclusive))
    }
}

/// Writes an id.
fn write_id(reply: &mut Reply, id: StreamId) {
    reply.bulk(&id.text());
}

/// Writes `[id, [field, value, ...]]`.
fn write_entry(reply: &mut Reply, entry: &Entry<'_>) {
    reply.array(2);
    write_entry_parts(reply, entry);
}

/// Writes the id and the fields of an entry.
fn write_entry_parts(reply: &mut Reply, entry: &Entry<'_>) {
    write_id(reply, entry.id);
    reply.array(2 * entry.len());
    for (field, value) in entry.fields() {
        reply.bulk(field);
        reply.bulk(value);
    }
}

/// How full blocks may be, as the settings say.
fn block_limits(context: &Context<'_>) -> BlockLimits {
    let config = &context.services.config;
    BlockLimits {
        bytes_max: config.size(Setting::StreamNodeMaxBytes),
        entries_max: config.size(Setting::StreamNodeMaxEntries),
    }
}

/// Does the stream at `key` have this group? Counts as a look at the key.
fn has_group(context: &mut Context<'_>, key: &[u8], group: &[u8]) -> Result<bool, CommandError> {
    let stream = context.db.write::<Stream>(key)?;
    let is_there = stream.is_some();
    let is_group_there = stream.is_some_and(|stream| stream.group(group).is_some());
    context.db.count_look(key, is_there);
    Ok(is_group_there)
}

/// `NOGROUP` of commands that need a group to be there.
fn no_group(key: &[u8], group: &[u8]) -> CommandError {
    let (key, group) = (String::from_utf8_lossy(key), String::from_utf8_lossy(group));
    CommandError::Text(format!("NOGROUP No such key '{key}' or consumer group '{group}'").into())
}

/// `NOGROUP` of XGROUP and XINFO.
fn no_group_for_key(key: &[u8], group: &[u8]) -> CommandError {
    let (key, group) = (String::from_utf8_lossy(key), String::from_utf8_lossy(group));
    CommandError::Text(
        format!("NOGROUP No such consumer group '{group}' for key name '{key}'").into(),
    )
}

/// A group's name and key, as its commands need them to log their effects.
#[derive(Clone, Copy, Debug)]
struct GroupKey<'a> {
    key: &'a [u8],
    group: &'a [u8],
}
