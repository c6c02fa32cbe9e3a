//! Fields that expire.
//!
//! Times are logged as instants (HPEXPIREAT, HSETEX with PXAT), and what was removed at once
//! because the instant had passed is logged as HDEL. A replay of the log sets any instant and
//! removes nothing by itself: the log says when a field went.

use super::{Args, Class, CommandError, CommandResult, Context, Hash, Mode, Outcome, words};
use crate::types::hash::AT_MS_MAX;

/// How a command gives a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimeForm {
    pub(super) command: &'static str,
    /// Milliseconds in the unit.
    pub(super) unit_ms: i64,
    /// From now on; else since 1970.
    pub(super) relative: bool,
}

impl TimeForm {
    /// Reads a time; returns the instant (unix ms).
    pub(super) fn read(self, args: &mut Args<'_>, now_ms: u64) -> Result<u64, CommandError> {
        let invalid = CommandError::InvalidExpire(self.command);
        let time = args.integer()?;
        if time < 0 {
            return Err(CommandError::Plain("ERR invalid expire time, must be >= 0"));
        }
        let base = if self.relative { i64::try_from(now_ms).unwrap_or(i64::MAX) } else { 0 };
        let at_ms = time.checked_mul(self.unit_ms).and_then(|ms| ms.checked_add(base));
        let at_ms = at_ms.and_then(|at_ms| u64::try_from(at_ms).ok());
        at_ms.filter(|&at_ms| at_ms <= AT_MS_MAX).ok_or(invalid)
    }
}

/// Reads `FIELDS numfields`, after which as many groups of `width` words must follow.
pub(super) fn read_fields(
    args: &mut Args<'_>,
    width: usize,
    bad_count: &'static str,
) -> Result<(), CommandError> {
    if !args.keyword("FIELDS") {
        return Err(CommandError::Plain(
            "ERR Mandatory argument FIELDS is missing or not at the right position",
        ));
    }
    let bad_count = CommandError::Plain(bad_count);
    let count = usize::try_from(args.integer_from(1, bad_count.clone())?).map_err(|_| bad_count)?;
    if count.checked_mul(width) != Some(args.len()) {
        return Err(CommandError::Plain(
            "ERR The `numfields` parameter must match the number of arguments",
        ));
    }
    Ok(())
}

/// What is wrong with a number of fields.
pub(super) const NOT_POSITIVE: &str = "ERR Number of fields must be a positive integer";

/// When HEXPIRE and its like set a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Always,
    Greater,
    Less,
    NoTtl,
    Ttl,
}

impl Condition {
    fn read(args: &mut Args<'_>) -> Self {
        let words = [("GT", Self::Greater), ("LT", Self::Less), ("NX", Self::NoTtl)];
        for (word, condition) in words {
            if args.keyword(word) {
                return condition;
            }
        }
        if args.keyword("XX") { Self::Ttl } else { Self::Always }
    }

    /// A field that does not expire counts as one that expires last.
    fn allows(self, before_ms: Option<u64>, at_ms: u64) -> bool {
        match self {
            Self::Always => true,
            Self::Greater => before_ms.is_some_and(|before| at_ms > before),
            Self::Less => before_ms.is_none_or(|before| at_ms < before),
            Self::NoTtl => before_ms.is_none(),
            Self::Ttl => before_ms.is_some(),
        }
    }
}

/// `HEXPIRE key seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]`
///
/// Lets fields expire. Replies an array with a number for each: 1 set, 0 the condition does not
/// hold, 2 removed at once as the time is up already, -2 no such field. Logged as HPEXPIREAT, or
/// HDEL. Errors: WRONGTYPE; ERR on a bad time or number of fields. O(fields given).
/// <https://redis.io/docs/latest/commands/hexpire/>
pub(super) fn hexpire(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    expire(context, args, TimeForm { command: "hexpire", unit_ms: 1000, relative: true })
}

/// `HEXPIREAT key unix-time-seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]`
///
/// As HEXPIRE, at an instant.
/// <https://redis.io/docs/latest/commands/hexpireat/>
pub(super) fn hexpireat(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    expire(context, args, TimeForm { command: "hexpireat", unit_ms: 1000, relative: false })
}

/// `HPEXPIRE key milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]`
///
/// As HEXPIRE, in milliseconds.
/// <https://redis.io/docs/latest/commands/hpexpire/>
pub(super) fn hpexpire(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    expire(context, args, TimeForm { command: "hpexpire", unit_ms: 1, relative: true })
}

/// `HPEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]`
///
/// As HEXPIRE, at an instant in milliseconds.
/// <https://redis.io/docs/latest/commands/hpexpireat/>
pub(super) fn hpexpireat(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    expire(context, args, TimeForm { command: "hpexpireat", unit_ms: 1, relative: false })
}

