//! A connection: bytes in, calls, bytes out.
//!
//! The loop: run what has arrived, hold the replies until the log is committed, send them with
//! one write, wait for more. Where many connections send, they do so together (`crowd.rs`).
//! What waits for events, and what happens then, is in `waiting.rs`; the buffers are `input.rs`
//! and `output.rs`. An idle connection has neither: its workspace (`workspace.rs`) goes to
//! others.
//!
//! A peer that does not read: while more than [`RUN_BELOW_BYTES`] wait to be sent, no more of its
//! requests are run, but they are still read. So a client may send a long pipeline before it
//! reads the first reply, and memory stays bounded: by `client-query-buffer-limit` for what it
//! sent, by [`RUN_BELOW_BYTES`] and one reply (or `client-output-buffer-limit`) for what it gets.
//! A client above one of the limits is disconnected.
//!
//! Whatever stands in `output` while the connection waits for an event is committed.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::buffers::READ_BYTES;
use super::crowd;
use super::stream::{Socket, Stream};
use super::turns::NO_ROUND;
use super::worker::Worker;
use super::workspace::Workspace;
use crate::client::{Client, Peer};
use crate::config::Setting;
use crate::engine::{Batch, Finished, Flow, SuspendedCall, Waiter};
use crate::resp::request::{Decoded, Limits};

/// Unsent bytes above which no further request of the client is run.
const RUN_BELOW_BYTES: usize = 1024 * 1024;
/// The same for a client that is not authenticated.
const UNAUTHENTICATED_RUN_BELOW_BYTES: usize = 16 * 1024;

/// Bytes of requests that are run at a time, where so many have piled up; then the other
/// connections of the thread get their turn.
pub(super) const RUN_BYTES_MAX: usize = 2 * READ_BYTES;

/// Time between two tries to get at what a busy script holds.
pub(super) const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// Why a connection ends; all the same to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    ByPeer,
    ByServer,
}

/// What a turn has come to: the log position that its replies depend on, and how it goes on.
pub(super) type Turn = (u64, Next);

/// How it goes on after requests were run.
#[derive(Debug)]
pub(super) enum Next {
    /// The last request waits for a key.
    Blocked(Arc<Waiter>),
    Close,
    /// The next request is put off by CLIENT PAUSE.
    Paused,
    /// All that has arrived was run.
    Read,
    /// There is much to send; then more to run.
    Send,
    /// There is more to run once others had their turn.
    Yield,
}

/// What running requests came to.
enum Ran<'w> {
    Finished(Finished, Next),
    /// A script has used up its time: when others had their turn, the rest is run.
    Suspended(Box<Rest<'w>>),
}

/// A batch with a call that was put aside. It keeps its locks.
pub(super) struct Rest<'w> {
    pub(super) batch: Batch<'w>,
    pub(super) aside: Aside,
}

/// A call that was put aside, and the bytes that its request has.
pub(super) type Aside = (SuspendedCall, usize);

/// One client's connection.
pub(super) struct Connection {
    pub(super) worker: Rc<Worker>,
    pub(super) stream: Stream,
    pub(super) client: Client,
    /// `None` while there is nothing to run and nothing to send.
    pub(super) workspace: Option<Box<Workspace>>,
    /// Wake-ups handled in a row; between them the others on this thread get their turn.
    pub(super) wakeups: u8,
    /// The round in which it had its last turn.
    pub(super) round: u32,
    /// Nothing more is read: the peer has closed its side, or this side is closing.
    pub(super) ended: bool,
}

impl Connection {
    pub(super) fn new(worker: Rc<Worker>, socket: Socket, peer: Peer) -> io::Result<Self> {
        let stream = Stream::new(socket)?;
        let client = worker.engine.connect(peer);
        Ok(Self {
            worker,
            stream,
            client,
            workspace: None,
            wakeups: 0,
            round: NO_ROUND,
            ended: false,
        })
    }

    /// Serves the client until either side closes.
    pub(super) async fn run(mut self: Box<Self>) {
        let mut turn = None;
        let closed = loop {
            if let Err(closed) = self.serve(&mut turn).await {
                break closed;
            }
            let left;
            (self, left) = crowd::take_turns(self).await;
            match left {
                Ok(begun) => turn = begun,
                Err(closed) => break closed,
            }
        };
        self.stream.say_goodbye();
        tracing::debug!(client = self.client.handle.id, ?closed, "a client left");
        while !self.worker.engine.unwatch(&mut self.client) {
            Box::pin(tokio::time::sleep(BUSY_PAUSE)).await;
        }
        let Self { worker, stream, client, workspace, .. } = *self;
        if worker.engine.is_stopping() {
            // The system closes it with the process: who sees that may start the next server.
            std::mem::forget(stream);
        }
        worker.engine.disconnect(client);
        drop(workspace);
        worker.engine.note_own_memory();
        worker.note_closed();
    }

