//! A client's socket: plain TCP, TCP with TLS, or a socket of the file system.
//!
//! All three are read and written without waiting. What a peer takes counts
//! as sent only when it has left this process, so that limits and figures are true for TLS too.

use std::io::{self, BufRead, Read, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustix::buffer::spare_capacity;
use rustix::net::{RecvFlags, SendFlags};
use rustls::{ServerConfig, ServerConnection};
use tokio::io::Interest;
use tokio::net::{TcpStream, UnixStream};
use tokio::task::coop::poll_proceed;

/// A socket on its way to the thread that will serve it.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(std::net::TcpStream),
    Tls(std::net::TcpStream, Arc<ServerConfig>),
    Unix(std::os::unix::net::UnixStream),
}

/// A socket on the thread that serves it.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Tls(Box<TlsStream>),
    Unix(UnixStream),
}

impl Stream {
    pub(super) fn new(socket: Socket) -> io::Result<Self> {
        Ok(match socket {
            Socket::Tcp(socket) => Self::Tcp(TcpStream::from_std(socket)?),
            Socket::Tls(socket, config) => Self::Tls(Box::new(TlsStream::new(socket, config)?)),
            Socket::Unix(socket) => Self::Unix(UnixStream::from_std(socket)?),
        })
    }

    /// Is it still to be agreed on how to encrypt?
    pub(super) fn is_handshaking(&self) -> bool {
        match self {
            Self::Tls(stream) => stream.session.is_handshaking(),
            Self::Tcp(_) | Self::Unix(_) => false,
        }
    }

    /// Is there something to read, or the end?
    pub(super) fn poll_read_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(socket) => socket.poll_read_ready(context),
            Self::Tls(stream) => stream.poll_read_ready(context),
            Self::Unix(socket) => socket.poll_read_ready(context),
        }
    }

    /// Reads into the room that `buf` has; 0 at the end. As a rule there is something to read, so
    /// that is tried first; a task that finds something each time is interrupted now and then.
    pub(super) fn poll_read(
        &mut self,
        buf: &mut Vec<u8>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let turn = ready!(poll_proceed(context));
        if let Self::Tls(stream) = self {
            ready!(stream.poll_read_ready(context))?;
        }
        loop {
            match self.try_read(buf) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(self.poll_read_ready(context))?;
                }
                read => {
                    turn.made_progress();
                    return Poll::Ready(read);
                }
            }
        }
    }

    fn try_read(&mut self, buf: &mut Vec<u8>) -> io::Result<usize> {
        let mut last = None;
        let read = match self {
            Self::Tcp(socket) => {
                socket.try_io(Interest::READABLE, || receive(&socket, buf, &mut last))
            }
            Self::Tls(stream) => stream.read(buf),
            Self::Unix(socket) => {
                socket.try_io(Interest::READABLE, || receive(&socket, buf, &mut last))
            }
        };
        last.map_or(read, Ok)
    }

    /// Sends as much as the peer takes at once.
    pub(super) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.try_io(Interest::WRITABLE, || send(&socket, bytes)),
            Self::Tls(stream) => stream.try_write(bytes),
            Self::Unix(socket) => socket.try_io(Interest::WRITABLE, || send(&socket, bytes)),
        }
    }

    /// May the peer take something?
    pub(super) fn poll_write_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(socket) => socket.poll_write_ready(context),
            Self::Tls(stream) => stream.poll_write_ready(context),
            Self::Unix(socket) => socket.poll_write_ready(context),
        }
    }

    /// Says goodbye where the protocol has a word for it.
    pub(super) fn say_goodbye(&mut self) {
        if let Self::Tls(stream) = self {
            stream.session.send_close_notify();
            drop(stream.flush());
        }
    }
}

/// Receives into the room that `buf` has. What did not fill it is taken for all there is, as tokio
/// does itself: it learns so by an error that says that the next read would block.
fn receive(socket: impl AsFd, buf: &mut Vec<u8>, last: &mut Option<usize>) -> io::Result<usize> {
    let room = buf.capacity() - buf.len();
    let (bytes, _) = rustix::net::recv(socket, spare_capacity(buf), RecvFlags::empty())?;
    if bytes == 0 || bytes == room {
        return Ok(bytes);
    }
    *last = Some(bytes);
    Err(io::ErrorKind::WouldBlock.into())
}

