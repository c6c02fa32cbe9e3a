//! The group `bitmap`: strings as rows of bits.
//!
//! Rows are here; handlers by what they do: a [`single`] bit, [`count`] and find, [`combine`]
//! strings, integers in a [`field`] of bits.

use super::{
    Args, Arity, Category, CommandError, CommandResult, CommandSpec, Context, FIRST_KEY, Flag,
    KeySpec, Mode, Outcome,
};
use crate::config::Setting;
use crate::number::parse_i64;
use crate::store::Class;
use crate::types::bits;
use crate::types::string::StringValue;
use crate::types::value::Value;

mod combine;
mod count;
mod field;
mod single;

pub(crate) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "bitcount",
        arity: Arity::AtLeast(2),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly],
        acl: &[Category::Bitmap],
        since: "2.6.0",
        syntax: "key [start end [BYTE|BIT]]",
        summary: "Counts the bits of a string that are 1.",
        subcommands: &[],
        handler: count::bitcount,
    },
    CommandSpec {
        name: "bitfield",
        arity: Arity::AtLeast(2),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::DenyOom],
        acl: &[Category::Bitmap],
        since: "3.2.0",
        syntax: "key [GET encoding offset|OVERFLOW WRAP|SAT|FAIL|SET encoding offset value|INCRBY \
                 encoding offset increment ...]",
        summary: "Reads and changes integers of any width in a string.",
        subcommands: &[],
        handler: field::bitfield,
    },
    CommandSpec {
        name: "bitfield_ro",
        arity: Arity::AtLeast(2),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly, Flag::Fast],
        acl: &[Category::Bitmap],
        since: "6.0.0",
        syntax: "key [GET encoding offset ...]",
        summary: "Reads integers of any width in a string.",
        subcommands: &[],
        handler: field::bitfield_ro,
    },
    CommandSpec {
        name: "bitop",
        arity: Arity::AtLeast(4),
        keys: KeySpec::Range { first: 2, last: -1, step: 1 },
        flags: &[Flag::Write, Flag::DenyOom],
        acl: &[Category::Bitmap],
        since: "2.6.0",
        syntax: "AND|OR|XOR|NOT destkey key [key ...]",
        summary: "Combines strings bit by bit.",
        subcommands: &[],
        handler: combine::bitop,
    },
    CommandSpec {
        name: "bitpos",
        arity: Arity::AtLeast(3),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly],
        acl: &[Category::Bitmap],
        since: "2.8.7",
        syntax: "key bit [start [end [BYTE|BIT]]]",
        summary: "Finds the first bit of a string that is 0 or 1.",
        subcommands: &[],
        handler: count::bitpos,
    },
    CommandSpec {
        name: "getbit",
        arity: Arity::Exact(3),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly, Flag::Fast],
        acl: &[Category::Bitmap],
        since: "2.2.0",
        syntax: "key offset",
        summary: "Replies with a bit of a string.",
        subcommands: &[],
        handler: single::getbit,
    },
    CommandSpec {
        name: "setbit",
        arity: Arity::Exact(4),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::DenyOom],
        acl: &[Category::Bitmap],
        since: "2.2.0",
        syntax: "key offset value",
        summary: "Sets a bit of a string and replies with the one before.",
        subcommands: &[],
        handler: single::setbit,
    },
];

/// The offset of a bit that `text` gives; it lies within the longest string there may be.
fn bit_offset(context: &Context<'_>, text: &[u8], unit: usize) -> Result<usize, CommandError> {
    let error = CommandError::Plain("ERR bit offset is not an integer or out of range");
    let offset = parse_i64(text).and_then(|offset| usize::try_from(offset).ok());
    let offset = offset.and_then(|offset| offset.checked_mul(unit)).ok_or(error.clone())?;
    let bytes_max = context.services.config.size(Setting::ProtoMaxBulkLen);
    let fits = offset / 8 < bytes_max || context.mode == Mode::Replay;
    if fits { Ok(offset) } else { Err(error) }
}

/// The bytes of the string at `key`, made if need be, with at least `len` of them; and whether it
/// was made or grown for that.
fn buffer_of<'c>(
    context: &'c mut Context<'_>,
    key: &[u8],
    len: usize,
) -> Result<(&'c mut Vec<u8>, bool), CommandError> {
    let bytes = context.db.create::<StringValue>(key)?.make_mut();
    let grows = bytes.len() < len;
    if grows {
        bytes.resize(len, 0);
    }
    Ok((bytes, grows))
}
