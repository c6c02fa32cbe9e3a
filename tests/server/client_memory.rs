//! What clients may take: all together, and one by one.

use std::collections::HashMap;

use redis::Connection;

use crate::harness::{Raw, Server, check, run, wait_until};

const MB: usize = 1024 * 1024;

/// The figures of CLIENT LIST for the clients that have a name.
fn clients(client: &mut Connection) -> HashMap<String, HashMap<String, String>> {
    let text: String = run(client, "CLIENT LIST");
    let fields = |line: &str| -> HashMap<String, String> {
        let pairs = line.split(' ').filter_map(|word| word.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    let named = text.lines().map(fields).map(|fields| (fields["name"].clone(), fields));
    named.filter(|(name, _)| !name.is_empty()).collect()
}

fn total(client: &mut Connection, name: &str) -> usize {
    clients(client).get(name).map_or(0, |fields| fields["tot-mem"].parse().expect("a number"))
}

/// A client that has sent the start of a request, `bytes` long, and no more of it.
fn half_said(server: &Server, name: &str, bytes: usize) -> Raw {
    let mut raw = server.raw();
    assert_eq!(raw.line(&format!("CLIENT SETNAME {name}")), "+OK");
    raw.send(format!("*2\r\n${bytes}\r\n{}", "x".repeat(bytes)).as_bytes());
    raw
}

#[test]
fn those_that_take_most_go_first() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    check(client, &[("CLIENT SETNAME control", "OK"), ("CLIENT NO-EVICT on", "OK")]);
    let sizes = [("small", MB / 8), ("middle", MB), ("large", 3 * MB)];
    let mut held: Vec<Raw> =
        sizes.iter().map(|&(name, bytes)| half_said(&server, name, bytes)).collect();
    for (name, bytes) in sizes {
        wait_until(|| total(client, name) >= bytes);
        assert!(total(client, name) < 2 * bytes + MB / 4, "{name}");
    }
    check(client, &[("CONFIG SET maxmemory-clients 3mb", "OK")]);
    let names = |client: &mut Connection| {
        let mut names: Vec<String> = clients(client).into_keys().collect();
        names.sort();
        names
    };
    assert_eq!(names(client), ["control", "middle", "small"]);
    check(client, &[("CONFIG SET maxmemory 10mb maxmemory-clients 5%", "OK")]);
    assert_eq!(names(client), ["control", "small"]);
    check(client, &[("CONFIG SET maxmemory 0 maxmemory-clients 1", "OK")]);
    assert_eq!(names(client), ["control"]);
    let stats: String = run(client, "INFO stats");
    assert!(stats.contains("evicted_clients:3\r\n"), "{stats}");
    assert!(held.iter_mut().all(|raw| raw.read_to_end().is_empty()));
}

#[test]
fn whatever_a_client_takes_counts() {
    let server = Server::start(&["--maxmemory-clients", "400kb"]);
    let client = &mut server.client();
    check(
        client,
        &[
            ("CLIENT NO-EVICT on", "OK"),
            ("SET big", "(ERR wrong number of arguments for 'set' command)"),
        ],
    );
    let value = "x".repeat(50_000);
    for (start, command, end) in [
        ("", "WATCH key:", ""),
        ("", "SUBSCRIBE channel:", ""),
        ("", "PSUBSCRIBE pattern:", ""),
        ("", "SSUBSCRIBE shard:", ""),
        ("CLIENT TRACKING on BCAST PREFIX first\r\n", "CLIENT TRACKING on BCAST PREFIX p:", ":"),
        ("MULTI\r\n", &format!("SET a {value}"), ""),
    ] {
        let evicted: usize = server.info("evicted_clients").parse().expect("a number");
        let mut raw = server.raw();
        raw.send(start.as_bytes());
        let _ended =
            (0..5000).any(|at| !raw.try_send(format!("{command}{at}{end}\r\n").as_bytes()));
        server.wait_info("evicted_clients", &(evicted + 1).to_string());
    }
    let mut raw = server.raw();
    raw.send(b"SUBSCRIBE news\r\n");
    wait_until(|| run::<usize>(client, &format!("PUBLISH news {value}")) == 0);
}

#[test]
fn who_is_not_to_be_evicted_is_not() {
    let server = Server::start(&["--maxmemory-clients", "1mb"]);
    let client = &mut server.client();
    check(client, &[("CLIENT SETNAME control", "OK"), ("CLIENT NO-EVICT on", "OK")]);
    let mut raw = server.raw();
    assert_eq!(raw.line("CLIENT SETNAME safe"), "+OK");
    assert_eq!(raw.line("CLIENT NO-EVICT on"), "+OK");
    raw.send(format!("*2\r\n${}\r\n{}", 2 * MB, "x".repeat(2 * MB)).as_bytes());
    wait_until(|| total(client, "safe") >= 2 * MB);
    assert_eq!(server.info("evicted_clients"), "0");
    raw.send(b"\r\n$1\r\ny\r\n");
    assert!(raw.read_line().starts_with("-ERR unknown command"));
    assert_eq!(raw.line("CLIENT NO-EVICT off"), "+OK");
    drop(half_said(&server, "other", MB / 8));
}
