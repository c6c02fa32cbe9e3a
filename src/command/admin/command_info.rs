//! COMMAND and its subcommands: what the rows of the table say, in the shapes of Redis.

use super::command_docs::docs;
use super::{Args, Arity, CommandError, CommandResult, CommandSpec, Context, Flag, KeySpec};
use super::{Category, Outcome, TELLING, help, row};
use crate::command::access::{categories, keys};
use crate::command::table::{Command, table};
use crate::glob;
use crate::resp::Reply;
use crate::resp::argv::Argv;

const CONNECTION: &[Category] = &[Category::Connection];

pub(super) const SUBCOMMANDS: &[CommandSpec] = &[
    row(
        "count",
        Arity::Exact(2),
        TELLING,
        ("2.8.13", "", "Replies with the number of commands."),
        count,
    )
    .in_categories(CONNECTION),
    row(
        "docs",
        Arity::AtLeast(2),
        TELLING,
        ("7.0.0", "[command-name [command-name ...]]", "Replies with what commands do."),
        docs,
    )
    .in_categories(CONNECTION),
    row(
        "getkeys",
        Arity::AtLeast(3),
        TELLING,
        ("2.8.13", "command [arg [arg ...]]", "Replies with the keys that a request names."),
        getkeys,
    )
    .in_categories(CONNECTION),
    row(
        "getkeysandflags",
        Arity::AtLeast(3),
        TELLING,
        (
            "7.0.0",
            "command [arg [arg ...]]",
            "Replies with the keys that a request names, and what it does to them.",
        ),
        getkeysandflags,
    )
    .in_categories(CONNECTION),
    row("help", Arity::Exact(2), TELLING, ("5.0.0", "", "Replies with the subcommands."), help)
        .in_categories(CONNECTION),
    row(
        "info",
        Arity::AtLeast(2),
        TELLING,
        ("2.8.13", "[command-name [command-name ...]]", "Replies with the facts on commands."),
        info,
    )
    .in_categories(CONNECTION),
    row(
        "list",
        Arity::AtLeast(2),
        TELLING,
        (
            "7.0.0",
            "[FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]",
            "Replies with the names of commands.",
        ),
        list,
    )
    .in_categories(CONNECTION),
];

/// Names of flags as COMMAND INFO shows them, in the order of Redis.
const FLAG_NAMES: &[(Flag, &str)] = &[
    (Flag::Write, "write"),
    (Flag::ReadOnly, "readonly"),
    (Flag::DenyOom, "denyoom"),
    (Flag::Admin, "admin"),
    (Flag::PubSub, "pubsub"),
    (Flag::NoScript, "noscript"),
    (Flag::Blocking, "blocking"),
    (Flag::Loading, "loading"),
    (Flag::Stale, "stale"),
    (Flag::SkipMonitor, "skip_monitor"),
    (Flag::SkipSlowlog, "skip_slowlog"),
    (Flag::Fast, "fast"),
    (Flag::NoAuth, "no_auth"),
    (Flag::NoMandatoryKeys, "no_mandatory_keys"),
    (Flag::NoAsyncLoading, "no_async_loading"),
    (Flag::NoMulti, "no_multi"),
    (Flag::AllowBusy, "allow_busy"),
];

/// The command, or the subcommand behind `|`, of this name.
pub(super) fn find(name: &[u8]) -> Option<&'static Command> {
    let mut parts = name.splitn(2, |byte| *byte == b'|');
    let command = table().find(parts.next()?)?;
    match parts.next() {
        Some(subcommand) => table().find_subcommand(command, subcommand),
        None => Some(command),
    }
}

/// The commands, without subcommands.
pub(super) fn top_level() -> impl Iterator<Item = &'static Command> {
    let all = table().all().iter();
    all.filter(|command| command.container.is_none() && !command.has(Flag::Removed))
}

/// The subcommands of a container.
pub(super) fn subcommands(command: &Command) -> impl Iterator<Item = &'static Command> {
    let name = command.spec.name;
    table().all().iter().filter(move |sub| sub.container.is_some_and(|spec| spec.name == name))
}

