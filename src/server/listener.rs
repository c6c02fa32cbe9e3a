//! Listening sockets.

use std::collections::HashSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::io::Errno;
use socket2::{Domain, SockRef, Socket as RawSocket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::stream::Socket;
use super::worker::Workers;
use crate::client::Peer;
use crate::config::{Config, Setting};
use crate::engine::Engine;
use crate::error::ServerError;

/// Pause after a failed accept, for example when file descriptors have run out.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(50);

/// What a client is told that is one too many.
const TOO_MANY: &str = "-ERR max number of clients reached\r\n";

/// What clients of other machines are told while there is no password.
const PROTECTED: &str = "-DENIED This server has no password, and so it serves clients of its own \
    machine only (protected mode). To serve others, set one (requirepass), or, if everyone who can \
    reach this address may do everything, set protected-mode to no.\r\n";

/// Errors that say that this machine knows no such kind of address.
const UNKNOWN_KINDS: [Errno; 5] = [
    Errno::NOPROTOOPT,
    Errno::PROTONOSUPPORT,
    Errno::SOCKTNOSUPPORT,
    Errno::PFNOSUPPORT,
    Errno::AFNOSUPPORT,
];

/// A client that was accepted, on its way to a worker.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) socket: Socket,
    pub(super) peer: Peer,
}

/// A socket that is listened on.
#[derive(Debug)]
enum Listener {
    Tcp(TcpListener, SocketAddr),
    Tls(TcpListener, SocketAddr),
    Unix(UnixListener, PathBuf),
}

/// A client that has just been accepted.
#[derive(Debug)]
enum Caller {
    Tcp(TcpStream, SocketAddr),
    Tls(TcpStream, SocketAddr),
    Unix(UnixStream, PathBuf),
}

impl Listener {
    fn poll_accept(&self, context: &mut Context<'_>) -> Poll<io::Result<Caller>> {
        Poll::Ready(Ok(match self {
            Self::Tcp(socket, _) => {
                let (stream, address) = ready!(socket.poll_accept(context))?;
                Caller::Tcp(stream, address)
            }
            Self::Tls(socket, _) => {
                let (stream, address) = ready!(socket.poll_accept(context))?;
                Caller::Tls(stream, address)
            }
            Self::Unix(socket, path) => {
                let (stream, _) = ready!(socket.poll_accept(context))?;
                Caller::Unix(stream, path.clone())
            }
        }))
    }
}

/// The sockets that are listened on.
#[derive(Debug, Default)]
pub(super) struct Listeners(Vec<Listener>);

impl Listeners {
    /// Listens where the settings say. Port 0 stands for none, as long as there is another way
    /// in; else for any that is free.
    pub(super) fn bind(config: &Config) -> Result<Self, ServerError> {
        let mut listeners = Self::default();
        let (port, tls_port) = (port(config, Setting::Port), port(config, Setting::TlsPort));
        let path = config.text(Setting::UnixSocket);
        if port != 0 || (tls_port == 0 && path.is_empty()) {
            listeners.bind_all(config, port, Listener::Tcp)?;
        }
        if tls_port != 0 {
            listeners.bind_all(config, tls_port, Listener::Tls)?;
        }
        if !path.is_empty() {
            let mode = u32::try_from(config.number(Setting::UnixSocketPerm)).unwrap_or(0);
            let socket = bind_unix(Path::new(&path), mode, backlog(config))
                .map_err(|error| ServerError::Bind { address: path.clone(), error })?;
            listeners.0.push(Listener::Unix(socket, path.into()));
        }
        if listeners.0.is_empty() {
            let text = "there is nothing to listen on: see bind, port, tls-port and unixsocket";
            return Err(ServerError::Usage(text.to_owned()));
        }
        Ok(listeners)
    }

