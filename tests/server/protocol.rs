//! The wire: splits, limits, errors, pipelines, sockets that misbehave.

use std::fmt::Write;

use crate::harness::{Server, check, run, wait_until};

#[test]
fn errors_close_the_connection() {
    let server = Server::start(&[]);
    for (request, error) in [
        (&b"*2147483648\r\n"[..], "invalid multibulk length"),
        (b"*x\r\n", "invalid multibulk length"),
        (b"*1\r\n$-10\r\n", "invalid bulk length"),
        (b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$2000000000\r\n", "invalid bulk length"),
        (b"*3\r\n$3\r\nSET\r\nfooz\r\n", "expected '$', got 'f'"),
        (b"SET \"a\r\n", "unbalanced quotes in request"),
        (b"SET 'a'b\r\n", "unbalanced quotes in request"),
    ] {
        let mut raw = server.raw();
        raw.send(b"PING\r\n");
        raw.send(request);
        let expected = format!("+PONG\r\n-ERR Protocol error: {error}\r\n");
        assert_eq!(raw.read_to_end(), expected, "{}", String::from_utf8_lossy(request));
    }
}

#[test]
fn empty_requests_are_passed_over() {
    let server = Server::start(&[]);
    let mut raw = server.raw();
    raw.send(b"\r\n*0\r\n*-10\r\n   \r\nPING\r\n*1\r\n$4\r\nPING\r\nECHO \"a b\\x00\"\r\n");
    raw.expect(b"+PONG\r\n+PONG\r\n$4\r\na b\0\r\n");
}

#[test]
fn requests_may_come_byte_by_byte() {
    let server = Server::start(&[]);
    let mut raw = server.raw();
    for byte in b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\na\r\nbc\r\nGET k\r\n" {
        raw.send(&[*byte]);
    }
    raw.expect(b"+OK\r\n$5\r\na\r\nbc\r\n");
}

/// What a server reads at a time (`READ_BYTES`).
const READ_BYTES: usize = 64 * 1024;

#[test]
fn a_request_of_just_as_many_bytes_as_are_read_at_a_time() {
    let server = Server::start(&[]);
    for bytes in [READ_BYTES - 1, READ_BYTES, READ_BYTES + 1, 2 * READ_BYTES] {
        let mut raw = server.raw();
        let head = format!("*2\r\n$4\r\nECHO\r\n${}\r\n", bytes - 31);
        let word = "x".repeat(bytes - head.len() - 2);
        let request = format!("*2\r\n$4\r\nECHO\r\n${}\r\n{word}\r\n", word.len());
        assert_eq!(request.len(), bytes);
        raw.send(request.as_bytes());
        raw.expect(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
        // Nothing is left behind that would have to wait for more.
        raw.send(b"PING\r\n");
        raw.expect(b"+PONG\r\n");
    }
}

#[test]
fn what_comes_together_with_the_end_is_answered() {
    let server = Server::start(&[]);
    for _ in 0..50 {
        let mut raw = server.raw();
        raw.send(b"PING\r\nECHO a\r\n");
        raw.shut_down();
        assert_eq!(raw.read_to_end(), "+PONG\r\n$1\r\na\r\n");
    }
}

#[test]
fn an_unknown_command_shows_its_arguments() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("nope a b", "(ERR unknown command 'nope', with args beginning with: 'a' 'b' )"),
            ("GET", "(ERR wrong number of arguments for 'get' command)"),
        ],
    );
}

#[test]
fn a_long_pipeline_may_be_written_before_the_first_read() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let value = "v".repeat(1000);
    run::<()>(client, &format!("SET k {value}"));
    let mut raw = server.raw();
    let count = 30_000;
    let mut requests = String::new();
    for number in 0..count {
        write!(requests, "ECHO {number}\r\nGET k\r\n").unwrap();
    }
    raw.send(requests.as_bytes());
    for number in 0..count {
        let number = number.to_string();
        let reply = format!("${}\r\n{number}\r\n$1000\r\n{value}\r\n", number.len());
        raw.expect(reply.as_bytes());
    }
}

#[test]
fn a_client_that_sends_too_much_is_disconnected() {
    let server = Server::start(&["--client-query-buffer-limit", "1mb"]);
    let mut raw = server.raw();
    raw.send(b"*2\r\n$4\r\nECHO\r\n$3000000\r\n");
    let piece = vec![b'x'; 100_000];
    while raw.try_send(&piece) {}
    run::<()>(&mut server.client(), "PING");
}

