//! The group `scripting`: EVAL and its kin.
//!
//! A script holds all shards while it runs, since it may make up the names of its keys. The
//! handler drives it: runs the commands it asks for on the one call path, and looks at the clock.
//! A script that is over its time is put aside ([`Outcome::Suspended`]) so that others are
//! answered, with BUSY, and can have it killed. What it changed is logged, not the script.

use std::sync::Arc;

use super::access::{Asked, Origin};
use super::cluster::Slots;
use super::row::row;
use super::table::{Command, table};
use super::{
    Args, Arity, Category, CommandError, CommandResult, CommandSpec, Context, Flag, KeySpec, Mode,
    Outcome, Suspended, counted_keys,
};
use crate::config::Setting;
use crate::resp::argv::Argv;
use crate::resp::{Protocol, Reply};
use crate::script::running::{FunctionCall, NotKilled};
use crate::script::shebang::Flags;
use crate::script::{Answer, Ask, Failed, ReplyBytes, Returned, Run, Script, Step, vm};

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

fn failed(failed: Failed) -> CommandError {
    let text = failed.text.into();
    if failed.is_counted { CommandError::Counted(text) } else { CommandError::Script(text) }
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

const KILL: Answer = Answer::Kill("ERR Script killed by user with SCRIPT KILL.");

/// What a script may do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rights {
    read_only: bool,
    /// May it call what takes more memory?
    may_grow: bool,
    /// In a cluster, the slot of its keys, if it may not go beyond that.
    slots: Option<Slots>,
}

impl Rights {
    /// The rights of a script with these flags; the error if it may not run at all.
    pub(super) fn of(
        context: &Context<'_>,
        flags: Flags,
        read_only: bool,
    ) -> Result<Self, CommandError> {
        let services = context.services;
        let harmless = flags.contains(Flags::NO_WRITES);
        let is_checked = context.mode != Mode::Replay;
        let is_limited = services.config.size(Setting::MaxMemory) > 0;
        let is_full = is_checked
            && !flags.contains(Flags::ALLOW_OOM)
            && is_limited
            && context.client.lacks_memory;
        if !flags.contains(Flags::COMPATIBLE) && !harmless {
            if read_only {
                let text = "ERR Can not execute a script with write flag using *_ro command.";
                return Err(CommandError::Plain(text));
            }
            if let Some(error) = services.refuses_writes().filter(|_| is_checked) {
                return Err(error);
            }
            if is_full {
                let text = "OOM allow-oom flag is not set on the script, can not run it when \
                            used memory > 'maxmemory'";
                return Err(CommandError::Plain(text));
            }
        }
        let is_cluster = context.is_cluster();
        if is_cluster && flags.contains(Flags::NO_CLUSTER) {
            let text = "ERR Can not run script on cluster, 'no-cluster' flag is set.";
            return Err(CommandError::Plain(text));
        }
        let is_bound = is_cluster
            && !flags.contains(Flags::COMPATIBLE)
            && !flags.contains(Flags::ALLOW_CROSS_SLOT_KEYS);
        let slots = is_bound.then(Slots::default);
        Ok(Self { read_only: read_only || harmless, may_grow: !is_full, slots })
    }
}

impl Rights {
    /// The keys that were declared say which slot is meant; they share one.
    pub(super) fn bind_to<'k>(&mut self, mut keys: impl Iterator<Item = &'k [u8]>) {
        if let (Some(slots), Some(key)) = (&mut self.slots, keys.next()) {
            slots.add(key);
        }
    }
}

/// Runs a script from its start.
pub(super) fn drive(
    context: &mut Context<'_>,
    run: Run,
    rights: Rights,
    function: Option<FunctionCall>,
) -> CommandResult {
    let services = context.services;
    services.scripts.running.start(function, services.clock.elapsed_ns());
    let threshold_ms = services.config.size(Setting::BusyReplyThreshold) as u64;
    let mut reply = Reply::new(Protocol::Resp2);
    reply.give(Vec::with_capacity(REPLY_BYTES));
    let script = Box::new(Driven {
        run,
        rights,
        protocol: Protocol::Resp2,
        reply,
        db: context.client.db,
        deadline_ms: if threshold_ms == 0 { u64::MAX } else { threshold_ms },
        logged: true,
        is_replayed: context.mode == Mode::Replay,
    });
    script.go_on(context)
}

/// Room made at first for the replies of the commands that a script calls.
const REPLY_BYTES: usize = 256;
/// Replies from this length on are not copied, but given away with their buffer.
const LONG_BYTES: usize = 4096;

/// A script under way.
struct Driven {
    run: Run,
    rights: Rights,
    /// The protocol in which the script wants replies.
    protocol: Protocol,
    /// Takes the replies of the commands it calls.
    reply: Reply,
    /// The database to return to.
    db: usize,
    /// How long it may run before others are told that it is busy.
    deadline_ms: u64,
    /// Are its effects logged?
    logged: bool,
    /// Does the log have it run?
    is_replayed: bool,
}

impl std::fmt::Debug for Driven {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driven").field("rights", &self.rights).finish_non_exhaustive()
    }
}

impl Suspended for Driven {
    fn go_on(mut self: Box<Self>, context: &mut Context<'_>) -> CommandResult {
        let mode = std::mem::replace(&mut context.mode, Mode::Script);
        context.db.changes().effects.mute(!self.logged);
        let result = self.work(context);
        context.db.changes().effects.mute(false);
        context.mode = mode;
        context.propagated = true;
        let Some(result) = result else { return Ok(Outcome::Suspended(self)) };
        context.client.select(self.db);
        context.db.select(self.db);
        let running = &context.services.scripts.running;
        running.end();
        let value = result.map_err(failed)?;
        if let Some(error) = self.run.vm().returned_error(&value) {
            return Err(failed(error));
        }
        self.run.vm().write(&value, self.protocol, context.reply);
        Ok(Outcome::Done)
    }
}

