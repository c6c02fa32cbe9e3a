//! When to stop: SIGTERM, SIGINT, or the SHUTDOWN command.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::engine::Engine;

/// How often the SHUTDOWN command is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Returns when someone asks the server to stop.
pub(super) async fn asked(engine: &Engine) {
    tokio::select! {
        () = signalled(SignalKind::terminate(), "SIGTERM") => {}
        () = signalled(SignalKind::interrupt(), "SIGINT") => {}
        () = commanded(engine) => {}
    }
}

async fn signalled(kind: SignalKind, name: &str) {
    match signal(kind) {
        Ok(mut signals) => {
            signals.recv().await;
            tracing::info!(signal = name, "asked to stop");
        }
        Err(error) => {
            tracing::warn!(%error, signal = name, "cannot listen to a signal");
            std::future::pending::<()>().await;
        }
    }
}

async fn commanded(engine: &Engine) {
    while !engine.is_stopping() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
