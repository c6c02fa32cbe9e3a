//! The subcommands of MEMORY.

use super::info::human;
use super::{Args, Arity, CommandError, CommandResult, CommandSpec, Context, Flag, KeySpec};
use super::{Outcome, TELLING, help, row};
use crate::observe::process;

pub(super) const SUBCOMMANDS: &[CommandSpec] = &[
    row(
        "doctor",
        Arity::Exact(2),
        &[],
        ("4.0.0", "", "Replies with a report on the memory of the server."),
        doctor,
    ),
    row("help", Arity::Exact(2), TELLING, ("4.0.0", "", "Replies with the subcommands."), help),
    row(
        "malloc-stats",
        Arity::Exact(2),
        &[],
        ("4.0.0", "", "Replies with what the allocator tells about itself."),
        malloc_stats,
    ),
    row(
        "purge",
        Arity::Exact(2),
        &[],
        ("4.0.0", "", "Gives unused memory back to the system."),
        purge,
    ),
    row(
        "stats",
        Arity::Exact(2),
        &[Flag::AllShards],
        ("4.0.0", "", "Replies with figures."),
        stats,
    ),
    CommandSpec {
        keys: KeySpec::Range { first: 2, last: 2, step: 1 },
        ..row(
            "usage",
            Arity::AtLeast(3),
            &[Flag::ReadOnly],
            ("4.0.0", "key [SAMPLES count]", "Replies with the bytes that a key takes."),
            usage,
        )
    },
];

/// `MEMORY DOCTOR`
///
/// Replies a report for people.
/// <https://redis.io/docs/latest/commands/memory-doctor/>
#[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
fn doctor(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    let memory = process::memory();
    let peak = context.services.stats.peak_bytes(memory.allocated);
    let mut text = format!(
        "{} in use, {} at most so far; the system counts {}.\n",
        human(memory.allocated),
        human(peak),
        human(memory.rss)
    );
    if memory.rss as f64 > 1.5 * memory.allocated as f64 && memory.allocated > 64 << 20 {
        text.push_str(
            "Much more is held than is in use. That passes as the allocator gives pages back; \
             MEMORY PURGE does it at once.\n",
        );
    }
    if peak as f64 > 1.5 * memory.allocated as f64 && peak > 64 << 20 {
        text.push_str("There was a peak: leave room for it when you set maxmemory.\n");
    }
    context.reply.verbatim(*b"txt", text.as_bytes());
    Ok(Outcome::Done)
}

/// `MEMORY MALLOC-STATS`
///
/// Replies what the allocator tells about itself.
/// <https://redis.io/docs/latest/commands/memory-malloc-stats/>
fn malloc_stats(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    context.reply.verbatim(*b"txt", &process::allocator_report());
    Ok(Outcome::Done)
}

/// `MEMORY PURGE`
///
/// Gives unused memory back to the system. Replies OK. Errors: ERR if the allocator cannot.
/// <https://redis.io/docs/latest/commands/memory-purge/>
fn purge(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    if !process::purge() {
        return Err(CommandError::Plain("ERR Error purging dirty pages"));
    }
    context.reply.ok();
    Ok(Outcome::Done)
}

/// `MEMORY STATS`
///
/// Replies a map of figures in bytes, ratios and shares.
/// <https://redis.io/docs/latest/commands/memory-stats/>
#[expect(clippy::cast_precision_loss, reason = "ratios for people")]
fn stats(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    let memory = process::memory();
    let stats = &context.services.stats;
    let startup = stats.startup_bytes.load(std::sync::atomic::Ordering::Relaxed);
    let peak = stats.peak_bytes(memory.allocated);
    let keys: usize = context
        .db
        .locked()
        .iter_mut()
        .flat_map(|shard| shard.dbs().iter().map(|db| db.keys.len()))
        .sum();
    let dataset = memory.allocated.saturating_sub(startup);
    let integers = [
        ("peak.allocated", peak),
        ("total.allocated", memory.allocated),
        ("startup.allocated", startup),
        ("keys.count", keys as u64),
        ("keys.bytes-per-key", dataset / (keys as u64).max(1)),
        ("dataset.bytes", dataset),
        ("allocator.allocated", memory.allocated),
        ("allocator.active", memory.active),
        ("allocator.resident", memory.resident),
    ];
    let ratio = |part: u64, whole: u64| part as f64 / whole.max(1) as f64;
    let doubles = [
        ("dataset.percentage", 100.0 * ratio(dataset, memory.allocated)),
        ("peak.percentage", 100.0 * ratio(memory.allocated, peak)),
        ("allocator-fragmentation.ratio", ratio(memory.active, memory.allocated)),
        ("allocator-rss.ratio", ratio(memory.resident, memory.active)),
        ("rss-overhead.ratio", ratio(memory.rss, memory.resident)),
        ("fragmentation", ratio(memory.rss, memory.allocated)),
    ];
    let reply = &mut *context.reply;
    reply.map(integers.len() + doubles.len());
    for (name, value) in integers {
        reply.bulk(name.as_bytes());
        reply.integer(i64::try_from(value).unwrap_or(i64::MAX));
    }
    for (name, value) in doubles {
        reply.bulk(name.as_bytes());
        reply.double(value);
    }
    Ok(Outcome::Done)
}

/// `MEMORY USAGE key [SAMPLES count]`
///
/// Replies the bytes that the key and its value take, or nil if it does not exist. O(N), but it
/// looks at chunks, leaves or segments of many elements, not at each.
/// Differs from Redis: nothing is sampled.
/// Errors: ERR if `count` is negative or no number.
/// <https://redis.io/docs/latest/commands/memory-usage/>
fn usage(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    if !args.is_empty() {
        if !args.keyword("SAMPLES") {
            return Err(CommandError::Syntax);
        }
        if args.integer()? < 0 {
            return Err(CommandError::Syntax);
        }
        args.finish()?;
    }
    match context.db.peek(key) {
        Some(entry) => {
            let bytes = entry.bytes();
            context.reply.count(bytes);
        }
        None => context.reply.nil(),
    }
    Ok(Outcome::Done)
}
