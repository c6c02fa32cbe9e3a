//! The group `hyperloglog`: estimates of how many different elements were seen.

use super::error::shown;
use super::{
    Args, Arity, Category, CommandError, CommandResult, CommandSpec, Context, FIRST_KEY, Flag,
    KeySpec, Outcome,
};
use crate::config::Setting;
use crate::store::Class;
use crate::types::hyperloglog::{self, Form, Invalid, REGISTERS};
use crate::types::string::StringValue;
use crate::types::value::Value;

pub(crate) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "pfadd",
        arity: Arity::AtLeast(2),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::DenyOom, Flag::Fast],
        acl: &[Category::HyperLogLog],
        since: "2.8.9",
        syntax: "key [element [element ...]]",
        summary: "Adds elements to an estimate of how many different ones there are.",
        subcommands: &[],
        handler: pfadd,
    },
    CommandSpec {
        name: "pfcount",
        arity: Arity::AtLeast(2),
        keys: KeySpec::Range { first: 1, last: -1, step: 1 },
        flags: &[Flag::ReadOnly, Flag::MayReplicate],
        acl: &[Category::HyperLogLog],
        since: "2.8.9",
        syntax: "key [key ...]",
        summary: "Estimates how many different elements were added.",
        subcommands: &[],
        handler: pfcount,
    },
    CommandSpec {
        name: "pfdebug",
        arity: Arity::Exact(3),
        keys: KeySpec::Range { first: 2, last: 2, step: 1 },
        flags: &[Flag::Write, Flag::DenyOom, Flag::Admin],
        acl: &[Category::HyperLogLog],
        since: "2.8.9",
        syntax: "subcommand key",
        summary: "Shows how an estimate is kept.",
        subcommands: &[],
        handler: pfdebug,
    },
    CommandSpec {
        name: "pfmerge",
        arity: Arity::AtLeast(2),
        keys: KeySpec::Range { first: 1, last: -1, step: 1 },
        flags: &[Flag::Write, Flag::DenyOom],
        acl: &[Category::HyperLogLog],
        since: "2.8.9",
        syntax: "destkey [sourcekey [sourcekey ...]]",
        summary: "Merges estimates into one.",
        subcommands: &[],
        handler: pfmerge,
    },
    CommandSpec {
        name: "pfselftest",
        arity: Arity::Exact(1),
        keys: KeySpec::None,
        flags: &[Flag::Admin],
        acl: &[Category::HyperLogLog],
        since: "2.8.9",
        syntax: "",
        summary: "Checks that estimates work.",
        subcommands: &[],
        handler: pfselftest,
    },
];

impl From<Invalid> for CommandError {
    fn from(invalid: Invalid) -> Self {
        Self::Plain(match invalid {
            Invalid::Corrupt => "INVALIDOBJ Corrupted HLL object detected",
            Invalid::NoHyperLogLog => "WRONGTYPE Key is not a valid HyperLogLog string value.",
        })
    }
}

fn sparse_bytes_max(context: &Context<'_>) -> usize {
    context.services.config.size(Setting::HllSparseMaxBytes)
}

/// The bytes of the HyperLogLog at `key`; `None` if there is no such key.
fn read(context: &mut Context<'_>, key: &[u8]) -> Result<Option<Vec<u8>>, CommandError> {
    let Some(string) = context.db.read::<StringValue>(key)? else { return Ok(None) };
    let bytes = string.to_vec();
    hyperloglog::form(&bytes)?;
    Ok(Some(bytes))
}

fn store(context: &mut Context<'_>, key: &[u8], bytes: Vec<u8>) {
    context.db.set_keeping_ttl(key, string_of(bytes));
    context.modified(key, Class::String, "pfadd");
}

fn string_of(bytes: Vec<u8>) -> Value {
    Value::String(StringValue::from_buffer(bytes))
}

/// `PFADD key [element [element ...]]`
///
/// Adds elements; the key is made if need be. Replies 1 if the key was made or the estimate may
/// have changed, else 0. Errors: WRONGTYPE; INVALIDOBJ on a broken string, to which the elements
/// that go before the break are added, as in Redis. O(elements).
/// <https://redis.io/docs/latest/commands/pfadd/>
pub(super) fn pfadd(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let bytes_max = sparse_bytes_max(context);
    let exists = match context.db.write::<StringValue>(key)? {
        Some(string) => {
            hyperloglog::form(string.bytes_in(&mut itoa::Buffer::new()))?;
            true
        }
        None => false,
    };
    if !exists {
        let empty = StringValue::from_buffer(hyperloglog::empty());
        context.db.set(key, Value::String(empty));
    }
    let bytes = context.db.create::<StringValue>(key)?.make_mut();
    let mut changed = !exists;
    let elements = args.rest();
    let mut added = 0;
    let outcome = elements.clone().try_for_each(|element| {
        changed |= hyperloglog::add(bytes, element, bytes_max)?;
        added += 1;
        Ok::<(), Invalid>(())
    });
    if changed {
        hyperloglog::set_cached(bytes, None);
        context.modified(key, Class::String, "pfadd");
    }
    if outcome.is_err() && changed {
        let words: Vec<&[u8]> = [b"PFADD", key].into_iter().chain(elements.take(added)).collect();
        context.propagate(&words);
    }
    outcome?;
    context.reply.integer(i64::from(changed));
    Ok(Outcome::Done)
}

