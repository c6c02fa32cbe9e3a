//! When keys expire.
//!
//! Times to live are logged as instants (PEXPIREAT), so that a replay does not prolong them; an
//! instant that has passed deletes the key at once and is logged as DEL.

use super::{Args, Class, CommandError, CommandResult, Context, Outcome};
use crate::command::Mode;
use crate::store::shard::Entry;

/// `EXPIRE key seconds [NX|XX|GT|LT]`
///
/// Lets the key expire after so many seconds; at once if they are not positive. NX: only if it
/// does not expire yet; XX: only if it does; GT, LT: only if that makes it later, earlier.
/// Replies 1 if so, 0 if not or if there is no such key. Logged as PEXPIREAT or DEL.
/// Errors: ERR on a bad number or option. O(1).
/// <https://redis.io/docs/latest/commands/expire/>
pub(super) fn expire(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let now_ms = context.db.now_ms();
    set_expiry(context, args, Unit { ms: 1000, base_ms: now_ms, command: "expire" })
}

/// `EXPIREAT key unix-time-seconds [NX|XX|GT|LT]`
///
/// As EXPIRE, with an instant.
/// <https://redis.io/docs/latest/commands/expireat/>
pub(super) fn expireat(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    set_expiry(context, args, Unit { ms: 1000, base_ms: 0, command: "expireat" })
}

/// `PEXPIRE key milliseconds [NX|XX|GT|LT]`
///
/// As EXPIRE, in milliseconds.
/// <https://redis.io/docs/latest/commands/pexpire/>
pub(super) fn pexpire(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let now_ms = context.db.now_ms();
    set_expiry(context, args, Unit { ms: 1, base_ms: now_ms, command: "pexpire" })
}

/// `PEXPIREAT key unix-time-milliseconds [NX|XX|GT|LT]`
///
/// As EXPIRE, with an instant in milliseconds.
/// <https://redis.io/docs/latest/commands/pexpireat/>
pub(super) fn pexpireat(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    set_expiry(context, args, Unit { ms: 1, base_ms: 0, command: "pexpireat" })
}

/// How a command gives the time.
#[derive(Clone, Copy)]
struct Unit {
    ms: i64,
    /// From when on it is counted (unix ms).
    base_ms: u64,
    command: &'static str,
}

/// On what the change depends.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "one for each option; XX goes with GT and LT")]
struct Conditions {
    nx: bool,
    xx: bool,
    gt: bool,
    lt: bool,
}

impl Conditions {
    fn read(args: &mut Args<'_>) -> Result<Self, CommandError> {
        let mut conditions = Self::default();
        while let Some(word) = args.peek() {
            let flag = if args.keyword("NX") {
                &mut conditions.nx
            } else if args.keyword("XX") {
                &mut conditions.xx
            } else if args.keyword("GT") {
                &mut conditions.gt
            } else if args.keyword("LT") {
                &mut conditions.lt
            } else {
                return Err(CommandError::UnsupportedOption(String::from_utf8_lossy(word).into()));
            };
            *flag = true;
        }
        conditions.check()
    }

    fn check(self) -> Result<Self, CommandError> {
        if self.nx && (self.xx || self.gt || self.lt) {
            let text = "ERR NX and XX, GT or LT options at the same time are not compatible";
            return Err(CommandError::Plain(text));
        }
        if self.gt && self.lt {
            let text = "ERR GT and LT options at the same time are not compatible";
            return Err(CommandError::Plain(text));
        }
        Ok(self)
    }

    /// May an expiry at `before` become one at `at_ms`? Never expiring counts as infinitely late.
    fn allow(self, before: Option<u64>, at_ms: u64) -> bool {
        let later = before.is_some_and(|before| at_ms > before);
        let earlier = before.is_none_or(|before| at_ms < before);
        (!self.nx || before.is_none())
            && (!self.xx || before.is_some())
            && (!self.gt || later)
            && (!self.lt || earlier)
    }
}

