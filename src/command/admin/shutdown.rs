//! SHUTDOWN.

use std::sync::atomic::Ordering;

use super::{Args, CommandError, CommandResult, Context, Outcome};

/// `SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]`
///
/// Stops the server; the connection closes without a reply. The append-only file is complete on
/// disk by then in any case. NOW and FORCE change nothing, as there are no replicas to wait for.
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
    context.client.closing = true;
    context.services.stopping.store(true, Ordering::Release);
    Ok(Outcome::Done)
}
