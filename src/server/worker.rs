//! Worker threads: each serves its connections on a runtime of its own.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::{Builder, LocalOptions, LocalRuntime, Runtime};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::buffers::Buffers;
use super::commit::Committer;
use super::connection::Connection;
use super::crowd::{self, Crowd};
use super::listener::Accepted;
use super::turns::Turns;
use super::workspace::Workspaces;
use crate::config::Setting;
use crate::engine::Engine;
use crate::error::ServerError;
use crate::observe::LoopFigures;

/// Time between two looks at threads that are to end.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Connections of which one look at the sockets tells at most that something has come. They get
/// their replies together: a peer works on them while the thread serves the next.
const EVENTS_PER_LOOK: usize = 16;

/// What the connections of a thread share.
pub(super) struct Worker {
    pub(super) engine: Arc<Engine>,
    pub(super) committer: Committer,
    pub(super) buffers: Buffers,
    pub(super) workspaces: Workspaces,
    pub(super) turns: Turns,
    pub(super) crowd: Crowd,
    /// Connections that have not ended.
    open: Cell<usize>,
    /// Tells that one has.
    closed: Notify,
}

impl Worker {
    /// A connection has ended.
    pub(super) fn note_closed(&self) {
        self.open.set(self.open.get() - 1);
        self.closed.notify_one();
    }
}

/// The threads, and the way to each.
pub(super) struct Workers {
    senders: Vec<UnboundedSender<Accepted>>,
    threads: Vec<JoinHandle<()>>,
    next: AtomicUsize,
}

impl Workers {
    /// Gives a client to the next worker in turn.
    pub(super) fn hand_over(&self, accepted: Accepted) {
        let next = self.next.fetch_add(1, Ordering::Relaxed) % self.senders.len();
        if self.senders[next].send(accepted).is_err() {
            tracing::debug!("a client came while stopping");
        }
    }
}

/// A runtime of one thread.
pub(super) fn runtime() -> Result<Runtime, ServerError> {
    Builder::new_current_thread().enable_all().build().map_err(runtime_error)
}

/// A runtime that stays on this thread, as its tasks do.
fn local_runtime() -> Result<LocalRuntime, ServerError> {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().max_io_events_per_tick(EVENTS_PER_LOOK);
    builder.build_local(LocalOptions::default()).map_err(runtime_error)
}

fn runtime_error(error: io::Error) -> ServerError {
    ServerError::System { action: "start the runtime", error }
}

/// Starts the workers: as many as the settings say, or one for each core but one: that
/// is left for the log, snapshots and the system's network.
pub(super) fn start_all(engine: &Arc<Engine>) -> Result<Workers, ServerError> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let count = match engine.services.config.size(Setting::Threads) {
        0 => (cores - 1).max(1),
        count => count,
    };
    engine.serve_by(count);
    let mut workers =
        Workers { senders: Vec::new(), threads: Vec::new(), next: AtomicUsize::new(0) };
    for index in 0..count {
        let (sender, receiver) = unbounded_channel();
        workers.senders.push(sender);
        workers.threads.push(start(engine, index, receiver)?);
    }
    Ok(workers)
}

/// Starts a worker; its runtime cannot come from another thread.
fn start(
    engine: &Arc<Engine>,
    index: usize,
    receiver: UnboundedReceiver<Accepted>,
) -> Result<JoinHandle<()>, ServerError> {
    let (tell, told) = std::sync::mpsc::channel();
    let of_thread = Arc::clone(engine);
    let thread = super::spawn(&format!("worker-{index}"), move || match local_runtime() {
        Ok(runtime) => {
            drop(tell.send(Ok(runtime.metrics())));
            runtime.block_on(serve(of_thread, receiver));
        }
        Err(error) => drop(tell.send(Err(error))),
    })?;
    let metrics = told.recv().map_err(|_| runtime_error(io::ErrorKind::BrokenPipe.into()))??;
    engine.services.stats.loops.add(Box::new(move || LoopFigures {
        cycles: metrics.worker_park_count(0),
        busy: metrics.worker_total_busy_duration(0),
    }));
    Ok(thread)
}

/// Serves connections until the sender is gone and the last of them has ended.
async fn serve(engine: Arc<Engine>, mut receiver: UnboundedReceiver<Accepted>) {
    let worker = Rc::new(Worker {
        committer: Committer::new(&engine),
        buffers: Buffers::default(),
        workspaces: Workspaces::default(),
        turns: Turns::new(),
        crowd: Crowd::default(),
        open: Cell::new(0),
        closed: Notify::new(),
        engine,
    });
    let committing = tokio::task::spawn_local({
        let worker = Rc::clone(&worker);
        async move { worker.committer.run(&worker.engine.services.aof).await }
    });
    let crowd = tokio::task::spawn_local({
        let worker = Rc::clone(&worker);
        async move { crowd::run(&worker).await }
    });
    while let Some(Accepted { socket, peer }) = receiver.recv().await {
        match Connection::new(Rc::clone(&worker), socket, peer) {
            Ok(connection) => {
                worker.open.set(worker.open.get() + 1);
                tokio::task::spawn_local(Box::new(connection).run());
            }
            Err(error) => tracing::warn!(%error, "cannot serve a client"),
        }
    }
    while worker.open.get() > 0 {
        worker.closed.notified().await;
    }
    committing.abort();
    crowd.abort();
}

/// Disconnects all clients and waits for the threads to end; `false` if they may never do, as a
/// script keeps the server busy. What that script has changed is not in the log.
pub(super) fn stop_all(engine: &Engine, workers: Workers) -> bool {
    engine.services.stopping.store(true, Ordering::Release);
    drop(workers.senders);
    engine.services.clients.all().iter().for_each(|client| client.kill());
    while !workers.threads.iter().all(JoinHandle::is_finished) {
        // The log may begin to fail only now.
        engine.services.aof.give_up();
        if engine.services.scripts.running.is_busy() {
            return false;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    true
}
