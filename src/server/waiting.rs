//! What a connection waits for, and what it does then.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::Sleep;

use super::buffers::READ_BYTES;
use super::commit::CommitPoint;
use super::connection::{BUSY_PAUSE, Closed, Connection};
use super::workspace::Workspace;
use crate::client::Unblock;
use crate::command::TimeoutReply;
use crate::config::Setting;
use crate::engine::{Engine, Waiter};

/// How long a closing connection waits for the peer to take something.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes not run yet that a client may send before it is authenticated: more than its largest
/// request.
const UNAUTHENTICATED_INPUT_BYTES_MAX: usize = 256 * 1024;

/// How long a client may take to agree on how to encrypt.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);

/// Wake-ups that are handled before other connections get their turn.
const WAKEUPS_IN_A_ROW_MAX: u8 = 16;

/// What can happen to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// Something has arrived, or the peer has closed its side.
    Input,
    /// Another thread has written to the outbox or changed the handle.
    Woken,
    /// The peer has taken something.
    Sent,
    TimeUp,
}

impl Connection {
    /// Sends the replies once the log is committed up to `position`, and what others wrote
    /// behind them, as far as the peer takes it.
    pub(super) async fn send(&mut self, position: u64) -> Result<(), Closed> {
        if self.send_now(position)? {
            return Ok(());
        }
        let has_appended = self.append_outbox();
        let position = position.max(std::mem::take(&mut self.client.outbox_position));
        if self.pending() > 0 {
            let point = self.commit_point(position);
            if !point.is_reached(&self.worker.engine.services.aof) {
                self.release_workspace();
                let aof = &self.worker.engine.services.aof;
                if !self.worker.committer.reached(aof, point).await {
                    return Err(Closed::ByServer);
                }
            }
            self.send_committed()?;
        }
        let settled = self.settle_output();
        if has_appended {
            // Other threads took the memory that is given back here.
            self.worker.engine.note_own_memory();
        }
        settled
    }

    /// Sends the replies, if nothing is to be waited for and nobody wrote more for the client;
    /// returns whether that was so.
    pub(super) fn send_now(&mut self, position: u64) -> Result<bool, Closed> {
        let is_plain = !self.client.needs_durable
            && self.client.outbox_position == 0
            && !self.client.handle.has_outbox_bytes()
            && self.worker.engine.services.aof.is_committed(position);
        if is_plain {
            if self.pending() > 0 {
                self.send_committed()?;
            }
            self.settle_output()?;
        }
        Ok(is_plain)
    }

    /// Appends the outbox to the replies; `false` if it is empty.
    fn append_outbox(&mut self) -> bool {
        let Some(outbox) = self.client.handle.take_outbox() else { return false };
        self.client.outbox_position = self.client.outbox_position.max(outbox.log_position);
        self.client.needs_durable |= outbox.needs_durable;
        self.workspace().output.append(outbox.bytes);
        true
    }

    /// Where the log must be before the next replies leave, which depend on it up to `position`.
    fn commit_point(&mut self, position: u64) -> CommitPoint {
        let durable = std::mem::take(&mut self.client.needs_durable);
        let appended = if durable { self.worker.engine.services.aof.appended() } else { 0 };
        CommitPoint { position: position.max(appended), durable }
    }

    fn send_committed(&mut self) -> Result<(), Closed> {
        self.check_output()?;
        let Some(workspace) = &mut self.workspace else { return Ok(()) };
        let sent = workspace.output.send(&mut self.stream).map_err(|_| Closed::ByPeer)?;
        let stats = &self.worker.engine.services.stats;
        stats.bytes_out.add(sent as u64);
        stats.writes.add(1);
        Ok(())
    }

    /// Disconnects a client for which more is to be sent than it may ever have: it gets nothing of
    /// that.
    fn check_output(&self) -> Result<(), Closed> {
        let pending = self.pending();
        if pending <= READ_BYTES {
            return Ok(());
        }
        let poster = self.worker.engine.services.poster();
        let handle = &self.client.handle;
        let is_above = poster.limit(handle).is_above_hard(pending);
        if is_above && poster.check(handle, pending) { Err(Closed::ByServer) } else { Ok(()) }
    }