/// `COMMAND`
///
/// As COMMAND INFO for all commands.
/// <https://redis.io/docs/latest/commands/command/>
pub(super) fn command(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    context.reply.array(table().len());
    for command in top_level() {
        write_info(context.reply, command);
    }
    Ok(Outcome::Done)
}

/// `COMMAND COUNT`
///
/// Replies the number of commands, without subcommands.
/// <https://redis.io/docs/latest/commands/command-count/>
fn count(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    context.reply.count(table().len());
    Ok(Outcome::Done)
}

/// `COMMAND GETKEYS command [arg [arg ...]]`
///
/// Replies the keys that a request names, without running it.
/// Errors: ERR if there is no such command, it takes another number of words, or has no keys.
/// <https://redis.io/docs/latest/commands/command-getkeys/>
fn getkeys(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let argv = args.argv().tail(2);
    let (_, keys) = keys_of(argv)?;
    context.reply.array(keys.len());
    for at in &keys {
        context.reply.bulk(argv.get(*at).unwrap_or_default());
    }
    Ok(Outcome::Done)
}

/// `COMMAND GETKEYSANDFLAGS command [arg [arg ...]]`
///
/// As COMMAND GETKEYS, each key as `[key, flags]`: RO, RW, OW or RM, and access, insert, update
/// or delete.
/// <https://redis.io/docs/latest/commands/command-getkeysandflags/>
fn getkeysandflags(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let argv = args.argv().tail(2);
    let (command, keys) = keys_of(argv)?;
    context.reply.array(keys.len());
    for (place, at) in keys.iter().enumerate() {
        context.reply.array(2);
        context.reply.bulk(argv.get(*at).unwrap_or_default());
        write_set(context.reply, keys::of_key(command, Some(argv), place));
    }
    Ok(Outcome::Done)
}

/// Commands that name a destination, and then other keys.
const WITH_SOURCES: [&str; 4] = ["pfmerge", "zdiffstore", "zinterstore", "zunionstore"];

fn keys_of(argv: Argv<'_>) -> Result<(&'static Command, Vec<usize>), CommandError> {
    // A container with a subcommand that it has not is no command.
    let command = table().resolve(argv).filter(|it| !it.is_container() || argv.len() == 1);
    let command = command.ok_or(CommandError::Plain("ERR Invalid command specified"))?;
    if matches!(command.spec.keys, KeySpec::None) {
        return Err(CommandError::Plain("ERR The command has no key arguments"));
    }
    if !command.spec.arity.allows(argv.len()) {
        return Err(CommandError::Plain("ERR Invalid number of arguments specified for command"));
    }
    let mut keys = Vec::new();
    command.spec.keys.for_each(argv, |at| keys.push(at));
    // The destination alone: there are no other keys, or their number is wrong.
    let lacks_sources = keys.len() == 1 && WITH_SOURCES.contains(&command.full_name.as_str());
    if lacks_sources || keys.is_empty() && !command.has(Flag::NoMandatoryKeys) {
        return Err(CommandError::Plain("ERR Invalid arguments specified for command"));
    }
    Ok((command, keys))
}

/// `COMMAND INFO [command-name [command-name ...]]`
///
/// Replies the facts on these commands, or on all: `[name, arity, flags, first key, last key,
/// step, ACL categories, tips, key specifications, subcommands]`; nil for an unknown name.
/// <https://redis.io/docs/latest/commands/command-info/>
fn info(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    if args.is_empty() {
        return command(context, args);
    }
    let names = args.rest();
    context.reply.array(names.len());
    for name in names {
        match find(name) {
            Some(command) => write_info(context.reply, command),
            None => context.reply.nil(),
        }
    }
    Ok(Outcome::Done)
}

/// `COMMAND LIST [FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]`
///
/// Replies the names of all commands and subcommands, or of those in a category or that fit a
/// pattern.
/// <https://redis.io/docs/latest/commands/command-list/>
fn list(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let names: Vec<&str> = if args.is_empty() {
        table().all().iter().map(|command| command.full_name.as_str()).collect()
    } else {
        filtered(args)?
    };
    context.reply.array(names.len());
    for name in &names {
        context.reply.bulk(name.as_bytes());
    }
    Ok(Outcome::Done)
}

