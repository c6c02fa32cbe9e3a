//! The group `list`.
//!
//! Rows are here; handlers by what they do: [`push`] and [`pop`] at the ends, [`moves`] between
//! lists, [`edit`] in the middle, [`read`]. A blocking command is its plain form plus
//! `context.wait`; it is logged as the plain form.

use super::{
    Args, Arity, Category, CommandError, CommandResult, CommandSpec, Context, FIRST_KEY, Flag,
    KeySpec, Outcome, TimeoutReply, counted_keys,
};
use crate::store::Class;
use crate::types::list::{End, List};

mod edit;
mod moves;
mod pop;
mod push;
mod read;

pub(crate) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "blmove",
        arity: Arity::Exact(6),
        keys: KeySpec::Range { first: 1, last: 2, step: 1 },
        flags: &[Flag::Write, Flag::DenyOom, Flag::Blocking],
        acl: &[Category::List],
        since: "6.2.0",
        syntax: "source destination LEFT|RIGHT LEFT|RIGHT timeout",
        summary: "Moves an element from one list to another, or waits for one.",
        subcommands: &[],
        handler: moves::blmove,
    },
    CommandSpec {
        name: "blmpop",
        arity: Arity::AtLeast(5),
        keys: KeySpec::Find(|argv| counted_keys(argv, 2)),
        flags: &[Flag::Write, Flag::Blocking],
        acl: &[Category::List],
        since: "7.0.0",
        syntax: "timeout numkeys key [key ...] LEFT|RIGHT [COUNT count]",
        summary: "Pops elements from the first non-empty list, or waits for one.",
        subcommands: &[],
        handler: pop::blmpop,
    },
    CommandSpec {
        name: "blpop",
        arity: Arity::AtLeast(3),
        keys: KeySpec::Range { first: 1, last: -2, step: 1 },
        flags: &[Flag::Write, Flag::Blocking],
        acl: &[Category::List],
        since: "2.0.0",
        syntax: "key [key ...] timeout",
        summary: "Pops the head of the first non-empty list, or waits for one.",
        subcommands: &[],
        handler: |context, args| pop::blocking_pop(context, args, End::Head),
    },
    CommandSpec {
        name: "brpop",
        arity: Arity::AtLeast(3),
        keys: KeySpec::Range { first: 1, last: -2, step: 1 },
        flags: &[Flag::Write, Flag::Blocking],
        acl: &[Category::List],
        since: "2.0.0",
        syntax: "key [key ...] timeout",
        summary: "Pops the tail of the first non-empty list, or waits for one.",
        subcommands: &[],
        handler: |context, args| pop::blocking_pop(context, args, End::Tail),
    },
    CommandSpec {
        name: "brpoplpush",
        arity: Arity::Exact(4),
        keys: KeySpec::Range { first: 1, last: 2, step: 1 },
        flags: &[Flag::Write, Flag::DenyOom, Flag::Blocking],
        acl: &[Category::List],
        since: "2.2.0",
        syntax: "source destination timeout",
        summary: "Moves the tail of a list to the head of another, or waits for one.",
        subcommands: &[],
        handler: moves::brpoplpush,
    },
    CommandSpec {
        name: "lindex",
        arity: Arity::Exact(3),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly],
        acl: &[Category::List],
        since: "1.0.0",
        syntax: "key index",
        summary: "Replies with the element at an index.",
        subcommands: &[],
        handler: read::lindex,
    },
    CommandSpec {
        name: "linsert",
        arity: Arity::Exact(5),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::DenyOom],
        acl: &[Category::List],
        since: "2.2.0",
        syntax: "key BEFORE|AFTER pivot element",
        summary: "Inserts an element next to another one.",
        subcommands: &[],
        handler: edit::linsert,
    },
    CommandSpec {
        name: "llen",
        arity: Arity::Exact(2),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly, Flag::Fast],
        acl: &[Category::List],
        since: "1.0.0",
        syntax: "key",
        summary: "Replies with the number of elements of a list.",
        subcommands: &[],
        handler: read::llen,
    },
    CommandSpec {
        name: "lmove",
        arity: Arity::Exact(5),
        keys: KeySpec::Range { first: 1, last: 2, step: 1 },
        flags: &[Flag::Write, Flag::DenyOom],
        acl: &[Category::List],
        since: "6.2.0",
        syntax: "source destination LEFT|RIGHT LEFT|RIGHT",
        summary: "Moves an element from an end of one list to an end of another.",
        subcommands: &[],
        handler: moves::lmove,
    },
    CommandSpec {
        name: "lmpop",
        arity: Arity::AtLeast(4),
        keys: KeySpec::Find(|argv| counted_keys(argv, 1)),
        flags: &[Flag::Write],
        acl: &[Category::List],
        since: "7.0.0",
        syntax: "numkeys key [key ...] LEFT|RIGHT [COUNT count]",
        summary: "Pops elements from the first non-empty list.",
        subcommands: &[],
        handler: pop::lmpop,
    },
    CommandSpec {
        name: "lpop",
        arity: Arity::AtLeast(2),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::Fast],
        acl: &[Category::List],
        since: "1.0.0",
        syntax: "key [count]",
        summary: "Removes elements at the head of a list and replies with them.",
        subcommands: &[],
        handler: |context, args| pop::pop(context, args, End::Head),
    },
    CommandSpec {
        name: "lpos",
        arity: Arity::AtLeast(3),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly],
        acl: &[Category::List],
        since: "6.0.6",
        syntax: "key element [RANK rank] [COUNT num-matches] [MAXLEN len]",
        summary: "Replies with the places of the elements equal to a given one.",
        subcommands: &[],
        handler: read::lpos,
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
        handler: |context, args| push::push(context, args, End::Head),
    },
    CommandSpec {
        name: "lpushx",
        arity: Arity::AtLeast(3),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::DenyOom, Flag::Fast],
        acl: &[Category::List],
        since: "2.2.0",
        syntax: "key element [element ...]",
        summary: "Adds elements at the head of a list that exists.",
        subcommands: &[],
        handler: |context, args| push::push_existing(context, args, End::Head),
    },
    CommandSpec {
        name: "lrange",
        arity: Arity::Exact(4),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly],
        acl: &[Category::List],
        since: "1.0.0",
        syntax: "key start stop",
        summary: "Replies with a range of elements.",
        subcommands: &[],
        handler: read::lrange,
    },
    CommandSpec {
        name: "lrem",
        arity: Arity::Exact(4),
        keys: FIRST_KEY,
        flags: &[Flag::Write],
        acl: &[Category::List],
        since: "1.0.0",
        syntax: "key count element",
        summary: "Removes the elements equal to a given one.",
        subcommands: &[],
        handler: edit::lrem,
    },
    CommandSpec {
        name: "lset",
        arity: Arity::Exact(4),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::DenyOom],
        acl: &[Category::List],
        since: "1.0.0",
        syntax: "key index element",
        summary: "Replaces the element at an index.",
        subcommands: &[],
        handler: edit::lset,
    },
    CommandSpec {
        name: "ltrim",
        arity: Arity::Exact(4),
        keys: FIRST_KEY,
        flags: &[Flag::Write],
        acl: &[Category::List],
        since: "1.0.0",
        syntax: "key start stop",
        summary: "Keeps a range of elements and removes the others.",
        subcommands: &[],
        handler: edit::ltrim,
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
        handler: |context, args| pop::pop(context, args, End::Tail),
    },
    CommandSpec {
        name: "rpoplpush",
        arity: Arity::Exact(3),
        keys: KeySpec::Range { first: 1, last: 2, step: 1 },
        flags: &[Flag::Write, Flag::DenyOom],
        acl: &[Category::List],
        since: "1.2.0",
        syntax: "source destination",
        summary: "Moves the tail of a list to the head of another.",
        subcommands: &[],
        handler: moves::rpoplpush,
    },
    CommandSpec {
        name: "rpush",
        arity: Arity::AtLeast(3),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::DenyOom, Flag::Fast],
        acl: &[Category::List],
        since: "1.0.0",
        syntax: "key element [element ...]",
        summary: "Adds elements at the tail of a list.",
        subcommands: &[],
        handler: |context, args| push::push(context, args, End::Tail),
    },
    CommandSpec {
        name: "rpushx",
        arity: Arity::AtLeast(3),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::DenyOom, Flag::Fast],
        acl: &[Category::List],
        since: "2.2.0",
        syntax: "key element [element ...]",
        summary: "Adds elements at the tail of a list that exists.",
        subcommands: &[],
        handler: |context, args| push::push_existing(context, args, End::Tail),
    },
];