impl Driven {
    /// Answers what the script asks until it ends, or until it is time for others.
    fn work(&mut self, context: &mut Context<'_>) -> Option<Result<Returned, Failed>> {
        let running = &context.services.scripts.running;
        let mut answer = if running.is_killed() { KILL } else { Answer::GoOn };
        loop {
            let ask = match self.run.go_on(answer) {
                Step::Finished(result) => return Some(result),
                Step::Ask(ask) => ask,
            };
            answer = match ask {
                Ask::Call(argv) => self.call(context, argv.as_argv()),
                Ask::MayCall(argv) => may_call(context, argv.as_argv()),
                Ask::Log(level, text) => log(level, &text),
                Ask::SetLogged(logged) => {
                    self.logged = logged;
                    context.db.changes().effects.mute(!logged);
                    Answer::GoOn
                }
                Ask::SetProtocol(protocol) => {
                    self.protocol = protocol;
                    Answer::GoOn
                }
                Ask::Tick { .. } if running.is_killed() => KILL,
                Ask::Tick { is_over: true } => Answer::Kill("ERR not enough memory"),
                Ask::Tick { .. } => {
                    let now_ns = context.services.clock.elapsed_ns();
                    if running.elapsed_ms(now_ns) >= self.deadline_ms {
                        running.note_busy();
                        return None;
                    }
                    Answer::GoOn
                }
            };
        }
    }

    /// Why a command is not run for the script. One that has written is not stopped half-way.
    fn refusal(
        &self,
        context: &Context<'_>,
        command: &'static Command,
        argv: Argv<'_>,
    ) -> Option<CommandError> {
        let services = context.services;
        let writes = command.has(Flag::Write);
        let refused = |text| Some(CommandError::Plain(text));
        if !command.spec.arity.allows(argv.len()) {
            return refused("ERR Wrong number of args calling Redis command from script");
        }
        if command.has(Flag::NoScript) {
            return refused("ERR This Redis command is not allowed from script");
        }
        if !context.client.is_unlimited() {
            let asked = Asked { command, argv, origin: Origin::Script };
            if let Err(error) = services.check_access(context.client, asked) {
                return Some(error);
            }
        }
        if self.rights.read_only && (writes || command.has(Flag::MayReplicate)) {
            return refused("ERR Write commands are not allowed from read-only scripts.");
        }
        if services.scripts.running.wrote() {
            return None;
        }
        if writes
            && !self.is_replayed
            && let Some(error) = services.refuses_writes()
        {
            return Some(error);
        }
        let lacks_memory = command.has(Flag::DenyOom) && !self.rights.may_grow;
        lacks_memory.then_some(CommandError::OutOfMemory)
    }

    /// In a cluster: why a command is not run for the script, as its keys lie elsewhere.
    fn leaves_slot(&mut self, command: &Command, argv: Argv<'_>) -> Option<&'static str> {
        if !Slots::default().add_keys(command, argv) {
            return Some("ERR Script attempted to access a non local key in a cluster node");
        }
        let slots = self.rights.slots.as_mut()?;
        let text = "ERR Script attempted to access keys that do not hash to the same slot";
        (!slots.add_keys(command, argv)).then_some(text)
    }

    /// Runs a command for the script.
    fn call(&mut self, context: &mut Context<'_>, argv: Argv<'_>) -> Answer {
        let command =
            table().resolve(argv).filter(|command| !command.is_container() || argv.len() == 1);
        let Some(command) = command else {
            return Answer::Error("ERR Unknown Redis command called from script".into());
        };
        if let Some(error) = self.refusal(context, command, argv) {
            let text = error.to_string();
            let stats = &context.services.stats;
            stats.error(&text);
            stats.rejected(command.index);
            return Answer::Error(text.into());
        }
        if context.services.is_cluster()
            && !self.is_replayed
            && let Some(text) = self.leaves_slot(command, argv)
        {
            context.services.stats.error(text);
            return Answer::Error(text.into());
        }
        if command.has(Flag::Write) {
            context.services.scripts.running.note_write();
        }
        self.reply.switch(self.protocol);
        std::mem::swap(context.reply, &mut self.reply);
        let host = context.host;
        let suspended = host.run(context, command, argv);
        debug_assert!(suspended.is_none(), "scripts call no scripts");
        std::mem::swap(context.reply, &mut self.reply);
        let answer = match self.reply.as_integer() {
            Some(number) => Answer::Integer(number),
            None if self.reply.len() > LONG_BYTES => {
                Answer::Reply(ReplyBytes::from_vec(self.reply.take()))
            }
            None => Answer::Reply(ReplyBytes::from_slice(self.reply.bytes())),
        };
        self.reply.truncate(0);
        answer
    }
}

/// May the client run this command?
fn may_call(context: &Context<'_>, argv: Argv<'_>) -> Answer {
    match table().resolve(argv) {
        Some(command) => {
            let request = Asked { command, argv, origin: Origin::Script }.request();
            let rights = context.client.account.rights();
            Answer::Flag(rights.is_none_or(|rights| rights.check(&request).is_ok()))
        }
        None => Answer::Error("ERR Invalid command passed to redis.acl_check_cmd()".into()),
    }
}

fn log(level: u8, text: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(text);
    match level {
        0 => tracing::debug!(script = true, "{text}"),
        1 | 2 => tracing::info!(script = true, "{text}"),
        _ => tracing::warn!(script = true, "{text}"),
    }
    Answer::GoOn
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
