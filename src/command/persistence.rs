//! Snapshots, the log, and values as portable bytes: parts of the groups `server` and `generic`.
//!
//! BGSAVE and BGREWRITEAOF only ask the saver (`aof/saver.rs`); its thread writes while commands
//! go on. SAVE writes at once, under the locks of all shards, as Redis does.

use super::row::row;
use super::{
    Args, Arity, Category, CommandError, CommandResult, CommandSpec, Context, FIRST_KEY, Flag,
    Mode, Outcome, Services, TimeoutReply,
};
use crate::aof::saver::Job;
use crate::config::Setting;
use crate::number::parse_i64;
use crate::rdb;
use crate::store::{Class, Locked};

pub(crate) const GENERIC_COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "dump",
        arity: Arity::Exact(2),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly],
        acl: &[Category::Keyspace],
        since: "2.6.0",
        syntax: "key",
        summary: "Replies with a value in a form that RESTORE takes.",
        subcommands: &[],
        handler: dump,
    },
    CommandSpec {
        name: "restore",
        arity: Arity::AtLeast(4),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::DenyOom],
        acl: &[Category::Keyspace, Category::Dangerous],
        since: "2.6.0",
        syntax: "key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]",
        summary: "Makes a key from what DUMP replied with.",
        subcommands: &[],
        handler: restore,
    },
    row(
        "wait",
        Arity::Exact(3),
        &[],
        (
            "3.0.0",
            "numreplicas timeout",
            "Waits until replicas have got the writes of this connection.",
        ),
        wait,
    )
    .in_categories(&[Category::Connection]),
    row(
        "waitaof",
        Arity::Exact(4),
        &[Flag::NoScript],
        (
            "7.2.0",
            "numlocal numreplicas timeout",
            "Waits until the writes of this connection are on disk.",
        ),
        waitaof,
    )
    .in_categories(&[Category::Connection]),
];

pub(crate) const SERVER_COMMANDS: &[CommandSpec] = &[
    row(
        "bgrewriteaof",
        Arity::Exact(1),
        &[Flag::Admin, Flag::NoScript, Flag::NoAsyncLoading],
        ("1.0.0", "", "Rewrites the append-only file in the background."),
        bgrewriteaof,
    ),
    row(
        "bgsave",
        Arity::AtLeast(1),
        &[Flag::Admin, Flag::NoScript, Flag::NoAsyncLoading],
        ("1.0.0", "[SCHEDULE]", "Writes a snapshot of all data in the background."),
        bgsave,
    ),
    row(
        "lastsave",
        Arity::Exact(1),
        &[Flag::Loading, Flag::Stale, Flag::Fast],
        ("1.0.0", "", "Replies when the last snapshot was complete."),
        lastsave,
    )
    .in_categories(&[Category::Admin, Category::Dangerous]),
    row(
        "save",
        Arity::Exact(1),
        &[Flag::Admin, Flag::NoScript, Flag::NoAsyncLoading, Flag::NoMulti, Flag::AllShards],
        ("1.0.0", "", "Writes a snapshot of all data and replies when it is complete."),
        save,
    ),
];

/// `BGREWRITEAOF`
///
/// Writes all data to a new base of the append-only file in the background. Replies a status.
/// Errors: ERR if that is going on already.
/// <https://redis.io/docs/latest/commands/bgrewriteaof/>
fn bgrewriteaof(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    let status = context.services.saver.status();
    if status.is_rewriting() {
        return Err(CommandError::Plain(
            "ERR Background append only file rewriting already in progress",
        ));
    }
    let waits = status.running.is_some();
    context.services.saver.ask(Job::Rewrite, context.db.now_ms());
    context.reply.status(if waits {
        "Background append only file rewriting scheduled"
    } else {
        "Background append only file rewriting started"
    });
    Ok(Outcome::Done)
}

