//! CLIENT PAUSE and CLIENT UNPAUSE.

use super::super::{Args, CommandError, CommandResult, Context, Outcome};
use crate::client::Paused;

/// `CLIENT PAUSE timeout [WRITE | ALL]`
///
/// Puts the commands of all clients off for `timeout` milliseconds, or those that may write;
/// expired keys stay meanwhile. Replies OK. Of two pauses the stricter and the longer hold.
/// Errors: ERR if `timeout` is negative or not a number.
/// Differs from Redis: CLIENT UNPAUSE is never put off.
/// <https://redis.io/docs/latest/commands/client-pause/>
pub(super) fn pause(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    if args.len() > 2 {
        return Err(args.miscounted());
    }
    let timeout_ms = args.integer();
    let paused = if args.keyword("WRITE") {
        Paused::Writes
    } else if args.is_empty() || args.keyword("ALL") {
        Paused::All
    } else {
        return Err(CommandError::Plain("ERR CLIENT PAUSE mode must be WRITE or ALL"));
    };
    let timeout_ms = timeout_ms
        .map_err(|_| CommandError::Plain("ERR timeout is not an integer or out of range"))?;
    let timeout_ms =
        u64::try_from(timeout_ms).map_err(|_| CommandError::Plain("ERR timeout is negative"))?;
    let now_ms = context.services.clock.now_ms();
    let until_ms = now_ms
        .checked_add(timeout_ms)
        .filter(|&until_ms| i64::try_from(until_ms).is_ok())
        .ok_or(CommandError::Plain("ERR timeout is out of range"))?;
    context.services.pause.start(paused, until_ms, now_ms);
    context.reply.ok();
    Ok(Outcome::Done)
}

/// `CLIENT UNPAUSE`
///
/// Ends a pause before its time. Replies OK.
/// <https://redis.io/docs/latest/commands/client-unpause/>
pub(super) fn unpause(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    context.services.pause.end();
    context.services.clients.for_each(crate::client::Handle::wake);
    context.reply.ok();
    Ok(Outcome::Done)
}
