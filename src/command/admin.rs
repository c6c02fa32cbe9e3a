//! The group `server`.

use super::{Args, Arity, Category, CommandResult, CommandSpec, Context, Flag, KeySpec, Outcome};

pub(crate) const COMMANDS: &[CommandSpec] = &[CommandSpec {
    name: "dbsize",
    arity: Arity::Exact(1),
    keys: KeySpec::None,
    flags: &[Flag::ReadOnly, Flag::Fast, Flag::AllShards],
    acl: &[Category::Keyspace],
    since: "1.0.0",
    syntax: "",
    summary: "Replies with the number of keys in the selected database.",
    subcommands: &[],
    handler: dbsize,
}];

/// `DBSIZE`
///
/// <https://redis.io/docs/latest/commands/dbsize/>
fn dbsize(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    let len = context.db.len();
    context.reply.count(len);
    Ok(Outcome::Done)
}
