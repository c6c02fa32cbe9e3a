//! DEBUG: what test suites need to look behind the commands.
//!
//! Only the subcommands named in [`HELP`] exist. Others that Redis has, such as SEGFAULT, RESTART
//! or JMAP, are refused as unknown.

use std::sync::atomic::Ordering;

use super::{Args, CommandError, CommandResult, Context, Outcome};
use crate::config::{Setting, parse_bytes};
use crate::glob;
use crate::number::parse_f64;
use crate::rdb;
use crate::resp::{Protocol, Reply};
use crate::store::Class;
use crate::types::string::StringValue;
use crate::types::value::Value;

mod digest;

/// What a client is told to whom `enable-debug-command` does not allow it.
pub(super) const NOT_ALLOWED: &str = "ERR DEBUG command not allowed. If the enable-debug-command option is \
    set to \"local\", you can run it from a local connection, otherwise you need to set this \
    option in the configuration file, and then restart the server.";

/// The subcommands and what they do, as DEBUG HELP shows them.
const HELP: &[(&str, &str)] = &[
    ("CHANGE-REPL-ID", "Takes a new replication id."),
    ("DIGEST", "Replies with a digest of all keys and values."),
    ("DIGEST-VALUE <key> [<key> ...]", "Replies with a digest of each value."),
    ("ERROR <text>", "Replies with this error."),
    ("HELP", "Replies with the subcommands."),
    ("LOG <text>", "Writes a line to the log."),
    ("OBJECT <key>", "Replies with how a value is kept."),
    ("PAUSE-CRON <0|1>", "Lets the periodic work rest, or not."),
    ("POPULATE <count> [<prefix>] [<size>]", "Adds string keys that do not exist."),
    ("PROTOCOL <type>", "Replies with a value of a type of the protocol."),
    ("QUICKLIST-PACKED-THRESHOLD <size>", "Accepted; long elements have no form of their own."),
    ("RELOAD", "Encodes all values as in a snapshot, and goes on with what is decoded."),
    (
        "REPLYBUFFER <PEAK-RESET-TIME <ms|NEVER|RESET> | RESIZING <0|1>>",
        "Accepted; buffers of replies go when they are sent, and have no peak.",
    ),
    ("SET-ACTIVE-EXPIRE <0|1>", "Lets expired keys go unasked, or not."),
    ("SLEEP <seconds>", "Holds up all commands on keys."),
    ("STRINGMATCH-LEN <text> <pattern>", "Replies whether the pattern fits, 1 or 0."),
];

/// `DEBUG subcommand [argument ...]`
///
/// For tests, where `enable-debug-command` allows it. Errors: ERR on unknown subcommands.
/// Differs from Redis: while data are loaded, what looks at data may be refused (LOADING), and
/// SLEEP does not hold up the load.
/// <https://redis.io/docs/latest/commands/debug/>
pub(super) fn debug(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let name = String::from_utf8_lossy(args.bytes()?).to_ascii_uppercase();
    let run: Subcommand = match (name.as_str(), args.len()) {
        ("CHANGE-REPL-ID", 0) => change_replication_id,
        ("DIGEST", 0) => digest::all,
        ("DIGEST-VALUE", 1..) => digest::values,
        ("ERROR", 1) => error,
        ("HELP", 0) => help,
        ("LOG", 1) => log,
        ("OBJECT", 1) => object,
        ("PAUSE-CRON", 1) => pause_cron,
        ("POPULATE", 1..=3) => populate,
        ("PROTOCOL", 1) => protocol,
        ("QUICKLIST-PACKED-THRESHOLD", 1) => packed_threshold,
        ("RELOAD", 0) => reload,
        ("REPLYBUFFER", 2) => reply_buffer,
        ("SET-ACTIVE-EXPIRE", 1) => set_active_expire,
        ("SLEEP", 1) => sleep,
        ("STRINGMATCH-LEN", 2) => match_string,
        _ => {
            let text = format!(
                "ERR unknown subcommand or wrong number of arguments for '{name}'. Try DEBUG HELP."
            );
            return Err(CommandError::Text(text.into()));
        }
    };
    run(context, args)
}

type Subcommand = fn(&mut Context<'_>, &mut Args<'_>) -> CommandResult;

/// DEBUG CHANGE-REPL-ID
fn change_replication_id(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    context.services.identity.change_replication_id(&context.services.random);
    context.reply.ok();
    Ok(Outcome::Done)
}

/// DEBUG ERROR
fn error(_context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let text = String::from_utf8_lossy(args.bytes()?).into_owned();
    Err(CommandError::Text(text.into()))
}

