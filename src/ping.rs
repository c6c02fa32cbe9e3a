//! `respq ping`: asks a running server whether it serves, for health checks.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use crate::error::ServerError;
use crate::resp::request::{encode_head, encode_word};

/// How long the server has for each step.
const PATIENCE: Duration = Duration::from_secs(3);
/// Longest reply of interest.
const REPLY_BYTES_MAX: usize = 512;
/// Errors of a server that is alive and keeps its commands to those it knows.
const ALIVE: &[&str] = &["-NOAUTH", "-NOPERM"];

/// Returns what the server said, or an error if it does not serve: it cannot be reached, or is
/// still loading.
pub fn run(host: &str, port: u16) -> Result<String, ServerError> {
    let failed =
        |reason: String| ServerError::NoAnswer { address: format!("{host}:{port}"), reason };
    let reply = ask(host, port).map_err(|error| failed(error.to_string()))?;
    let reply = reply.trim_end();
    let serves = reply == "+PONG" || ALIVE.iter().any(|error| reply.starts_with(error));
    if serves {
        Ok(format!("{}\n", &reply[1..]))
    } else {
        Err(failed(format!("it said {reply:?}")))
    }
}

/// The first line that the server answers to PING.
fn ask(host: &str, port: u16) -> std::io::Result<String> {
    let address = (host, port).to_socket_addrs()?.next().ok_or(std::io::ErrorKind::NotFound)?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut request = Vec::new();
    encode_head(&mut request, 1);
    encode_word(&mut request, b"PING");
    stream.write_all(&request)?;
    let mut reply = Vec::new();
    let mut buffer = [0; REPLY_BYTES_MAX];
    while !reply.contains(&b'\n') && reply.len() < REPLY_BYTES_MAX {
        match stream.read(&mut buffer)? {
            0 => break,
            bytes => reply.extend_from_slice(&buffer[..bytes]),
        }
    }
    let line = reply.split(|&byte| byte == b'\n').next().unwrap_or_default();
    Ok(String::from_utf8_lossy(line).into_owned())
}
