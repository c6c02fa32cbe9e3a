//! FUNCTION, FCALL: libraries of functions that stay, in the log too.

use super::error::shown;
use super::row::row;
use super::script::{Rights, drive, key_count, kill, script_error};
use super::{
    Args, Arity, Category, CommandError, CommandResult, CommandSpec, Context, Flag, KeySpec,
    Outcome, counted_keys,
};
use crate::glob;
use crate::script::functions::{self, Library};
use crate::script::running::FunctionCall;
use crate::script::{Vm, dump};

const KEYS: KeySpec = KeySpec::Find(|argv| counted_keys(argv, 2));

pub(crate) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "fcall",
        arity: Arity::AtLeast(3),
        keys: KEYS,
        flags: &[
            Flag::AllShards,
            Flag::MayReplicate,
            Flag::NoMandatoryKeys,
            Flag::NoScript,
            Flag::SkipMonitor,
            Flag::Stale,
        ],
        acl: &[Category::Scripting],
        since: "7.0.0",
        syntax: "function numkeys [key [key ...]] [arg [arg ...]]",
        summary: "Calls a function.",
        subcommands: &[],
        handler: |context, args| fcall(context, args, false),
    },
    CommandSpec {
        name: "fcall_ro",
        arity: Arity::AtLeast(3),
        keys: KEYS,
        flags: &[
            Flag::AllShards,
            Flag::NoMandatoryKeys,
            Flag::NoScript,
            Flag::ReadOnly,
            Flag::SkipMonitor,
            Flag::Stale,
        ],
        acl: &[Category::Scripting],
        since: "7.0.0",
        syntax: "function numkeys [key [key ...]] [arg [arg ...]]",
        summary: "Calls a function that changes nothing.",
        subcommands: &[],
        handler: |context, args| fcall(context, args, true),
    },
    row("function", Arity::AtLeast(2), &[], ("7.0.0", "", "Libraries of functions."), |_, _| {
        Err(CommandError::Syntax)
    })
    .containing(SUBCOMMANDS),
];

const SCRIPTING: &[Category] = &[Category::Scripting];
const WRITES: &[Flag] = &[Flag::AllShards, Flag::NoScript, Flag::Write];

const SUBCOMMANDS: &[CommandSpec] = &[
    row("delete", Arity::Exact(3), WRITES, ("7.0.0", "library-name", "Removes a library."), delete)
        .in_categories(SCRIPTING),
    row(
        "dump",
        Arity::Exact(2),
        &[Flag::AllShards, Flag::NoScript],
        ("7.0.0", "", "Replies with all libraries as a payload."),
        dump_all,
    )
    .in_categories(SCRIPTING),
    row(
        "flush",
        Arity::AtLeast(2),
        WRITES,
        ("7.0.0", "[ASYNC | SYNC]", "Removes all libraries."),
        flush,
    )
    .in_categories(SCRIPTING),
    row(
        "help",
        Arity::Exact(2),
        &[Flag::Loading, Flag::Stale],
        ("7.0.0", "", "Replies with the subcommands."),
        super::help::help,
    )
    .in_categories(SCRIPTING),
    row(
        "kill",
        Arity::Exact(2),
        &[Flag::AllowBusy, Flag::NoScript],
        ("7.0.0", "", "Ends the function that runs."),
        |context, _| kill(context, true),
    )
    .in_categories(SCRIPTING),
    row(
        "list",
        Arity::AtLeast(2),
        &[Flag::AllShards, Flag::NoScript],
        ("7.0.0", "[LIBRARYNAME library-name-pattern] [WITHCODE]", "Replies with the libraries."),
        list,
    )
    .in_categories(SCRIPTING),
    row(
        "load",
        Arity::AtLeast(3),
        &[Flag::AllShards, Flag::DenyOom, Flag::NoScript, Flag::Write],
        ("7.0.0", "[REPLACE] function-code", "Loads a library."),
        load,
    )
    .in_categories(SCRIPTING),
    row(
        "restore",
        Arity::AtLeast(3),
        &[Flag::AllShards, Flag::DenyOom, Flag::NoScript, Flag::Write],
        (
            "7.0.0",
            "serialized-value [FLUSH | APPEND | REPLACE]",
            "Loads the libraries of a payload.",
        ),
        restore,
    )
    .in_categories(SCRIPTING),
    row(
        "stats",
        Arity::Exact(2),
        &[Flag::AllowBusy, Flag::NoScript],
        ("7.0.0", "", "Replies with the function that runs, and counts."),
        stats,
    )
    .in_categories(SCRIPTING),
];

