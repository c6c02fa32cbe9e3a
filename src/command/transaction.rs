//! The group `transactions`: MULTI, EXEC, DISCARD, WATCH, UNWATCH.
//!
//! EXEC holds the locks of all queued commands and watched keys while it runs them, so nobody sees
//! half a transaction, and its effects stand in the log between MULTI and EXEC.

use super::access::{Asked, Origin};
use super::row::row;
use super::table::table;
use super::{
    Args, Arity, Category, CommandError, CommandResult, CommandSpec, Context, Flag, KeySpec, Mode,
    Outcome, Suspended,
};
use crate::client::transaction::WatchedKey;
use crate::resp::argv::{Argv, OwnedArgv};

pub(crate) const COMMANDS: &[CommandSpec] = &[
    row(
        "discard",
        Arity::Exact(1),
        &[
            Flag::AllowBusy,
            Flag::NoScript,
            Flag::Loading,
            Flag::Stale,
            Flag::Fast,
            Flag::Unqueued,
            Flag::WholeTransaction,
        ],
        ("2.0.0", "", "Drops the queued commands of a transaction."),
        discard,
    )
    .in_categories(&[Category::Transaction]),
    row(
        "exec",
        Arity::Exact(1),
        &[
            Flag::NoScript,
            Flag::Loading,
            Flag::Stale,
            Flag::SkipSlowlog,
            Flag::Unqueued,
            Flag::WholeTransaction,
        ],
        ("1.2.0", "", "Runs the queued commands of a transaction as one."),
        exec,
    )
    .in_categories(&[Category::Transaction]),
    row(
        "multi",
        Arity::Exact(1),
        &[Flag::AllowBusy, Flag::NoScript, Flag::Loading, Flag::Stale, Flag::Fast, Flag::Unqueued],
        ("1.2.0", "", "Starts a transaction: commands are queued until EXEC."),
        multi,
    )
    .in_categories(&[Category::Transaction]),
    row(
        "unwatch",
        Arity::Exact(1),
        &[
            Flag::AllowBusy,
            Flag::NoScript,
            Flag::Loading,
            Flag::Stale,
            Flag::Fast,
            Flag::WholeTransaction,
        ],
        ("2.2.0", "", "Forgets all watched keys."),
        unwatch,
    )
    .in_categories(&[Category::Transaction]),
    CommandSpec {
        name: "watch",
        arity: Arity::AtLeast(2),
        keys: KeySpec::Range { first: 1, last: -1, step: 1 },
        flags: &[
            Flag::AllowBusy,
            Flag::NoScript,
            Flag::Loading,
            Flag::Stale,
            Flag::Fast,
            Flag::Unqueued,
        ],
        acl: &[Category::Transaction],
        since: "2.2.0",
        syntax: "key [key ...]",
        summary: "Makes the next EXEC fail if one of these keys changes before it.",
        subcommands: &[],
        handler: watch,
    },
];

/// `DISCARD`
///
/// Drops the queued commands and forgets all watched keys. Replies OK.
/// Errors: ERR without MULTI.
/// <https://redis.io/docs/latest/commands/discard/>
fn discard(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    if context.client.close_transaction().is_none() {
        return Err(CommandError::Plain("ERR DISCARD without MULTI"));
    }
    forget_watches(context);
    context.reply.ok();
    Ok(Outcome::Done)
}

/// `EXEC`
///
/// Runs the queued commands and replies an array with the reply of each; a nil array if a watched
/// key has changed. Errors: ERR without MULTI; EXECABORT if a command was refused while queueing.
/// <https://redis.io/docs/latest/commands/exec/>
fn exec(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    let Some(queue) = context.client.close_transaction() else {
        return Err(CommandError::Plain("ERR EXEC without MULTI"));
    };
    touch_expired_watches(context);
    let dirty = context.client.is_dirty();
    forget_watches(context);
    if queue.aborted {
        return Err(CommandError::ExecAborted);
    }
    if dirty {
        context.reply.nil_array();
        return Ok(Outcome::Done);
    }
    context.reply.array(queue.commands.len());
    Box::new(Executing { queue: queue.commands.into_iter(), suspended: None }).go_on(context)
}