#[test]
fn a_client_that_does_not_read_is_disconnected() {
    let limit = "normal 1mb 0 0";
    let server = Server::start(&["--client-output-buffer-limit", limit]);
    let client = &mut server.client();
    run::<()>(client, &format!("SET k {}", "v".repeat(20_000_000)));
    let mut raw = server.raw();
    raw.send(b"GET k\r\nGET k\r\n");
    wait_until(|| run::<String>(client, "CLIENT LIST").lines().count() == 1);
}

#[test]
fn large_values_come_and_go() {
    let server = Server::start(&[]);
    let mut raw = server.raw();
    let value = vec![b'x'; 30_000_000];
    raw.send(format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n${}\r\n", value.len()).as_bytes());
    raw.send(&value);
    raw.send(b"\r\nGET k\r\nPING\r\n");
    raw.expect(format!("+OK\r\n${}\r\n", value.len()).as_bytes());
    raw.expect(&value);
    raw.expect(b"\r\n+PONG\r\n");
}

#[test]
fn a_half_closed_socket_gets_its_replies() {
    let server = Server::start(&[]);
    let mut raw = server.raw();
    raw.send(b"SET a 1\r\nGET a\r\nGET");
    raw.shut_down();
    assert_eq!(raw.read_to_end(), "+OK\r\n$1\r\n1\r\n");
}

#[test]
fn a_client_that_vanishes_waits_no_more() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let mut raw = server.raw();
    raw.send(b"BRPOP q 0\r\n");
    wait_until(|| run::<String>(client, "CLIENT LIST").contains("flags=b"));
    drop(raw);
    wait_until(|| run::<String>(client, "CLIENT LIST").lines().count() == 1);
    check(client, &[("LPUSH q x", "1"), ("RPOP q", "\"x\"")]);
}

#[test]
fn who_sends_is_not_idle_though_it_does_not_read() {
    let server = Server::start(&["--timeout", "1"]);
    let client = &mut server.client();
    let mut raw = server.raw();
    let value = "x".repeat(100_000);
    run::<()>(client, &format!("SET big {value}"));
    // More than the system takes, so that what is sent from now on is read but not run.
    raw.send(b"GET big\r\n".repeat(300).as_slice());
    let mut pings = 0;
    wait_until(|| {
        raw.send(b"PING\r\n");
        pings += 1;
        // Nothing is awaited of a client that is gone: then no more can be sent.
        age_of_who_asked(client, "get").is_some_and(|seconds| seconds >= 3)
    });
    for _ in 0..300 {
        raw.expect(format!("$100000\r\n{value}\r\n").as_bytes());
    }
    raw.expect(b"+PONG\r\n".repeat(pings).as_slice());
}

/// For how many seconds the client is there whose last command was this one.
fn age_of_who_asked(client: &mut redis::Connection, command: &str) -> Option<u64> {
    let list: String = run(client, "CLIENT LIST");
    let line = list.lines().find(|line| line.contains(&format!(" cmd={command} ")))?;
    let (_, age) = line.split_once(" age=")?;
    age.split(' ').next()?.parse().ok()
}

#[test]
fn idle_clients_are_disconnected() {
    let server = Server::start(&["--timeout", "1"]);
    let mut raw = server.raw();
    let mut waiting = server.raw();
    let mut subscribed = server.raw();
    waiting.send(b"BRPOP q 0\r\n");
    subscribed.send(b"SUBSCRIBE a\r\n");
    subscribed.expect(b"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
    assert_eq!(raw.read_to_end(), "");
    check(&mut server.client(), &[("LPUSH q x", "1"), ("PUBLISH a y", "1")]);
    waiting.expect(b"*2\r\n$1\r\nq\r\n$1\r\nx\r\n");
    subscribed.expect(b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\ny\r\n");
}

#[test]
fn there_can_be_so_many_clients() {
    let server = Server::start(&["--maxclients", "2"]);
    let mut first = server.raw();
    let mut second = server.raw();
    assert_eq!(first.line("PING"), "+PONG");
    assert_eq!(second.line("PING"), "+PONG");
    let mut third = server.raw();
    assert_eq!(third.read_to_end(), "-ERR max number of clients reached\r\n");
    drop(second);
    wait_until(|| server.raw().try_line("PING").as_deref() == Some("+PONG"));
}

#[test]
fn what_a_web_page_sends_is_cut_off() {
    let server = Server::start(&[]);
    for line in ["POST / HTTP/1.1", "host: localhost", "*1\r\n$4\r\nPost"] {
        let mut raw = server.raw();
        raw.send(format!("PING\r\n{line}\r\nSET a 1\r\nPING\r\n").as_bytes());
        assert_eq!(raw.read_to_end(), "+PONG\r\n", "{line}");
    }
    check(&mut server.client(), &[("EXISTS a", "0")]);
}
