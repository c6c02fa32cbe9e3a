//! MONITOR, of the group `server`.

use std::sync::atomic::Ordering;

use super::row::row;
use super::{Args, Arity, CommandError, CommandResult, CommandSpec, Context, Flag, Mode, Outcome};

pub(crate) const COMMANDS: &[CommandSpec] = &[row(
    "monitor",
    Arity::Exact(1),
    &[Flag::Admin, Flag::NoScript, Flag::Loading, Flag::Stale],
    ("1.0.0", "", "Shows every command that the server runs, as it runs it."),
    monitor,
)];

/// `MONITOR`
///
/// Replies OK; from then on a line for each command of any client follows. Passwords are hidden.
/// Errors: ERR inside of MULTI.
/// <https://redis.io/docs/latest/commands/monitor/>
fn monitor(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    if context.mode != Mode::Direct {
        return Err(CommandError::Plain("ERR MONITOR isn't allowed for DENY BLOCKING client"));
    }
    context.client.handle.figures.monitor.store(true, Ordering::Relaxed);
    context.services.monitors.add(&context.client.handle);
    context.reply.ok();
    Ok(Outcome::Done)
}

/// Shows a client no more commands.
pub(super) fn end(context: &mut Context<'_>) {
    context.client.handle.figures.monitor.store(false, Ordering::Relaxed);
    context.services.monitors.remove(context.client.handle.id);
}
