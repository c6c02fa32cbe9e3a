//! When to stop: SIGTERM, SIGINT, or the SHUTDOWN command; and the last snapshot, without which
//! the server may go on.
//!
//! The snapshot waits for a script that runs, so that no part of one is in it. Who does not want
//! to wait says SHUTDOWN NOSAVE, or interrupts once more; once it is being written, neither is
//! looked at.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::aof::saver::Ending;
use crate::client::Unblock;
use crate::engine::Engine;

/// Time between two tries to get at what a script holds.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Time between two looks at who is to let go of something.
const PAUSE: Duration = Duration::from_millis(2);
/// Looks at a client that is to begin to wait.
const TRIES: u32 = 100;

/// Returns when someone has asked the server to stop, and nothing keeps it from that.
pub(super) async fn granted(engine: &Engine) {
    let mut terminate = listen(SignalKind::terminate(), "SIGTERM");
    let mut interrupt = listen(SignalKind::interrupt(), "SIGINT");
    let signalled = Ending { saves: None, is_forced: false, client: None };
    loop {
        let ending = tokio::select! {
            () = signals(&mut terminate, "SIGTERM") => signalled,
            () = signals(&mut interrupt, "SIGINT") => signalled,
            ending = commanded(engine) => match ending {
                Some(ending) => ending,
                None => return,
            },
        };
        if !engine.services.saves_at_the_end(ending) {
            return;
        }
        let may_end = tokio::select! {
            saved = saves(engine, ending) => saved,
            () = signals(&mut interrupt, "SIGINT") => true,
            () = told_not_to_save(engine) => true,
        };
        if may_end {
            return;
        }
        tracing::error!("the server goes on, as the last snapshot cannot be written");
        refuse(engine, ending).await;
    }
}

fn listen(kind: SignalKind, name: &str) -> Option<Signal> {
    signal(kind)
        .inspect_err(|error| tracing::warn!(%error, signal = name, "cannot listen to a signal"))
        .ok()
}

/// Waits for a signal.
async fn signals(signal: &mut Option<Signal>, name: &str) {
    match signal {
        Some(signal) => {
            signal.recv().await;
            tracing::info!(signal = name, "asked to stop");
        }
        None => std::future::pending().await,
    }
}

/// Waits for a SHUTDOWN without a snapshot.
async fn told_not_to_save(engine: &Engine) {
    after_calls(engine, || engine.is_stopping().then_some(())).await;
}

/// Waits for a SHUTDOWN; returns `None` if it asks for no snapshot.
async fn commanded(engine: &Engine) -> Option<Ending> {
    let ending = || engine.services.saver.take_ending().map(Some);
    after_calls(engine, || if engine.is_stopping() { Some(None) } else { ending() }).await
}

/// Looks now and after each call of SHUTDOWN whether there is something; returns it.
async fn after_calls<T>(engine: &Engine, look: impl Fn() -> Option<T>) -> T {
    poll_fn(|context| {
        loop {
            if let Some(found) = look() {
                return Poll::Ready(found);
            }
            if !engine.services.shutdown_called.take(context) {
                return Poll::Pending;
            }
        }
    })
    .await
}

/// Writes the last snapshot; `false` if the server must go on without.
async fn saves(engine: &Engine, ending: Ending) -> bool {
    tracing::info!("saving the final snapshot before the end");
    let saver = &engine.services.saver;
    while !saver.hold() {
        tokio::time::sleep(PAUSE).await;
    }
    let saved = loop {
        match engine.save_finally() {
            Some(saved) => break saved,
            None => tokio::time::sleep(LOOK_EVERY).await,
        }
    };
    if !saved && !ending.is_forced {
        saver.let_go();
    }
    saved || ending.is_forced
}

/// Tells the client that asked.
async fn refuse(engine: &Engine, ending: Ending) {
    let clients = engine.services.clients.all();
    let Some(client) = clients.iter().find(|client| Some(client.id) == ending.client) else {
        return;
    };
    // It may not have begun to wait.
    for _ in 0..TRIES {
        if client.unblock(Unblock::NoShutdown) {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}