/// Sends without the C library, whose calls look each time whether their thread is cancelled.
fn send(socket: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::net::send(socket, bytes, SendFlags::NOSIGNAL)?)
}

/// A TCP socket with a TLS session over it.
#[derive(Debug)]
pub(super) struct TlsStream {
    socket: TcpStream,
    session: ServerConnection,
    /// Bytes that the session has encrypted, and of which some have not left yet.
    held: usize,
    /// The peer sends nothing more.
    ended: bool,
}

impl TlsStream {
    fn new(socket: std::net::TcpStream, config: Arc<ServerConfig>) -> io::Result<Self> {
        let socket = TcpStream::from_std(socket)?;
        let session = ServerConnection::new(config).map_err(io::Error::other)?;
        Ok(Self { socket, session, held: 0, ended: false })
    }

    /// Goes on with the handshake, or decrypts, until there is something to read.
    fn poll_read_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let was_handshaking = self.session.is_handshaking();
        loop {
            self.poll_flush(context)?;
            if self.ended || !self.is_drained()? {
                return Poll::Ready(Ok(()));
            }
            if was_handshaking && !self.session.is_handshaking() {
                // What waits to be sent can be sent now.
                context.waker().wake_by_ref();
            }
            ready!(self.socket.poll_read_ready(context))?;
            match self.session.read_tls(&mut Wire(&self.socket)) {
                Ok(0) => self.ended = true,
                Ok(_) => self.decrypt()?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Was everything read that is decrypted?
    fn is_drained(&mut self) -> io::Result<bool> {
        match self.session.reader().fill_buf() {
            Ok(decrypted) => {
                self.ended |= decrypted.is_empty();
                Ok(false)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn decrypt(&mut self) -> io::Result<()> {
        if let Err(error) = self.session.process_new_packets() {
            tracing::debug!(%error, "an encrypted connection failed");
            // The peer is told why, if it still listens.
            drop(self.flush());
            // Told once; who reads on finds the end.
            self.ended = true;
            return Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
        Ok(())
    }

    fn read(&mut self, buf: &mut Vec<u8>) -> io::Result<usize> {
        let mut reader = self.session.reader();
        let mut read = 0;
        loop {
            let room = buf.capacity() - buf.len();
            match reader.fill_buf() {
                Ok(decrypted) if room > 0 && !decrypted.is_empty() => {
                    let bytes = decrypted.len().min(room);
                    buf.extend_from_slice(&decrypted[..bytes]);
                    reader.consume(bytes);
                    read += bytes;
                }
                Ok(_) | Err(_) => return Ok(read),
            }
        }
    }

    /// Encrypts bytes and sends them. They count once all that was encrypted has left; until
    /// then the same bytes are to be given again.
    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.session.is_handshaking() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if self.held == 0 {
            self.held = self.session.writer().write(bytes)?;
        }
        if !self.flush()? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(std::mem::take(&mut self.held))
    }

    fn poll_write_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.session.is_handshaking() {
            return Poll::Pending;
        }
        self.socket.poll_write_ready(context)
    }

    /// Sends what is encrypted; `false` if the peer does not take all of it now.
    fn flush(&mut self) -> io::Result<bool> {
        while self.session.wants_write() {
            match self.session.write_tls(&mut Wire(&self.socket)) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// As [`TlsStream::flush`]; wakes the task when the rest can leave.
    fn poll_flush(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        while !self.flush()? {
            match self.socket.poll_write_ready(context) {
                Poll::Ready(ready) => ready?,
                Poll::Pending => break,
            }
        }
        Ok(())
    }
}

/// The socket as the session reads and writes it.
struct Wire<'a>(&'a TcpStream);

impl Read for Wire<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buf)
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, parts: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(parts)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test]
    async fn who_always_finds_something_is_interrupted() {
        let (one, other) = UnixStream::pair().unwrap();
        other.writable().await.unwrap();
        assert_eq!(other.try_write(&[b'x'; 1000]).unwrap(), 1000);
        let mut stream = Stream::Unix(one);
        let (mut read, mut interruptions) = (0, 0);
        poll_fn(|context| {
            while read < 1000 {
                // Each read fills the room, so there may be more.
                let Poll::Ready(bytes) = stream.poll_read(&mut Vec::with_capacity(1), context)
                else {
                    interruptions += 1;
                    return Poll::Pending;
                };
                read += bytes.unwrap();
            }
            Poll::Ready(())
        })
        .await;
        assert!(interruptions > 1, "{interruptions}");
    }
}