/// The event of a push at this end.
fn push_event(end: End) -> &'static str {
    if end == End::Head { "lpush" } else { "rpush" }
}

/// The event of a pop at this end.
fn pop_event(end: End) -> &'static str {
    if end == End::Head { "lpop" } else { "rpop" }
}

/// The name of the command that pops at this end, for the log.
fn pop_name(end: End) -> &'static [u8] {
    if end == End::Head { b"LPOP" } else { b"RPOP" }
}

/// The word for this end.
fn end_word(end: End) -> &'static [u8] {
    if end == End::Head { b"LEFT" } else { b"RIGHT" }
}

/// Reads `LEFT` or `RIGHT`.
fn read_end(args: &mut Args<'_>) -> Result<End, CommandError> {
    if args.keyword("LEFT") {
        return Ok(End::Head);
    }
    if args.keyword("RIGHT") { Ok(End::Tail) } else { Err(CommandError::Syntax) }
}

/// The place of `index` in a list of `len`, counted from the end if negative.
fn place(index: i64, len: usize) -> Option<usize> {
    let place = match usize::try_from(index) {
        Ok(index) => index,
        Err(_) => len.checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?,
    };
    (place < len).then_some(place)
}

/// The half-open range that `start` and `stop` (inclusive, negative from the end) mean in a list
/// of `len`; empty ranges have equal ends.
fn range(start: i64, stop: i64, len: usize) -> (usize, usize) {
    let signed = i64::try_from(len).unwrap_or(i64::MAX);
    let from_end = |index: i64| if index < 0 { index.saturating_add(signed) } else { index };
    let start = from_end(start).max(0);
    let stop = from_end(stop).min(signed - 1);
    if start > stop {
        return (0, 0);
    }
    (usize::try_from(start).unwrap_or(0), usize::try_from(stop).map_or(0, |stop| stop + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (start, stop, expected) in [
            (0, -1, (0, 5)),
            (1, 1, (1, 2)),
            (-100, 100, (0, 5)),
            (-2, -1, (3, 5)),
            (3, 1, (0, 0)),
            (5, 10, (0, 0)),
            (i64::MIN, i64::MAX, (0, 5)),
            (i64::MAX, i64::MIN, (0, 0)),
        ] {
            assert_eq!(range(start, stop, 5), expected, "{start} {stop}");
        }
        assert_eq!(range(0, -1, 0), (0, 0));
    }

    #[test]
    fn places() {
        for (index, expected) in [(0, Some(0)), (4, Some(4)), (5, None), (-1, Some(4)), (-6, None)]
        {
            assert_eq!(place(index, 5), expected, "{index}");
        }
        assert_eq!(place(i64::MIN, 5), None);
    }
}
