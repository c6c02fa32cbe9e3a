//! Reading or setting fields together with when they expire.

use super::expiry::{NOT_POSITIVE, TimeForm, log_expiry, read_fields, set_or_remove};
use super::{
    Args, Class, CommandError, CommandResult, Context, Hash, Mode, Outcome, bulk_or_nil, limits,
    words,
};

/// `HGETDEL key FIELDS numfields field [field ...]`
///
/// Removes fields and replies an array with their values, nil for one that is missing. Logged as
/// HDEL. Errors: WRONGTYPE; ERR on a bad number of fields. O(fields given).
/// <https://redis.io/docs/latest/commands/hgetdel/>
pub(super) fn hgetdel(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    read_fields(args, 1, NOT_POSITIVE)?;
    let mut hash = context.db.write::<Hash>(key)?;
    let fields = args.rest();
    context.reply.array(fields.len());
    let mut removed = Vec::new();
    for field in fields {
        bulk_or_nil(context.reply, hash.as_ref().and_then(|hash| hash.find(field)));
        if hash.as_mut().is_some_and(|hash| hash.remove(field)) {
            removed.push(field);
        }
    }
    if !removed.is_empty() {
        context.modified(key, Class::Hash, "hdel");
        context.propagate(&words(&[b"HDEL", key], &removed));
    }
    Ok(Outcome::Done)
}

/// What HGETEX and HSETEX do to the time to live of fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    At(u64),
    /// HSETEX: the old one stays.
    Keep,
    /// HGETEX: nothing is done. HSETEX: the field does not expire.
    None,
    /// HGETEX: the field expires no more.
    Persist,
}

/// When HSETEX sets fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    AllOf,
    Any,
    NoneOf,
}

/// Options of HGETEX and HSETEX.
#[derive(Clone, Copy, Debug)]
struct Options {
    change: Change,
    presence: Presence,
}

impl Options {
    /// Reads all options up to FIELDS. `command` is `hgetex` or `hsetex`.
    fn read(args: &mut Args<'_>, command: &'static str, now_ms: u64) -> Result<Self, CommandError> {
        let sets = command == "hsetex";
        let mut options = Self { change: Change::None, presence: Presence::Any };
        while args.peek().is_some_and(|word| !word.eq_ignore_ascii_case(b"FIELDS")) {
            if let Some(change) = read_change(args, command, now_ms)? {
                if options.change != Change::None {
                    return Err(CommandError::Plain(if sets {
                        "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified"
                    } else {
                        "ERR Only one of EX, PX, EXAT, PXAT or PERSIST arguments can be specified"
                    }));
                }
                options.change = change;
                continue;
            }
            let presence = if sets && args.keyword("FNX") {
                Presence::NoneOf
            } else if sets && args.keyword("FXX") {
                Presence::AllOf
            } else {
                return Err(CommandError::Plain("ERR unknown argument"));
            };
            if options.presence != Presence::Any {
                return Err(CommandError::Plain(
                    "ERR Only one of FXX or FNX arguments can be specified",
                ));
            }
            options.presence = presence;
        }
        Ok(options)
    }
}

fn read_change(
    args: &mut Args<'_>,
    command: &'static str,
    now_ms: u64,
) -> Result<Option<Change>, CommandError> {
    for (word, unit_ms, relative) in
        [("EX", 1000, true), ("PX", 1, true), ("EXAT", 1000, false), ("PXAT", 1, false)]
    {
        if args.keyword(word) {
            let at_ms = TimeForm { command, unit_ms, relative }.read(args, now_ms)?;
            return Ok(Some(Change::At(at_ms)));
        }
    }
    let (word, change) = match command {
        "hsetex" => ("KEEPTTL", Change::Keep),
        _ => ("PERSIST", Change::Persist),
    };
    Ok(args.keyword(word).then_some(change))
}

/// `HGETEX key [EX seconds | PX milliseconds | EXAT unix-time-seconds |
/// PXAT unix-time-milliseconds | PERSIST] FIELDS numfields field [field ...]`
///
/// Replies an array with the values of fields, nil for one that is missing, and lets them expire,
/// or expire no more. Logged as HPEXPIREAT, HDEL (the instant has passed) or HPERSIST.
/// Errors: WRONGTYPE; ERR on a bad option, time or number of fields. O(fields given).
/// <https://redis.io/docs/latest/commands/hgetex/>
pub(super) fn hgetex(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let now_ms = context.db.now_ms();
    let change = Options::read(args, "hgetex", now_ms)?.change;
    read_fields(args, 1, "ERR invalid number of fields")?;
    let mut hash = context.db.write::<Hash>(key)?;
    let fields = args.rest();
    context.reply.array(fields.len());
    let is_past = matches!(change, Change::At(at_ms) if at_ms <= now_ms);
    let mut changed = Vec::new();
    for field in fields {
        let found = hash.as_mut().filter(|hash| hash.find(field).is_some());
        bulk_or_nil(context.reply, found.as_ref().and_then(|hash| hash.find(field)));
        let Some(hash) = found else { continue };
        match change {
            Change::At(at_ms) => set_or_remove(hash, field, at_ms, is_past),
            Change::Persist if hash.expires_at_ms(field).is_some() => hash.set_expiry(field, None),
            Change::Keep | Change::None | Change::Persist => continue,
        }
        changed.push(field);
    }
    match change {
        Change::At(at_ms) => log_expiry(context, key, &changed, at_ms, is_past),
        _ if changed.is_empty() => {}
        _ => {
            context.modified(key, Class::Hash, "hpersist");
            let count = changed.len().to_string();
            let head = [&b"HPERSIST"[..], key, b"FIELDS", count.as_bytes()];
            context.propagate(&words(&head, &changed));
        }
    }
    Ok(Outcome::Done)
}