/// `BGSAVE [SCHEDULE]`
///
/// Writes all data to the snapshot file in the background. Replies a status.
/// Errors: ERR if a snapshot is being written already, or the append-only file is being rewritten
/// and SCHEDULE is not given.
/// <https://redis.io/docs/latest/commands/bgsave/>
fn bgsave(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let may_wait = args.keyword("schedule");
    args.finish()?;
    let status = context.services.saver.status();
    if status.is_saving() {
        return Err(CommandError::Plain("ERR Background save already in progress"));
    }
    let waits = status.running.is_some();
    if waits && !may_wait {
        return Err(CommandError::Plain(
            "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE \
             SCHEDULE in order to schedule a BGSAVE whenever possible.",
        ));
    }
    context.services.saver.ask(Job::Save, context.db.now_ms());
    let text = if waits { "Background saving scheduled" } else { "Background saving started" };
    context.reply.status(text);
    Ok(Outcome::Done)
}

/// `LASTSAVE`
///
/// Replies the unix time in seconds of the last snapshot that went well, or of the start. O(1).
/// <https://redis.io/docs/latest/commands/lastsave/>
fn lastsave(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    let seconds = context.services.saver.status().saved_at_ms / 1000;
    context.reply.integer(i64::try_from(seconds).unwrap_or(i64::MAX));
    Ok(Outcome::Done)
}

/// `SAVE`
///
/// Writes all data to the snapshot file while nothing else runs. Replies OK.
/// Errors: ERR if a snapshot is being written already, or if the file cannot be written.
/// <https://redis.io/docs/latest/commands/save/>
fn save(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    let services = context.services;
    if services.saver.status().is_saving() {
        return Err(CommandError::Plain("ERR Background save already in progress"));
    }
    let changes = services.stats.changes.value() + context.db.changes().dirty;
    if !save_all(services, context.db.locked(), changes) {
        return Err(CommandError::Plain("ERR the snapshot cannot be written; see the log"));
    }
    context.reply.ok();
    Ok(Outcome::Done)
}

/// Writes the snapshot file with all shards locked; `changes` were counted so far. Replies
/// whether that went well.
pub(crate) fn save_all(services: &Services, locked: &mut Locked, changes: u64) -> bool {
    let config = &services.config;
    let folder = std::path::PathBuf::from(config.text(Setting::Dir));
    let path = folder.join(config.text(Setting::DbFilename));
    let functions = services.scripts.sources();
    let written = rdb::save(&path, &services.rdb_options(false), |writer| {
        functions.iter().try_for_each(|source| writer.function(source))?;
        for shard in locked.iter_mut() {
            for (db, part) in shard.dbs().iter().enumerate() {
                part.keys.iter().try_for_each(|entry| {
                    let attributes = services.rdb_attributes(entry.expires_at_ms(), entry.used());
                    writer.entry(db, entry.key(), &entry.value, attributes)
                })?;
            }
        }
        Ok(())
    });
    match &written {
        Ok(_) => services.saver.saved(changes, services.clock.now_ms()),
        Err(error) => tracing::error!(%error, "the snapshot cannot be written"),
    }
    written.is_ok()
}

/// `DUMP key`
///
/// Replies the value in the form of RDB with a version and a checksum; nil if there is no such
/// key. O(elements).
/// <https://redis.io/docs/latest/commands/dump/>
fn dump(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
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
fn restore(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, ttl, payload) = (args.bytes()?, args.bytes()?, args.bytes()?);
    let options = RestoreOptions::parse(args)?;
    if !options.replaces && context.db.exists(key) {
        return Err(CommandError::Plain("BUSYKEY Target key name already exists."));
    }
    let ttl = parse_i64(ttl).ok_or(CommandError::NotAnInteger)?;
    let ttl = u64::try_from(ttl)
        .map_err(|_| CommandError::Plain("ERR Invalid TTL value, must be >= 0"))?;
    let value = rdb::restore(payload, &context.services.rdb_limits())
        .ok_or(CommandError::Plain("ERR DUMP payload version or checksum are wrong"))?
        .map_err(|_| CommandError::Plain("ERR Bad data format"))?;
    let now_ms = context.db.now_ms();
    let at_ms = match ttl {
        0 => None,
        _ if options.is_absolute => Some(ttl),
        // The log holds the instant, and is read as what a client may send.
        _ => Some(now_ms.saturating_add(ttl).min(i64::MAX.unsigned_abs())),
    };
    context.reply.ok();
    let is_past = at_ms.is_some_and(|at_ms| at_ms <= now_ms) && context.mode != Mode::Replay;
    if is_past {
        if context.db.delete(key) {
            context.modified(key, Class::Generic, "del");
            context.propagate(&[b"DEL", key]);
        }
        return Ok(Outcome::Done);
    }
    // As in Redis, another value goes, and this one counts as new.
    context.db.delete(key);
    context.db.set(key, value);
    context.db.set_expiry(key, at_ms);
    if let Some(idle_s) = options.idle_s {
        context.db.set_idle_s(key, u32::try_from(idle_s).unwrap_or(u32::MAX));
    }
    if let Some(frequency) = options.frequency {
        context.db.set_frequency(key, frequency);
    }
    context.modified(key, Class::Generic, "restore");
    let at_ms = at_ms.unwrap_or(0).to_string();
    let usage = options.usage_words();
    let mut words: Vec<&[u8]> =
        vec![b"RESTORE", key, at_ms.as_bytes(), payload, b"REPLACE", b"ABSTTL"];
    words.extend(usage.iter().map(String::as_bytes));
    context.propagate(&words);
    Ok(Outcome::Done)
}

