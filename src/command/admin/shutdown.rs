//! SHUTDOWN.

use std::sync::atomic::Ordering;

use super::{Args, CommandError, CommandResult, Context, Outcome};
use crate::aof::saver::Ending;
use crate::command::TimeoutReply;

/// `SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]`
///
/// Stops the server; the connection closes without a reply. The append-only file is complete on
/// disk by then in any case. If there are save points, or with SAVE, the snapshot file is written
/// before that, unless NOSAVE is said before it is begun; if it cannot be, the server goes on, but
/// with FORCE. NOW changes nothing, as there are no replicas to wait for. O(keys) to save.
/// Errors: ERR if the snapshot cannot be written; ERR on options that exclude one another; ERR for
/// ABORT, as a shutdown takes no time in which it could be taken back; BUSY without NOSAVE while a
/// script runs for too long.
/// <https://redis.io/docs/latest/commands/shutdown/>
pub(super) fn shutdown(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (mut save, mut nosave, mut abort) = (false, false, false);
    let (mut now, mut force) = (false, false);
    while !args.is_empty() {
        if args.keyword("NOSAVE") {
            nosave = true;
        } else if args.keyword("SAVE") {
            save = true;
        } else if args.keyword("NOW") {
            now = true;
        } else if args.keyword("FORCE") {
            force = true;
        } else if args.keyword("ABORT") {
            abort = true;
        } else {
            return Err(CommandError::Syntax);
        }
    }
    if (save && nosave) || (abort && (save || nosave || now || force)) {
        return Err(CommandError::Syntax);
    }
    if abort {
        return Err(CommandError::Plain("ERR No shutdown in progress."));
    }
    let services = context.services;
    if !nosave && services.scripts.running.is_busy() {
        let is_eval = services.scripts.running.is_eval();
        return Err(if is_eval { CommandError::BusyScript } else { CommandError::BusyFunction });
    }
    let saves = if nosave { Some(false) } else { save.then_some(true) };
    let client = Some(context.client.handle.id);
    let ending = Ending { saves, is_forced: force, client };
    if services.saves_at_the_end(ending) {
        services.saver.ask_to_end(ending);
        services.shutdown_called.wake();
        return context.wait(std::iter::empty(), "", None, TimeoutReply::Nil);
    }
    context.client.closing = true;
    services.stopping.store(true, Ordering::Release);
    services.shutdown_called.wake();
    Ok(Outcome::Done)
}
