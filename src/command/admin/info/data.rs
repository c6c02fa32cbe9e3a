//! INFO sections about the data: persistence, replication, cluster, keyspace.

use super::Text;
use crate::command::Context;
use crate::config::Setting;

pub(super) fn persistence(context: &mut Context<'_>, text: &mut Text) {
    let services = context.services;
    text.line("loading", u8::from(services.loading.is_active()));
    text.line("async_loading", 0);
    if services.loading.is_active() {
        text.line("loading_start_time", services.loading.started_ms() / 1000);
        text.line("loading_total_bytes", services.loading.total_bytes());
        text.line("loading_loaded_bytes", services.loading.loaded_bytes());
    }
    text.line("rdb_changes_since_last_save", services.stats.changes.value());
    text.line("rdb_bgsave_in_progress", 0);
    text.line("rdb_last_save_time", services.started_ms / 1000);
    text.line("aof_enabled", u8::from(services.aof.is_enabled()));
    text.line("aof_rewrite_in_progress", 0);
    text.line("aof_last_write_status", "ok");
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
}

pub(super) fn cluster(_context: &mut Context<'_>, text: &mut Text) {
    text.line("cluster_enabled", 0);
}

pub(super) fn keyspace(context: &mut Context<'_>, text: &mut Text) {
    let now_ms = context.db.now_ms();
    for index in 0..context.services.config.size(Setting::Databases) {
        let (mut keys, mut expires, mut ttl) = (0, 0, Ttl::default());
        for shard in context.db.locked().iter_mut() {
            let db = shard.db(index);
            keys += db.keys.len();
            expires += db.volatile;
            ttl.add(db.sample_ttl_ms(now_ms, TTL_SAMPLES));
        }
        if keys > 0 {
            let ttl_ms = ttl.mean();
            text.line(
                &format!("db{index}"),
                format_args!("keys={keys},expires={expires},avg_ttl={ttl_ms}"),
            );
        }
    }
}

/// Parts of the expiry index of each shard that are looked at for the average.
const TTL_SAMPLES: usize = 64;

/// An average of times to live.
#[derive(Default)]
struct Ttl {
    keys: u64,
    sum_ms: u64,
}

impl Ttl {
    fn add(&mut self, (keys, sum_ms): (u64, u64)) {
        self.keys += keys;
        self.sum_ms += sum_ms;
    }

    fn mean(&self) -> u64 {
        self.sum_ms / self.keys.max(1)
    }
}