    /// Listens on all addresses of `bind`.
    fn bind_all(
        &mut self,
        config: &Config,
        port: u16,
        wrap: fn(TcpListener, SocketAddr) -> Listener,
    ) -> Result<(), ServerError> {
        let mut chosen = port;
        let mut seen = HashSet::new();
        for word in config.text(Setting::Bind).split_whitespace() {
            let (host, optional) = match word.strip_prefix('-') {
                Some(host) => (host, true),
                None => (word, false),
            };
            if !seen.insert(host) {
                continue;
            }
            match bind_tcp(host, chosen, backlog(config)) {
                Ok((socket, address)) => {
                    // A port that the system has chosen for one address serves the others too.
                    chosen = address.port();
                    self.0.push(wrap(socket, address));
                }
                Err(error) if may_be_missing(&error, optional) => {
                    tracing::debug!(host, %error, "this address is not there");
                }
                Err(error) => {
                    let address =
                        if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
                    return Err(ServerError::Bind {
                        address: format!("{address}:{chosen}"),
                        error,
                    });
                }
            }
        }
        Ok(())
    }

    /// The port for plain connections; 0 if there is none.
    pub(super) fn port(&self) -> u16 {
        let mut ports = self.0.iter().filter_map(|listener| match listener {
            Listener::Tcp(_, address) => Some(address.port()),
            Listener::Tls(..) | Listener::Unix(..) => None,
        });
        ports.next().unwrap_or(0)
    }

    /// The addresses, for people.
    pub(super) fn shown_addresses(&self) -> String {
        let addresses: Vec<String> = self
            .0
            .iter()
            .map(|listener| match listener {
                Listener::Tcp(_, address) => address.to_string(),
                Listener::Tls(_, address) => format!("{address} (TLS)"),
                Listener::Unix(_, path) => path.display().to_string(),
            })
            .collect();
        addresses.join(" and ")
    }

    /// Accepts clients and hands them to the workers, for ever.
    pub(super) async fn accept(&self, engine: &Arc<Engine>, workers: &Workers) {
        let mut next = 0;
        let mut fails = false;
        loop {
            match self.accept_one(&mut next).await {
                Ok(caller) => {
                    fails = false;
                    admit(engine, workers, caller);
                }
                Err(error) => {
                    if !std::mem::replace(&mut fails, true) {
                        tracing::warn!(%error, "cannot accept clients; trying again");
                    }
                    tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
                }
            }
        }
    }

    /// Waits for a client on any of the sockets.
    async fn accept_one(&self, next: &mut usize) -> io::Result<Caller> {
        std::future::poll_fn(|context| {
            for offset in 0..self.0.len() {
                let index = (*next + offset) % self.0.len();
                if let Poll::Ready(accepted) = self.0[index].poll_accept(context) {
                    *next = index + 1;
                    return Poll::Ready(accepted);
                }
            }
            Poll::Pending
        })
        .await
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        for listener in &self.0 {
            if let Listener::Unix(_, path) = listener {
                drop(std::fs::remove_file(path));
            }
        }
    }
}

fn port(config: &Config, setting: Setting) -> u16 {
    u16::try_from(config.number(setting)).unwrap_or(0)
}

fn backlog(config: &Config) -> i32 {
    i32::try_from(config.number(Setting::TcpBacklog)).unwrap_or(511)
}

fn admit(engine: &Arc<Engine>, workers: &Workers, caller: Caller) {
    let config = &engine.services.config;
    let refusal = if engine.services.clients.len() >= config.size(Setting::MaxClients) {
        Some(TOO_MANY)
    } else if caller.is_of_another_machine() && is_protected(engine) {
        Some(PROTECTED)
    } else {
        None
    };
    if let Some(text) = refusal {
        engine.services.stats.rejected_connections.add(1);
        // One that is to be encrypted is told in the clear, as it costs nothing.
        drop(caller.try_write(text.as_bytes()));
        return;
    }
    let peer = caller.peer();
    if let Err(error) = caller.prepare(config) {
        tracing::debug!(%error, client = peer.address(), "cannot set options of a socket");
    }
    match caller.into_socket(engine) {
        Ok(socket) => workers.hand_over(Accepted { socket, peer }),
        Err(error) => tracing::warn!(%error, "cannot hand a client over"),
    }
}

