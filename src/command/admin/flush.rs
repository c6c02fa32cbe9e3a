//! FLUSHALL, FLUSHDB, SWAPDB: whole databases at once.

use super::{Args, CommandError, CommandResult, Context, Outcome};
use crate::aof::saver::Job;
use crate::command::Mode;
use crate::command::persistence::save_all;
use crate::config::Setting;
use crate::store::reclaim::Garbage;
use crate::types::table::Table;

/// `FLUSHALL [ASYNC | SYNC]`
///
/// Removes all keys of all databases. Replies OK. ASYNC frees their memory in the background. If
/// there are save points, the snapshot file is written, so that the keys do not come back.
/// O(keys), with ASYNC O(shards). Logged as sent.
/// <https://redis.io/docs/latest/commands/flushall/>
pub(super) fn flushall(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let in_background = in_background(context, args)?;
    let databases = context.services.keyspace.databases();
    flush(context, 0..databases, in_background);
    if context.mode != Mode::Replay && !context.services.config.save_points().is_empty() {
        save_nothing(context);
    }
    Ok(Outcome::Done)
}

/// Writes the snapshot file without keys; behind the one that is being written, if there is one.
fn save_nothing(context: &mut Context<'_>) {
    let services = context.services;
    if services.saver.status().is_saving() {
        return services.saver.ask(Job::Save, services.clock.now_ms());
    }
    let changes = services.stats.changes.value() + context.db.changes().dirty;
    // What goes wrong is in the log of the server; the keys are gone in any case.
    save_all(services, context.db.locked(), changes);
}

/// `FLUSHDB [ASYNC | SYNC]`
///
/// As FLUSHALL, for the selected database.
/// <https://redis.io/docs/latest/commands/flushdb/>
pub(super) fn flushdb(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let in_background = in_background(context, args)?;
    let index = context.db.index();
    flush(context, index..index + 1, in_background);
    Ok(Outcome::Done)
}

fn in_background(context: &Context<'_>, args: &mut Args<'_>) -> Result<bool, CommandError> {
    if args.is_empty() {
        return Ok(context.services.config.flag(Setting::LazyfreeLazyUserFlush));
    }
    let in_background = args.keyword("ASYNC");
    if !in_background && !args.keyword("SYNC") {
        return Err(CommandError::Syntax);
    }
    args.finish()?;
    Ok(in_background)
}

fn flush(context: &mut Context<'_>, databases: std::ops::Range<usize>, in_background: bool) {
    let mut taken = Vec::new();
    for index in databases {
        let noticed = noticed_keys(context, index, index);
        for shard in context.db.locked().iter_mut() {
            let keys = shard.db(index).take_keys();
            if !keys.is_empty() {
                taken.push(keys);
            }
        }
        let mut db = context.db.other(index);
        for key in &noticed {
            db.take_notice(key);
        }
    }
    let removed: usize = taken.iter().map(Table::len).sum();
    // Also an empty database is flushed in the log, so that it holds what was said.
    let changes = context.db.changes();
    changes.dirty += removed.max(1) as u64;
    changes.touch(None, changes.client);
    if in_background {
        context.db.changes().garbage.extend(taken.into_iter().map(Garbage::Keys));
    }
    context.reply.ok();
}

/// The keys that someone watches or waits for in database `index`, and that exist there or in
/// database `other`; those whose time is up go.
fn noticed_keys(context: &mut Context<'_>, index: usize, other: usize) -> Vec<Box<[u8]>> {
    let mut noticed: Vec<Box<[u8]>> = Vec::new();
    for shard in context.db.locked().iter_mut() {
        let db = shard.db_ref(index);
        noticed.extend(db.watched_keys().chain(db.awaited_keys()).map(Box::from));
    }
    noticed.retain(|key| {
        let exists_there = context.db.other(other).exists(key);
        context.db.other(index).exists(key) || exists_there
    });
    noticed
}

/// `SWAPDB index1 index2`
///
/// Exchanges the keys of two databases; clients see the others' keys at once. Who waits for or
/// watches a key takes notice if it exists in either. Replies OK. O(shards, and such clients).
/// Errors: ERR on a number that is none, or no database.
/// <https://redis.io/docs/latest/commands/swapdb/>
pub(super) fn swapdb(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    if context.is_cluster() {
        return Err(CommandError::Plain("ERR SWAPDB is not allowed in cluster mode"));
    }
    let mut number = |error| args.integer_of_32_bits().map_err(|_| CommandError::Plain(error));
    let first = number("ERR invalid first DB index")?;
    let second = number("ERR invalid second DB index")?;
    let databases = context.services.keyspace.databases();
    let index = |number: i32| usize::try_from(number).ok().filter(|&index| index < databases);
    let (Some(first), Some(second)) = (index(first), index(second)) else {
        return Err(CommandError::Plain("ERR DB index is out of range"));
    };
    if first != second {
        swap(context, first, second);
    }
    context.db.changes().dirty += 1;
    context.reply.ok();
    Ok(Outcome::Done)
}

fn swap(context: &mut Context<'_>, first: usize, second: usize) {
    let noticed = [(first, second), (second, first)]
        .map(|(index, other)| (index, noticed_keys(context, index, other)));
    let (low, high) = (first.min(second), first.max(second));
    for shard in context.db.locked().iter_mut() {
        let (front, back) = shard.dbs().split_at_mut(high);
        if let (Some(low), Some(high)) = (front.get_mut(low), back.first_mut()) {
            low.swap_keys(high);
        }
    }
    for (index, keys) in noticed {
        let mut db = context.db.other(index);
        for key in &keys {
            db.take_notice(key);
        }
    }
}