/// `HSETEX key [FNX | FXX] [EX seconds | PX milliseconds | EXAT unix-time-seconds |
/// PXAT unix-time-milliseconds | KEEPTTL] FIELDS numfields field value [field value ...]`
///
/// Sets fields and lets them expire; without a time they do not, with `KEEPTTL` as before. With
/// `FNX` just if none of them exists, with `FXX` just if all do. Replies 1, or 0 if nothing was
/// set. Logged with `PXAT`, or as HDEL if the instant has passed.
/// Errors: WRONGTYPE; ERR on a bad option, time or number of fields. O(fields given).
/// <https://redis.io/docs/latest/commands/hsetex/>
pub(super) fn hsetex(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let now_ms = context.db.now_ms();
    let options = Options::read(args, "hsetex", now_ms)?;
    read_fields(args, 2, "ERR invalid number of fields")?;
    let words: Vec<&[u8]> = args.rest().collect();
    let hash = context.db.write::<Hash>(key)?;
    let exists = |field: &[u8]| hash.as_ref().is_some_and(|hash| hash.find(field).is_some());
    let mut fields = words.iter().step_by(2);
    let may_set = match options.presence {
        Presence::AllOf => fields.all(|field| exists(field)),
        Presence::Any => true,
        Presence::NoneOf => !fields.any(|field| exists(field)),
    };
    context.reply.integer(i64::from(may_set));
    if may_set {
        let is_past = matches!(options.change, Change::At(at_ms) if at_ms <= now_ms);
        if is_past && context.mode != Mode::Replay {
            remove_fields(context, key, &words)?;
        } else {
            set_fields(context, key, &words, options.change)?;
        }
    }
    Ok(Outcome::Done)
}

fn set_fields(
    context: &mut Context<'_>,
    key: &[u8],
    pairs: &[&[u8]],
    change: Change,
) -> Result<(), CommandError> {
    let limits = limits(context);
    let hash = context.db.create::<Hash>(key)?;
    for pair in pairs.chunks_exact(2) {
        match change {
            Change::Keep => hash.set_keeping_ttl(pair[0], pair[1], limits),
            Change::At(_) | Change::None | Change::Persist => hash.set(pair[0], pair[1], limits),
        };
        if let Change::At(at_ms) = change {
            hash.set_expiry(pair[0], Some(at_ms));
        }
    }
    context.modified(key, Class::Hash, "hset");
    if matches!(change, Change::At(_)) {
        context.db.notify(key, Class::Hash, "hexpire");
    }
    log_set(context, key, pairs, change);
    Ok(())
}

fn log_set(context: &mut Context<'_>, key: &[u8], pairs: &[&[u8]], change: Change) {
    let count = (pairs.len() / 2).to_string();
    let at = if let Change::At(at_ms) = change { at_ms.to_string() } else { String::new() };
    let head: &[&[u8]] = match change {
        Change::At(_) => &[b"HSETEX", key, b"PXAT", at.as_bytes(), b"FIELDS", count.as_bytes()],
        Change::Keep => &[b"HSETEX", key, b"KEEPTTL", b"FIELDS", count.as_bytes()],
        Change::None | Change::Persist => &[b"HSET", key],
    };
    context.propagate(&words(head, pairs));
}

/// The fields are set to values whose time is up: what is left is that they are gone.
fn remove_fields(
    context: &mut Context<'_>,
    key: &[u8],
    pairs: &[&[u8]],
) -> Result<(), CommandError> {
    let Some(hash) = context.db.write::<Hash>(key)? else { return Ok(()) };
    let fields: Vec<&[u8]> = pairs.iter().step_by(2).copied().collect();
    let removed: Vec<&[u8]> = fields.into_iter().filter(|field| hash.remove(field)).collect();
    if !removed.is_empty() {
        context.modified(key, Class::Hash, "hdel");
        context.propagate(&words(&[b"HDEL", key], &removed));
    }
    Ok(())
}
