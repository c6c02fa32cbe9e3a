//! The subcommands of LATENCY: what took long.

use super::{ADMIN, Args, Arity, CommandError, CommandResult, CommandSpec, Context, Outcome};
use super::{TELLING, help, row};
use crate::command::table::table;
use crate::config::Setting;
use crate::observe::latency::Event;
use crate::resp::Reply;

/// Columns of LATENCY GRAPH, and rows above its labels.
const GRAPH_COLUMNS: usize = 80;
const GRAPH_ROWS: usize = 4;

pub(super) const SUBCOMMANDS: &[CommandSpec] = &[
    row(
        "doctor",
        Arity::Exact(2),
        ADMIN,
        ("2.8.13", "", "Replies with a report on what took long."),
        doctor,
    ),
    row(
        "graph",
        Arity::Exact(3),
        ADMIN,
        ("2.8.13", "event", "Draws how long an event took."),
        graph,
    ),
    row("help", Arity::Exact(2), TELLING, ("2.8.13", "", "Replies with the subcommands."), help),
    row(
        "histogram",
        Arity::AtLeast(2),
        ADMIN,
        ("7.0.0", "[command [command ...]]", "Replies with how long the calls of commands took."),
        histogram,
    ),
    row(
        "history",
        Arity::Exact(3),
        ADMIN,
        ("2.8.13", "event", "Replies with the times that an event took."),
        history,
    ),
    row(
        "latest",
        Arity::Exact(2),
        ADMIN,
        ("2.8.13", "", "Replies with the latest and the longest time of each event."),
        latest,
    ),
    row(
        "reset",
        Arity::AtLeast(2),
        ADMIN,
        ("2.8.13", "[event [event ...]]", "Forgets events."),
        reset,
    ),
];

/// `LATENCY DOCTOR`
///
/// Replies a report for people on the events that were noted.
/// <https://redis.io/docs/latest/commands/latency-doctor/>
fn doctor(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    let threshold_ms = context.services.config.number(Setting::LatencyMonitorThreshold);
    let events = context.services.latency.all();
    let mut text = String::new();
    if threshold_ms == 0 && events.is_empty() {
        text.push_str(
            "Nothing is watched: latency-monitor-threshold is 0.\nSet it to a number of \
             milliseconds (CONFIG SET latency-monitor-threshold 100), and ask again later.\n",
        );
    } else if events.is_empty() {
        text = format!("Nothing took {threshold_ms} ms or longer so far.\n");
    }
    for (name, event) in &events {
        let len = event.spikes.len() as u64;
        let mean_ms = event.spikes.iter().map(|spike| spike.ms).sum::<u64>() / len.max(1);
        let max_ms = event.max_ms;
        let line = format!("{name}: {len} spikes, on average {mean_ms} ms, {max_ms} ms at most.\n");
        text.push_str(&line);
    }
    if events.iter().any(|(name, _)| name.ends_with("command")) {
        text.push_str(
            "SLOWLOG GET shows the commands. One that walks a large value or many keys holds up \
             all others that need the same keys: split it, or use the SCAN family.\n",
        );
    }
    context.reply.verbatim(*b"txt", text.as_bytes());
    Ok(Outcome::Done)
}

/// `LATENCY GRAPH event`
///
/// Replies a drawing of the latest spikes of an event, with their age below.
/// Errors: ERR if nothing was noted of it.
/// <https://redis.io/docs/latest/commands/latency-graph/>
fn graph(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let name = args.bytes()?;
    let Some(event) = context.services.latency.find(name) else {
        let name = String::from_utf8_lossy(name);
        let text = format!("ERR No samples available for event '{name}'");
        return Err(CommandError::Text(text.into()));
    };
    let now_s = context.services.clock.now_ms() / 1000;
    let text = drawing(&String::from_utf8_lossy(name), &event, now_s);
    context.reply.verbatim(*b"txt", text.as_bytes());
    Ok(Outcome::Done)
}