/// Time between two looks of a WAITAOF that waits at the state of the log.
const LOOK_AGAIN_MS: u64 = 20;

const NEGATIVE: CommandError = CommandError::Plain("ERR timeout is negative");
const NO_TIMEOUT: CommandError =
    CommandError::Plain("ERR timeout is not an integer or out of range");

/// Reads a time-out in milliseconds; replies the instant at which it ends, `None`: never.
fn deadline_ms(context: &Context<'_>, args: &mut Args<'_>) -> Result<Option<u64>, CommandError> {
    let ms = parse_i64(args.bytes()?).ok_or(NO_TIMEOUT)?;
    let ms = u64::try_from(ms).map_err(|_| NEGATIVE)?;
    Ok((ms > 0).then(|| context.db.now_ms().saturating_add(ms)))
}

/// `WAIT numreplicas timeout`
///
/// Waits up to `timeout` milliseconds (0: for ever) for so many replicas. Replies how many there
/// are that have got all writes: 0, as this server has no replicas.
/// Errors: ERR if an argument is no number or the time-out is negative.
/// <https://redis.io/docs/latest/commands/wait/>
fn wait(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let replicas = args.integer()?;
    let deadline_ms = deadline_ms(context, args)?;
    if replicas <= 0 {
        context.reply.integer(0);
        return Ok(Outcome::Done);
    }
    context.wait(std::iter::empty(), "", deadline_ms, TimeoutReply::NoReplica)
}

/// `WAITAOF numlocal numreplicas timeout`
///
/// Has all writes of this connection forced to disk and replies then: 1 for this server, and 0
/// replicas, as it has none. With `numreplicas` it waits for the whole time-out in milliseconds
/// (0: for ever), and with `numlocal` while the log cannot be synced.
/// Errors: ERR if `numlocal` is 1 and there is no append-only file, or none any more.
/// <https://redis.io/docs/latest/commands/waitaof/>
fn waitaof(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    const RANGE: CommandError = CommandError::Plain("ERR value is out of range, must be positive");
    let wants_local = match args.integer()? {
        0 => false,
        1 => true,
        _ => {
            return Err(CommandError::Plain(
                "ERR value is out of range, value must between 0 and 1",
            ));
        }
    };
    let replicas = args.integer_from(0, RANGE)?;
    let deadline_ms = deadline_ms(context, args)?;
    let Services { aof, config, .. } = context.services;
    if wants_local && !aof.is_enabled() && !config.flag(Setting::AppendOnly) {
        return Err(CommandError::Plain(
            "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
        ));
    }
    let can_sync = aof.can_sync();
    context.client.needs_durable |= can_sync && context.mode != Mode::Replay;
    let on_timeout = TimeoutReply::NoReplicaSynced { local: can_sync };
    if replicas == 0 && (can_sync || !wants_local) {
        on_timeout.write(context.reply);
        return Ok(Outcome::Done);
    }
    let retry_at_ms = wants_local.then(|| context.db.now_ms() + LOOK_AGAIN_MS);
    let outcome = context.wait(std::iter::empty(), "", deadline_ms, on_timeout)?;
    Ok(outcome.waiting(|wait| wait.retry_at_ms = retry_at_ms))
}
