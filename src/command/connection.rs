//! The group `connection`.

use super::{
    Args, Arity, Category, CommandError, CommandResult, CommandSpec, Context, Flag, KeySpec,
    Outcome,
};

pub(crate) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "ping",
        arity: Arity::AtLeast(1),
        keys: KeySpec::None,
        flags: &[Flag::Fast],
        acl: &[Category::Connection],
        since: "1.0.0",
        syntax: "[message]",
        summary: "Replies PONG, or the message.",
        subcommands: &[],
        handler: ping,
    },
    CommandSpec {
        name: "select",
        arity: Arity::Exact(2),
        keys: KeySpec::None,
        flags: &[Flag::Loading, Flag::Stale, Flag::Fast],
        acl: &[Category::Connection],
        since: "1.0.0",
        syntax: "index",
        summary: "Selects the database for the commands that follow.",
        subcommands: &[],
        handler: select,
    },
];

/// `PING [message]`
///
/// Replies PONG, or the message as a bulk string.
/// <https://redis.io/docs/latest/commands/ping/>
fn ping(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    match args.len() {
        0 => context.reply.status("PONG"),
        1 => context.reply.bulk(args.bytes()?),
        _ => return Err(CommandError::WrongArity("ping".into())),
    }
    Ok(Outcome::Done)
}

/// `SELECT index`
///
/// <https://redis.io/docs/latest/commands/select/>
fn select(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let index = args.integer()?;
    let databases = context.services.keyspace.databases();
    let index = usize::try_from(index).ok().filter(|&index| index < databases);
    let index = index.ok_or(CommandError::Plain("ERR DB index is out of range"))?;
    context.client.select(index);
    context.db.select(index);
    context.reply.ok();
    Ok(Outcome::Done)
}
