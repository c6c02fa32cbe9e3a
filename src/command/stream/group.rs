//! XGROUP.

use super::{STREAM, no_group_for_key};
use crate::command::{
    Args, Arity, CommandError, CommandResult, CommandSpec, Context, Flag, KeySpec, Outcome,
    SECOND_KEY, help::help,
};
use crate::store::Class;
use crate::types::stream::{Stream, StreamId};

pub(super) const SUBCOMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "create",
        arity: Arity::AtLeast(5),
        keys: SECOND_KEY,
        flags: &[Flag::Write, Flag::DenyOom],
        acl: STREAM,
        since: "5.0.0",
        syntax: "key group <id | $> [MKSTREAM] [ENTRIESREAD entries-read]",
        summary: "Makes a consumer group.",
        subcommands: &[],
        handler: create,
    },
    CommandSpec {
        name: "createconsumer",
        arity: Arity::Exact(5),
        keys: SECOND_KEY,
        flags: &[Flag::Write, Flag::DenyOom],
        acl: STREAM,
        since: "6.2.0",
        syntax: "key group consumer",
        summary: "Makes a consumer in a group.",
        subcommands: &[],
        handler: createconsumer,
    },
    CommandSpec {
        name: "delconsumer",
        arity: Arity::Exact(5),
        keys: SECOND_KEY,
        flags: &[Flag::Write],
        acl: STREAM,
        since: "5.0.0",
        syntax: "key group consumer",
        summary: "Removes a consumer from a group.",
        subcommands: &[],
        handler: delconsumer,
    },
    CommandSpec {
        name: "destroy",
        arity: Arity::Exact(4),
        keys: SECOND_KEY,
        flags: &[Flag::Write],
        acl: STREAM,
        since: "5.0.0",
        syntax: "key group",
        summary: "Removes a consumer group.",
        subcommands: &[],
        handler: destroy,
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
        name: "setid",
        arity: Arity::AtLeast(5),
        keys: SECOND_KEY,
        flags: &[Flag::Write],
        acl: STREAM,
        since: "5.0.0",
        syntax: "key group <id | $> [ENTRIESREAD entries-read]",
        summary: "Sets which entries a group was given.",
        subcommands: &[],
        handler: setid,
    },
];

/// The options of CREATE and SETID.
#[derive(Debug, Default)]
struct Options {
    mkstream: bool,
    entries_read: Option<u64>,
}

impl Options {
    fn read(args: &mut Args<'_>, is_create: bool) -> Result<Self, CommandError> {
        let mut options = Self::default();
        while !args.is_empty() {
            if is_create && args.keyword("MKSTREAM") {
                options.mkstream = true;
            } else if args.len() >= 2 && args.keyword("ENTRIESREAD") {
                options.entries_read = match args.integer()? {
                    -1 => None,
                    read => Some(u64::try_from(read).map_err(|_| {
                        CommandError::Plain("ERR value for ENTRIESREAD must be positive or -1")
                    })?),
                };
            } else {
                return Err(args.miscounted());
            }
        }
        Ok(options)
    }
}

const NO_KEY: CommandError = CommandError::Plain(
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to \
     use the MKSTREAM option to create an empty stream automatically.",
);

/// `XGROUP CREATE key group <id | $> [MKSTREAM] [ENTRIESREAD entries-read]`
///
/// Makes a group that is given the entries behind `id`; `$` is the last one. MKSTREAM makes an
/// empty stream if there is no such key; ENTRIESREAD says how many entries there were up to `id`.
/// Replies OK. O(1).
/// Errors: BUSYGROUP if the stream has a group of this name; WRONGTYPE on another type; ERR without
/// the key, or if `id` is none.
/// <https://redis.io/docs/latest/commands/xgroup-create/>
fn create(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, name, id) = (args.bytes()?, args.bytes()?, args.bytes()?);
    let options = Options::read(args, true)?;
    let stream = context.db.write::<Stream>(key)?;
    let is_new = stream.is_none();
    if is_new && !options.mkstream {
        return Err(NO_KEY);
    }
    // An option came twice.
    if args.argv().len() > 8 {
        return Err(args.miscounted());
    }
    let last_id = stream.as_ref().map_or(StreamId::ZERO, |stream| stream.entries.last_id);
    let id = if id == b"$" { last_id } else { StreamId::parse(id, 0).ok_or(super::INVALID_ID)? };
    if stream.is_some_and(|stream| stream.group(name).is_some()) {
        return Err(CommandError::Plain("BUSYGROUP Consumer Group name already exists"));
    }
    context.db.create::<Stream>(key)?.add_group(name, id, options.entries_read);
    if is_new {
        context.modified(key, Class::Stream, "xgroup-create");
    } else {
        group_changed(context, key, "xgroup-create");
    }
    context.reply.ok();
    Ok(Outcome::Done)
}

