//! Tells systemd the state of the server: `supervised systemd`, or `auto`.
//!
//! The protocol: a datagram of `NAME=value` to the socket that `NOTIFY_SOCKET` names.
//! A name that begins with `@` is in the system's abstract namespace.
//! <https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html>

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use crate::config::{Config, Setting};

/// The data are loaded and served.
pub(super) const READY: &str = "READY=1";
/// The server is about to end.
pub(super) const STOPPING: &str = "STOPPING=1";

/// Tells a state, if there is someone to tell.
pub(super) fn tell(config: &Config, state: &str) {
    let supervised = config.text(Setting::Supervised);
    if supervised == "no" {
        return;
    }
    match std::env::var_os("NOTIFY_SOCKET") {
        Some(socket) => {
            if let Err(error) = send(&socket, state) {
                tracing::warn!(%error, state, "cannot tell the service manager");
            }
        }
        None if supervised == "systemd" => {
            tracing::warn!(state, "supervised systemd, but NOTIFY_SOCKET is not set");
        }
        None => {}
    }
}

fn send(socket: &OsStr, state: &str) -> io::Result<()> {
    let address = match socket.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(socket)?,
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address).map(drop)
}
