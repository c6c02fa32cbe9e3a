//! A connection: bytes in, calls, bytes out.
//!
//! The loop: run what has arrived, hold the replies until the log is committed, send them, wait
//! for more. A peer that does not read its replies is still read from, so that a client may send
//! a long pipeline before it reads; what piles up is bounded by `client-output-buffer-limit`.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Notify;

use super::worker::Worker;
use crate::client::{Client, Peer, Unblock};
use crate::config::Setting;
use crate::engine::{Flow, Waiter};
use crate::resp::request::{Decoded, Limits, RequestDecoder};
use crate::resp::{Protocol, Reply};

/// Why a connection ends; all the same to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closed {
    ByPeer,
    ByServer,
}

/// One client's connection.
pub(super) struct Connection {
    worker: Rc<Worker>,
    reader: OwnedReadHalf,
    writer: OwnedWriteHalf,
    /// Others have something for this client.
    mail: Arc<Notify>,
    client: Client,
    decoder: RequestDecoder,
    /// What was read and not run yet.
    input: Vec<u8>,
    reply: Reply,
    /// Replies that are committed but not sent.
    unsent: Vec<u8>,
}

impl Connection {
    pub(super) fn new(
        worker: Rc<Worker>,
        stream: std::net::TcpStream,
        peer: Peer,
    ) -> io::Result<Self> {
        let (reader, writer) = TcpStream::from_std(stream)?.into_split();
        let mail = Arc::new(Notify::new());
        let bell = Arc::clone(&mail);
        let client = worker.engine.connect(peer, Box::new(move || bell.notify_one()));
        Ok(Self {
            worker,
            reader,
            writer,
            mail,
            client,
            decoder: RequestDecoder::new(),
            input: Vec::new(),
            reply: Reply::new(Protocol::Resp2),
            unsent: Vec::new(),
        })
    }

    /// Serves the client until either side closes.
    pub(super) async fn run(mut self) {
        let closed = self.serve().await;
        tracing::debug!(client = self.client.handle.id, ?closed, "a client left");
        self.worker.engine.disconnect(self.client);
    }

    async fn serve(&mut self) -> Closed {
        loop {
            let (position, waiter) = self.run_requests();
            if let Err(closed) = self.send_replies(position).await {
                return closed;
            }
            if let Some(waiter) = waiter {
                if let Err(closed) = self.wait_served(&waiter).await {
                    return closed;
                }
                continue;
            }
            if self.client.closing {
                self.send_rest().await;
                return Closed::ByServer;
            }
            if let Err(closed) = self.wait_for_input().await {
                return closed;
            }
        }
    }

    /// Runs the requests that have arrived; replies the log position they depend on, and what the
    /// client waits for if one of them blocks.
    fn run_requests(&mut self) -> (u64, Option<Arc<Waiter>>) {
        let engine = Arc::clone(&self.worker.engine);
        let limits = self.limits();
        let mut batch = engine.batch();
        let mut used = 0;
        let mut waiter = None;
        while waiter.is_none() && !self.client.closing {
            let limits = Limits { authenticated: self.client.authenticated, ..limits };
            match self.decoder.decode(&self.input[used..], &limits) {
                Ok(Decoded::Request(argv, bytes)) => {
                    used += bytes;
                    if let Flow::Blocked(blocked) =
                        batch.call(&mut self.client, &mut self.reply, argv)
                    {
                        waiter = Some(blocked);
                    }
                }
                Ok(Decoded::Nothing(bytes)) => used += bytes,
                Ok(Decoded::Incomplete) => break,
                Err(error) => {
                    self.reply.error(&format!("ERR {error}"));
                    self.client.closing = true;
                }
            }
        }
        self.drop_input(used);
        (batch.finish(), waiter)
    }

    fn limits(&self) -> Limits {
        Limits {
            words_max: i32::MAX as usize,
            bulk_bytes_max: self.worker.engine.services.config.size(Setting::ProtoMaxBulkLen),
            authenticated: true,
        }
    }

    fn drop_input(&mut self, used: usize) {
        if used < self.input.len() {
            self.input.drain(..used);
            return;
        }
        self.input.clear();
        if self.input.capacity() > 16 * 1024 {
            self.input = Vec::new();
            self.decoder.shrink();
        }
    }

    /// Sends the replies once the log is committed up to `position`, as far as the peer takes them.
    async fn send_replies(&mut self, position: u64) -> Result<(), Closed> {
        if self.reply.bytes().is_empty() {
            return Ok(());
        }
        let aof = &self.worker.engine.services.aof;
        if !aof.is_committed(position) {
            self.worker.committer.committed(aof, position).await;
        }
        if !self.unsent.is_empty() {
            self.unsent.extend_from_slice(self.reply.bytes());
            self.reply.truncate(0);
            return self.send_some();
        }
        let sent = match self.writer.try_write(self.reply.bytes()) {
            Ok(sent) => sent,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(_) => return Err(Closed::ByPeer),
        };
        self.worker.engine.services.stats.bytes_out.add(sent as u64);
        if sent < self.reply.len() {
            self.unsent.extend_from_slice(&self.reply.bytes()[sent..]);
        }
        self.reply.truncate(0);
        self.reply.shrink();
        Ok(())
    }

