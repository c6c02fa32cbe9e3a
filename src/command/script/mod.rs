//! The group `scripting`: EVAL and its kin.
//!
//! A script holds all shards while it runs, since it may make up the names of its keys. The
//! handler drives it (`drive.rs`): runs the commands it asks for on the one call path, and looks
//! at the clock. A script that is over its time is put aside ([`Outcome::Suspended`]) so that
//! others are answered, with BUSY, and can have it killed. What it changed is logged, not the
//! script.

use std::sync::Arc;

use super::row::row;
use super::{
    Args, Arity, Category, CommandError, CommandResult, CommandSpec, Context, Flag, KeySpec,
    Outcome, counted_keys,
};
use crate::script::running::NotKilled;
use crate::script::{Script, vm};

mod drive;
mod rights;

pub(super) use drive::drive;
pub(super) use rights::Rights;

const EVAL_FLAGS: &[Flag] = &[
    Flag::AllShards,
    Flag::MayReplicate,
    Flag::NoMandatoryKeys,
    Flag::NoScript,
    Flag::SkipMonitor,
    Flag::Stale,
];
const EVAL_RO_FLAGS: &[Flag] = &[
    Flag::AllShards,
    Flag::NoMandatoryKeys,
    Flag::NoScript,
    Flag::ReadOnly,
    Flag::SkipMonitor,
    Flag::Stale,
];
const KEYS: KeySpec = KeySpec::Find(|argv| counted_keys(argv, 2));

pub(crate) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "eval",
        arity: Arity::AtLeast(3),
        keys: KEYS,
        flags: EVAL_FLAGS,
        acl: &[Category::Scripting],
        since: "2.6.0",
        syntax: "script numkeys [key [key ...]] [arg [arg ...]]",
        summary: "Runs a Lua script.",
        subcommands: &[],
        handler: |context, args| eval(context, args, false),
    },
    CommandSpec {
        name: "eval_ro",
        arity: Arity::AtLeast(3),
        keys: KEYS,
        flags: EVAL_RO_FLAGS,
        acl: &[Category::Scripting],
        since: "7.0.0",
        syntax: "script numkeys [key [key ...]] [arg [arg ...]]",
        summary: "Runs a Lua script that changes nothing.",
        subcommands: &[],
        handler: |context, args| eval(context, args, true),
    },
    CommandSpec {
        name: "evalsha",
        arity: Arity::AtLeast(3),
        keys: KEYS,
        flags: EVAL_FLAGS,
        acl: &[Category::Scripting],
        since: "2.6.0",
        syntax: "sha1 numkeys [key [key ...]] [arg [arg ...]]",
        summary: "Runs a cached Lua script.",
        subcommands: &[],
        handler: |context, args| evalsha(context, args, false),
    },
    CommandSpec {
        name: "evalsha_ro",
        arity: Arity::AtLeast(3),
        keys: KEYS,
        flags: EVAL_RO_FLAGS,
        acl: &[Category::Scripting],
        since: "7.0.0",
        syntax: "sha1 numkeys [key [key ...]] [arg [arg ...]]",
        summary: "Runs a cached Lua script that changes nothing.",
        subcommands: &[],
        handler: |context, args| evalsha(context, args, true),
    },
    row("script", Arity::AtLeast(2), &[], ("2.6.0", "", "The cache of scripts."), |_, _| {
        Err(CommandError::Syntax)
    })
    .containing(SUBCOMMANDS),
];

const SUBCOMMANDS: &[CommandSpec] = &[
    row(
        "debug",
        Arity::Exact(3),
        &[Flag::NoScript],
        ("3.2.0", "<YES | SYNC | NO>", "Refused: there is no debugger for scripts."),
        debug,
    )
    .in_categories(&[Category::Scripting]),
    row(
        "exists",
        Arity::AtLeast(3),
        &[Flag::AllShards, Flag::NoScript],
        ("2.6.0", "sha1 [sha1 ...]", "Tells which scripts are in the cache."),
        exists,
    )
    .in_categories(&[Category::Scripting]),
    row(
        "flush",
        Arity::AtLeast(2),
        &[Flag::AllShards, Flag::NoScript],
        ("2.6.0", "[ASYNC | SYNC]", "Empties the cache of scripts."),
        flush,
    )
    .in_categories(&[Category::Scripting]),
    row(
        "help",
        Arity::Exact(2),
        &[Flag::Loading, Flag::Stale],
        ("5.0.0", "", "Replies with the subcommands."),
        super::help::help,
    )
    .in_categories(&[Category::Scripting]),
    row(
        "kill",
        Arity::Exact(2),
        &[Flag::AllowBusy, Flag::NoScript],
        ("2.6.0", "", "Ends the script that runs."),
        |context, _| kill(context, false),
    )
    .in_categories(&[Category::Scripting]),
    row(
        "load",
        Arity::Exact(3),
        &[Flag::AllShards, Flag::NoScript, Flag::Stale],
        ("2.6.0", "script", "Puts a script into the cache."),
        load,
    )
    .in_categories(&[Category::Scripting]),
];

/// The text of an error that a script or its source has caused.
pub(super) fn script_error(text: String) -> CommandError {
    CommandError::Script(text.into())
}