    /// Notes how much is left to send, and disconnects a client that does not read.
    fn settle_output(&mut self) -> Result<(), Closed> {
        let (mut pending, mut reply_buf_bytes) = (0, 0);
        if let Some(Workspace { output, .. }) = self.workspace.as_deref_mut() {
            output.settle();
            pending = output.pending();
            reply_buf_bytes = if pending > 0 { output.reply.capacity() } else { 0 };
        }
        let handle = &self.client.handle;
        let before = handle.figures.output_bytes.load(Ordering::Relaxed);
        if pending == 0 && before == 0 {
            return Ok(());
        }
        handle.figures.output_bytes.store(pending, Ordering::Relaxed);
        handle.figures.reply_buf_bytes.store(reply_buf_bytes, Ordering::Relaxed);
        let poster = self.worker.engine.services.poster();
        if poster.check(handle, pending) {
            return Err(Closed::ByServer);
        }
        poster.count(handle);
        Ok(())
    }

    /// Waits for the next event.
    #[expect(clippy::manual_async_fn, reason = "an async function keeps its arguments twice")]
    pub(super) fn next_event(
        &mut self,
        mut alarm: Option<Pin<&mut Sleep>>,
    ) -> impl Future<Output = Result<Event, Closed>> {
        async move {
            self.release_workspace();
            let event = poll_fn(|context| self.poll_event(context, alarm.as_mut())).await;
            let event = event.map_err(|_| Closed::ByPeer)?;
            match event {
                Event::Woken if self.client.handle.is_killed() => return Err(Closed::ByServer),
                Event::Woken if self.wakeups >= WAKEUPS_IN_A_ROW_MAX => {
                    tokio::task::yield_now().await;
                }
                Event::Input => self.check_input()?,
                Event::Sent => self.settle_output()?,
                Event::Woken | Event::TimeUp => {}
            }
            Ok(event)
        }
    }

    pub(super) fn poll_event(
        &mut self,
        context: &mut Context<'_>,
        alarm: Option<&mut Pin<&mut Sleep>>,
    ) -> Poll<io::Result<Event>> {
        let services = &self.worker.engine.services;
        // Wake-ups may come without end: the client's requests have their turn in between.
        let wakeup_last = self.wakeups > 0;
        if !wakeup_last && self.client.handle.wakeup.take(context) {
            self.wakeups += 1;
            return Poll::Ready(Ok(Event::Woken));
        }
        if let Some(workspace) = &mut self.workspace
            && !workspace.output.is_empty()
            && let Poll::Ready(sent) = workspace.output.poll_send(&mut self.stream, context)
        {
            services.stats.bytes_out.add(sent? as u64);
            services.stats.writes.add(1);
            return Poll::Ready(Ok(Event::Sent));
        }
        if let Some(alarm) = alarm
            && alarm.as_mut().poll(context).is_ready()
        {
            return Poll::Ready(Ok(Event::TimeUp));
        }
        if !self.ended
            && let Poll::Ready(read) = self.poll_read(context)
        {
            return Poll::Ready(read.map(|()| Event::Input));
        }
        if wakeup_last && self.client.handle.wakeup.take(context) {
            self.wakeups = (self.wakeups + 1) % (WAKEUPS_IN_A_ROW_MAX + 1);
            return Poll::Ready(Ok(Event::Woken));
        }
        self.wakeups = 0;
        Poll::Pending
    }

    /// Is there more to read? If not, the task is woken when there is.
    pub(super) fn poll_readable(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_read_ready(context)
    }