fn drawing(name: &str, event: &Event, now_s: u64) -> String {
    let skipped = event.spikes.len().saturating_sub(GRAPH_COLUMNS);
    let spikes: Vec<_> = event.spikes.iter().skip(skipped).collect();
    let low = spikes.iter().map(|spike| spike.ms).min().unwrap_or(0);
    let high = spikes.iter().map(|spike| spike.ms).max().unwrap_or(0);
    let mut text = format!(
        "{name} - high {high} ms, low {low} ms (all time high {} ms)\n{}\n",
        event.max_ms,
        "-".repeat(GRAPH_COLUMNS)
    );
    let range = (high - low).max(1);
    for row in (0..GRAPH_ROWS as u64).rev() {
        text.extend(spikes.iter().map(|spike| {
            // The height in steps of a third of a row: `_`, `o`, `#`.
            let steps = (spike.ms - low) * (3 * GRAPH_ROWS as u64 - 1) / range + 1;
            match steps.saturating_sub(3 * row) {
                0 => ' ',
                1 => '_',
                2 => 'o',
                _ => '#',
            }
        }));
        text.push('\n');
    }
    let ages: Vec<String> =
        spikes.iter().map(|spike| age(now_s.saturating_sub(spike.at_s))).collect();
    let rows = ages.iter().map(String::len).max().unwrap_or(0);
    text.push('\n');
    for row in 0..rows {
        text.extend(ages.iter().map(|age| age.chars().nth(row).unwrap_or(' ')));
        text.push('\n');
    }
    text
}

/// An age with its unit, as in `59s`.
fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// `LATENCY HISTOGRAM [command [command ...]]`
///
/// Replies a map from the commands that were called, of these or of all, to `calls` and
/// `histogram_usec`, a map from microseconds to the number of calls that took no longer.
/// <https://redis.io/docs/latest/commands/latency-histogram/>
fn histogram(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let all = context.services.stats.commands();
    let mut shown: Vec<usize> = Vec::new();
    if args.is_empty() {
        shown.extend(0..all.len());
    }
    for name in args.rest() {
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        let container = format!("{name}|");
        let commands = table().all().iter().filter(|command| {
            command.full_name == name || command.full_name.starts_with(&container)
        });
        shown.extend(commands.map(|command| command.index));
    }
    shown.retain(|&index| all[index].times.is_some());
    context.reply.map(shown.len());
    for index in shown {
        let (name, stats) = (&table().all()[index].full_name, &all[index]);
        context.reply.bulk(name.as_bytes());
        context.reply.map(2);
        context.reply.bulk(b"calls");
        context.reply.integer(i64::try_from(stats.calls).unwrap_or(i64::MAX));
        context.reply.bulk(b"histogram_usec");
        if let Some(times) = &stats.times {
            write_steps(context.reply, times);
        }
    }
    Ok(Outcome::Done)
}

/// Writes how many calls took up to 1, 2, 4, … microseconds, where that changes.
fn write_steps(reply: &mut Reply, times: &hdrhistogram::Histogram<u32>) {
    let mut steps = Vec::new();
    let mut count = 0;
    for step in times.iter_log(1024, 2.0) {
        if step.count_since_last_iteration() > 0 {
            count += step.count_since_last_iteration();
            steps.push((step.value_iterated_to() / 1000, count));
        }
    }
    reply.map(steps.len());
    for (us, count) in steps {
        reply.integer(i64::try_from(us).unwrap_or(i64::MAX));
        reply.integer(i64::try_from(count).unwrap_or(i64::MAX));
    }
}

/// `LATENCY HISTORY event`
///
/// Replies the spikes of an event, each as `[unix time, milliseconds]`, the oldest first.
/// <https://redis.io/docs/latest/commands/latency-history/>
fn history(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let event = context.services.latency.find(args.bytes()?).unwrap_or_default();
    context.reply.array(event.spikes.len());
    for spike in &event.spikes {
        context.reply.array(2);
        context.reply.integer(i64::try_from(spike.at_s).unwrap_or(i64::MAX));
        context.reply.integer(i64::try_from(spike.ms).unwrap_or(i64::MAX));
    }
    Ok(Outcome::Done)
}

/// `LATENCY LATEST`
///
/// Replies the events, each as `[name, unix time of the latest spike, its milliseconds, the most
/// milliseconds ever]`.
/// <https://redis.io/docs/latest/commands/latency-latest/>
fn latest(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    let events = context.services.latency.all();
    context.reply.array(events.len());
    for (name, event) in &events {
        let (at_s, ms) = event.spikes.back().map_or((0, 0), |spike| (spike.at_s, spike.ms));
        context.reply.array(4);
        context.reply.bulk(name.as_bytes());
        for number in [at_s, ms, event.max_ms] {
            context.reply.integer(i64::try_from(number).unwrap_or(i64::MAX));
        }
    }
    Ok(Outcome::Done)
}

/// `LATENCY RESET [event [event ...]]`
///
/// Forgets these events, or all. Replies how many there were.
/// <https://redis.io/docs/latest/commands/latency-reset/>
fn reset(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let latency = &context.services.latency;
    let count = if args.is_empty() {
        latency.reset_all()
    } else {
        args.rest().filter(|event| latency.reset(event)).count()
    };
    context.reply.count(count);
    Ok(Outcome::Done)
}
