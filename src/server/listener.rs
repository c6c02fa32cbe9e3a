//! Listening sockets.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream};

use super::worker::Workers;
use crate::client::Peer;
use crate::config::{Config, Setting};
use crate::engine::Engine;
use crate::error::ServerError;

/// Pause after a failed accept, for example when file descriptors have run out.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(50);

/// What clients of other machines are told while there is no password.
const PROTECTED: &str = "-DENIED This server has no password, and so it serves clients of its own \
    machine only (protected mode). To serve others, set one (requirepass), or, if everyone who can \
    reach this address may do everything, set protected-mode to no.\r\n";

/// A client that was accepted, on its way to a worker.
pub(super) struct Accepted {
    pub(super) stream: std::net::TcpStream,
    pub(super) peer: Peer,
}

/// The sockets that are listened on.
pub(super) struct Listeners {
    sockets: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
}

impl Listeners {
    /// Listens on the addresses and the port of the settings.
    pub(super) fn bind(config: &Config) -> Result<Self, ServerError> {
        let port = u16::try_from(config.number(Setting::Port)).unwrap_or(0);
        let backlog = i32::try_from(config.number(Setting::TcpBacklog)).unwrap_or(511);
        let mut listeners = Self { sockets: Vec::new(), addresses: Vec::new() };
        for word in config.text(Setting::Bind).split_whitespace() {
            let (host, optional) = match word.strip_prefix('-') {
                Some(host) => (host, true),
                None => (word, false),
            };
            // A port that the system has chosen for one address serves the others too.
            let port = if port == 0 { listeners.port() } else { port };
            let address = if host.contains(':') {
                format!("[{host}]:{port}")
            } else {
                format!("{}:{port}", host.replace('*', "0.0.0.0"))
            };
            match bind(&address, backlog) {
                Ok(socket) => {
                    listeners.addresses.extend(socket.local_addr().ok());
                    listeners.sockets.push(socket);
                }
                Err(error) if optional => {
                    tracing::debug!(%address, %error, "this address is not there");
                }
                Err(error) => return Err(ServerError::Bind { address, error }),
            }
        }
        Ok(listeners)
    }

    /// The port that is listened on; 0 if there is none.
    pub(super) fn port(&self) -> u16 {
        self.addresses.first().map_or(0, SocketAddr::port)
    }

    /// The addresses, for people.
    pub(super) fn shown_addresses(&self) -> String {
        let addresses: Vec<String> = self.addresses.iter().map(ToString::to_string).collect();
        addresses.join(" and ")
    }

    /// Accepts clients and hands them to the workers, for ever.
    pub(super) async fn accept(&self, engine: &Arc<Engine>, workers: &Workers) {
        let mut next = 0;
        loop {
            let (stream, address) = match self.accept_one(&mut next).await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a client");
                    tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
                    continue;
                }
            };
            admit(engine, workers, stream, address);
        }
    }

    /// Waits for a client on any of the sockets.
    async fn accept_one(&self, next: &mut usize) -> io::Result<(TcpStream, SocketAddr)> {
        std::future::poll_fn(|context| {
            for offset in 0..self.sockets.len() {
                let index = (*next + offset) % self.sockets.len();
                if let std::task::Poll::Ready(accepted) = self.sockets[index].poll_accept(context) {
                    *next = index + 1;
                    return std::task::Poll::Ready(accepted);
                }
            }
            std::task::Poll::Pending
        })
        .await
    }
}

fn admit(engine: &Arc<Engine>, workers: &Workers, stream: TcpStream, address: SocketAddr) {
    let config = &engine.services.config;
    if engine.services.clients.len() >= config.size(Setting::MaxClients) {
        engine.services.stats.rejected_connections.add(1);
        drop(stream.try_write(b"-ERR max number of clients reached\r\n"));
        return;
    }
    if !address.ip().is_loopback() && is_protected(config) {
        engine.services.stats.rejected_connections.add(1);
        drop(stream.try_write(PROTECTED.as_bytes()));
        return;
    }
    let peer = Peer {
        address: address.to_string(),
        local_address: stream.local_addr().map(|a| a.to_string()).unwrap_or_default(),
        fd: stream.as_raw_fd(),
    };
    if let Err(error) = prepare(&stream, config) {
        tracing::debug!(%error, client = peer.address, "cannot set options of a socket");
    }
    match stream.into_std() {
        Ok(stream) => workers.hand_over(Accepted { stream, peer }),
        Err(error) => tracing::warn!(%error, "cannot hand a client over"),
    }
}

/// Are only clients of this machine served, as nobody has set a password?
fn is_protected(config: &Config) -> bool {
    config.flag(Setting::ProtectedMode) && config.text(Setting::RequirePass).is_empty()
}

fn prepare(stream: &TcpStream, config: &Config) -> io::Result<()> {
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

fn bind(address: &str, backlog: i32) -> io::Result<TcpListener> {
    let address = address
        .to_socket_addrs()?
        .next()
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such host"))?;
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    TcpListener::from_std(socket.into())
}