    fn send_some(&mut self) -> Result<(), Closed> {
        match self.writer.try_write(&self.unsent) {
            Ok(sent) => {
                self.worker.engine.services.stats.bytes_out.add(sent as u64);
                self.unsent.drain(..sent);
                if self.unsent.is_empty() {
                    self.unsent = Vec::new();
                }
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(_) => Err(Closed::ByPeer),
        }
    }

    /// Sends what is left before closing, for as long as the peer takes it.
    async fn send_rest(&mut self) {
        let patience = Duration::from_secs(5);
        let sending = async {
            while !self.unsent.is_empty() {
                if self.writer.writable().await.is_err() || self.send_some().is_err() {
                    return;
                }
            }
        };
        if tokio::time::timeout(patience, sending).await.is_err() {
            tracing::debug!(client = self.client.handle.id, "did not take its last replies");
        }
    }

    /// Waits for bytes from the peer, sending what is left meanwhile.
    async fn wait_for_input(&mut self) -> Result<(), Closed> {
        loop {
            tokio::select! {
                biased;
                read = read_some(&mut self.reader, &self.worker, &mut self.input) => {
                    return self.note_read(read);
                }
                ready = self.writer.writable(), if !self.unsent.is_empty() => {
                    ready.map_err(|_| Closed::ByPeer)?;
                    self.send_some()?;
                }
                () = self.mail.notified() => {
                    if self.client.handle.is_killed() {
                        return Err(Closed::ByServer);
                    }
                }
            }
        }
    }

    fn note_read(&self, read: io::Result<usize>) -> Result<(), Closed> {
        match read {
            Ok(0) | Err(_) => Err(Closed::ByPeer),
            Ok(bytes) => {
                let services = &self.worker.engine.services;
                services.stats.bytes_in.add(bytes as u64);
                let figures = &self.client.handle.figures;
                figures.last_active_ms.store(services.clock.now_ms(), Ordering::Relaxed);
                Ok(())
            }
        }
    }

    /// Waits until the client's blocking command is served, its time is up, someone lets it go,
    /// or the peer leaves.
    async fn wait_served(&mut self, waiter: &Arc<Waiter>) -> Result<(), Closed> {
        let engine = Arc::clone(&self.worker.engine);
        let now_ms = engine.services.clock.now_ms();
        let left = waiter.deadline_ms().map(|ms| Duration::from_millis(ms.saturating_sub(now_ms)));
        let time_up = async {
            match left {
                Some(left) => tokio::time::sleep(left).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(time_up);
        let mut timed_out = false;
        let mut position = 0;
        loop {
            tokio::select! {
                biased;
                () = self.mail.notified() => {}
                () = &mut time_up, if !timed_out => timed_out = true,
                read = read_some(&mut self.reader, &self.worker, &mut self.input) => {
                    if let Err(closed) = self.note_read(read) {
                        engine.stop_waiting(waiter);
                        return Err(closed);
                    }
                }
                ready = self.writer.writable(), if !self.unsent.is_empty() => {
                    if ready.is_err() || self.send_some().is_err() {
                        engine.stop_waiting(waiter);
                        return Err(Closed::ByPeer);
                    }
                }
            }
            if self.client.handle.is_killed() {
                engine.stop_waiting(waiter);
                return Err(Closed::ByServer);
            }
            if let Some(outbox) = self.client.handle.take_outbox() {
                self.reply.raw(&outbox.bytes);
                position = position.max(outbox.log_position);
                if outbox.served {
                    break;
                }
            }
            let released = self.client.handle.released();
            if (timed_out || released.is_some()) && engine.stop_waiting(waiter) {
                match released {
                    Some(Unblock::Error) => {
                        self.reply.error("UNBLOCKED client unblocked via CLIENT UNBLOCK");
                    }
                    Some(Unblock::Timeout) | None => waiter.on_timeout().write(&mut self.reply),
                }
                break;
            }
        }
        self.client.handle.stop_waiting();
        self.send_replies(position).await
    }
}

/// Reads what has arrived behind `input`; 0 at the end.
async fn read_some(
    reader: &mut OwnedReadHalf,
    worker: &Worker,
    input: &mut Vec<u8>,
) -> io::Result<usize> {
    std::future::poll_fn(|context: &mut Context<'_>| {
        let mut shared = worker.read_buf.borrow_mut();
        let mut buf = ReadBuf::new(&mut shared);
        match Pin::new(&mut *reader).poll_read(context, &mut buf) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) => {
                input.extend_from_slice(buf.filled());
                Poll::Ready(Ok(buf.filled().len()))
            }
        }
    })
    .await
}
