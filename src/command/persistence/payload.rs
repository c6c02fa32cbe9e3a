//! DUMP and RESTORE: a value as bytes that another server can take.

use super::{Args, CommandError, CommandResult, Context, Outcome};
use crate::command::Mode;
use crate::number::parse_i64;
use crate::rdb;
use crate::store::Class;
use crate::types::value::Value;

/// `DUMP key`
///
/// Replies the value in the form of RDB with a version and a checksum; nil if there is no such
/// key. O(elements).
/// <https://redis.io/docs/latest/commands/dump/>
pub(super) fn dump(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    match context.db.value(args.bytes()?).map(rdb::dump) {
        Some(payload) => context.reply.bulk(&payload),
        None => context.reply.nil(),
    }
    Ok(Outcome::Done)
}

/// The options of RESTORE.
#[derive(Debug, Default)]
struct RestoreOptions {
    replaces: bool,
    is_absolute: bool,
    idle_s: Option<i64>,
    frequency: Option<u8>,
}

impl RestoreOptions {
    fn parse(args: &mut Args<'_>) -> Result<Self, CommandError> {
        const IDLE: CommandError = CommandError::Plain("ERR Invalid IDLETIME value, must be >= 0");
        const FREQUENCY: CommandError =
            CommandError::Plain("ERR Invalid FREQ value, must be >= 0 and <= 255");
        let mut options = Self::default();
        while !args.is_empty() {
            if args.keyword("replace") {
                options.replaces = true;
            } else if args.keyword("absttl") {
                options.is_absolute = true;
            } else if args.len() > 1 && options.frequency.is_none() && args.keyword("idletime") {
                let seconds = args.integer()?;
                options.idle_s = Some(if seconds < 0 { return Err(IDLE) } else { seconds });
            } else if args.len() > 1 && options.idle_s.is_none() && args.keyword("freq") {
                let frequency = u8::try_from(args.integer()?).map_err(|_| FREQUENCY)?;
                options.frequency = Some(frequency);
            } else {
                return Err(CommandError::Syntax);
            }
        }
        Ok(options)
    }

    /// The instant at which the key expires, from the word `ttl`; `None`: never.
    fn expires_at_ms(&self, ttl: &[u8], now_ms: u64) -> Result<Option<u64>, CommandError> {
        let ttl = parse_i64(ttl).ok_or(CommandError::NotAnInteger)?;
        let ttl = u64::try_from(ttl)
            .map_err(|_| CommandError::Plain("ERR Invalid TTL value, must be >= 0"))?;
        Ok(match ttl {
            0 => None,
            _ if self.is_absolute => Some(ttl),
            // The log holds the instant, and is read as what a client may send.
            _ => Some(now_ms.saturating_add(ttl).min(i64::MAX.unsigned_abs())),
        })
    }

    /// Puts the key in the place of another, if there is one: as in Redis, it counts as new.
    fn put(&self, context: &mut Context<'_>, key: &[u8], value: Value, expires_at_ms: Option<u64>) {
        context.db.delete(key);
        context.db.set(key, value);
        context.db.set_expiry(key, expires_at_ms);
        if let Some(idle_s) = self.idle_s {
            context.db.set_idle_s(key, u32::try_from(idle_s).unwrap_or(u32::MAX));
        }
        if let Some(frequency) = self.frequency {
            context.db.set_frequency(key, frequency);
        }
        context.modified(key, Class::Generic, "restore");
    }

    /// The options about use, as they were given.
    fn usage_words(&self) -> Vec<String> {
        let mut words = Vec::new();
        if let Some(seconds) = self.idle_s {
            words.extend(["IDLETIME".to_owned(), seconds.to_string()]);
        }
        if let Some(count) = self.frequency {
            words.extend(["FREQ".to_owned(), count.to_string()]);
        }
        words
    }
}

/// `RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]`
///
/// Makes a key from what DUMP replied with. `ttl` is in milliseconds, 0 for none; with ABSTTL it
/// is the instant (unix ms). Replies OK. Logged with REPLACE and ABSTTL. O(elements).
/// Errors: BUSYKEY if the key exists and REPLACE is not given; ERR on a bad time or payload.
/// <https://redis.io/docs/latest/commands/restore/>
pub(super) fn restore(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, ttl, payload) = (args.bytes()?, args.bytes()?, args.bytes()?);
    let options = RestoreOptions::parse(args)?;
    if !options.replaces && context.db.exists(key) {
        return Err(CommandError::Plain("BUSYKEY Target key name already exists."));
    }
    let expires_at_ms = options.expires_at_ms(ttl, context.db.now_ms())?;
    let value = rdb::restore(payload, &context.services.rdb_limits())
        .ok_or(CommandError::Plain("ERR DUMP payload version or checksum are wrong"))?
        .map_err(|_| CommandError::Plain("ERR Bad data format"))?;
    context.reply.ok();
    let is_past = expires_at_ms.is_some_and(|at_ms| at_ms <= context.db.now_ms());
    if is_past && context.mode != Mode::Replay {
        if context.db.delete(key) {
            context.modified(key, Class::Generic, "del");
            context.propagate(&[b"DEL", key]);
        }
        return Ok(Outcome::Done);
    }
    options.put(context, key, value, expires_at_ms);
    let at_ms = expires_at_ms.unwrap_or(0).to_string();
    let usage = options.usage_words();
    let mut words: Vec<&[u8]> =
        vec![b"RESTORE", key, at_ms.as_bytes(), payload, b"REPLACE", b"ABSTTL"];
    words.extend(usage.iter().map(String::as_bytes));
    context.propagate(&words);
    Ok(Outcome::Done)
}
