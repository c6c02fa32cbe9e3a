//! Work that is done every so often.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::client::Kind;
use crate::config::Setting;
use crate::engine::Engine;

/// How often the rates of INFO are brought up to date.
const SAMPLE_EVERY_MS: u64 = 100;

/// Runs the periodic work, `hz` times a second, for ever.
pub(super) async fn run(engine: &Engine) {
    let config = &engine.services.config;
    let period = Duration::from_millis(1000 / config.size(Setting::Hz).max(1) as u64);
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut looked_ms = 0;
    let mut sampled_ms = 0;
    loop {
        ticks.tick().await;
        if engine.services.cron_rests.load(Ordering::Relaxed) {
            continue;
        }
        let now_ms = engine.services.clock.now_ms();
        let paused = engine.services.pause.current(now_ms).is_some();
        // A busy script keeps the keys, and this thread has clients to accept, too.
        if !engine.services.scripts.running.is_busy() {
            if config.flag(Setting::ActiveExpire) && !paused {
                engine.note_time("expire-cycle", Engine::expire_cycle);
            }
            engine.evict_cycle();
        }
        engine.services.poster().count_all();
        engine.limit_tracking();
        if now_ms.abs_diff(sampled_ms) >= SAMPLE_EVERY_MS {
            sampled_ms = now_ms;
            engine.services.stats.sample(engine.services.clock.elapsed_ns());
        }
        engine.ask_for_due_snapshots();
        if now_ms.abs_diff(looked_ms) >= 1000 {
            looked_ms = now_ms;
            look_after_clients(engine, now_ms);
        }
    }
}

/// Disconnects clients that were silent for longer than `timeout`, and those that have not read
/// for too long.
fn look_after_clients(engine: &Engine, now_ms: u64) {
    let services = &engine.services;
    let timeout_ms = services.config.size(Setting::Timeout) as u64 * 1000;
    let poster = services.poster();
    services.clients.for_each(|client| {
        let pending = client.pending_bytes();
        if pending > 0 {
            poster.check(client, pending);
        }
        let figures = &client.figures;
        let active_ms = figures.last_active_ms.load(Ordering::Relaxed);
        let may_be_silent = client.is_blocked()
            || client.kind() == Kind::PubSub
            || figures.monitor.load(Ordering::Relaxed);
        let silent_ms = now_ms.saturating_sub(active_ms);
        if timeout_ms > 0 && silent_ms > timeout_ms && !may_be_silent {
            client.kill();
        }
    });
}
