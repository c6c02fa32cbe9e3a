//! MONITOR: the clients that see every command, and the lines they get.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::{ClientId, Handle, Poster};
use crate::resp::argv::Argv;
use crate::resp::{Protocol, Reply};

/// The clients that see every command.
#[derive(Debug, Default)]
pub(crate) struct Monitors {
    /// Are there any? Read by every command.
    any: AtomicBool,
    clients: Mutex<Vec<Arc<Handle>>>,
}

impl Monitors {
    pub(crate) fn add(&self, client: &Arc<Handle>) {
        let mut clients = self.clients.lock();
        if clients.iter().all(|other| other.id != client.id) {
            clients.push(Arc::clone(client));
        }
        self.any.store(true, Ordering::Release);
    }

    pub(crate) fn remove(&self, client: ClientId) {
        let mut clients = self.clients.lock();
        clients.retain(|other| other.id != client);
        self.any.store(!clients.is_empty(), Ordering::Release);
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.any.load(Ordering::Relaxed)
    }

    /// Shows the command `name` to all; `origin` is the database and the client's address.
    pub(crate) fn show(
        &self,
        (db, address): (usize, &str),
        (name, argv): (&str, Argv<'_>),
        poster: &Poster<'_>,
    ) {
        let us = poster.clock.now_us();
        let mut line = format!("{}.{:06} [{db} {address}]", us / 1_000_000, us % 1_000_000);
        let hidden = secrets(name, argv);
        for (place, word) in argv.iter().enumerate() {
            line.push(' ');
            if hidden.contains(&place) {
                line.push_str("\"(redacted)\"");
            } else {
                quote(word, &mut line);
            }
        }
        let mut reply = Reply::new(Protocol::Resp2);
        reply.status(&line);
        let clients = self.clients.lock();
        for client in &*clients {
            poster.post(client, reply.bytes(), 0);
        }
    }
}

/// Settings whose values are secrets.
const SECRETS: &[&str] =
    &["masterauth", "masteruser", "requirepass", "tls-client-key-file-pass", "tls-key-file-pass"];

/// The places of passwords and users' names among the words of a request for the command `name`,
/// which may stand there by another name (`rename-command`).
pub(crate) fn secrets(name: &str, argv: Argv<'_>) -> Vec<usize> {
    let is = |place: usize, word: &str| {
        argv.get(place).is_some_and(|found| found.eq_ignore_ascii_case(word.as_bytes()))
    };
    match name {
        "auth" => (1..argv.len()).collect(),
        "hello" => {
            let auth = (2..argv.len()).find(|&place| is(place, "AUTH"));
            auth.map_or_else(Vec::new, |place| vec![place + 1, place + 2])
        }
        "config|set" => {
            let names = (2..argv.len()).step_by(2);
            let values = names.filter(|&place| SECRETS.iter().any(|name| is(place, name)));
            values.map(|place| place + 1).collect()
        }
        "acl|setuser" => (2..argv.len()).collect(),
        _ => Vec::new(),
    }
}

/// Appends a word in quotes, on one line of printable characters.
fn quote(word: &[u8], line: &mut String) {
    line.push('"');
    for &byte in word {
        match byte {
            b'\\' | b'"' => {
                line.push('\\');
                line.push(char::from(byte));
            }
            b'\n' => line.push_str("\\n"),
            b'\r' => line.push_str("\\r"),
            b'\t' => line.push_str("\\t"),
            7 => line.push_str("\\a"),
            8 => line.push_str("\\b"),
            b' '..=b'~' => line.push(char::from(byte)),
            _ => drop(write!(line, "\\x{byte:02x}")),
        }
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::argv::OwnedArgv;

    #[test]
    fn passwords_are_hidden() {
        for (name, request, places) in [
            ("auth", "auth a", vec![1]),
            ("auth", "AUTH a b", vec![1, 2]),
            ("auth", "other-name a b", vec![1, 2]),
            ("hello", "HELLO 3 AUTH a b SETNAME c", vec![3, 4]),
            ("config|set", "other-name set REQUIREPASS a port 1", vec![3]),
            ("acl|setuser", "acl setuser a >b", vec![2, 3]),
            ("acl|getuser", "ACL GETUSER a", vec![]),
            ("get", "GET auth", vec![]),
        ] {
            let argv = OwnedArgv::new(request.split(' ').map(str::as_bytes));
            assert_eq!(secrets(name, argv.as_argv()), places, "{request}");
        }
    }

    #[test]
    fn words_are_quoted() {
        let mut line = String::new();
        quote(b"a\"\\\n\x00\xff b", &mut line);
        assert_eq!(line, "\"a\\\"\\\\\\n\\x00\\xff b\"");
    }
}