fn expire(context: &mut Context<'_>, args: &mut Args<'_>, form: TimeForm) -> CommandResult {
    let key = args.bytes()?;
    let now_ms = context.db.now_ms();
    let at_ms = form.read(args, now_ms)?;
    let condition = Condition::read(args);
    read_fields(args, 1, "ERR Parameter `numFields` should be greater than 0")?;
    let is_past = at_ms <= now_ms && context.mode != Mode::Replay;
    let fields = args.rest();
    let hash = context.db.write::<Hash>(key)?;
    context.reply.array(fields.len());
    let Some(hash) = hash else {
        fields.for_each(|_| context.reply.integer(-2));
        return Ok(Outcome::Done);
    };
    let mut changed = Vec::new();
    for field in fields {
        if hash.find(field).is_none() {
            context.reply.integer(-2);
        } else if !condition.allows(hash.expires_at_ms(field), at_ms) {
            context.reply.integer(0);
        } else {
            changed.push(field);
            context.reply.integer(if is_past { 2 } else { 1 });
            set_or_remove(hash, field, at_ms, is_past);
        }
    }
    log_expiry(context, key, &changed, at_ms, is_past);
    Ok(Outcome::Done)
}

pub(super) fn set_or_remove(hash: &mut Hash, field: &[u8], at_ms: u64, is_past: bool) {
    if is_past {
        hash.remove(field);
    } else {
        hash.set_expiry(field, Some(at_ms));
    }
}

/// Logs that `fields` expire at an instant, or went as it has passed.
pub(super) fn log_expiry(
    context: &mut Context<'_>,
    key: &[u8],
    fields: &[&[u8]],
    at_ms: u64,
    is_past: bool,
) {
    if fields.is_empty() {
        return;
    }
    if is_past {
        context.modified(key, Class::Hash, "hdel");
        context.propagate(&words(&[b"HDEL", key], fields));
        return;
    }
    context.modified(key, Class::Hash, "hexpire");
    let (at, count) = (at_ms.to_string(), fields.len().to_string());
    let head = [b"HPEXPIREAT", key, at.as_bytes(), b"FIELDS", count.as_bytes()];
    context.propagate(&words(&head, fields));
}

/// `HTTL key FIELDS numfields field [field ...]`
///
/// Replies an array with the time to live of each field in seconds; -1 if it does not expire, -2
/// if there is no such field. Errors: WRONGTYPE; ERR on a bad number of fields. O(fields given).
/// <https://redis.io/docs/latest/commands/httl/>
pub(super) fn httl(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    ask(context, args, |at_ms, now_ms| at_ms.saturating_sub(now_ms).div_ceil(1000))
}

/// `HPTTL key FIELDS numfields field [field ...]`
///
/// As HTTL, in milliseconds.
/// <https://redis.io/docs/latest/commands/hpttl/>
pub(super) fn hpttl(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    ask(context, args, u64::saturating_sub)
}

/// `HEXPIRETIME key FIELDS numfields field [field ...]`
///
/// As HTTL, with the instant at which the field expires.
/// <https://redis.io/docs/latest/commands/hexpiretime/>
pub(super) fn hexpiretime(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    ask(context, args, |at_ms, _| at_ms.div_ceil(1000))
}

/// `HPEXPIRETIME key FIELDS numfields field [field ...]`
///
/// As HTTL, with the instant at which the field expires, in milliseconds.
/// <https://redis.io/docs/latest/commands/hpexpiretime/>
pub(super) fn hpexpiretime(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    ask(context, args, |at_ms, _| at_ms)
}

fn ask(context: &mut Context<'_>, args: &mut Args<'_>, show: fn(u64, u64) -> u64) -> CommandResult {
    let key = args.bytes()?;
    read_fields(args, 1, NOT_POSITIVE)?;
    let now_ms = context.db.now_ms();
    let hash = context.db.read::<Hash>(key)?;
    let fields = args.rest();
    context.reply.array(fields.len());
    for field in fields {
        let shown = match hash.filter(|hash| hash.find(field).is_some()) {
            None => -2,
            Some(hash) => hash
                .expires_at_ms(field)
                .map_or(-1, |at_ms| i64::try_from(show(at_ms, now_ms)).unwrap_or(i64::MAX)),
        };
        context.reply.integer(shown);
    }
    Ok(Outcome::Done)
}

/// `HPERSIST key FIELDS numfields field [field ...]`
///
/// Lets fields expire no more. Replies an array with a number for each: 1 done, -1 it did not
/// expire, -2 no such field. Errors: WRONGTYPE; ERR on a bad number of fields. O(fields given).
/// <https://redis.io/docs/latest/commands/hpersist/>
pub(super) fn hpersist(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    read_fields(args, 1, NOT_POSITIVE)?;
    let mut hash = context.db.write::<Hash>(key)?;
    let fields = args.rest();
    context.reply.array(fields.len());
    let mut changed = false;
    for field in fields {
        let found = hash.as_mut().filter(|hash| hash.find(field).is_some());
        context.reply.integer(match found {
            None => -2,
            Some(hash) if hash.expires_at_ms(field).is_none() => -1,
            Some(hash) => {
                hash.set_expiry(field, None);
                changed = true;
                1
            }
        });
    }
    if changed {
        context.modified(key, Class::Hash, "hpersist");
    }
    Ok(Outcome::Done)
}
