//! XINFO.

use super::{STREAM, no_group_for_key, write_entry, write_id};
use crate::command::{
    Args, Arity, CommandError, CommandResult, CommandSpec, Context, Flag, KeySpec, Outcome,
    SECOND_KEY, help::help,
};
use crate::resp::Reply;
use crate::types::stream::{Consumer, ConsumerId, Group, Stream, StreamId};

/// Entries, pending ones too, that XINFO STREAM FULL shows unless COUNT says otherwise.
const FULL_COUNT: usize = 10;

pub(super) const SUBCOMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "consumers",
        arity: Arity::Exact(4),
        keys: SECOND_KEY,
        flags: &[Flag::ReadOnly],
        acl: STREAM,
        since: "5.0.0",
        syntax: "key group",
        summary: "Tells about the consumers of a group.",
        subcommands: &[],
        handler: consumers,
    },
    CommandSpec {
        name: "groups",
        arity: Arity::Exact(3),
        keys: SECOND_KEY,
        flags: &[Flag::ReadOnly],
        acl: STREAM,
        since: "5.0.0",
        syntax: "key",
        summary: "Tells about the groups of a stream.",
        subcommands: &[],
        handler: groups,
    },
    CommandSpec {
        name: "help",
        arity: Arity::Exact(2),
        keys: KeySpec::None,
        flags: &[Flag::Loading, Flag::Stale],
        acl: STREAM,
        since: "5.0.0",
        syntax: "",
        summary: "Lists the subcommands.",
        subcommands: &[],
        handler: help,
    },
    CommandSpec {
        name: "stream",
        arity: Arity::AtLeast(3),
        keys: SECOND_KEY,
        flags: &[Flag::ReadOnly],
        acl: STREAM,
        since: "5.0.0",
        syntax: "key [FULL [COUNT count]]",
        summary: "Tells about a stream.",
        subcommands: &[],
        handler: stream,
    },
];

/// `XINFO CONSUMERS key group`
///
/// Replies for each consumer a map of its name, the number of entries pending with it, and the
/// milliseconds since it last tried to get something (idle) and got something (inactive; -1:
/// never). O(consumers).
/// Errors: NOGROUP without the group; ERR without the key; WRONGTYPE on another type.
/// <https://redis.io/docs/latest/commands/xinfo-consumers/>
fn consumers(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, name) = (args.bytes()?, args.bytes()?);
    let now_ms = context.db.now_ms();
    let stream = context.db.read::<Stream>(key)?.ok_or(CommandError::NoSuchKey)?;
    let group = stream.group(name).ok_or_else(|| no_group_for_key(key, name))?;
    let reply = &mut *context.reply;
    reply.array(group.consumers_len());
    for (_, consumer) in group.consumers() {
        let inactive_ms =
            consumer.active_ms.map_or(-1, |ms| now_ms.cast_signed() - ms.cast_signed());
        reply.map(4);
        reply.bulk(b"name");
        reply.bulk(&consumer.name);
        reply.bulk(b"pending");
        reply.count(consumer.pending_len());
        reply.bulk(b"idle");
        reply.integer(now_ms.saturating_sub(consumer.seen_ms).cast_signed());
        reply.bulk(b"inactive");
        reply.integer(inactive_ms);
    }
    Ok(Outcome::Done)
}

/// `XINFO GROUPS key`
///
/// Replies for each group a map of its name, numbers of consumers and pending entries, the last
/// delivered id, and how many entries it was given (entries-read) and not yet given (lag); these
/// are null if they cannot be told. O(groups).
/// Errors: ERR without the key; WRONGTYPE on another type.
/// <https://redis.io/docs/latest/commands/xinfo-groups/>
fn groups(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let stream = context.db.read::<Stream>(args.bytes()?)?.ok_or(CommandError::NoSuchKey)?;
    let reply = &mut *context.reply;
    reply.array(stream.groups_len());
    for (name, group) in stream.groups() {
        reply.map(6);
        reply.bulk(b"name");
        reply.bulk(name);
        reply.bulk(b"consumers");
        reply.count(group.consumers_len());
        reply.bulk(b"pending");
        reply.count(group.pending_len());
        write_position(reply, stream, group);
    }
    Ok(Outcome::Done)
}

/// Writes the fields of a group that tell how far it has come.
fn write_position(reply: &mut Reply, stream: &Stream, group: &Group) {
    reply.bulk(b"last-delivered-id");
    write_id(reply, group.last_delivered_id);
    reply.bulk(b"entries-read");
    write_number(reply, group.entries_read.map(u64::cast_signed));
    reply.bulk(b"lag");
    write_number(reply, stream.lag(group));
}

fn write_number(reply: &mut Reply, number: Option<i64>) {
    match number {
        Some(number) => reply.integer(number),
        None => reply.nil(),
    }
}

