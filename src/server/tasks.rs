//! Work that is done every so often.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::config::Setting;
use crate::engine::Engine;

/// Runs the periodic work, `hz` times a second, for ever.
pub(super) async fn run(engine: &Engine) {
    let config = &engine.services.config;
    let period = Duration::from_millis(1000 / config.size(Setting::Hz).max(1) as u64);
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if config.flag(Setting::ActiveExpire) {
            engine.expire_cycle();
        }
        disconnect_idle(engine);
    }
}

/// Disconnects clients that were silent for longer than `timeout`.
fn disconnect_idle(engine: &Engine) {
    let services = &engine.services;
    let timeout_ms = services.config.size(Setting::Timeout) as u64 * 1000;
    if timeout_ms == 0 {
        return;
    }
    let now_ms = services.clock.now_ms();
    for client in services.clients.all() {
        let active_ms = client.figures.last_active_ms.load(std::sync::atomic::Ordering::Relaxed);
        if now_ms.saturating_sub(active_ms) > timeout_ms && !client.is_waiting() {
            client.kill();
        }
    }
}