fn filtered(args: &mut Args<'_>) -> Result<Vec<&'static str>, CommandError> {
    if !args.keyword("FILTERBY") || args.len() != 2 {
        return Err(CommandError::Syntax);
    }
    let all = table().all().iter();
    let names = |command: &'static Command| command.full_name.as_str();
    if args.keyword("MODULE") {
        args.bytes()?;
        return Ok(Vec::new());
    }
    if args.keyword("ACLCAT") {
        let category = String::from_utf8_lossy(args.bytes()?).to_ascii_lowercase();
        let is_in = |command: &&Command| categories::names(command).contains(&category.as_str());
        return Ok(all.filter(is_in).map(names).collect());
    }
    if args.keyword("PATTERN") {
        let pattern = args.bytes()?;
        let fits =
            |command: &&Command| glob::matches_ignore_case(pattern, command.full_name.as_bytes());
        return Ok(all.filter(fits).map(names).collect());
    }
    Err(CommandError::Syntax)
}

fn write_set(reply: &mut Reply, names: &[&str]) {
    reply.set(names.len());
    for name in names {
        reply.status(name);
    }
}

fn write_info(reply: &mut Reply, command: &Command) {
    let spec = command.spec;
    let (Arity::AtLeast(words) | Arity::Exact(words)) = spec.arity;
    let words = i64::try_from(words).unwrap_or(i64::MAX);
    reply.array(10);
    reply.bulk(command.full_name.as_bytes());
    reply.integer(if matches!(spec.arity, Arity::Exact(_)) { words } else { -words });
    let names = FLAG_NAMES.iter().filter(|(flag, _)| command.has(*flag)).map(|(_, name)| *name);
    let movable = matches!(spec.keys, KeySpec::Find(_)) || command.has(Flag::KeyPatterns);
    let movable = movable.then_some("movablekeys");
    write_set(reply, &names.chain(movable).collect::<Vec<_>>());
    let (first, last, step) = match spec.keys {
        KeySpec::Range { first, last, step } => (first, i64::from(last), step),
        KeySpec::Find(_) | KeySpec::None => (0, 0, 0),
    };
    reply.count(first);
    reply.integer(last);
    reply.count(step);
    let names = categories::names(command);
    let categories: Vec<String> = names.iter().map(|name| format!("@{name}")).collect();
    write_set(reply, &categories.iter().map(String::as_str).collect::<Vec<_>>());
    reply.array(0);
    write_key_specs(reply, command);
    let subcommands: Vec<_> = subcommands(command).collect();
    reply.array(subcommands.len());
    for command in &subcommands {
        write_info(reply, command);
    }
}

/// The key specifications: a range, or unknown where a function finds the keys.
fn write_key_specs(reply: &mut Reply, command: &Command) {
    if matches!(command.spec.keys, KeySpec::None) {
        reply.array(0);
        return;
    }
    reply.array(1);
    reply.map(3);
    reply.bulk(b"flags");
    write_set(reply, keys::of_key(command, None, 0));
    let range = match command.spec.keys {
        KeySpec::Range { first, last, step } => Some((first, last, step)),
        KeySpec::Find(_) | KeySpec::None => None,
    };
    let Some((first, last, step)) = range else {
        for part in ["begin_search", "find_keys"] {
            reply.bulk(part.as_bytes());
            reply.map(2);
            reply.bulk(b"type");
            reply.bulk(b"unknown");
            reply.bulk(b"spec");
            reply.map(0);
        }
        return;
    };
    reply.bulk(b"begin_search");
    write_typed(reply, "index", &[("index", i64::try_from(first).unwrap_or(0))]);
    reply.bulk(b"find_keys");
    let first = i64::try_from(first).unwrap_or(0);
    let last = if last < 0 { i64::from(last) } else { i64::from(last) - first };
    let step = i64::try_from(step).unwrap_or(1);
    write_typed(reply, "range", &[("lastkey", last), ("keystep", step), ("limit", 0)]);
}

fn write_typed(reply: &mut Reply, kind: &str, spec: &[(&str, i64)]) {
    reply.map(2);
    reply.bulk(b"type");
    reply.bulk(kind.as_bytes());
    reply.bulk(b"spec");
    reply.map(spec.len());
    for (name, value) in spec {
        reply.bulk(name.as_bytes());
        reply.integer(*value);
    }
}