    /// Serves the client alone until it may join the crowd. A turn that was begun in there is ended
    /// first; others stand in its place, too, since all that this holds on to is in every task.
    async fn serve(&mut self, begun: &mut Option<Turn>) -> Result<(), Closed> {
        if self.stream.is_handshaking() {
            Box::pin(self.wait_for_handshake()).await?;
        }
        loop {
            if begun.is_none() {
                if self.client.handle.is_killed() {
                    return Err(Closed::ByServer);
                }
                *begun = Some(self.take_turn().await);
            }
            let Some((position, next)) = begun.take() else { continue };
            let outcome = match self.send(position).await {
                Ok(()) => self.go_on(&next).await,
                Err(closed) => Err(closed),
            };
            if let Err(closed) = outcome {
                if let Next::Blocked(waiter) = &next {
                    Box::pin(self.stop_waiting(waiter)).await;
                }
                return Err(closed);
            }
            if matches!(next, Next::Read) && self.may_join() {
                return Ok(());
            }
        }
    }

    /// Runs the requests that have arrived when it is this connection's turn; returns the log
    /// position that the replies depend on, and how it goes on.
    async fn take_turn(&mut self) -> Turn {
        let worker = Rc::clone(&self.worker);
        worker.turns.wait_for_mine().await;
        let (finished, next) = match self.run_alone(&worker) {
            Ran::Finished(finished, next) => (finished, next),
            Ran::Suspended(rest) => Box::pin(self.run_rest(rest)).await,
        };
        if finished.calls > 0 {
            worker.turns.count(&mut self.round);
        }
        worker.turns.let_others_run(&finished, self.pending() > 0).await;
        (finished.position, next)
    }

    /// What is rare or takes long has its state in a box: every idle connection has room for the
    /// rest.
    async fn go_on(&mut self, next: &Next) -> Result<(), Closed> {
        match next {
            Next::Blocked(waiter) => Box::pin(self.wait_served(waiter)).await,
            Next::Close => {
                Box::pin(self.send_rest()).await;
                Err(Closed::ByServer)
            }
            Next::Paused => Box::pin(self.wait_unpaused()).await,
            Next::Read => {
                if self.workspace.as_ref().is_some_and(|workspace| workspace.input.has_more) {
                    tokio::task::yield_now().await;
                }
                if !self.ended {
                    self.next_event(None).await?;
                }
                if !self.ended {
                    return Ok(());
                }
                Box::pin(self.send_rest()).await;
                Err(Closed::ByPeer)
            }
            Next::Send => Box::pin(self.wait_for_room()).await,
            Next::Yield => {
                tokio::task::yield_now().await;
                Ok(())
            }
        }
    }

