//! Giving keys string values as a whole.

use super::time::{MILLISECONDS, SECONDS, Time, Unit};
use super::{Args, Class, CommandError, CommandResult, Context, Outcome, StringValue, Value};
use crate::command::keys::expire_at;

/// What becomes of the key's time to live.
#[derive(Clone, Copy, Debug)]
enum Ttl {
    At(u64),
    Clear,
    Keep,
}

/// On what SET depends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Exists,
    None,
    NotExists,
}

/// The options of SET.
struct SetOptions<'a> {
    condition: Condition,
    get: bool,
    keep_ttl: bool,
    time: Option<Time<'a>>,
}

impl<'a> SetOptions<'a> {
    fn read(args: &mut Args<'a>) -> Result<Self, CommandError> {
        let mut options =
            Self { condition: Condition::None, get: false, keep_ttl: false, time: None };
        while !args.is_empty() {
            if options.condition != Condition::Exists && args.keyword("NX") {
                options.condition = Condition::NotExists;
            } else if options.condition != Condition::NotExists && args.keyword("XX") {
                options.condition = Condition::Exists;
            } else if args.keyword("GET") {
                options.get = true;
            } else if options.time.is_none() && args.keyword("KEEPTTL") {
                options.keep_ttl = true;
            } else {
                options.time = Some(next_time(args, options.time)?);
            }
            if options.keep_ttl && options.time.is_some() {
                return Err(CommandError::Syntax);
            }
        }
        Ok(options)
    }
}

/// Reads one more option that gives a time; only the same one may stand twice, the last counts.
fn next_time<'a>(args: &mut Args<'a>, before: Option<Time<'a>>) -> Result<Time<'a>, CommandError> {
    let time = Time::read(args)?.ok_or(CommandError::Syntax)?;
    let clashes = before.is_some_and(|before| !time.is_like(&before));
    if clashes { Err(CommandError::Syntax) } else { Ok(time) }
}

/// `SET key value [NX|XX] [GET]
/// [EX seconds|PX milliseconds|EXAT unix-time-seconds|PXAT unix-time-milliseconds|KEEPTTL]`
///
/// Replies OK, or nil if NX or XX forbids it; with GET the value before, in either case.
/// Logged with `PXAT` for any time to live. Errors: WRONGTYPE with GET; ERR on a bad time. O(1).
/// <https://redis.io/docs/latest/commands/set/>
pub(super) fn set(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, value) = (args.bytes()?, args.bytes()?);
    let options = SetOptions::read(args)?;
    let ttl = match options.time {
        Some(time) => Ttl::At(time.at_ms(context.db.now_ms(), "set")?),
        None if options.keep_ttl => Ttl::Keep,
        None => Ttl::Clear,
    };
    if options.get {
        reply_value(context, key)?;
    }
    let allowed = match options.condition {
        Condition::Exists => context.db.exists(key),
        Condition::None => true,
        Condition::NotExists => !context.db.exists(key),
    };
    if allowed {
        store(context, key, value, ttl);
    }
    match (options.get, allowed) {
        (true, _) => {}
        (false, true) => context.reply.ok(),
        (false, false) => context.reply.nil(),
    }
    Ok(Outcome::Done)
}

/// Replies with the string that `key` holds, or nil.
fn reply_value(context: &mut Context<'_>, key: &[u8]) -> Result<bool, CommandError> {
    let Some(value) = context.db.read::<StringValue>(key)? else {
        context.reply.nil();
        return Ok(false);
    };
    context.reply.bulk(value.bytes_in(&mut itoa::Buffer::new()));
    Ok(true)
}

/// Gives `key` the value and logs that.
fn store(context: &mut Context<'_>, key: &[u8], value: &[u8], ttl: Ttl) {
    let string = Value::String(StringValue::new(value));
    match ttl {
        Ttl::Clear => context.db.set(key, string),
        Ttl::At(_) | Ttl::Keep => context.db.set_keeping_ttl(key, string),
    }
    context.modified(key, Class::String, "set");
    match ttl {
        Ttl::At(ms) => {
            context.db.set_expiry(key, Some(ms));
            context.db.notify(key, Class::Generic, "expire");
            let mut digits = itoa::Buffer::new();
            context.propagate(&[b"SET", key, value, b"PXAT", digits.format(ms).as_bytes()]);
        }
        Ttl::Clear => context.propagate(&[b"SET", key, value]),
        Ttl::Keep => context.propagate(&[b"SET", key, value, b"KEEPTTL"]),
    }
}

/// `SETEX key seconds value`
///
/// As `SET key value EX seconds`. Replies OK. Errors: ERR on a bad time. O(1).
/// <https://redis.io/docs/latest/commands/setex/>
pub(super) fn setex(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    set_for_a_time(context, args, SECONDS, "setex")
}

