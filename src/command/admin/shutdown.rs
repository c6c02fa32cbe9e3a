//! SHUTDOWN.

use std::sync::atomic::Ordering;

use super::{Args, CommandError, CommandResult, Context, Outcome};

/// `SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]`
///
/// Stops the server; the connection closes without a reply. The append-only file is complete on
/// disk by then in any case. NOW and FORCE change nothing, as there are no replicas to wait for.
/// Differs from Redis: no snapshot is written at the end, so SAVE is refused without that file.
/// Errors: ERR on options that exclude one another; ERR for ABORT, as a shutdown takes no time
/// in which it could be taken back.
/// <https://redis.io/docs/latest/commands/shutdown/>
pub(super) fn shutdown(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (mut save, mut nosave, mut abort, mut others) = (false, false, false, false);
    while !args.is_empty() {
        if args.keyword("NOSAVE") {
            nosave = true;
        } else if args.keyword("SAVE") {
            save = true;
        } else if args.keyword("NOW") || args.keyword("FORCE") {
            others = true;
        } else if args.keyword("ABORT") {
            abort = true;
        } else {
            return Err(CommandError::Syntax);
        }
    }
    if (save && nosave) || (abort && (save || nosave || others)) {
        return Err(CommandError::Syntax);
    }
    if abort {
        return Err(CommandError::Plain("ERR No shutdown in progress."));
    }
    if save && !context.services.aof.is_enabled() {
        return Err(CommandError::Plain(
            "ERR SHUTDOWN SAVE needs the append-only file; without it, run SAVE and then SHUTDOWN",
        ));
    }
    context.client.closing = true;
    context.services.stopping.store(true, Ordering::Release);
    Ok(Outcome::Done)
}