    /// Runs the requests that have arrived, in a batch of their own.
    fn run_alone<'w>(&mut self, worker: &'w Worker) -> Ran<'w> {
        if !self.has_input() {
            return Ran::Finished(Finished::default(), Next::Read);
        }
        let mut batch = worker.engine.batch();
        match self.run_in(&mut batch) {
            Ok(next) => self.finish(&mut batch, next),
            Err(aside) => Ran::Suspended(Box::new(Rest { batch, aside })),
        }
    }

    fn finish<'w>(&mut self, batch: &mut Batch<'w>, next: Next) -> Ran<'w> {
        let finished = batch.finish();
        self.settle_input();
        Ran::Finished(finished, next)
    }

    /// Runs the requests that have arrived, until no more of them can run now or a call is put
    /// aside.
    pub(super) fn run_in(&mut self, batch: &mut Batch<'_>) -> Result<Next, Aside> {
        let Some(mut workspace) = self.workspace.take() else { return Ok(Next::Read) };
        workspace.output.open(&self.worker.buffers);
        self.note_input(&workspace);
        let ran = self.run_requests(&mut workspace, batch);
        self.workspace = Some(workspace);
        ran
    }

    /// Runs the rest of requests whose first was put aside, while others have their turns.
    pub(super) async fn run_rest(&mut self, mut rest: Box<Rest<'_>>) -> (Finished, Next) {
        loop {
            tokio::task::yield_now().await;
            match self.resume(rest) {
                Ran::Finished(finished, next) => return (finished, next),
                Ran::Suspended(left) => rest = left,
            }
        }
    }

    /// Goes on with requests whose first was put aside.
    fn resume<'w>(&mut self, rest: Box<Rest<'w>>) -> Ran<'w> {
        let Rest { mut batch, aside: (call, bytes) } = *rest;
        let workspace = self.workspace.as_mut().expect("what was put aside has input");
        let ran = match batch.go_on(call, &mut self.client, &mut workspace.output.reply) {
            Flow::Suspended(call) => Err((call, bytes)),
            Flow::Blocked(_) | Flow::Next | Flow::Postponed => {
                workspace.input.consume(bytes);
                self.run_in(&mut batch)
            }
        };
        match ran {
            Ok(next) => self.finish(&mut batch, next),
            Err(aside) => Ran::Suspended(Box::new(Rest { batch, aside })),
        }
    }

    fn run_requests(
        &mut self,
        workspace: &mut Workspace,
        batch: &mut Batch<'_>,
    ) -> Result<Next, Aside> {
        let left_for_later = workspace.input.len().saturating_sub(RUN_BYTES_MAX);
        loop {
            if self.client.closing {
                return Ok(Next::Close);
            }
            if workspace.input.is_empty() {
                return Ok(Next::Read);
            }
            if workspace.output.pending() > self.run_below_bytes() {
                return Ok(Next::Send);
            }
            if batch.has_run_long() || workspace.input.len() < left_for_later {
                return Ok(Next::Yield);
            }
            let limits = self.limits();
            let Workspace { decoder, input, output } = &mut *workspace;
            let decoded = batch.decode(self.client.db, decoder, input.unread(), &limits);
            let (argv, bytes) = match decoded {
                Ok(Decoded::Request(argv, bytes)) => (argv, bytes),
                Ok(Decoded::Nothing(bytes)) => {
                    input.consume(bytes);
                    continue;
                }
                Ok(Decoded::Incomplete) => return Ok(Next::Read),
                Err(error) => {
                    output.reply.error(&format!("ERR {error}"));
                    return Ok(Next::Close);
                }
            };
            let was_authenticated = self.client.authenticated;
            match batch.call(&mut self.client, &mut output.reply, argv) {
                Flow::Next if self.client.authenticated != was_authenticated => {
                    // What was read ahead was read by other limits.
                    decoder.forget();
                    input.consume(bytes);
                }
                Flow::Next => input.consume(bytes),
                Flow::Blocked(waiter) => {
                    input.consume(bytes);
                    return Ok(Next::Blocked(waiter));
                }
                Flow::Postponed => {
                    decoder.forget();
                    return Ok(Next::Paused);
                }
                Flow::Suspended(call) => return Err((call, bytes)),
            }
        }
    }

    /// Bounds on the next request.
    pub(super) fn limits(&self) -> Limits {
        Limits {
            words_max: i32::MAX as usize,
            bulk_bytes_max: self.worker.engine.services.config.size(Setting::ProtoMaxBulkLen),
            authenticated: self.client.authenticated,
        }
    }

    /// Unsent bytes above which no further request of the client is run.
    pub(super) fn run_below_bytes(&self) -> usize {
        if self.client.authenticated { RUN_BELOW_BYTES } else { UNAUTHENTICATED_RUN_BELOW_BYTES }
    }

    /// After requests were run, without locks: gives back memory that the rest does not need.
    pub(super) fn settle_input(&mut self) {
        let Some(mut workspace) = self.workspace.take() else { return };
        let Workspace { decoder, input, .. } = &mut *workspace;
        input.settle(&self.worker.buffers);
        input.wanted = decoder.wanted_bytes();
        if input.is_empty() {
            decoder.shrink();
        }
        self.note_input(&workspace);
        self.workspace = Some(workspace);
    }

    /// The workspace, taken from the worker's spare ones if there is none.
    pub(super) fn workspace(&mut self) -> &mut Workspace {
        let protocol = self.client.handle.protocol();
        self.workspace.get_or_insert_with(|| self.worker.workspaces.take(protocol))
    }

    /// Lets other connections have the workspace, if it is empty, or what it does not need.
    pub(super) fn release_workspace(&mut self) {
        if let Some(workspace) = self.workspace.take_if(|workspace| workspace.is_empty()) {
            self.worker.workspaces.give(workspace, &self.worker.buffers);
        } else if let Some(workspace) = &mut self.workspace {
            workspace.release(&self.worker.buffers);
        }
    }

    /// Is there something that has arrived and was not run?
    pub(super) fn has_input(&self) -> bool {
        self.workspace.as_ref().is_some_and(|workspace| !workspace.input.is_empty())
    }

    /// Bytes not sent yet.
    pub(super) fn pending(&self) -> usize {
        self.workspace.as_ref().map_or(0, |workspace| workspace.output.pending())
    }

    /// Shows others how much of the input is not run yet.
    pub(super) fn note_input(&self, workspace: &Workspace) {
        let figures = &self.client.handle.figures;
        let taken = workspace.decoder.taken_bytes().min(workspace.input.len());
        figures.argv_bytes.store(taken, Ordering::Relaxed);
        figures.query_bytes.store(workspace.input.len() - taken, Ordering::Relaxed);
        figures.query_bytes_free.store(workspace.input.free_bytes(), Ordering::Relaxed);
        self.worker.engine.services.poster().count(&self.client.handle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Handle;

    /// Bytes of what a function returns.
    fn size_of_returned<T, R>(_: fn(T) -> R) -> usize {
        size_of::<R>()
    }

    #[test]
    fn an_idle_connection_takes_little() {
        // Each has an allocation of its own, the handle with 16 bytes of counts. That of a task
        // takes a multiple of 128 bytes, 104 of them tokio's.
        assert!(size_of::<Connection>() <= 128);
        assert!(size_of::<Handle>() <= 240);
        assert!(size_of_returned(Connection::run) <= 280);
    }
}