impl Caller {
    fn is_of_another_machine(&self) -> bool {
        match self {
            Self::Tcp(_, address) | Self::Tls(_, address) => !address.ip().is_loopback(),
            Self::Unix(..) => false,
        }
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream, _) | Self::Tls(stream, _) => stream.try_write(bytes),
            Self::Unix(stream, _) => stream.try_write(bytes),
        }
    }

    fn peer(&self) -> Peer {
        match self {
            Self::Tcp(stream, address) | Self::Tls(stream, address) => {
                let unknown = (Ipv4Addr::UNSPECIFIED, 0).into();
                let local_address = stream.local_addr().unwrap_or(unknown);
                Peer::of_network(*address, local_address, stream.as_raw_fd())
            }
            Self::Unix(stream, path) => {
                Peer::of_file_system(&path.to_string_lossy(), stream.as_raw_fd())
            }
        }
    }

    fn prepare(&self, config: &Config) -> io::Result<()> {
        let stream = match self {
            Self::Tcp(stream, _) | Self::Tls(stream, _) => stream,
            Self::Unix(..) => return Ok(()),
        };
        stream.set_nodelay(true)?;
        let seconds = u64::try_from(config.number(Setting::TcpKeepalive)).unwrap_or(0);
        if seconds > 0 {
            let keepalive = TcpKeepalive::new()
                .with_time(Duration::from_secs(seconds))
                .with_interval(Duration::from_secs((seconds / 3).max(1)))
                .with_retries(3);
            SockRef::from(stream).set_tcp_keepalive(&keepalive)?;
        }
        Ok(())
    }

    fn into_socket(self, engine: &Engine) -> io::Result<Socket> {
        Ok(match self {
            Self::Tcp(stream, _) => Socket::Tcp(stream.into_std()?),
            Self::Tls(stream, _) => {
                let config = engine.services.tls.current();
                let config = config.ok_or_else(|| io::Error::other("there is no certificate"))?;
                Socket::Tls(stream.into_std()?, config)
            }
            Self::Unix(stream, _) => Socket::Unix(stream.into_std()?),
        })
    }
}

/// Are only clients of this machine served, as nobody has set a password?
fn is_protected(engine: &Engine) -> bool {
    let services = &engine.services;
    services.config.flag(Setting::ProtectedMode) && services.acl.needs_no_password()
}

/// Can the server do without an address that gave this error?
fn may_be_missing(error: &io::Error, optional: bool) -> bool {
    let errno = Errno::from_io_error(error);
    errno.is_some_and(|errno| {
        UNKNOWN_KINDS.contains(&errno) || (optional && errno == Errno::ADDRNOTAVAIL)
    })
}

fn bind_tcp(host: &str, port: u16, backlog: i32) -> io::Result<(TcpListener, SocketAddr)> {
    let host = match host {
        "*" => "0.0.0.0",
        "::*" => "::",
        host => host,
    };
    let address = (host, port)
        .to_socket_addrs()?
        .next()
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such host"))?;
    let socket = RawSocket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    let socket = TcpListener::from_std(socket.into())?;
    let address = socket.local_addr()?;
    Ok((socket, address))
}

/// Listens on a socket of the file system, in place of one that a server left behind.
fn bind_unix(path: &Path, mode: u32, backlog: i32) -> io::Result<UnixListener> {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    let is_left_behind = std::fs::symlink_metadata(path)
        .is_ok_and(|found| found.file_type().is_socket())
        && std::os::unix::net::UnixStream::connect(path).is_err();
    if is_left_behind {
        std::fs::remove_file(path)?;
    }
    let socket = RawSocket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&socket2::SockAddr::unix(path)?)?;
    if mode != 0 {
        // Before the first client can come.
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    }
    socket.listen(backlog)?;
    UnixListener::from_std(socket.into())
}