/// A transaction that is being run.
#[derive(Debug)]
struct Executing {
    queue: std::vec::IntoIter<OwnedArgv>,
    /// A script of it that was put aside.
    suspended: Option<Box<dyn Suspended>>,
}

impl Suspended for Executing {
    fn go_on(mut self: Box<Self>, context: &mut Context<'_>) -> CommandResult {
        let mode = std::mem::replace(&mut context.mode, Mode::Transaction);
        self.suspended = self.suspended.take().and_then(|call| go_on_with(call, context));
        let host = context.host;
        while self.suspended.is_none() {
            let Some(argv) = self.queue.next() else { break };
            let argv = argv.as_argv();
            if let Some(command) = table().resolve(argv)
                && may_run(context, argv)
            {
                self.suspended = host.run(context, command, argv);
            }
        }
        context.mode = mode;
        context.propagated = true;
        if self.suspended.is_some() {
            return Ok(Outcome::Suspended(self));
        }
        Ok(Outcome::Done)
    }
}

/// May the client still run a queued command? Replies the error if not.
fn may_run(context: &mut Context<'_>, argv: Argv<'_>) -> bool {
    if context.client.is_unlimited() {
        return true;
    }
    let Some(command) = table().resolve(argv) else { return true };
    let asked = Asked { command, argv, origin: Origin::Transaction };
    let Err(error) = context.services.check_queued(context.client, asked) else { return true };
    let text = error.to_string();
    context.services.stats.error(&text);
    context.reply.error(&text);
    false
}

/// Goes on with a script; returns it if it was put aside again.
fn go_on_with(call: Box<dyn Suspended>, context: &mut Context<'_>) -> Option<Box<dyn Suspended>> {
    let start = context.reply.len();
    match call.go_on(context) {
        Ok(Outcome::Suspended(again)) => Some(again),
        Ok(Outcome::Done | Outcome::Wait(_)) => None,
        Err(error) => {
            context.reply.truncate(start);
            context.reply.error(&error.to_string());
            None
        }
    }
}

/// Looks at the watched keys, so that one whose time is up goes and counts as changed.
fn touch_expired_watches(context: &mut Context<'_>) {
    for watched in context.client.watched() {
        context.db.other(watched.db).exists(&watched.key);
    }
}

/// Ends the client's watches; they only lose their effect if their shards are not locked, as a
/// script keeps the server busy or data are being loaded.
pub(super) fn forget_watches(context: &mut Context<'_>) {
    let locked = context.db.locked();
    if !context.client.watches().all(|watched| locked.has(&watched.key)) {
        return context.client.let_go_of_watches();
    }
    let client = context.client.handle.id;
    for watched in context.client.take_watches() {
        context.db.other(watched.db).unwatch(&watched.key, client);
    }
}

/// `MULTI`
///
/// Replies OK; the commands that follow are queued. Errors: ERR if one is open already.
/// <https://redis.io/docs/latest/commands/multi/>
fn multi(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    if context.client.is_in_transaction() {
        return Err(CommandError::Plain("ERR MULTI calls can not be nested"));
    }
    context.client.open_transaction();
    context.reply.ok();
    Ok(Outcome::Done)
}

/// `UNWATCH`
///
/// Forgets all watched keys. Replies OK.
/// <https://redis.io/docs/latest/commands/unwatch/>
fn unwatch(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    forget_watches(context);
    context.reply.ok();
    Ok(Outcome::Done)
}

/// `WATCH key [key ...]`
///
/// Makes the next EXEC reply nil if one of these keys changes before it. Replies OK.
/// Errors: ERR inside MULTI. Differs from Redis: while data are loaded it may be refused (LOADING).
/// <https://redis.io/docs/latest/commands/watch/>
fn watch(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    if context.client.is_in_transaction() {
        return Err(CommandError::Plain("ERR WATCH inside MULTI is not allowed"));
    }
    let db = context.db.index();
    for key in args.rest() {
        let id = context.client.handle.id;
        if let Some(dirty) = context.client.watch(WatchedKey { db, key: key.into() }) {
            context.db.exists(key);
            context.db.watch(key, id, dirty);
        }
    }
    context.reply.ok();
    Ok(Outcome::Done)
}