/// DEBUG HELP
fn help(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    context.reply.array(1 + 2 * HELP.len());
    context.reply.status("DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
    for (syntax, summary) in HELP {
        context.reply.status(syntax);
        context.reply.status(&format!("    {summary}"));
    }
    Ok(Outcome::Done)
}

/// DEBUG LOG
fn log(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let text = String::from_utf8_lossy(args.bytes()?);
    tracing::info!("DEBUG LOG: {text}");
    context.reply.ok();
    Ok(Outcome::Done)
}

/// DEBUG OBJECT
fn object(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let now_ms = context.db.now_ms();
    let list_limit = context.services.config.number(Setting::ListMaxListpackSize);
    let Some(entry) = context.db.peek(args.bytes()?) else {
        return Err(CommandError::NoSuchKey);
    };
    let idle_s = entry.idle_s(now_ms);
    let accessed_s = (now_ms / 1000).saturating_sub(u64::from(idle_s));
    let lru = accessed_s & 0xFF_FFFF;
    let text = format!(
        "Value at:{:p} refcount:1 encoding:{} elements:{} bytes:{} lru:{lru} \
         lru_seconds_idle:{idle_s}",
        &raw const entry.value,
        entry.value.encoding(list_limit),
        entry.value.elements(),
        entry.value.bytes(),
    );
    context.reply.status(&text);
    Ok(Outcome::Done)
}

/// DEBUG PAUSE-CRON
fn pause_cron(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let rests = args.integer()? != 0;
    context.services.cron_rests.store(rests, Ordering::Relaxed);
    context.reply.ok();
    Ok(Outcome::Done)
}

/// DEBUG POPULATE: keys `prefix:0`, `prefix:1`, … that do not exist, with values like
/// `value:0`, cut or filled to `size` bytes.
fn populate(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let count = args.count(CommandError::NotAnInteger)?;
    let prefix = if args.is_empty() { b"key" } else { args.bytes()? };
    let size = if args.is_empty() { None } else { Some(args.count(CommandError::NotAnInteger)?) };
    for number in 0..count {
        let number = number.to_string();
        let key = [prefix, b":", number.as_bytes()].concat();
        if context.db.exists(&key) {
            continue;
        }
        let mut value = format!("value:{number}").into_bytes();
        value.resize(size.unwrap_or(value.len()), 0);
        context.db.set(&key, Value::String(StringValue::new(&value)));
        context.modified(&key, Class::String, "set");
        context.propagate(&[b"SET", &key, &value]);
    }
    context.reply.ok();
    Ok(Outcome::Done)
}

/// DEBUG PROTOCOL
fn protocol(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let name = String::from_utf8_lossy(args.bytes()?).to_ascii_lowercase();
    let reply = &mut *context.reply;
    match name.as_str() {
        "array" => {
            reply.array(3);
            (0..3).for_each(|number| reply.integer(number));
        }
        "attrib" => attributes(reply),
        "bignum" => reply.big_number(b"1234567999999999999999999999999999999"),
        "double" => reply.double(1.25),
        "false" => reply.boolean(false),
        "integer" => reply.integer(12345),
        "map" => {
            reply.map(3);
            for number in 0..3 {
                reply.integer(number);
                reply.boolean(number == 1);
            }
        }
        "null" => reply.nil(),
        "push" => {
            reply.push(2);
            reply.bulk(b"server-cpu-usage");
            reply.integer(42);
        }
        "set" => {
            reply.set(3);
            (0..3).for_each(|number| reply.integer(number));
        }
        "string" => reply.bulk(b"Hello World"),
        "true" => reply.boolean(true),
        "verbatim" => reply.verbatim(*b"txt", b"This is a verbatim\nstring"),
        _ => return Err(WRONG_TYPE_NAME),
    }
    Ok(Outcome::Done)
}

const WRONG_TYPE_NAME: CommandError = CommandError::Plain(
    "ERR Wrong protocol type name. Please use one of the following: \
     string|integer|double|null|array|set|map|attrib|push|verbatim|true|false|bignum",
);

fn attributes(reply: &mut Reply) {
    if reply.protocol() == Protocol::Resp3 {
        reply.attributes(1);
        reply.bulk(b"key-popularity");
        reply.array(2);
        reply.bulk(b"key:123");
        reply.integer(90);
    }
    reply.bulk(b"Some real reply following the attribute");
}

/// DEBUG QUICKLIST-PACKED-THRESHOLD
fn packed_threshold(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let size = String::from_utf8_lossy(args.bytes()?);
    parse_bytes(&size).ok_or(CommandError::Plain("ERR argument must be a memory value"))?;
    context.reply.ok();
    Ok(Outcome::Done)
}

/// DEBUG RELOAD: keys, times to live and the log stay as they are. Differs from Redis: no file is
/// written.
fn reload(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    let limits = context.services.rdb_limits();
    let mut failed = 0;
    for shard in context.db.locked().iter_mut() {
        for db in shard.dbs() {
            db.keys.for_each_mut(|entry| match rdb::restore(&rdb::dump(&entry.value), &limits) {
                Some(Ok(value)) => entry.value = value,
                Some(Err(_)) | None => failed += 1,
            });
        }
    }
    if failed > 0 {
        return Err(CommandError::Plain("ERR Error trying to load the RDB dump"));
    }
    context.reply.ok();
    Ok(Outcome::Done)
}

/// DEBUG REPLYBUFFER
fn reply_buffer(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    if args.keyword("RESIZING") {
        args.integer()?;
    } else if !args.keyword("PEAK-RESET-TIME") {
        return Err(CommandError::Syntax);
    } else if !args.keyword("NEVER") && !args.keyword("RESET") {
        args.integer()?;
    }
    context.reply.ok();
    Ok(Outcome::Done)
}

/// DEBUG SET-ACTIVE-EXPIRE
fn set_active_expire(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let value = if args.integer()? == 0 { "no" } else { "yes" };
    let set = context.services.config.set(Setting::ActiveExpire, value);
    debug_assert!(set.is_ok(), "the setting is a flag");
    context.reply.ok();
    Ok(Outcome::Done)
}

/// DEBUG SLEEP: as in Redis, no key can be used meanwhile, and other clients of the same
/// thread wait too. Differs from Redis: commands without keys go on on other threads.
fn sleep(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let seconds = parse_f64(args.bytes()?).filter(|seconds| (0.0..=86_400.0).contains(seconds));
    let seconds = seconds.ok_or(CommandError::NotAFloat)?;
    std::thread::sleep(std::time::Duration::from_secs_f64(seconds));
    context.reply.ok();
    Ok(Outcome::Done)
}

/// DEBUG STRINGMATCH-LEN
fn match_string(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (text, pattern) = (args.bytes()?, args.bytes()?);
    context.reply.integer(i64::from(glob::matches(pattern, text)));
    Ok(Outcome::Done)
}
