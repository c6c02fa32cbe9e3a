//! The group `generic`: commands on keys of any type.

use super::{Args, Arity, Category, CommandResult, CommandSpec, Context, Flag, KeySpec, Outcome};
use crate::store::Class;

pub(crate) const COMMANDS: &[CommandSpec] = &[CommandSpec {
    name: "del",
    arity: Arity::AtLeast(2),
    keys: KeySpec::Range { first: 1, last: -1, step: 1 },
    flags: &[Flag::Write],
    acl: &[Category::Keyspace],
    since: "1.0.0",
    syntax: "key [key ...]",
    summary: "Removes keys.",
    subcommands: &[],
    handler: del,
}];

/// `DEL key [key ...]`
///
/// Replies how many of the keys existed. O(keys and elements).
/// <https://redis.io/docs/latest/commands/del/>
fn del(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let mut removed = 0;
    for key in args.rest() {
        if context.db.remove(key).is_some() {
            removed += 1;
            context.modified(key, Class::Generic, "del");
        }
    }
    context.reply.count(removed);
    Ok(Outcome::Done)
}
