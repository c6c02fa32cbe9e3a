//! Where the server listens: addresses, and a socket of the file system.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use redis::Connection;

use crate::harness::{Server, check, free_port, run};
use crate::startup::failure;

fn by_path(path: &str) -> Connection {
    let client = redis::Client::open(format!("redis+unix://{path}")).expect("an address");
    client.get_connection().expect("the server accepts")
}

fn at(address: &str) -> redis::RedisResult<Connection> {
    redis::Client::open(format!("redis://{address}/")).expect("an address").get_connection()
}

#[test]
fn a_socket_of_the_file_system() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("respq.sock").display().to_string();
    let mut server = Server::start(&[
        "--port",
        &free_port().to_string(),
        "--unixsocket",
        &path,
        "--unixsocketperm",
        "700",
    ]);
    let client = &mut by_path(&path);
    check(client, &[("SET a 1", "OK"), ("GET a", "\"1\"")]);
    let info: String = run(client, "CLIENT INFO");
    assert!(info.contains(&format!(" addr={path}:0 laddr={path}:0 ")), "{info}");
    assert!(info.contains(" flags=U "), "{info}");
    check(client, &[(&format!("CLIENT KILL ADDR {path}:0"), "0")]);
    assert_eq!(server.info("listener1"), format!("name=unix,bind={path}"));
    let mut monitor = server.raw();
    assert_eq!(monitor.line("MONITOR"), "+OK");
    run::<String>(client, "ECHO hello");
    let shown = monitor.read_line();
    assert!(shown.contains(&format!("[0 unix:{path}] \"ECHO\"")), "{shown}");
    let mode = std::fs::metadata(&path).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let dir = folder.path().display().to_string();
    let other = failure(&["--port", "0", "--unixsocket", &path, "--dir", &dir]);
    assert!(other.starts_with(&format!("respq: cannot listen on {path}: ")), "{other}");
    // What a killed server leaves behind is no hindrance.
    server.kill();
    server.start_again();
    check(&mut by_path(&path), &[("GET a", "\"1\"")]);
    assert!(server.stop());
    assert!(!std::fs::exists(&path).expect("a folder"));
}

#[test]
fn by_path_it_is_read_to_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("respq.sock");
    let _server = Server::start_at_path(&["--unixsocket", path.to_str().unwrap()]);
    let long = "x".repeat(200_000);
    let mut socket = UnixStream::connect(&path).unwrap();
    let request = format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$200000\r\n{long}\r\nGET k\r\n");
    socket.write_all(request.as_bytes()).unwrap();
    socket.shutdown(Shutdown::Write).unwrap();
    let mut replies = String::new();
    socket.read_to_string(&mut replies).unwrap();
    assert_eq!(replies, format!("+OK\r\n$200000\r\n{long}\r\n"));
}

#[test]
fn clients_need_open_files() {
    let server = Server::start_by("ulimit -Sn 100; exec", &["--maxclients", "2000"]);
    let client = &mut server.client();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.pid())).expect("Linux");
    let line = limits.lines().find(|line| line.starts_with("Max open files")).expect("there");
    let files: u64 = line.split_whitespace().nth(3).expect("a number").parse().expect("a number");
    let maxclients: u64 = server.info("maxclients").parse().expect("a number");
    assert!(files > 100 && maxclients + 64 <= files, "{maxclients} clients, {files} files");
    let text = crate::harness::error(client, "CONFIG SET maxclients 4294967295");
    let expected = "ERR CONFIG SET failed (possibly related to argument 'maxclients') - The \
                    operating system is not able to handle the specified number of clients, try \
                    with ";
    assert!(text.starts_with(expected), "{text}");
    assert_eq!(server.info("maxclients"), maxclients.to_string());
}

#[test]
fn only_a_socket_of_the_file_system() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("respq.sock").display().to_string();
    let server = Server::start_at_path(&["--unixsocket", &path]);
    let client = &mut by_path(&path);
    let info: String = run(client, "INFO server");
    assert!(info.contains("tcp_port:0\r\n") && !info.contains("listener0"), "{info}");
    check(client, &[("CONFIG GET port", "[\"port\" \"0\"]")]);
    drop(server);
}

#[test]
fn several_addresses() {
    let server = Server::start(&["--bind", "127.0.0.1", "127.0.0.2", "-::1", "-198.51.100.1"]);
    let port = server.port();
    for address in ["127.0.0.1", "127.0.0.2"] {
        let client = &mut at(&format!("{address}:{port}")).expect("it listens there");
        let info: String = run(client, "CLIENT INFO");
        assert!(info.contains(&format!(" laddr={address}:{port} ")), "{info}");
    }
    assert!(at(&format!("127.0.0.3:{port}")).is_err());
    assert_eq!(
        server.info("listener0"),
        format!("name=tcp,bind=127.0.0.1,bind=127.0.0.2,bind=-::1,bind=-198.51.100.1,port={port}")
    );
    if let Ok(mut client) = at(&format!("[::1]:{port}")) {
        let info: String = run(&mut client, "CLIENT INFO");
        assert!(info.contains(&format!(" laddr=[::1]:{port} ")), "{info}");
        assert!(info.contains(" addr=[::1]:"), "{info}");
    }
}

#[test]
fn all_addresses() {
    let server = Server::start(&["--bind", "127.0.0.1"]);
    drop(server);
    let server = Server::start_anywhere(&["--bind", "*", "-::*", "*"]);
    let client = &mut at(&format!("127.0.0.1:{}", server.port())).expect("it listens there");
    check(client, &[("CONFIG GET bind", "[\"bind\" \"* -::* *\"]")]);
}

#[test]
fn addresses_that_will_not_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().display().to_string();
    let start = |words: &[&str]| failure(&[&["--port", "0", "--dir", &dir], words].concat());
    let text = start(&["--bind", "198.51.100.1"]);
    assert!(text.starts_with("respq: cannot listen on 198.51.100.1:0: "), "{text}");
    let text = start(&["--bind", ""]);
    assert!(text.starts_with("respq: there is nothing to listen on: "), "{text}");
    // One that may be missing, but is taken, is an error all the same.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let text = failure(&["--dir", &dir, "--port", &port, "--bind", "-127.0.0.1"]);
    assert!(text.starts_with(&format!("respq: cannot listen on 127.0.0.1:{port}: ")), "{text}");
}
