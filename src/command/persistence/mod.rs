//! Snapshots, the log, and values as portable bytes: parts of the groups `server` and `generic`.
//!
//! BGSAVE and BGREWRITEAOF only ask the saver (`aof/saver.rs`); its thread writes while commands
//! go on. SAVE writes at once, under the locks of all shards, as Redis does. DUMP and RESTORE are
//! in [`payload`], WAIT and WAITAOF in [`wait`].

use super::row::row;
use super::{
    Args, Arity, Category, CommandError, CommandResult, CommandSpec, Context, FIRST_KEY, Flag,
    Outcome, Services,
};
use crate::aof::saver::Job;
use crate::config::Setting;
use crate::rdb;
use crate::store::Locked;

mod payload;
mod wait;

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
        handler: payload::dump,
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
        handler: payload::restore,
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
        wait::wait,
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
        wait::waitaof,
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

/// Writes the snapshot file with all shards locked; `changes` were counted so far. Returns
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
