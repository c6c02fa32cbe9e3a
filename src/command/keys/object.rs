//! OBJECT: how values are kept.

use super::{Args, CommandError, CommandResult, Context, Outcome};
use crate::config::Setting;
use crate::store::Usage;
use crate::store::shard::Entry;

/// `OBJECT`
///
/// A container: a request that names no subcommand is refused before it gets here.
pub(super) fn object(_context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    Err(CommandError::WrongArity("object".into()))
}

/// Replies with what `show` tells about a key; nil if there is none.
fn reply_about(
    context: &mut Context<'_>,
    args: &mut Args<'_>,
    show: impl FnOnce(&Entry, u64) -> i64,
) -> CommandResult {
    let now_ms = context.db.now_ms();
    match context.db.inspect(args.bytes()?) {
        Some(entry) => context.reply.integer(show(entry, now_ms)),
        None => context.reply.nil(),
    }
    Ok(Outcome::Done)
}

/// `OBJECT ENCODING key`
///
/// Replies the name that Redis gives to the form of such a value; nil if there is no such key.
/// O(1).
/// <https://redis.io/docs/latest/commands/object-encoding/>
pub(super) fn encoding(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let list_limit = context.services.config.number(Setting::ListMaxListpackSize);
    match context.db.inspect(args.bytes()?) {
        Some(entry) => context.reply.bulk(entry.value.encoding(list_limit).as_bytes()),
        None => context.reply.nil(),
    }
    Ok(Outcome::Done)
}

/// `OBJECT FREQ key`
///
/// Replies the logarithmic count of accesses; nil if there is no such key. O(1).
/// Errors: ERR if `maxmemory-policy` does not go by how often keys are used.
/// <https://redis.io/docs/latest/commands/object-freq/>
pub(super) fn freq(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let usage = context.db.changes().usage;
    let mut asked = args.clone();
    if usage == Usage::Recency && context.db.exists(asked.bytes()?) {
        context.db.inspect(args.bytes()?);
        return Err(CommandError::Plain(
            "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please \
             note that when switching between policies at runtime LRU and LFU data will take some \
             time to adjust.",
        ));
    }
    reply_about(context, args, |entry, now_ms| i64::from(entry.frequency(usage, now_ms)))
}

/// `OBJECT IDLETIME key`
///
/// Replies the seconds since the last access; nil if there is no such key. O(1).
/// Errors: ERR if `maxmemory-policy` goes by how often keys are used.
/// <https://redis.io/docs/latest/commands/object-idletime/>
pub(super) fn idletime(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let mut asked = args.clone();
    let is_counted = context.db.changes().usage != Usage::Recency;
    if is_counted && context.db.exists(asked.bytes()?) {
        context.db.inspect(args.bytes()?);
        return Err(CommandError::Plain(
            "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when \
             switching between policies at runtime LRU and LFU data will take some time to adjust.",
        ));
    }
    reply_about(context, args, |entry, now_ms| i64::from(entry.idle_s(now_ms)))
}

/// `OBJECT REFCOUNT key`
///
/// Replies 1, as each value belongs to one key; nil if there is no such key. O(1).
/// Differs from Redis: small integers are not shared, so their count is 1 too.
/// <https://redis.io/docs/latest/commands/object-refcount/>
pub(super) fn refcount(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    reply_about(context, args, |_, _| 1)
}
