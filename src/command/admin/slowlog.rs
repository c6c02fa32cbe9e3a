//! The subcommands of SLOWLOG.

use super::{
    Args, Arity, CommandError, CommandResult, CommandSpec, Context, Flag, Outcome, TELLING,
};
use super::{help, row};

/// Calls that SLOWLOG GET replies with unasked.
const SHOWN_DEFAULT: usize = 10;

/// Flags of the subcommands for operators, who may write scripts for this.
const ADMIN: &[Flag] = &[Flag::Admin, Flag::Loading, Flag::Stale];

pub(super) const SUBCOMMANDS: &[CommandSpec] = &[
    row(
        "get",
        Arity::AtLeast(2),
        ADMIN,
        ("2.2.12", "[count]", "Replies with the latest slow commands."),
        get,
    ),
    row("help", Arity::Exact(2), TELLING, ("6.2.0", "", "Replies with the subcommands."), help),
    row(
        "len",
        Arity::Exact(2),
        ADMIN,
        ("2.2.12", "", "Replies with the number of slow commands in the log."),
        len,
    ),
    row("reset", Arity::Exact(2), ADMIN, ("2.2.12", "", "Forgets all slow commands."), reset),
];

/// `SLOWLOG GET [count]`
///
/// Replies the latest slow commands, 10 or `count` of them (-1: all), each as `[id, unix time,
/// microseconds, words, client address, client name]`. O(count).
/// Errors: ERR if `count` is not a number from -1 on.
/// <https://redis.io/docs/latest/commands/slowlog-get/>
fn get(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let mut count = SHOWN_DEFAULT;
    if args.len() > 1 {
        return Err(args.miscounted());
    }
    if !args.is_empty() {
        let error = CommandError::Plain("ERR count should be greater than or equal to -1");
        count = usize::try_from(args.integer_from(-1, error)?).unwrap_or(usize::MAX);
    }
    let calls = context.services.slowlog.latest(count);
    let reply = &mut *context.reply;
    reply.array(calls.len());
    for call in &calls {
        reply.array(6);
        for number in [call.id, call.at_s, call.us] {
            reply.integer(i64::try_from(number).unwrap_or(i64::MAX));
        }
        reply.array(call.words.len());
        for word in &call.words {
            reply.bulk(word);
        }
        reply.bulk(call.client_address.as_bytes());
        reply.bulk(&call.client_name);
    }
    Ok(Outcome::Done)
}

/// `SLOWLOG LEN`
///
/// Replies the number of slow commands in the log.
/// <https://redis.io/docs/latest/commands/slowlog-len/>
fn len(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    context.reply.count(context.services.slowlog.len());
    Ok(Outcome::Done)
}

/// `SLOWLOG RESET`
///
/// Forgets all slow commands. Replies OK.
/// <https://redis.io/docs/latest/commands/slowlog-reset/>
fn reset(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    context.services.slowlog.reset();
    context.reply.ok();
    Ok(Outcome::Done)
}