/// `XINFO STREAM key [FULL [COUNT count]]`
///
/// Replies a map of what the stream knows of itself, with its first and last entry; with FULL its
/// first `count` (10; 0: all) entries, and its groups with their consumers and pending entries.
/// Differs from Redis: there is no radix tree; its keys are blocks. O(1), with FULL O(entries).
/// Errors: ERR without the key; WRONGTYPE on another type.
/// <https://redis.io/docs/latest/commands/xinfo-stream/>
fn stream(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let mut options = args.clone();
    let stream = context.db.read::<Stream>(key)?.ok_or(CommandError::NoSuchKey)?;
    let reply = &mut *context.reply;
    if options.is_empty() {
        reply.map(10);
        write_counters(reply, stream);
        write_ends(reply, stream);
        return Ok(Outcome::Done);
    }
    let syntax = args.miscounted();
    if !options.keyword("FULL") {
        return Err(syntax);
    }
    let count = match options.len() {
        0 => FULL_COUNT,
        2 if options.keyword("COUNT") => match usize::try_from(options.integer()?) {
            Ok(0) => usize::MAX,
            Ok(count) => count,
            Err(_) => FULL_COUNT,
        },
        _ => return Err(syntax),
    };
    reply.map(9);
    write_counters(reply, stream);
    write_contents(reply, stream, count);
    Ok(Outcome::Done)
}

fn write_counters(reply: &mut Reply, stream: &Stream) {
    let entries = &stream.entries;
    reply.bulk(b"length");
    reply.count(entries.len());
    reply.bulk(b"radix-tree-keys");
    reply.count(entries.blocks());
    reply.bulk(b"radix-tree-nodes");
    reply.count(entries.blocks() + 1);
    reply.bulk(b"last-generated-id");
    write_id(reply, entries.last_id);
    reply.bulk(b"max-deleted-entry-id");
    write_id(reply, entries.max_deleted_id);
    reply.bulk(b"entries-added");
    reply.integer(entries.added.cast_signed());
    reply.bulk(b"recorded-first-entry-id");
    write_id(reply, entries.first_id());
}

fn write_ends(reply: &mut Reply, stream: &Stream) {
    let entries = &stream.entries;
    reply.bulk(b"groups");
    reply.count(stream.groups_len());
    let first = entries.iter().next();
    let last = entries.range_back(StreamId::ZERO, StreamId::MAX).next();
    for (name, entry) in [(&b"first-entry"[..], first), (b"last-entry", last)] {
        reply.bulk(name);
        match entry {
            Some(entry) => write_entry(reply, &entry),
            None => reply.nil(),
        }
    }
}

/// Writes the entries and the groups, each list up to `count` elements.
fn write_contents(reply: &mut Reply, stream: &Stream, count: usize) {
    reply.bulk(b"entries");
    reply.counted_array(|reply| {
        stream.entries.iter().take(count).map(|entry| write_entry(reply, &entry)).count()
    });
    reply.bulk(b"groups");
    reply.array(stream.groups_len());
    for (name, group) in stream.groups() {
        reply.map(7);
        reply.bulk(b"name");
        reply.bulk(name);
        write_position(reply, stream, group);
        reply.bulk(b"pel-count");
        reply.count(group.pending_len());
        reply.bulk(b"pending");
        reply.counted_array(|reply| {
            let pending = group.pending_from(StreamId::ZERO).take(count);
            let written = pending.map(|(id, pending)| {
                reply.array(4);
                write_id(reply, id);
                reply.bulk(&group.consumer(pending.consumer).name);
                reply.integer(pending.delivered_ms.cast_signed());
                reply.integer(pending.delivery_count.cast_signed());
            });
            written.count()
        });
        reply.bulk(b"consumers");
        reply.array(group.consumers_len());
        for (id, consumer) in group.consumers() {
            write_consumer(reply, group, (id, consumer), count);
        }
    }
}

fn write_consumer(
    reply: &mut Reply,
    group: &Group,
    (id, consumer): (ConsumerId, &Consumer),
    count: usize,
) {
    reply.map(5);
    reply.bulk(b"name");
    reply.bulk(&consumer.name);
    reply.bulk(b"seen-time");
    reply.integer(consumer.seen_ms.cast_signed());
    reply.bulk(b"active-time");
    reply.integer(consumer.active_ms.map_or(-1, u64::cast_signed));
    reply.bulk(b"pel-count");
    reply.count(consumer.pending_len());
    reply.bulk(b"pending");
    reply.counted_array(|reply| {
        let pending = group.pending_of(id, StreamId::ZERO).take(count);
        let written = pending.map(|(id, pending)| {
            reply.array(3);
            write_id(reply, id);
            reply.integer(pending.delivered_ms.cast_signed());
            reply.integer(pending.delivery_count.cast_signed());
        });
        written.count()
    });
}