    /// Reads what has arrived.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.has_input() {
            // There is to be no more room for it before something comes.
            ready!(self.poll_readable(context))?;
        }
        let protocol = self.client.handle.protocol();
        let workspace = self.workspace.get_or_insert_with(|| self.worker.workspaces.take(protocol));
        let read = workspace.input.poll_read(&mut self.stream, &self.worker.buffers, context);
        let Poll::Ready(bytes) = read? else {
            self.release_workspace();
            return Poll::Pending;
        };
        self.ended = bytes == 0;
        self.wakeups = 0;
        let services = &self.worker.engine.services;
        services.stats.bytes_in.add(bytes as u64);
        services.stats.reads.add(1);
        let now_ms = services.clock.now_ms();
        self.client.handle.figures.last_active_ms.store(now_ms, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }

    /// Disconnects a client that has sent more than it may.
    pub(super) fn check_input(&mut self) -> Result<(), Closed> {
        let Some(workspace) = &self.workspace else { return Ok(()) };
        let services = &self.worker.engine.services;
        let queued = self.client.handle.figures.queued_bytes.load(Ordering::Relaxed);
        let bytes = workspace.input.len() + queued;
        if services.config.client_memory_limit() > 0 {
            self.note_input(workspace);
            if self.client.handle.is_killed() {
                return Err(Closed::ByServer);
            }
        }
        let limit = services.config.size(Setting::ClientQueryBufferLimit);
        let limit = if self.client.authenticated { limit } else { UNAUTHENTICATED_INPUT_BYTES_MAX };
        if bytes <= limit {
            return Ok(());
        }
        tracing::warn!(client = self.client.handle.id, bytes, "sent too much; disconnecting");
        services.stats.query_limit_disconnections.add(1);
        Err(Closed::ByServer)
    }

    /// Waits until an encrypted connection is set up, or for the event after that. A peer that
    /// keeps that waiting is disconnected: nobody knows who it is, and it takes a place.
    pub(super) async fn wait_for_handshake(&mut self) -> Result<(), Closed> {
        let mut alarm = std::pin::pin!(tokio::time::sleep(HANDSHAKE_PATIENCE));
        while self.stream.is_handshaking() {
            match self.next_event(Some(alarm.as_mut())).await? {
                Event::Woken => self.send(0).await?,
                Event::TimeUp if self.stream.is_handshaking() => {
                    tracing::debug!(client = self.client.handle.id, "no TLS handshake in time");
                    return Err(Closed::ByServer);
                }
                Event::Input if self.ended => return Err(Closed::ByPeer),
                Event::Input | Event::Sent | Event::TimeUp => {}
            }
        }
        Ok(())
    }

    /// Waits until the peer has taken most of what there is to send.
    pub(super) async fn wait_for_room(&mut self) -> Result<(), Closed> {
        while self.pending() > self.run_below_bytes() / 2 {
            if self.next_event(None).await? == Event::Woken {
                self.send(0).await?;
            }
        }
        Ok(())
    }

    /// Waits until CLIENT PAUSE is over.
    pub(super) async fn wait_unpaused(&mut self) -> Result<(), Closed> {
        let engine = Arc::clone(&self.worker.engine);
        let handle = Arc::clone(&self.client.handle);
        engine.services.clients.count_blocked(false);
        handle.figures.paused.store(true, Ordering::Relaxed);
        let outcome = self.sit_out_pause().await;
        handle.figures.paused.store(false, Ordering::Relaxed);
        engine.services.clients.count_unblocked(false);
        outcome
    }

    async fn sit_out_pause(&mut self) -> Result<(), Closed> {
        while !self.ended {
            let services = &self.worker.engine.services;
            let now_ms = services.clock.now_ms();
            let Some((_, until_ms)) = services.pause.current(now_ms) else { return Ok(()) };
            let alarm =
                std::pin::pin!(tokio::time::sleep(Duration::from_millis(until_ms - now_ms)));
            match self.next_event(Some(alarm)).await? {
                Event::Woken if self.client.handle.has_outbox_bytes() => self.send(0).await?,
                Event::Woken => return Ok(()),
                Event::Input | Event::Sent | Event::TimeUp => {}
            }
        }
        Err(Closed::ByPeer)
    }

    /// Waits until the client's blocking command is served, its time is up, someone lets it go,
    /// or the peer leaves: then it still waits.
    pub(super) async fn wait_served(&mut self, waiter: &Arc<Waiter>) -> Result<(), Closed> {
        self.wait_answered(waiter).await?;
        self.client.handle.stop_waiting();
        Ok(())
    }

    /// Ends a wait: the client is gone, and must get no message any more.
    pub(super) async fn stop_waiting(&mut self, waiter: &Waiter) {
        stop_waiting(&self.worker.engine, waiter).await;
        self.client.handle.stop_waiting();
    }

    async fn wait_answered(&mut self, waiter: &Arc<Waiter>) -> Result<(), Closed> {
        if self.ended {
            return Err(Closed::ByPeer);
        }
        let engine = Arc::clone(&self.worker.engine);
        let mut retry_at_ms = waiter.retry_at_ms();
        let mut sleep = std::pin::pin!(tokio::time::sleep(Duration::ZERO));
        let mut timed_out = false;
        loop {
            let now_ms = engine.services.clock.now_ms();
            let alarm_ms = waiter.deadline_ms().into_iter().chain(retry_at_ms).min();
            let armed = alarm_ms.filter(|_| !timed_out);
            if let Some(ms) = armed {
                let left = Duration::from_millis(ms.saturating_sub(now_ms));
                sleep.as_mut().reset(tokio::time::Instant::now() + left);
            }
            let alarm = if armed.is_some() { Some(sleep.as_mut()) } else { None };
            let event = self.next_event(alarm).await?;
            if self.ended {
                return Err(Closed::ByPeer);
            }
            if event == Event::TimeUp {
                timed_out = alarm_ms == waiter.deadline_ms();
                retry_at_ms = if timed_out { None } else { engine.retry(waiter) };
            } else if self.client.handle.take_to_retry() {
                retry_at_ms = engine.retry(waiter);
            }
            let released = self.client.handle.released();
            let let_go = (timed_out || released.is_some()) && stop_waiting(&engine, waiter).await;
            let served = self.client.handle.take_served();
            if let_go && !waiter.is_silent() {
                self.answer_let_go(waiter, released);
            }
            self.send(0).await?;
            if served || let_go {
                return Ok(());
            }
        }
    }

    /// Writes the reply of a command that was let go, or whose time is up.
    fn answer_let_go(&mut self, waiter: &Waiter, released: Option<Unblock>) {
        let text = match released {
            Some(Unblock::Error) => "UNBLOCKED client unblocked via CLIENT UNBLOCK",
            Some(Unblock::NoShutdown) => "ERR Errors trying to SHUTDOWN. Check logs.",
            Some(Unblock::Timeout) | None => return self.answer_time_out(waiter.on_timeout()),
        };
        self.worker.engine.services.stats.error(text);
        self.workspace().output.reply.error(text);
    }

    fn answer_time_out(&mut self, mut reply: TimeoutReply) {
        if let TimeoutReply::NoReplicaSynced { local } = &mut reply {
            *local = self.worker.engine.services.aof.can_sync();
            self.client.needs_durable |= *local;
        }
        reply.write(&mut self.workspace().output.reply);
    }

    /// Sends what is left before closing, for as long as the peer takes something.
    pub(super) async fn send_rest(&mut self) {
        self.ended = true;
        while self.pending() > 0 {
            let alarm = std::pin::pin!(tokio::time::sleep(PATIENCE));
            match self.next_event(Some(alarm)).await {
                Ok(Event::Woken | Event::Sent) => {}
                Ok(Event::Input | Event::TimeUp) | Err(_) => return,
            }
        }
    }
}

/// Takes a waiter out of its queues; `false` if it was served before. While a script keeps the
/// server busy, that has to wait.
async fn stop_waiting(engine: &Engine, waiter: &Waiter) -> bool {
    loop {
        if let Some(stopped) = engine.stop_waiting(waiter) {
            return stopped;
        }
        tokio::time::sleep(BUSY_PAUSE).await;
    }
}