/// `PFCOUNT key [key ...]`
///
/// Replies the estimate; of several keys, that of all elements together. The estimate of a single
/// key is kept in its string. Errors: WRONGTYPE; INVALIDOBJ on a broken string. O(keys).
/// <https://redis.io/docs/latest/commands/pfcount/>
pub(super) fn pfcount(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let estimate = if args.len() == 1 {
        count_one(context, args.bytes()?)?
    } else {
        let merged = merge(context, args.rest())?;
        hyperloglog::estimate(&merged.registers)
    };
    context.reply.integer(i64::try_from(estimate).unwrap_or(i64::MAX));
    Ok(Outcome::Done)
}

fn count_one(context: &mut Context<'_>, key: &[u8]) -> Result<u64, CommandError> {
    let Some(bytes) = read(context, key)? else { return Ok(0) };
    if let Some(cached) = hyperloglog::cached(&bytes) {
        return Ok(cached);
    }
    let estimate = hyperloglog::estimate(&*hyperloglog::registers(&bytes)?);
    let bytes = context.db.create::<StringValue>(key)?.make_mut();
    hyperloglog::set_cached(bytes, Some(estimate));
    // The string is another one now, for GET and DUMP.
    context.db.rewritten(key);
    context.propagate(&[b"PFCOUNT", key]);
    Ok(estimate)
}

/// The largest value of each register.
struct Merged {
    registers: Box<[u8; REGISTERS]>,
    /// Dense if one of the sources is.
    form: Form,
}

fn merge<'k>(
    context: &mut Context<'_>,
    keys: impl Iterator<Item = &'k [u8]>,
) -> Result<Merged, CommandError> {
    let mut merged = Merged { registers: Box::new([0; REGISTERS]), form: Form::Sparse };
    for key in keys {
        let Some(bytes) = read(context, key)? else { continue };
        if hyperloglog::form(&bytes)? == Form::Dense {
            merged.form = Form::Dense;
        }
        let source = hyperloglog::registers(&bytes)?;
        for (register, &value) in merged.registers.iter_mut().zip(source.iter()) {
            *register = (*register).max(value);
        }
    }
    Ok(merged)
}

/// `PFMERGE destkey [sourcekey [sourcekey ...]]`
///
/// Adds to the destination, made if need be, what was added to the sources. Replies OK.
/// Errors: WRONGTYPE; INVALIDOBJ on a broken string. O(keys).
/// <https://redis.io/docs/latest/commands/pfmerge/>
pub(super) fn pfmerge(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let destination = args.clone().bytes()?;
    let merged = merge(context, args.rest())?;
    let bytes_max = sparse_bytes_max(context);
    let mut bytes = hyperloglog::encode(&merged.registers, merged.form, bytes_max);
    if let Some(before) = context.db.write::<StringValue>(destination)? {
        hyperloglog::keep_cached(&mut bytes, before.bytes_in(&mut itoa::Buffer::new()));
    }
    hyperloglog::set_cached(&mut bytes, None);
    store(context, destination, bytes);
    context.reply.ok();
    Ok(Outcome::Done)
}

/// `PFDEBUG GETREG|DECODE|ENCODING|TODENSE key`
///
/// Shows the registers, the runs of the sparse form, the name of the form, or changes it to dense.
/// Errors: WRONGTYPE; ERR if there is no such key or subcommand. O(1).
/// <https://redis.io/docs/latest/commands/pfdebug/>
pub(super) fn pfdebug(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (subcommand, key) = (args.bytes()?, args.bytes()?);
    let no_such_key = CommandError::Plain("ERR The specified key does not exist");
    let mut bytes = read(context, key)?.ok_or(no_such_key)?;
    let form = hyperloglog::form(&bytes)?;
    match subcommand.to_ascii_uppercase().as_slice() {
        b"GETREG" => {
            let registers = hyperloglog::registers(&bytes)?;
            context.reply.array(registers.len());
            registers.iter().for_each(|&value| context.reply.integer(i64::from(value)));
        }
        b"DECODE" => {
            if form == Form::Dense {
                return Err(CommandError::Plain("ERR HLL encoding is not sparse"));
            }
            context.reply.bulk(hyperloglog::runs_text(&bytes)?.as_bytes());
        }
        b"ENCODING" => {
            context.reply.status(if form == Form::Dense { "dense" } else { "sparse" });
        }
        b"TODENSE" => {
            if form == Form::Sparse {
                hyperloglog::make_dense(&mut bytes)?;
                // No other elements: nobody is told.
                context.db.set_keeping_ttl(key, string_of(bytes));
                context.db.changes().dirty += 1;
            }
            context.reply.integer(i64::from(form == Form::Sparse));
        }
        _ => {
            let text = format!("ERR Unknown PFDEBUG subcommand '{}'", shown(subcommand));
            return Err(CommandError::Text(text.into()));
        }
    }
    Ok(Outcome::Done)
}

/// Elements that PFSELFTEST adds.
const SELF_TEST_ELEMENTS: u64 = 100_000;

/// `PFSELFTEST`
///
/// Adds many elements to an estimate and replies OK if it stays within 3 %.
/// <https://redis.io/docs/latest/commands/pfselftest/>
pub(super) fn pfselftest(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    let bytes_max = sparse_bytes_max(context);
    let mut bytes = hyperloglog::empty();
    for element in 0..SELF_TEST_ELEMENTS {
        hyperloglog::add(&mut bytes, &element.to_le_bytes(), bytes_max)?;
    }
    let estimate = hyperloglog::estimate(&*hyperloglog::registers(&bytes)?);
    if estimate.abs_diff(SELF_TEST_ELEMENTS) * 100 > SELF_TEST_ELEMENTS * 3 {
        return Err(CommandError::Plain("ERR TESTFAILED the estimate is too far off"));
    }
    context.reply.ok();
    Ok(Outcome::Done)
}