/// A group was changed, which is no change of the key for those who watch it.
fn group_changed(context: &mut Context<'_>, key: &[u8], event: &'static str) {
    context.db.changes().dirty += 1;
    context.db.notify(key, Class::Stream, event);
}

/// Checks that the key and the group are there.
fn check_group(context: &mut Context<'_>, key: &[u8], name: &[u8]) -> Result<(), CommandError> {
    let stream = context.db.write::<Stream>(key)?.ok_or(NO_KEY)?;
    stream.group(name).map(|_| ()).ok_or_else(|| no_group_for_key(key, name))
}

/// `XGROUP CREATECONSUMER key group consumer`
///
/// Makes a consumer. Replies 1, or 0 if there is one of this name. O(1).
/// Errors: NOGROUP without the group; ERR without the key; WRONGTYPE on another type.
/// <https://redis.io/docs/latest/commands/xgroup-createconsumer/>
fn createconsumer(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, name, consumer) = (args.bytes()?, args.bytes()?, args.bytes()?);
    check_group(context, key, name)?;
    let now_ms = context.db.now_ms();
    let stream = context.db.write::<Stream>(key)?;
    let group = stream.and_then(|stream| stream.group_mut(name));
    let group = group.filter(|group| group.find_consumer(consumer).is_none());
    let is_new = group.map(|group| group.add_consumer(consumer, now_ms)).is_some();
    if is_new {
        group_changed(context, key, "xgroup-createconsumer");
    }
    context.reply.integer(i64::from(is_new));
    Ok(Outcome::Done)
}

/// `XGROUP DELCONSUMER key group consumer`
///
/// Removes a consumer; what is pending with it is forgotten. Replies how many entries that were.
/// O(pending entries).
/// Errors: NOGROUP without the group; ERR without the key; WRONGTYPE on another type.
/// <https://redis.io/docs/latest/commands/xgroup-delconsumer/>
fn delconsumer(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, name, consumer) = (args.bytes()?, args.bytes()?, args.bytes()?);
    check_group(context, key, name)?;
    let stream = context.db.write::<Stream>(key)?;
    let group = stream.and_then(|stream| stream.group_mut(name));
    let pending = group.and_then(|group| group.remove_consumer(consumer));
    if pending.is_some() {
        group_changed(context, key, "xgroup-delconsumer");
    }
    context.reply.count(pending.unwrap_or(0));
    Ok(Outcome::Done)
}

/// `XGROUP DESTROY key group`
///
/// Removes a group with all that is pending in it; who waits in it gets NOGROUP. Replies 1, or 0
/// if there is none. O(pending entries).
/// Errors: ERR without the key; WRONGTYPE on another type.
/// <https://redis.io/docs/latest/commands/xgroup-destroy/>
fn destroy(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, name) = (args.bytes()?, args.bytes()?);
    let removed = context.db.write::<Stream>(key)?.ok_or(NO_KEY)?.remove_group(name);
    if removed {
        group_changed(context, key, "xgroup-destroy");
        context.db.wake_waiting(key);
    }
    context.reply.integer(i64::from(removed));
    Ok(Outcome::Done)
}

/// `XGROUP SETID key group <id | $> [ENTRIESREAD entries-read]`
///
/// Lets the group be given the entries behind `id` from now on. Replies OK. O(1).
/// Errors: NOGROUP without the group; ERR without the key, or if `id` is none; WRONGTYPE on another
/// type.
/// <https://redis.io/docs/latest/commands/xgroup-setid/>
fn setid(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, name, id) = (args.bytes()?, args.bytes()?, args.bytes()?);
    let options = Options::read(args, false)?;
    check_group(context, key, name)?;
    let stream = context.db.write::<Stream>(key)?.ok_or(NO_KEY)?;
    let last_delivered_id = match id {
        b"$" => stream.entries.last_id,
        b"-" => StreamId::ZERO,
        b"+" => StreamId::MAX,
        id => StreamId::parse(id, 0).ok_or(super::INVALID_ID)?,
    };
    if let Some(group) = stream.group_mut(name) {
        group.last_delivered_id = last_delivered_id;
        group.entries_read = options.entries_read;
    }
    group_changed(context, key, "xgroup-setid");
    context.reply.ok();
    Ok(Outcome::Done)
}
