//! The group `string`.

use super::{Args, Arity, Category, CommandResult, CommandSpec, Context, FIRST_KEY, Flag, Outcome};
use crate::store::Class;
use crate::types::string::StringValue;
use crate::types::value::Value;

pub(crate) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "get",
        arity: Arity::Exact(2),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly, Flag::Fast],
        acl: &[Category::String],
        since: "1.0.0",
        syntax: "key",
        summary: "Replies with the string value of a key.",
        subcommands: &[],
        handler: get,
    },
    CommandSpec {
        name: "set",
        arity: Arity::AtLeast(3),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::DenyOom],
        acl: &[Category::String],
        since: "1.0.0",
        syntax: "key value",
        summary: "Gives a key a string value, whatever it held before.",
        subcommands: &[],
        handler: set,
    },
];

/// `GET key`
///
/// Replies the value, or nil if the key does not exist. Errors: WRONGTYPE. O(1).
/// <https://redis.io/docs/latest/commands/get/>
fn get(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    match context.db.read::<StringValue>(args.bytes()?)? {
        Some(value) => context.reply.bulk(value.bytes_in(&mut itoa::Buffer::new())),
        None => context.reply.nil(),
    }
    Ok(Outcome::Done)
}

/// `SET key value`
///
/// <https://redis.io/docs/latest/commands/set/>
fn set(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, value) = (args.bytes()?, args.bytes()?);
    args.finish()?;
    context.db.set(key, Value::String(StringValue::new(value)));
    context.modified(key, Class::String, "set");
    context.reply.ok();
    Ok(Outcome::Done)
}
