//! INFO sections about the process: server, clients, memory, cpu.

use std::sync::atomic::Ordering;

use super::{Text, human};
use crate::command::Context;
use crate::config::{Config, Setting};
use crate::observe::process;

/// The version of Redis whose behaviour clients may count on.
const REDIS_VERSION: &str = "7.2.4";
const SECONDS_A_DAY: u64 = 86_400;

pub(super) fn server(context: &mut Context<'_>, text: &mut Text) {
    let services = context.services;
    let config = &services.config;
    let now_us = services.clock.now_us();
    let uptime_s = (now_us / 1000).saturating_sub(services.started_ms) / 1000;
    text.line("redis_version", REDIS_VERSION);
    text.line("respq_version", env!("CARGO_PKG_VERSION"));
    text.line("redis_mode", if services.is_cluster() { "cluster" } else { "standalone" });
    text.line("os", process::os());
    text.line("arch_bits", usize::BITS);
    text.line("monotonic_clock", "POSIX clock_gettime");
    text.line("multiplexing_api", "epoll");
    text.line("process_id", std::process::id());
    text.line("process_supervised", supervisor(config));
    text.line("run_id", &services.identity.run_id);
    let (port, tls_port) = (config.number(Setting::Port), config.number(Setting::TlsPort));
    text.line("tcp_port", if port == 0 { tls_port } else { port });
    text.line("server_time_usec", now_us);
    text.line("uptime_in_seconds", uptime_s);
    text.line("uptime_in_days", uptime_s / SECONDS_A_DAY);
    text.line("hz", config.number(Setting::Hz));
    text.line("configured_hz", config.number(Setting::Hz));
    text.line("lru_clock", (now_us / 1_000_000) & 0xFF_FFFF);
    let executable = std::env::current_exe().unwrap_or_default();
    text.line("executable", executable.display());
    text.line("config_file", config.file().unwrap_or_default().display());
    text.zeros(&["io_threads_active"]);
    listeners(config, text);
}

/// Who is told how the server stands.
fn supervisor(config: &Config) -> &'static str {
    let is_told = std::env::var_os("NOTIFY_SOCKET").is_some();
    if is_told && config.text(Setting::Supervised) != "no" { "systemd" } else { "no" }
}

/// What is listened on, numbered by kind.
fn listeners(config: &Config, text: &mut Text) {
    let addresses = format!(",bind={}", config.text(Setting::Bind).replace(' ', ",bind="));
    for (number, name, setting) in [(0, "tcp", Setting::Port), (2, "tls", Setting::TlsPort)] {
        let port = config.number(setting);
        if number == 2 && !config.text(Setting::UnixSocket).is_empty() {
            let path = config.text(Setting::UnixSocket);
            text.line("listener1", format_args!("name=unix,bind={path}"));
        }
        if port != 0 {
            text.line(
                &format!("listener{number}"),
                format_args!("name={name}{addresses},port={port}"),
            );
        }
    }
}

pub(super) fn clients(context: &mut Context<'_>, text: &mut Text) {
    let services = context.services;
    let all = services.clients.all();
    let max = |of: fn(&crate::client::Figures) -> usize| {
        all.iter().map(|client| of(&client.figures)).max().unwrap_or(0)
    };
    text.line("connected_clients", all.len());
    text.line("cluster_connections", 0);
    text.line("maxclients", services.config.number(Setting::MaxClients));
    text.line(
        "client_recent_max_input_buffer",
        max(|figures| figures.query_bytes.load(Ordering::Relaxed)),
    );
    text.line(
        "client_recent_max_output_buffer",
        max(|figures| figures.output_bytes.load(Ordering::Relaxed)),
    );
    text.line("blocked_clients", services.clients.blocked());
    text.line("tracking_clients", services.tracking.clients_count());
    text.line("clients_in_timeout_table", services.clients.blocked_for_a_time());
    let awaited = context.db.locked().iter_mut().flat_map(|shard| shard.dbs().iter());
    let (mut keys, mut on_nokey) = (0, 0);
    for db in awaited {
        keys += db.awaited_keys().count();
        on_nokey += db.keys_awaited_on_any_change();
    }
    text.line("total_blocking_keys", keys);
    text.line("total_blocking_keys_on_nokey", on_nokey);
}

