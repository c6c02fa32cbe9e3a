//! INFO sections about the data: persistence, replication, cluster, keyspace.

use super::Text;
use crate::command::Context;
use crate::store::figures::Sums;

pub(super) fn persistence(context: &mut Context<'_>, text: &mut Text) {
    let services = context.services;
    let loading = &services.loading;
    text.line("loading", u8::from(loading.is_active()));
    text.line("async_loading", 0);
    if loading.is_active() {
        let (total, loaded) = (loading.total_bytes(), loading.loaded_bytes());
        let elapsed_ms = context.db.now_ms().saturating_sub(loading.started_ms());
        let left = total.saturating_sub(loaded);
        text.line("loading_start_time", loading.started_ms() / 1000);
        text.line("loading_total_bytes", total);
        text.line("loading_loaded_bytes", loaded);
        text.line("loading_loaded_perc", loaded * 100 / total.max(1));
        text.line("loading_eta_seconds", left * elapsed_ms / loaded.max(1) / 1000);
    }
    snapshot_in_progress(context, text);
    snapshots(context, text);
    log(context, text);
    text.zeros(&["module_fork_in_progress", "module_fork_last_cow_size"]);
}

/// What is being written, and what is kept for it of what went meanwhile.
#[expect(clippy::cast_precision_loss, reason = "a percentage for people")]
fn snapshot_in_progress(context: &Context<'_>, text: &mut Text) {
    let saver = &context.services.saver;
    let is_running = saver.status().running.is_some();
    let shown = |figure: u64| if is_running { figure } else { 0 };
    let (keys, keys_written) = saver.progress.keys();
    let percentage = 100.0 * shown(keys_written) as f64 / keys.max(1) as f64;
    text.line("current_cow_peak", shown(saver.progress.kept_peak_bytes()));
    text.line("current_cow_size", shown(saver.progress.kept_bytes()));
    text.line("current_cow_size_age", 0);
    text.line("current_fork_perc", format!("{percentage:.2}"));
    text.line("current_save_keys_processed", shown(keys_written));
    text.line("current_save_keys_total", shown(keys));
}

fn ok(went_well: bool) -> &'static str {
    if went_well { "ok" } else { "err" }
}

/// Whole seconds, -1 where there is nothing to tell.
fn seconds(ms: Option<u64>) -> i64 {
    ms.map_or(-1, |ms| i64::try_from(ms / 1000).unwrap_or(i64::MAX))
}

fn snapshots(context: &mut Context<'_>, text: &mut Text) {
    let services = context.services;
    let status = services.saver.status();
    let changes = services.stats.changes.value().saturating_sub(status.changes_saved);
    let running_ms = context.db.now_ms().saturating_sub(status.started_ms);
    text.line("rdb_changes_since_last_save", changes);
    text.line("rdb_bgsave_in_progress", u8::from(status.is_saving()));
    text.line("rdb_last_save_time", status.saved_at_ms / 1000);
    text.line("rdb_last_bgsave_status", ok(status.last_save_ok));
    text.line("rdb_last_bgsave_time_sec", seconds(status.last_save_ms));
    let current = status.is_saving().then_some(running_ms);
    text.line("rdb_current_bgsave_time_sec", seconds(current));
    text.line("rdb_saves", status.counts.saves);
    text.line("rdb_last_cow_size", status.last_save_kept_bytes);
    let (loaded, expired) = services.loading.keys();
    text.line("rdb_last_load_keys_expired", expired);
    text.line("rdb_last_load_keys_loaded", loaded);
}

fn log(context: &mut Context<'_>, text: &mut Text) {
    let (aof, status) = (&context.services.aof, context.services.saver.status());
    let running_ms = context.db.now_ms().saturating_sub(status.started_ms);
    text.line("aof_enabled", u8::from(aof.is_enabled()));
    text.line("aof_rewrite_in_progress", u8::from(status.is_rewriting()));
    text.line("aof_rewrite_scheduled", u8::from(status.is_rewrite_scheduled()));
    text.line("aof_last_rewrite_time_sec", seconds(status.last_rewrite_ms));
    let current = status.is_rewriting().then_some(running_ms);
    text.line("aof_current_rewrite_time_sec", seconds(current));
    text.line("aof_last_bgrewrite_status", ok(status.last_rewrite_ok));
    text.line("aof_rewrites", status.counts.rewrites);
    text.line("aof_rewrites_consecutive_failures", status.counts.failed_rewrites);
    text.line("aof_last_write_status", ok(!aof.is_failing()));
    text.line("aof_last_cow_size", status.last_rewrite_kept_bytes);
    if aof.is_enabled() {
        text.line("aof_current_size", aof.bytes());
        text.line("aof_base_size", status.base_bytes);
        text.line("aof_pending_rewrite", 0);
        text.line("aof_buffer_length", aof.buffered_bytes());
        text.line("aof_pending_bio_fsync", u8::from(aof.is_syncing()));
        // No write waits for a sync.
        text.line("aof_delayed_fsync", 0);
    }
}

pub(super) fn replication(context: &mut Context<'_>, text: &mut Text) {
    text.line("role", "master");
    text.line("connected_slaves", 0);
    text.line("master_failover_state", "no-failover");
    text.line("master_replid", context.services.identity.replication_id());
    text.line("master_replid2", "0".repeat(40));
    text.line("master_repl_offset", context.services.aof.appended());
    text.line("second_repl_offset", -1);
    text.line("repl_backlog_active", 0);
    text.zeros(&["repl_backlog_size", "repl_backlog_first_byte_offset", "repl_backlog_histlen"]);
}

pub(super) fn cluster(context: &mut Context<'_>, text: &mut Text) {
    text.line("cluster_enabled", u8::from(context.services.is_cluster()));
}

pub(super) fn keyspace(context: &mut Context<'_>, text: &mut Text) {
    for (index, figures) in figures(context).0.iter().enumerate() {
        if figures.keys > 0 {
            let (keys, expires) = (figures.keys, figures.volatile);
            let ttl_ms = figures.mean_ttl_ms();
            text.line(
                &format!("db{index}"),
                format_args!("keys={keys},expires={expires},avg_ttl={ttl_ms}"),
            );
        }
    }
}

/// Of all shards: as they are, or, if they are not locked since data are being loaded, as far as
/// that is known.
fn figures(context: &mut Context<'_>) -> Sums {
    let (keyspace, now_ms) = (&context.services.keyspace, context.db.now_ms());
    let locked = context.db.locked();
    if locked.set() != keyspace.all() {
        return keyspace.glance(now_ms);
    }
    let mut sums = Sums::default();
    locked.iter_mut().for_each(|shard| sums.add(shard, now_ms));
    sums
}