/// `FCALL function numkeys [key [key ...]] [arg [arg ...]]`
///
/// Calls a function of a library; replies what it returns. `FCALL_RO` only one that says it does
/// not write. Errors: ERR if there is none of this name, or it fails.
/// <https://redis.io/docs/latest/commands/fcall/>
fn fcall(context: &mut Context<'_>, args: &mut Args<'_>, read_only: bool) -> CommandResult {
    let argv = args.argv();
    let name = args.bytes()?;
    let vm = &context.services.scripts.functions;
    let flags = vm.lock().function(name).map(|function| function.flags);
    let flags = flags.ok_or(CommandError::Plain("ERR Function not found"))?;
    let keys = key_count(args).map_err(|error| match error {
        CommandError::NotAnInteger => CommandError::Plain("ERR Bad number of keys provided"),
        other => other,
    })?;
    let mut rights = Rights::of(context, flags, read_only)?;
    let words = args.rest();
    rights.bind_to(words.clone().take(keys));
    let run = functions::start(vm, name, words.clone().take(keys), words.skip(keys));
    let call = FunctionCall { name: name.into(), argv: argv.to_owned() };
    drive(context, run.map_err(script_error)?, rights, Some(call))
}

/// The libraries have changed: counts them, and has the command logged.
fn changed(context: &mut Context<'_>, vm: &Vm) {
    context.services.scripts.count_functions(vm);
    context.db.changes().dirty += 1;
}

/// `FUNCTION LOAD [REPLACE] function-code`
///
/// Loads a library and replies its name. Errors: ERR if its code does not compile, fails or
/// registers nothing, or if a library or function of the name exists.
/// <https://redis.io/docs/latest/commands/function-load/>
fn load(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let mut replace = false;
    while args.len() > 1 {
        if args.keyword("REPLACE") {
            replace = true;
            continue;
        }
        let option = String::from_utf8_lossy(args.bytes()?).into_owned();
        return Err(script_error(format!("ERR Unknown option given: {option}")));
    }
    let source = args.bytes()?;
    let mut vm = context.services.scripts.functions.lock();
    let loaded = vm.load_library(source, replace);
    vm.recover();
    let name = loaded.map_err(script_error)?;
    changed(context, &vm);
    context.reply.bulk(&name);
    Ok(Outcome::Done)
}

/// `FUNCTION DELETE library-name`
///
/// Replies OK. Errors: ERR if there is no such library.
/// <https://redis.io/docs/latest/commands/function-delete/>
fn delete(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let mut vm = context.services.scripts.functions.lock();
    if !vm.delete_library(args.bytes()?) {
        return Err(CommandError::Plain("ERR Library not found"));
    }
    changed(context, &vm);
    context.reply.ok();
    Ok(Outcome::Done)
}

/// Refuses more than `max` arguments.
fn at_most(args: &Args<'_>, max: usize) -> Result<(), CommandError> {
    if args.len() <= max {
        return Ok(());
    }
    let name = shown(args.argv().get(1).unwrap_or_default());
    let text = "ERR unknown subcommand or wrong number of arguments for";
    Err(script_error(format!("{text} '{name}'. Try FUNCTION HELP.")))
}

/// `FUNCTION FLUSH [ASYNC | SYNC]`
///
/// Replies OK. <https://redis.io/docs/latest/commands/function-flush/>
fn flush(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    at_most(args, 1)?;
    if !args.is_empty() && !args.keyword("ASYNC") && !args.keyword("SYNC") {
        return Err(CommandError::Plain("ERR FUNCTION FLUSH only supports SYNC|ASYNC option"));
    }
    let mut vm = context.services.scripts.functions.lock();
    *vm = Vm::default();
    changed(context, &vm);
    context.reply.ok();
    Ok(Outcome::Done)
}

/// `FUNCTION DUMP`
///
/// Replies a payload for FUNCTION RESTORE.
/// <https://redis.io/docs/latest/commands/function-dump/>
fn dump_all(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    let vm = context.services.scripts.functions.lock();
    let payload = dump::write(vm.libraries.values().map(|library| &*library.source));
    context.reply.bulk(&payload);
    Ok(Outcome::Done)
}