#[expect(clippy::cast_precision_loss, reason = "ratios for people")]
pub(super) fn memory(context: &mut Context<'_>, text: &mut Text) {
    let services = context.services;
    let mut memory = process::memory();
    // This text is gone when it is read.
    memory.allocated = memory.allocated.saturating_sub(text.bytes_taken());
    let used = memory.allocated;
    let peak = services.stats.peak_bytes(used);
    let startup = services.stats.startup_bytes.load(Ordering::Relaxed);
    let dataset = data_bytes(context, used).min(used.saturating_sub(startup));
    let share = |part: u64, whole: u64| 100.0 * part as f64 / whole.max(1) as f64;
    let ratio = |part: u64, whole: u64| part as f64 / whole.max(1) as f64;
    text.bytes("used_memory", used);
    text.bytes("used_memory_rss", memory.rss);
    text.bytes("used_memory_peak", peak);
    text.line("used_memory_peak_perc", format!("{:.2}%", share(used, peak)));
    text.line("used_memory_overhead", used - dataset);
    text.line("used_memory_startup", startup);
    text.line("used_memory_dataset", dataset);
    let used_since_start = used.saturating_sub(startup);
    text.line("used_memory_dataset_perc", format!("{:.2}%", share(dataset, used_since_start)));
    text.line("allocator_allocated", memory.allocated);
    text.line("allocator_active", memory.active);
    text.line("allocator_resident", memory.resident);
    text.bytes("total_system_memory", memory.system);
    script_memory(context, text);
    let maxmemory = u64::try_from(services.config.number(Setting::MaxMemory)).unwrap_or(0);
    text.line("maxmemory", maxmemory);
    text.line("maxmemory_human", human(maxmemory));
    text.line("maxmemory_policy", services.config.text(Setting::MaxMemoryPolicy));
    text.line("allocator_frag_ratio", format!("{:.2}", ratio(memory.active, memory.allocated)));
    text.line("allocator_frag_bytes", memory.active.saturating_sub(memory.allocated));
    text.line("allocator_rss_ratio", format!("{:.2}", ratio(memory.resident, memory.active)));
    text.line("allocator_rss_bytes", memory.resident.saturating_sub(memory.active));
    text.line("rss_overhead_ratio", format!("{:.2}", ratio(memory.rss, memory.resident)));
    text.line("rss_overhead_bytes", signed_difference(memory.rss, memory.resident));
    text.line("mem_fragmentation_ratio", format!("{:.2}", ratio(memory.rss, used)));
    text.line("mem_fragmentation_bytes", signed_difference(memory.rss, used));
    text.line("mem_not_counted_for_evict", services.aof.buffered_bytes());
    text.zeros(&["mem_replication_backlog", "mem_total_replication_buffers", "mem_clients_slaves"]);
    text.line("mem_clients_normal", client_bytes(context));
    text.zeros(&["mem_cluster_links"]);
    text.line("mem_aof_buffer", services.aof.buffered_bytes());
    text.line("mem_allocator", process::allocator());
    text.line("active_defrag_running", 0);
    text.line("lazyfree_pending_objects", services.reclaim.pending());
    text.line("lazyfreed_objects", services.reclaim.freed());
}

/// Memory of scripts and functions: of their virtual machines, and of their sources beside them.
fn script_memory(context: &Context<'_>, text: &mut Text) {
    let scripts = &context.services.scripts;
    let [eval, functions] = scripts.figures();
    let (libraries_count, functions_count) = scripts.counts();
    text.bytes("used_memory_lua", eval.state_bytes as u64);
    text.line("used_memory_vm_eval", eval.state_bytes);
    text.line("used_memory_scripts_eval", eval.source_bytes);
    text.line("number_of_cached_scripts", eval.scripts);
    text.line("number_of_functions", functions_count);
    text.line("number_of_libraries", libraries_count);
    text.line("used_memory_vm_functions", functions.state_bytes);
    text.bytes("used_memory_vm_total", (eval.state_bytes + functions.state_bytes) as u64);
    text.line("used_memory_functions", functions.source_bytes);
    text.bytes("used_memory_scripts", (eval.source_bytes + functions.source_bytes) as u64);
}

fn signed_difference(a: u64, b: u64) -> i64 {
    i64::try_from(i128::from(a) - i128::from(b)).unwrap_or(i64::MAX)
}

/// Bytes that all clients take.
fn client_bytes(context: &Context<'_>) -> usize {
    let mut bytes = 0;
    context.services.clients.for_each(|client| bytes += client.memory_bytes());
    bytes
}

/// Bytes in use less those of the tables of keys and of the clients.
fn data_bytes(context: &mut Context<'_>, used: u64) -> u64 {
    let shards = context.db.locked().iter_mut();
    let tables: usize = shards.flat_map(|shard| shard.dbs().iter()).map(|db| db.keys.bytes()).sum();
    let overhead = tables + client_bytes(context);
    used.saturating_sub(overhead as u64)
}

pub(super) fn cpu(_context: &mut Context<'_>, text: &mut Text) {
    let all = process::cpu();
    let main = process::cpu_of_main_thread();
    for (name, seconds) in [
        ("used_cpu_sys", all.system),
        ("used_cpu_user", all.user),
        ("used_cpu_sys_children", all.system_children),
        ("used_cpu_user_children", all.user_children),
        ("used_cpu_sys_main_thread", main.system),
        ("used_cpu_user_main_thread", main.user),
    ] {
        text.line(name, format!("{seconds:.6}"));
    }
}
