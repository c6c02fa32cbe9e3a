//! What is to be sent to a client.

use std::io;
use std::task::{Context, Poll, ready};

use super::buffers::{self, Buffers, READ_BYTES};
use super::stream::Stream;
use crate::resp::Reply;

/// Replies, those that were sent at the front.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub(super) reply: Reply,
    /// Bytes that the peer's socket took.
    sent: usize,
}

impl Output {
    /// Bytes not sent yet.
    pub(super) fn pending(&self) -> usize {
        self.reply.len() - self.sent
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pending() == 0
    }

    /// Takes a shared buffer to write into, if there is none.
    pub(super) fn open(&mut self, buffers: &Buffers) {
        if self.reply.capacity() == 0 {
            self.reply.give(buffers.take());
        }
    }

    /// Adds bytes behind the replies.
    pub(super) fn append(&mut self, bytes: Vec<u8>) {
        if self.is_empty() && bytes.len() > READ_BYTES {
            self.reply.give(bytes);
            self.sent = 0;
        } else {
            self.reply.raw(&bytes);
        }
    }

    /// Sends as much as the peer's socket takes at once; returns how many bytes it took.
    pub(super) fn send(&mut self, stream: &mut Stream) -> io::Result<usize> {
        match stream.try_write(&self.reply.bytes()[self.sent..]) {
            Ok(bytes) => {
                self.sent += bytes;
                Ok(bytes)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Sends once the peer's socket takes something.
    pub(super) fn poll_send(
        &mut self,
        stream: &mut Stream,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(stream.poll_write_ready(context))?;
            match self.send(stream) {
                Ok(0) => {}
                sent => return Poll::Ready(sent),
            }
        }
    }

    /// Makes the buffer empty when all is sent; else moves what is left to its front now and then.
    pub(super) fn settle(&mut self) {
        if self.is_empty() {
            self.reply.truncate(0);
            self.sent = 0;
        } else if self.sent > READ_BYTES && self.sent > self.pending() {
            self.reply.drop_front(self.sent);
            self.sent = 0;
        }
    }

    /// Gives the buffer back, if all is sent.
    pub(super) fn release(&mut self, buffers: &Buffers) {
        if self.is_empty() {
            buffers.give(self.reply.take());
            self.sent = 0;
        }
    }

    /// As at first but for a usual buffer, once all is sent.
    pub(super) fn reset(&mut self) {
        let mut buf = self.reply.take();
        buffers::shrink(&mut buf);
        self.reply.give(buf);
    }
}
