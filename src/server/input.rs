//! What a client has sent and what was not run yet.

use std::io;
use std::task::{Context, Poll};

use super::buffers::{self, Buffers, READ_BYTES};
use super::stream::Stream;

/// Bytes behind which a rest is moved into a buffer of its own size.
const REST_BYTES_MAX: usize = READ_BYTES / 4;

/// Bytes that arrived.
#[derive(Debug, Default)]
pub(super) struct Input {
    buf: Vec<u8>,
    /// Bytes at the start of `buf` that were run.
    used: usize,
    /// How many bytes must be unread for a long argument to be complete; 0: none is awaited.
    pub(super) wanted: usize,
    /// Did the last read fill what there was room for? Then there is probably more.
    pub(super) has_more: bool,
}

impl Input {
    /// What was not run yet.
    pub(super) fn unread(&self) -> &[u8] {
        &self.buf[self.used..]
    }

    pub(super) fn len(&self) -> usize {
        self.buf.len() - self.used
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory beyond those that were not run yet; without any of these, others may have
    /// it.
    pub(super) fn free_bytes(&self) -> usize {
        if self.is_empty() { 0 } else { self.buf.capacity() - self.len() }
    }

    /// The next `bytes` bytes were run.
    pub(super) fn consume(&mut self, bytes: usize) {
        self.used += bytes;
    }

    /// Reads what has arrived; 0 at the end.
    pub(super) fn poll_read(
        &mut self,
        stream: &mut Stream,
        buffers: &Buffers,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        self.make_room(buffers);
        let room = self.buf.capacity() - self.buf.len();
        let read = stream.poll_read(&mut self.buf, context);
        match &read {
            Poll::Ready(Ok(bytes)) => self.has_more = *bytes == room,
            Poll::Ready(Err(_)) | Poll::Pending => self.settle(buffers),
        }
        read
    }

    /// Makes room behind the rest; short rests move to a shared buffer, long ones to the front.
    fn make_room(&mut self, buffers: &Buffers) {
        if self.len() < REST_BYTES_MAX && self.buf.capacity() < READ_BYTES {
            let mut buf = buffers.take();
            buf.extend_from_slice(self.unread());
            *self = Self { buf, used: 0, wanted: self.wanted, has_more: false };
            return;
        }
        if self.used > self.len() {
            self.buf.drain(..self.used);
            self.used = 0;
        }
        let room = self.buf.capacity() - self.buf.len();
        let left = self.wanted.saturating_sub(self.len());
        let is_enough = room >= if left > 0 { left.min(READ_BYTES / 2) } else { READ_BYTES / 2 };
        if !is_enough {
            // A long argument gets no more than it needs, and not before some of it comes.
            let more = READ_BYTES.max(self.len() / 2);
            self.buf.reserve_exact(if left > 0 { left.min(more) } else { more });
        }
    }

    /// Keeps a rest in a buffer of its own size, and gives a shared one back. Without a rest, the
    /// buffer stays.
    pub(super) fn settle(&mut self, buffers: &Buffers) {
        if self.is_empty() {
            self.buf.clear();
            (self.used, self.wanted) = (0, 0);
            return;
        }
        if self.len() >= REST_BYTES_MAX || self.buf.capacity() < READ_BYTES {
            return;
        }
        let rest = self.unread().to_vec();
        buffers.give(std::mem::replace(&mut self.buf, rest));
        self.used = 0;
    }

    /// As [`Input::settle`], and gives the buffer back if nothing is in it.
    pub(super) fn release(&mut self, buffers: &Buffers) {
        self.settle(buffers);
        if self.is_empty() {
            buffers.give(std::mem::take(&mut self.buf));
        }
    }

    /// As at first but for a usual buffer, once all was run.
    pub(super) fn reset(&mut self) {
        buffers::shrink(&mut self.buf);
        self.has_more = false;
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::net::UnixStream;

    use super::*;

    #[tokio::test]
    async fn after_a_read_that_filled_the_room_there_is_more_to_come() {
        let (one, other) = UnixStream::pair().unwrap();
        let (mut stream, buffers) = (Stream::Unix(one), Buffers::default());
        let mut input = Input::default();
        for (bytes, has_more) in [(READ_BYTES, true), (READ_BYTES - 1, false)] {
            other.writable().await.unwrap();
            assert_eq!(other.try_write(&vec![b'x'; bytes]).unwrap(), bytes);
            let read =
                poll_fn(|context| input.poll_read(&mut stream, &buffers, context)).await.unwrap();
            input.consume(read);
            input.settle(&buffers);
            assert_eq!((read, input.has_more, input.is_empty()), (bytes, has_more, true));
        }
    }
}
