//! A client without a socket: for model tests, fuzz targets and whoever embeds the engine.

use std::sync::Arc;

use super::{Batch, Engine, Flow, Waiter};
use crate::client::{Client, Peer};
use crate::resp::argv::Argv;
use crate::resp::request::{Decoded, Limits, RequestDecoder, encode_head, encode_word};
use crate::resp::{Protocol, Reply};

const LIMITS: Limits =
    Limits { words_max: 1 << 20, bulk_bytes_max: 512 << 20, authenticated: true };

/// One client of an engine in the same process. Replies are the bytes of the wire.
#[derive(Debug)]
pub struct Session<'e> {
    engine: &'e Engine,
    /// `None` only while the session is dropped.
    client: Option<Client>,
    reply: Reply,
    waiter: Option<Arc<Waiter>>,
    /// At the start of a request.
    decoder: RequestDecoder,
}

impl Engine {
    /// Opens a session.
    pub fn session(&self) -> Session<'_> {
        let client = self.connect(Peer::default());
        let reply = Reply::new(Protocol::Resp2);
        Session {
            engine: self,
            client: Some(client),
            reply,
            waiter: None,
            decoder: RequestDecoder::new(),
        }
    }

    /// Runs what comes from several clients at the same time, a piece from each, as a server does
    /// that has many: in one batch, and behind it what was put off. Returns the replies to each.
    pub fn feed_together(&self, sessions: &mut [Session<'_>], pieces: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut batch = self.batch();
        for (session, piece) in sessions.iter_mut().zip(pieces) {
            session.decoder.read_ahead(piece, &LIMITS, 1);
        }
        let db = sessions.first().and_then(|first| first.client.as_ref()).map_or(0, |it| it.db);
        let both = sessions.iter().zip(pieces);
        batch.foresee_clients(
            db,
            both.map(|(it, piece)| it.first_ahead(db, piece).unwrap_or_default()),
        );
        let mut left = Vec::new();
        for (place, (session, piece)) in sessions.iter_mut().zip(pieces).enumerate() {
            batch.begin_client(place);
            left.push(&piece[session.feed_in(&mut batch, piece)..]);
        }
        batch.finish();
        sessions.iter_mut().zip(left).map(|(session, rest)| session.feed(rest)).collect()
    }
}

impl Session<'_> {
    /// Runs a request; returns its reply, or `None` if it waits (see [`Session::served`]), was
    /// told not to reply or is put off by CLIENT PAUSE. An empty request is nothing to run. A
    /// script that runs for longer than `busy-reply-threshold` is ended.
    pub fn run(&mut self, words: &[impl AsRef<[u8]>]) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        encode_head(&mut bytes, words.len());
        for word in words {
            encode_word(&mut bytes, word.as_ref());
        }
        let mut decoder = RequestDecoder::new();
        let Ok(Decoded::Request(argv, _)) = decoder.decode(&bytes, &LIMITS) else { return None };
        let client = self.client.as_mut()?;
        let mut batch = self.engine.batch();
        let mut flow = batch.call(client, &mut self.reply, argv);
        while let Flow::Suspended(call) = flow {
            self.engine.services.scripts.running.stop();
            flow = batch.go_on(call, client, &mut self.reply);
        }
        batch.finish();
        if let Flow::Blocked(waiter) = flow {
            self.waiter = Some(waiter);
            return None;
        }
        let reply = self.reply.take();
        (!reply.is_empty()).then_some(reply)
    }

    /// As [`Session::run`], with words between spaces.
    pub fn run_line(&mut self, line: &str) -> Option<Vec<u8>> {
        self.run(&line.split(' ').collect::<Vec<_>>())
    }

    /// Runs all requests in `bytes` as they would come over a socket in one piece, up to the first
    /// that waits or makes no sense; returns the replies.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut batch = self.engine.batch();
        self.feed_in(&mut batch, bytes);
        batch.finish();
        self.reply.take()
    }

    /// As [`Session::feed`], in this batch; returns how many bytes were run.
    fn feed_in(&mut self, batch: &mut Batch<'_>, bytes: &[u8]) -> usize {
        let mut decoder = std::mem::take(&mut self.decoder);
        let mut used = 0;
        while self.waiter.is_none() {
            let Some(client) = self.client.as_mut().filter(|client| !client.closing) else { break };
            match batch.decode(client.db, &mut decoder, &bytes[used..], &LIMITS) {
                Ok(Decoded::Incomplete) => break,
                Ok(Decoded::Nothing(bytes)) => used += bytes,
                Ok(Decoded::Request(argv, bytes)) => {
                    let mut flow = batch.call(client, &mut self.reply, argv);
                    while let Flow::Suspended(call) = flow {
                        self.engine.services.scripts.running.stop();
                        flow = batch.go_on(call, client, &mut self.reply);
                    }
                    match flow {
                        Flow::Next | Flow::Suspended(_) => {}
                        Flow::Blocked(waiter) => self.waiter = Some(waiter),
                        Flow::Postponed => break,
                    }
                    used += bytes;
                }
                Err(error) => {
                    self.reply.error(&format!("ERR {error}"));
                    client.closing = true;
                }
            }
        }
        if used == bytes.len() {
            self.decoder = decoder;
        }
        used
    }

    /// The first request in `bytes`, which is read ahead, if the client is in database `db`.
    fn first_ahead<'r>(&'r self, db: usize, bytes: &'r [u8]) -> Option<Argv<'r>> {
        self.client.as_ref().filter(|client| client.db == db)?;
        self.decoder.first_ahead(bytes)
    }

    fn stop_waiting(&self, waiter: &Waiter) -> bool {
        loop {
            if let Some(stopped) = self.engine.stop_waiting(waiter) {
                return stopped;
            }
        }
    }

    /// Has it said QUIT, or was it disconnected? A connection would end then.
    pub fn is_over(&self) -> bool {
        self.client.as_ref().is_none_or(|client| client.closing || client.handle.is_killed())
    }

    /// Does the session wait in a blocking command?
    pub fn is_waiting(&self) -> bool {
        self.waiter.is_some()
    }

    /// The reply to the blocking command in which the session waits, if it was served.
    pub fn served(&mut self) -> Option<Vec<u8>> {
        let handle = &self.client.as_ref()?.handle;
        if handle.take_to_retry()
            && let Some(waiter) = &self.waiter
        {
            self.engine.retry(waiter);
        }
        let outbox = handle.take_outbox()?;
        if handle.take_served() {
            self.waiter = None;
            handle.stop_waiting();
        }
        Some(outbox.bytes)
    }

    /// Gives up waiting; returns what the command replies when its time is up, or what it was
    /// served before.
    pub fn time_out(&mut self) -> Option<Vec<u8>> {
        let waiter = self.waiter.take()?;
        if !self.stop_waiting(&waiter) {
            return self.served();
        }
        self.client.as_ref()?.handle.stop_waiting();
        waiter.on_timeout().write(&mut self.reply);
        Some(self.reply.take())
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        if let Some(waiter) = self.waiter.take() {
            self.stop_waiting(&waiter);
        }
        if let Some(mut client) = self.client.take() {
            while !self.engine.unwatch(&mut client) {}
            self.engine.disconnect(client);
        }
    }
}
