//! A connection: bytes in, calls, bytes out.
//!
//! The loop: run what has arrived, hold the replies until the log is committed, send them with
//! one write, wait for more. What waits for events, and what happens then, is in `waiting.rs`;
//! the buffers are `input.rs` and `output.rs`. An idle connection holds no buffer.
//!
//! A peer that does not read: while more than [`RUN_BELOW_BYTES`] wait to be sent, no more of its
//! requests are run, but they are still read. So a client may send a long pipeline before it
//! reads the first reply, and memory stays bounded: by `client-query-buffer-limit` for what it
//! sent, by [`RUN_BELOW_BYTES`] and one reply (or `client-output-buffer-limit`) for what it gets.
//! A client above one of the limits is disconnected.
//!
//! Whatever stands in `output` while the connection waits for an event is committed.

use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Poll, Waker};
use std::time::Duration;

use super::bell::Bell;
use super::buffers::READ_BYTES;
use super::input::Input;
use super::output::Output;
use super::stream::{Socket, Stream};
use super::worker::Worker;
use crate::client::{Client, Peer};
use crate::config::Setting;
use crate::engine::{Finished, Flow, Waiter};
use crate::resp::request::{Decoded, Limits, RequestDecoder};

/// Unsent bytes above which no further request of the client is run.
pub(super) const RUN_BELOW_BYTES: usize = 1024 * 1024;

/// Bytes of requests that are run at a time, where so many have piled up; then the other
/// connections of the thread get their turn.
const RUN_BYTES_MAX: usize = 2 * READ_BYTES;

/// Time between two tries to get at what a busy script holds.
pub(super) const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// Why a connection ends; all the same to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    ByPeer,
    ByServer,
}

/// How it goes on after requests were run.
#[derive(Debug)]
enum Next {
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

/// One client's connection.
pub(super) struct Connection {
    pub(super) worker: Rc<Worker>,
    pub(super) stream: Stream,
    /// Others have something for this client.
    pub(super) bell: Arc<Bell>,
    /// The waker that the bell has.
    pub(super) waker: Option<Waker>,
    pub(super) client: Client,
    decoder: RequestDecoder,
    pub(super) input: Input,
    pub(super) output: Output,
    /// Times in a row that mail came; between them the others on this thread get their turn.
    pub(super) mails: u8,
    /// Nothing more is read: the peer has closed its side, or this side is closing.
    pub(super) ended: bool,
}

impl Connection {
    pub(super) fn new(worker: Rc<Worker>, socket: Socket, peer: Peer) -> io::Result<Self> {
        let stream = Stream::new(socket)?;
        let bell = Arc::new(Bell::default());
        let rope = Arc::clone(&bell);
        let client = worker.engine.connect(peer, Box::new(move || rope.ring()));
        let protocol = client.handle.protocol();
        Ok(Self {
            worker,
            stream,
            bell,
            waker: None,
            client,
            decoder: RequestDecoder::new(),
            input: Input::default(),
            output: Output::new(protocol),
            mails: 0,
            ended: false,
        })
    }

    /// Serves the client until either side closes.
    pub(super) async fn run(mut self) {
        let closed = self.serve().await;
        self.stream.say_goodbye();
        tracing::debug!(client = self.client.handle.id, ?closed, "a client left");
        while !self.worker.engine.unwatch(&mut self.client) {
            tokio::time::sleep(BUSY_PAUSE).await;
        }
        let Self { worker, client, input, output, .. } = self;
        worker.engine.disconnect(client);
        drop((input, output));
        worker.engine.note_own_memory();
    }

    async fn serve(&mut self) -> Closed {
        if self.stream.is_handshaking()
            && let Err(closed) = self.wait_for_handshake().await
        {
            return closed;
        }
        loop {
            let (finished, next) = self.run_requests().await;
            if finished.has_served {
                // Who waited for a message feels the time it takes; who sent it hardly does.
                let_woken_go_first().await;
            }
            let step = match self.send(finished.position).await {
                Err(closed) => Err(closed),
                Ok(()) => self.go_on(next).await,
            };
            if let Err(closed) = step {
                return closed;
            }
        }
    }

    async fn go_on(&mut self, next: Next) -> Result<(), Closed> {
        match next {
            Next::Blocked(waiter) => self.wait_served(&waiter).await,
            Next::Close => {
                self.send_rest().await;
                Err(Closed::ByServer)
            }
            Next::Paused => self.wait_unpaused().await,
            Next::Read => {
                if self.input.has_more {
                    tokio::task::yield_now().await;
                }
                self.wait_for_input().await
            }
            Next::Send => self.wait_for_room().await,
            Next::Yield => {
                tokio::task::yield_now().await;
                if self.client.handle.is_killed() { Err(Closed::ByServer) } else { Ok(()) }
            }
        }
    }

    /// Runs the requests that have arrived.
    async fn run_requests(&mut self) -> (Finished, Next) {
        if self.input.is_empty() {
            return (Finished::default(), Next::Read);
        }
        let worker = Rc::clone(&self.worker);
        self.output.open(&worker.buffers);
        self.note_input();
        let mut limits = Limits {
            words_max: i32::MAX as usize,
            bulk_bytes_max: worker.engine.services.config.size(Setting::ProtoMaxBulkLen),
            authenticated: true,
        };
        let left_for_later = self.input.len().saturating_sub(RUN_BYTES_MAX);
        let mut batch = worker.engine.batch();
        let next = loop {
            if self.client.closing {
                break Next::Close;
            }
            if self.output.pending() > RUN_BELOW_BYTES {
                break Next::Send;
            }
            if self.input.len() < left_for_later {
                break Next::Yield;
            }
            limits.authenticated = self.client.authenticated;
            let (argv, bytes) = match self.decoder.decode(self.input.unread(), &limits) {
                Ok(Decoded::Request(argv, bytes)) => (argv, bytes),
                Ok(Decoded::Nothing(bytes)) => {
                    self.input.consume(bytes);
                    continue;
                }
                Ok(Decoded::Incomplete) => break Next::Read,
                Err(error) => {
                    self.output.reply.error(&format!("ERR {error}"));
                    break Next::Close;
                }
            };
            let mut flow = batch.call(&mut self.client, &mut self.output.reply, argv);
            while let Flow::Suspended(call) = flow {
                tokio::task::yield_now().await;
                flow = batch.go_on(call, &mut self.client, &mut self.output.reply);
            }
            match flow {
                Flow::Next | Flow::Suspended(_) => self.input.consume(bytes),
                Flow::Blocked(waiter) => {
                    self.input.consume(bytes);
                    break Next::Blocked(waiter);
                }
                Flow::Postponed => break Next::Paused,
            }
        };
        let finished = batch.finish();
        self.settle_input();
        (finished, next)
    }

    fn settle_input(&mut self) {
        self.input.settle(&self.worker.buffers);
        self.input.wanted = self.decoder.wanted_bytes();
        if self.input.is_empty() {
            self.decoder.shrink();
        }
        self.note_input();
    }

    /// Shows others how much of the input is not run yet.
    pub(super) fn note_input(&self) {
        let figures = &self.client.handle.figures;
        let taken = self.decoder.taken_bytes().min(self.input.len());
        figures.argv_bytes.store(taken, Ordering::Relaxed);
        figures.query_bytes.store(self.input.len() - taken, Ordering::Relaxed);
        figures.query_bytes_free.store(self.input.free_bytes(), Ordering::Relaxed);
        self.worker.engine.services.poster().count(&self.client.handle);
    }
}

/// Goes on behind the tasks of this thread that are ready, without a look at the sockets.
async fn let_woken_go_first() {
    let mut has_waited = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
