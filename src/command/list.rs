//! The group `list`.

use super::{
    Args, Arity, Category, CommandError, CommandResult, CommandSpec, Context, FIRST_KEY, Flag,
    KeySpec, Outcome, TimeoutReply,
};
use crate::store::Class;
use crate::types::list::{End, List};

pub(crate) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "brpop",
        arity: Arity::AtLeast(3),
        keys: KeySpec::Range { first: 1, last: -2, step: 1 },
        flags: &[Flag::Write, Flag::NoScript, Flag::Blocking],
        acl: &[Category::List],
        since: "2.0.0",
        syntax: "key [key ...] timeout",
        summary: "Pops from the tail of the first non-empty list, or waits for one.",
        subcommands: &[],
        handler: |context, args| blocking_pop(context, args, End::Tail),
    },
    CommandSpec {
        name: "lpush",
        arity: Arity::AtLeast(3),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::DenyOom, Flag::Fast],
        acl: &[Category::List],
        since: "1.0.0",
        syntax: "key element [element ...]",
        summary: "Adds elements at the head of a list.",
        subcommands: &[],
        handler: |context, args| push(context, args, End::Head),
    },
    CommandSpec {
        name: "rpop",
        arity: Arity::AtLeast(2),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::Fast],
        acl: &[Category::List],
        since: "1.0.0",
        syntax: "key [count]",
        summary: "Removes elements at the tail of a list and replies with them.",
        subcommands: &[],
        handler: |context, args| pop(context, args, End::Tail),
    },
];

fn push(context: &mut Context<'_>, args: &mut Args<'_>, end: End) -> CommandResult {
    let key = args.bytes()?;
    let list = context.db.create::<List>(key)?;
    args.rest().for_each(|element| list.push(end, element));
    let len = list.len();
    context.modified(key, Class::List, if end == End::Head { "lpush" } else { "rpush" });
    context.reply.count(len);
    Ok(Outcome::Done)
}

fn pop(context: &mut Context<'_>, args: &mut Args<'_>, end: End) -> CommandResult {
    let key = args.bytes()?;
    let Some(list) = context.db.write::<List>(key)? else {
        context.reply.nil();
        return Ok(Outcome::Done);
    };
    context.reply.bulk(list.peek(end).unwrap_or_default());
    list.pop(end);
    context.modified(key, Class::List, if end == End::Head { "lpop" } else { "rpop" });
    Ok(Outcome::Done)
}

/// `BRPOP key [key ...] timeout`
///
/// Pops the tail of the first non-empty list; waits up to `timeout` seconds (decimal; 0 = for
/// ever). Replies `[key, element]`, or a nil array at the time-out. Logged as `RPOP key`. O(keys).
/// Errors: WRONGTYPE on another type; ERR if `timeout` is negative or not a number.
/// <https://redis.io/docs/latest/commands/brpop/>
fn blocking_pop(context: &mut Context<'_>, args: &mut Args<'_>, end: End) -> CommandResult {
    let argv = args.argv();
    let keys = || argv.iter_from(1).take(argv.len() - 2);
    let deadline_ms = Args::new(argv, argv.len() - 1).deadline_ms(context.db.now_ms())?;
    for key in keys() {
        let Some(list) = context.db.write::<List>(key)? else { continue };
        let element = list.peek(end).unwrap_or_default();
        context.reply.array(2);
        context.reply.bulk(key);
        context.reply.bulk(element);
        list.pop(end);
        let (event, name) = if end == End::Head { ("lpop", "LPOP") } else { ("rpop", "RPOP") };
        context.modified(key, Class::List, event);
        context.propagate(&[name.as_bytes(), key]);
        return Ok(Outcome::Done);
    }
    context.wait(keys(), "list", deadline_ms, TimeoutReply::NilArray)
}
