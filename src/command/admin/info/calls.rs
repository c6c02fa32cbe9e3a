//! INFO sections about calls: stats, commandstats, errorstats, latencystats.

use super::Text;
use crate::acl::Reason;
use crate::command::Context;
use crate::command::table::table;
use crate::config::Setting;
use crate::message::Topic;
use crate::observe::{Rate, Stats};

pub(super) fn stats(context: &mut Context<'_>, text: &mut Text) {
    traffic(&context.services.stats, text);
    keys(context, text);
    others(context, text);
    event_loops(&context.services.stats, text);
}

fn traffic(stats: &Stats, text: &mut Text) {
    text.line("total_connections_received", stats.connections.value());
    text.line("total_commands_processed", stats.calls());
    text.line("instantaneous_ops_per_sec", format!("{:.0}", stats.rate(Rate::Calls)));
    text.line("total_net_input_bytes", stats.bytes_in.value());
    text.line("total_net_output_bytes", stats.bytes_out.value());
    let kilobytes = |rate| format!("{:.2}", stats.rate(rate) / 1024.0);
    text.line("instantaneous_input_kbps", kilobytes(Rate::BytesIn));
    text.line("instantaneous_output_kbps", kilobytes(Rate::BytesOut));
    text.line("rejected_connections", stats.rejected_connections.value());
    text.zeros(&["total_net_repl_input_bytes", "total_net_repl_output_bytes"]);
    for name in ["instantaneous_input_repl_kbps", "instantaneous_output_repl_kbps"] {
        text.line(name, "0.00");
    }
    text.zeros(&["sync_full", "sync_partial_ok", "sync_partial_err"]);
    text.line("total_reads_processed", stats.reads.value());
    text.line("total_writes_processed", stats.writes.value());
    text.zeros(&["io_threaded_reads_processed", "io_threaded_writes_processed"]);
    // Every reply has room of its own.
    text.zeros(&["reply_buffer_shrinks", "reply_buffer_expands"]);
    let output_limit = stats.output_limit_disconnections.value();
    text.line("client_output_buffer_limit_disconnections", output_limit);
    let query_limit = stats.query_limit_disconnections.value();
    text.line("client_query_buffer_limit_disconnections", query_limit);
}

fn keys(context: &Context<'_>, text: &mut Text) {
    let stats = &context.services.stats;
    text.line("expired_keys", stats.expired_keys.value());
    // What is due is found by its time, not by drawing keys.
    text.line("expired_stale_perc", "0.00");
    text.line("expired_time_cap_reached_count", stats.unfinished_expiry_cycles.value());
    text.line("expire_cycle_cpu_milliseconds", stats.expiry_ns.value() / 1_000_000);
    text.line("evicted_keys", stats.evicted_keys.value());
    text.line("evicted_clients", stats.evicted_clients.value());
    let now_ns = context.services.clock.elapsed_ns();
    text.line("total_eviction_exceeded_time", stats.excess.total_ms(now_ns));
    text.line("current_eviction_exceeded_time", stats.excess.current_ms(now_ns));
    text.line("keyspace_hits", stats.keyspace_hits.value());
    text.line("keyspace_misses", stats.keyspace_misses.value());
    text.zeros(&["total_active_defrag_time", "current_active_defrag_time"]);
    text.zeros(&["active_defrag_hits", "active_defrag_misses"]);
    text.zeros(&["active_defrag_key_hits", "active_defrag_key_misses"]);
    text.zeros(&["slave_expires_tracked_keys"]);
}

fn others(context: &Context<'_>, text: &mut Text) {
    let stats = &context.services.stats;
    let pubsub = &context.services.pubsub;
    text.line("pubsub_channels", pubsub.channels_count(Topic::Channel));
    text.line("pubsub_patterns", pubsub.patterns_count());
    text.line("pubsubshard_channels", pubsub.channels_count(Topic::ShardChannel));
    text.zeros(&["latest_fork_usec", "total_forks", "migrate_cached_sockets"]);
    text.line("total_error_replies", stats.errors.value());
    // A log in which a command fails is not loaded.
    text.zeros(&["unexpected_error_replies", "dump_payload_sanitizations"]);
    let tracking = &context.services.tracking;
    text.line("tracking_total_keys", tracking.keys_count());
    text.line("tracking_total_items", tracking.items_count());
    text.line("tracking_total_prefixes", tracking.prefixes_count());
    let denied = &context.services.acl.log;
    text.line("acl_access_denied_auth", denied.count(Reason::Auth));
    text.line("acl_access_denied_cmd", denied.count(Reason::Command));
    text.line("acl_access_denied_key", denied.count(Reason::Key));
    text.line("acl_access_denied_channel", denied.count(Reason::Channel));
}

/// The event loops of all threads that serve connections, together.
fn event_loops(stats: &Stats, text: &mut Text) {
    let figures = stats.loops.figures();
    let calls_ns: u64 = stats.commands().iter().map(|command| command.ns).sum();
    let (cycles, busy_us) = (stats.rate(Rate::Cycles), stats.rate(Rate::BusyUs));
    text.line("eventloop_cycles", figures.cycles);
    text.line("eventloop_duration_sum", figures.busy.as_micros());
    text.line("eventloop_duration_cmd_sum", calls_ns / 1000);
    text.line("instantaneous_eventloop_cycles_per_sec", format!("{cycles:.0}"));
    let us = busy_us / cycles.max(1.0);
    text.line("instantaneous_eventloop_duration_usec", format!("{us:.0}"));
}

#[expect(clippy::cast_precision_loss, reason = "an average for people")]
pub(super) fn commandstats(context: &mut Context<'_>, text: &mut Text) {
    let all = context.services.stats.commands();
    for (command, stats) in table().all().iter().zip(&all) {
        if stats.calls == 0 && stats.rejected == 0 {
            continue;
        }
        let us = stats.ns / 1000;
        let us_per_call = stats.ns as f64 / 1000.0 / stats.calls.max(1) as f64;
        text.line(
            &format!("cmdstat_{}", command.full_name),
            format_args!(
                "calls={},usec={us},usec_per_call={us_per_call:.2},rejected_calls={},failed_calls={}",
                stats.calls, stats.rejected, stats.failed
            ),
        );
    }
}

pub(super) fn errorstats(context: &mut Context<'_>, text: &mut Text) {
    for (code, count) in context.services.stats.error_codes() {
        text.line(&format!("errorstat_{code}"), format_args!("count={count}"));
    }
}

#[expect(clippy::cast_precision_loss, reason = "times for people")]
pub(super) fn latencystats(context: &mut Context<'_>, text: &mut Text) {
    let services = context.services;
    if !services.config.flag(Setting::LatencyTracking) {
        return;
    }
    let percentiles = services.config.text(Setting::LatencyTrackingInfoPercentiles);
    for (command, stats) in table().all().iter().zip(&services.stats.commands()) {
        let Some(times) = &stats.times else { continue };
        let shown: Vec<String> = percentiles
            .split_whitespace()
            .filter_map(|word| Some((word, word.parse::<f64>().ok()?)))
            .map(|(word, percentile)| {
                let us = times.value_at_percentile(percentile) as f64 / 1000.0;
                format!("p{word}={us:.3}")
            })
            .collect();
        text.line(&format!("latency_percentiles_usec_{}", command.full_name), shown.join(","));
    }
}
