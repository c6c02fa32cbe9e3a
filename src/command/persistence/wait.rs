//! WAIT and WAITAOF: waiting until writes are safe.

use super::{Args, CommandError, CommandResult, Context, Outcome, Services};
use crate::command::{Mode, TimeoutReply};
use crate::config::Setting;
use crate::number::parse_i64;

/// Time between two looks of a WAITAOF that waits at the state of the log.
const LOOK_AGAIN_MS: u64 = 20;

const NEGATIVE: CommandError = CommandError::Plain("ERR timeout is negative");
const NO_TIMEOUT: CommandError =
    CommandError::Plain("ERR timeout is not an integer or out of range");

/// Reads a time-out in milliseconds; returns the instant at which it ends, `None`: never.
fn deadline_ms(context: &Context<'_>, args: &mut Args<'_>) -> Result<Option<u64>, CommandError> {
    let ms = parse_i64(args.bytes()?).ok_or(NO_TIMEOUT)?;
    let ms = u64::try_from(ms).map_err(|_| NEGATIVE)?;
    Ok((ms > 0).then(|| context.db.now_ms().saturating_add(ms)))
}

/// `WAIT numreplicas timeout`
///
/// Waits up to `timeout` milliseconds (0: for ever) for so many replicas. Replies how many there
/// are that have got all writes: 0, as this server has no replicas.
/// Errors: ERR if an argument is no number or the time-out is negative.
/// <https://redis.io/docs/latest/commands/wait/>
pub(super) fn wait(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let replicas = args.integer()?;
    let deadline_ms = deadline_ms(context, args)?;
    if replicas <= 0 {
        context.reply.integer(0);
        return Ok(Outcome::Done);
    }
    context.wait(std::iter::empty(), "", deadline_ms, TimeoutReply::NoReplica)
}

/// `WAITAOF numlocal numreplicas timeout`
///
/// Has all writes of this connection forced to disk and replies then: 1 for this server, and 0
/// replicas, as it has none. With `numreplicas` it waits for the whole time-out in milliseconds
/// (0: for ever), and with `numlocal` while the log cannot be synced.
/// Errors: ERR if `numlocal` is 1 and there is no append-only file, or none any more.
/// <https://redis.io/docs/latest/commands/waitaof/>
pub(super) fn waitaof(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    const RANGE: CommandError = CommandError::Plain("ERR value is out of range, must be positive");
    let wants_local = match args.integer()? {
        0 => false,
        1 => true,
        _ => {
            return Err(CommandError::Plain(
                "ERR value is out of range, value must between 0 and 1",
            ));
        }
    };
    let replicas = args.integer_from(0, RANGE)?;
    let deadline_ms = deadline_ms(context, args)?;
    let Services { aof, config, .. } = context.services;
    if wants_local && !aof.is_enabled() && !config.flag(Setting::AppendOnly) {
        return Err(CommandError::Plain(
            "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
        ));
    }
    let can_sync = aof.can_sync();
    context.client.needs_durable |= can_sync && context.mode != Mode::Replay;
    let on_timeout = TimeoutReply::NoReplicaSynced { local: can_sync };
    if replicas == 0 && (can_sync || !wants_local) {
        on_timeout.write(context.reply);
        return Ok(Outcome::Done);
    }
    let retry_at_ms = wants_local.then(|| context.db.now_ms() + LOOK_AGAIN_MS);
    let outcome = context.wait(std::iter::empty(), "", deadline_ms, on_timeout)?;
    Ok(outcome.waiting(|wait| wait.retry_at_ms = retry_at_ms))
}