/// `FUNCTION RESTORE serialized-value [FLUSH | APPEND | REPLACE]`
///
/// Loads the libraries of a payload: in place of all others, besides them (the default; an error
/// if one is there already), or in place of those of the same names. Replies OK.
/// <https://redis.io/docs/latest/commands/function-restore/>
fn restore(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    at_most(args, 2)?;
    let payload = args.bytes()?;
    let (mut flush, mut replace) = (false, false);
    if !args.is_empty() {
        flush = args.keyword("FLUSH");
        replace = !flush && args.keyword("REPLACE");
        if !flush && !replace && !args.keyword("APPEND") {
            let text = "ERR Wrong restore policy given, value should be either FLUSH, APPEND or \
                        REPLACE.";
            return Err(CommandError::Plain(text));
        }
    }
    let sources = dump::read(payload).map_err(CommandError::Plain)?;
    let mut vm = context.services.scripts.functions.lock();
    let mut libraries = if flush { functions::Libraries::new() } else { vm.libraries.clone() };
    for source in &sources {
        let added = vm.add_library(&mut libraries, source, replace);
        if added.is_err() {
            vm.recover();
        }
        added.map_err(|text| {
            script_error(text.replace("Library '", "Library ").replace("' a", " a"))
        })?;
    }
    vm.libraries = libraries;
    changed(context, &vm);
    context.reply.ok();
    Ok(Outcome::Done)
}

/// `FUNCTION LIST [LIBRARYNAME library-name-pattern] [WITHCODE]`
///
/// Replies a map for each library. <https://redis.io/docs/latest/commands/function-list/>
fn list(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (mut pattern, mut with_code) = (None, false);
    while let Some(word) = args.peek() {
        if !with_code && args.keyword("WITHCODE") {
            with_code = true;
        } else if pattern.is_none() && args.keyword("LIBRARYNAME") {
            let missing = CommandError::Plain("ERR library name argument was not given");
            pattern = Some(args.bytes().map_err(|_| missing)?);
        } else {
            let word = String::from_utf8_lossy(word);
            return Err(script_error(format!("ERR Unknown argument {word}")));
        }
    }
    let vm = context.services.scripts.functions.lock();
    let fits = |name: &[u8]| {
        let lower = name.to_ascii_lowercase();
        pattern.is_none_or(|pattern| glob::matches(&pattern.to_ascii_lowercase(), &lower))
    };
    let shown: Vec<_> = vm.libraries.iter().filter(|(name, _)| fits(name)).collect();
    context.reply.array(shown.len());
    for (name, library) in shown {
        show(context, name, library, with_code);
    }
    Ok(Outcome::Done)
}

fn show(context: &mut Context<'_>, name: &[u8], library: &Library, with_code: bool) {
    let reply = &mut *context.reply;
    reply.map(3 + usize::from(with_code));
    reply.bulk(b"library_name");
    reply.bulk(name);
    reply.bulk(b"engine");
    reply.bulk(b"LUA");
    reply.bulk(b"functions");
    reply.array(library.functions.len());
    for function in &library.functions {
        reply.map(3);
        reply.bulk(b"name");
        reply.bulk(&function.name);
        reply.bulk(b"description");
        match &function.description {
            Some(text) => reply.bulk(text),
            None => reply.nil(),
        }
        reply.bulk(b"flags");
        reply.set(function.flags.names().count());
        function.flags.names().for_each(|flag| reply.status(flag));
    }
    if with_code {
        reply.bulk(b"library_code");
        reply.bulk(&library.source);
    }
}

/// `FUNCTION STATS`
///
/// Replies the function that runs (nil if none does) and the counts of libraries and functions.
/// Errors: BUSY if a script runs that is no function.
/// <https://redis.io/docs/latest/commands/function-stats/>
fn stats(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    let scripts = &context.services.scripts;
    if scripts.running.is_eval() {
        return Err(CommandError::BusyScript);
    }
    let elapsed_ms = scripts.running.elapsed_ms(context.services.clock.elapsed_ns());
    let reply = &mut *context.reply;
    reply.map(2);
    reply.bulk(b"running_script");
    match scripts.running.function() {
        None => reply.nil(),
        Some(call) => {
            reply.map(3);
            reply.bulk(b"name");
            reply.bulk(&call.name);
            reply.bulk(b"command");
            let argv = call.argv.as_argv();
            reply.array(argv.len());
            argv.iter().for_each(|word| reply.bulk(word));
            reply.bulk(b"duration_ms");
            reply.integer(i64::try_from(elapsed_ms).unwrap_or(i64::MAX));
        }
    }
    let (libraries, functions) = scripts.counts();
    reply.bulk(b"engines");
    reply.map(1);
    reply.bulk(b"LUA");
    reply.map(2);
    reply.bulk(b"libraries_count");
    reply.count(libraries);
    reply.bulk(b"functions_count");
    reply.count(functions);
    Ok(Outcome::Done)
}