fn set_expiry(context: &mut Context<'_>, args: &mut Args<'_>, unit: Unit) -> CommandResult {
    let (key, time) = (args.bytes()?, args.bytes()?);
    let conditions = Conditions::read(args)?;
    let time = Args::parse_integer(time)?;
    let base_ms = i64::try_from(unit.base_ms).unwrap_or(0);
    let at_ms = time.checked_mul(unit.ms).and_then(|ms| ms.checked_add(base_ms));
    let at_ms = at_ms.ok_or(CommandError::InvalidExpire(unit.command))?;
    let at_ms = u64::try_from(at_ms).unwrap_or(0);
    let changed = match context.db.peek(key).map(Entry::expires_at_ms) {
        Some(before) => conditions.allow(before, at_ms),
        None => false,
    };
    if changed {
        expire_at(context, key, at_ms);
    }
    context.reply.integer(i64::from(changed));
    Ok(Outcome::Done)
}

/// Lets an existing key expire at an instant; removes it if that has passed.
pub(in crate::command) fn expire_at(context: &mut Context<'_>, key: &[u8], at_ms: u64) {
    if at_ms <= context.db.now_ms() && context.mode != Mode::Replay {
        context.db.delete(key);
        context.modified(key, Class::Generic, "del");
        context.propagate(&[b"DEL", key]);
        return;
    }
    context.db.set_expiry(key, Some(at_ms));
    context.modified(key, Class::Generic, "expire");
    context.propagate(&[b"PEXPIREAT", key, itoa::Buffer::new().format(at_ms).as_bytes()]);
}

/// `PERSIST key`
///
/// Lets the key no longer expire. Replies 1; 0 if it did not expire or does not exist. O(1).
/// <https://redis.io/docs/latest/commands/persist/>
pub(super) fn persist(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let expires = context.db.expires_at_ms(key).is_some();
    if expires {
        context.db.set_expiry(key, None);
        context.modified(key, Class::Generic, "persist");
    }
    context.reply.integer(i64::from(expires));
    Ok(Outcome::Done)
}

/// `TTL key`
///
/// Replies the seconds until the key expires; -1 if it never does, -2 if it does not exist. O(1).
/// <https://redis.io/docs/latest/commands/ttl/>
pub(super) fn ttl(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let now_ms = context.db.now_ms();
    reply_expiry(context, args, |at_ms| in_seconds(at_ms.saturating_sub(now_ms)))
}

/// `PTTL key`
///
/// As TTL, in milliseconds.
/// <https://redis.io/docs/latest/commands/pttl/>
pub(super) fn pttl(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let now_ms = context.db.now_ms();
    reply_expiry(context, args, |at_ms| at_ms.saturating_sub(now_ms))
}

/// `EXPIRETIME key`
///
/// Replies the instant at which the key expires, in seconds since 1970; -1 if it never does, -2 if
/// it does not exist. O(1).
/// <https://redis.io/docs/latest/commands/expiretime/>
pub(super) fn expiretime(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    reply_expiry(context, args, in_seconds)
}

/// `PEXPIRETIME key`
///
/// As EXPIRETIME, in milliseconds.
/// <https://redis.io/docs/latest/commands/pexpiretime/>
pub(super) fn pexpiretime(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    reply_expiry(context, args, |at_ms| at_ms)
}

fn in_seconds(ms: u64) -> u64 {
    ms.saturating_add(500) / 1000
}

fn reply_expiry(
    context: &mut Context<'_>,
    args: &mut Args<'_>,
    show: impl Fn(u64) -> u64,
) -> CommandResult {
    let value = match context.db.look(args.bytes()?).map(Entry::expires_at_ms) {
        None => -2,
        Some(None) => -1,
        Some(Some(at_ms)) => i64::try_from(show(at_ms)).unwrap_or(i64::MAX),
    };
    context.reply.integer(value);
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions() {
        let [nx, xx, gt, lt] =
            [0, 1, 2, 3].map(|n| Conditions { nx: n == 0, xx: n == 1, gt: n == 2, lt: n == 3 });
        for (conditions, before, at_ms, expected) in [
            (nx, None, 10, true),
            (nx, Some(5), 10, false),
            (xx, None, 10, false),
            (xx, Some(5), 10, true),
            (gt, None, 10, false),
            (gt, Some(5), 10, true),
            (gt, Some(10), 10, false),
            (lt, None, 10, true),
            (lt, Some(5), 10, false),
            (lt, Some(15), 10, true),
        ] {
            assert_eq!(conditions.allow(before, at_ms), expected, "{conditions:?} {before:?}");
        }
    }
}