/// `PSETEX key milliseconds value`
///
/// As `SET key value PX milliseconds`. Replies OK. Errors: ERR on a bad time. O(1).
/// <https://redis.io/docs/latest/commands/psetex/>
pub(super) fn psetex(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    set_for_a_time(context, args, MILLISECONDS, "psetex")
}

fn set_for_a_time(
    context: &mut Context<'_>,
    args: &mut Args<'_>,
    unit: Unit,
    name: &'static str,
) -> CommandResult {
    let (key, text, value) = (args.bytes()?, args.bytes()?, args.bytes()?);
    let at_ms = Time { unit, text }.at_ms(context.db.now_ms(), name)?;
    store(context, key, value, Ttl::At(at_ms));
    context.reply.ok();
    Ok(Outcome::Done)
}

/// `SETNX key value`
///
/// Replies 1 if the value was set, 0 if the key exists. O(1).
/// <https://redis.io/docs/latest/commands/setnx/>
pub(super) fn setnx(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, value) = (args.bytes()?, args.bytes()?);
    let is_new = !context.db.exists(key);
    if is_new {
        store(context, key, value, Ttl::Clear);
    }
    context.reply.integer(i64::from(is_new));
    Ok(Outcome::Done)
}

/// `GETSET key value`
///
/// As `SET key value GET`. Replies the value before, or nil. Errors: WRONGTYPE. O(1).
/// <https://redis.io/docs/latest/commands/getset/>
pub(super) fn getset(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, value) = (args.bytes()?, args.bytes()?);
    reply_value(context, key)?;
    store(context, key, value, Ttl::Clear);
    Ok(Outcome::Done)
}

/// `GETDEL key`
///
/// Replies the value, or nil, and removes the key. Logged as DEL. Errors: WRONGTYPE. O(1).
/// <https://redis.io/docs/latest/commands/getdel/>
pub(super) fn getdel(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    if reply_value(context, key)? {
        context.db.remove(key);
        context.modified(key, Class::Generic, "del");
        context.propagate(&[b"DEL", key]);
    }
    Ok(Outcome::Done)
}

/// `GETEX key
/// [EX seconds|PX milliseconds|EXAT unix-time-seconds|PXAT unix-time-milliseconds|PERSIST]`
///
/// Replies the value, or nil; the key then expires at the time given, or never with PERSIST.
/// Logged as PEXPIREAT, PERSIST, or DEL if the time has passed. Errors: WRONGTYPE; ERR on a bad
/// time. O(1).
/// <https://redis.io/docs/latest/commands/getex/>
pub(super) fn getex(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let mut time = None;
    let mut persist = false;
    while !args.is_empty() {
        if time.is_none() && args.keyword("PERSIST") {
            persist = true;
        } else if persist {
            return Err(CommandError::Syntax);
        } else {
            time = Some(next_time(args, time)?);
        }
    }
    if !reply_value(context, key)? {
        return Ok(Outcome::Done);
    }
    let now_ms = context.db.now_ms();
    let at_ms = time.map(|time: Time<'_>| time.at_ms(now_ms, "getex")).transpose()?;
    match at_ms {
        Some(at_ms) => expire_at(context, key, at_ms),
        None if persist => drop_expiry(context, key),
        None => {}
    }
    Ok(Outcome::Done)
}

fn drop_expiry(context: &mut Context<'_>, key: &[u8]) {
    if context.db.expires_at_ms(key).is_some() {
        context.db.set_expiry(key, None);
        context.modified(key, Class::Generic, "persist");
        context.propagate(&[b"PERSIST", key]);
    }
}

/// `MSET key value [key value ...]`
///
/// Gives all keys their values at once. Replies OK. O(keys).
/// <https://redis.io/docs/latest/commands/mset/>
pub(super) fn mset(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    if !args.len().is_multiple_of(2) {
        return Err(CommandError::WrongArity("mset".into()));
    }
    set_pairs(context, args)?;
    context.reply.ok();
    Ok(Outcome::Done)
}

/// `MSETNX key value [key value ...]`
///
/// Gives all keys their values if none of them exists. Replies 1 if so, else 0. O(keys).
/// <https://redis.io/docs/latest/commands/msetnx/>
pub(super) fn msetnx(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    if !args.len().is_multiple_of(2) {
        return Err(CommandError::WrongArity("msetnx".into()));
    }
    let mut keys = args.clone().rest().step_by(2);
    let are_new = !keys.any(|key| context.db.exists(key));
    if are_new {
        set_pairs(context, args)?;
    }
    context.reply.integer(i64::from(are_new));
    Ok(Outcome::Done)
}

fn set_pairs(context: &mut Context<'_>, args: &mut Args<'_>) -> Result<(), CommandError> {
    while !args.is_empty() {
        let (key, value) = (args.bytes()?, args.bytes()?);
        context.db.set(key, Value::String(StringValue::new(value)));
        context.modified(key, Class::String, "set");
    }
    Ok(())
}