/// `EVAL script numkeys [key [key ...]] [arg [arg ...]]`
///
/// Runs a Lua script, compiled once and kept in the cache, with the tables `KEYS` and `ARGV`.
/// Replies what it returns; its effects are logged as one transaction. `EVAL_RO` refuses commands
/// that write. Errors: ERR if it does not compile or fails, BUSY for others while it runs long.
/// <https://redis.io/docs/latest/commands/eval/>
fn eval(context: &mut Context<'_>, args: &mut Args<'_>, read_only: bool) -> CommandResult {
    let source = args.bytes()?;
    let keys = key_count(args)?;
    let sha = vm::sha_of(source);
    let script = context.services.scripts.vm.lock().load(sha, source).map_err(script_error)?;
    run_cached(context, args, Cached { script, keys, read_only })
}

/// `EVALSHA sha1 numkeys [key [key ...]] [arg [arg ...]]`
///
/// As EVAL, with a script that is in the cache. Errors: NOSCRIPT if it is not.
/// <https://redis.io/docs/latest/commands/evalsha/>
fn evalsha(context: &mut Context<'_>, args: &mut Args<'_>, read_only: bool) -> CommandResult {
    let digits = args.bytes()?;
    let script = context.services.scripts.vm.lock().called(digits);
    if script.is_none() && vm::parse_sha(digits).is_none() {
        return Err(CommandError::NoScript);
    }
    let keys = key_count(args)?;
    let script = script.ok_or(CommandError::NoScript)?;
    run_cached(context, args, Cached { script, keys, read_only })
}

/// Reads `numkeys`.
pub(super) fn key_count(args: &mut Args<'_>) -> Result<usize, CommandError> {
    let count = args.integer()?;
    let count = usize::try_from(count)
        .map_err(|_| CommandError::Plain("ERR Number of keys can't be negative"))?;
    if count > args.len() {
        let text = "ERR Number of keys can't be greater than number of args";
        return Err(CommandError::Plain(text));
    }
    Ok(count)
}

/// A call of a script in the cache.
struct Cached {
    script: Arc<Script>,
    keys: usize,
    read_only: bool,
}

fn run_cached(context: &mut Context<'_>, args: &mut Args<'_>, cached: Cached) -> CommandResult {
    let mut rights = Rights::of(context, cached.script.flags, cached.read_only)?;
    let words = args.rest();
    let keys = words.clone().take(cached.keys);
    rights.bind_to(keys.clone());
    let vm = &context.services.scripts.vm;
    let run = vm::start(vm, cached.script, keys, words.skip(cached.keys)).map_err(script_error)?;
    drive(context, run, rights, None)
}

/// `SCRIPT DEBUG <YES | SYNC | NO>`
///
/// Differs from Redis: refused, as there is no debugger for scripts.
/// <https://redis.io/docs/latest/commands/script-debug/>
fn debug(_context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    Err(CommandError::Plain("ERR SCRIPT DEBUG is not supported"))
}

/// `SCRIPT EXISTS sha1 [sha1 ...]`
///
/// Replies 1 or 0 for each. <https://redis.io/docs/latest/commands/script-exists/>
fn exists(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let vm = context.services.scripts.vm.lock();
    context.reply.array(args.len());
    for text in args.rest() {
        let known = vm::parse_sha(text).is_some_and(|sha| vm.script(sha).is_some());
        context.reply.integer(i64::from(known));
    }
    Ok(Outcome::Done)
}

/// `SCRIPT FLUSH [ASYNC | SYNC]`
///
/// Replies OK. <https://redis.io/docs/latest/commands/script-flush/>
fn flush(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let known = args.is_empty() || args.keyword("ASYNC") || args.keyword("SYNC");
    if !known || !args.is_empty() {
        return Err(CommandError::Plain("ERR SCRIPT FLUSH only support SYNC|ASYNC option"));
    }
    let mut vm = context.services.scripts.vm.lock();
    *vm = vm::Vm::default();
    context.reply.ok();
    Ok(Outcome::Done)
}

/// `SCRIPT KILL`
///
/// Ends the script that runs. Replies OK. Errors: NOTBUSY if none does; UNKILLABLE if it has
/// written; BUSY if it is a function.
/// <https://redis.io/docs/latest/commands/script-kill/>
pub(super) fn kill(context: &mut Context<'_>, is_function: bool) -> CommandResult {
    let running = &context.services.scripts.running;
    running.kill(is_function).map_err(|reason| match reason {
        NotKilled::NothingRuns => CommandError::Plain("NOTBUSY No scripts in execution right now."),
        NotKilled::OtherKind if is_function => CommandError::BusyScript,
        NotKilled::OtherKind => CommandError::BusyFunction,
        NotKilled::Wrote => CommandError::Plain(
            "UNKILLABLE Sorry the script already executed write commands against the dataset. \
             You can either wait the script termination or kill the server in a hard way using \
             the SHUTDOWN NOSAVE command.",
        ),
    })?;
    context.reply.ok();
    Ok(Outcome::Done)
}

/// `SCRIPT LOAD script`
///
/// Compiles a script and keeps it. Replies its SHA1. Errors: ERR if it does not compile.
/// <https://redis.io/docs/latest/commands/script-load/>
fn load(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let source = args.bytes()?;
    let sha = vm::sha_of(source);
    context.services.scripts.vm.lock().load(sha, source).map_err(script_error)?;
    context.reply.bulk(vm::hex(sha).as_bytes());
    Ok(Outcome::Done)
}
