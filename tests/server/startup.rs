//! The command line, the configuration file, the banner, the end.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::harness::{Server, check, run};

/// Runs the binary to its end.
fn respq(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_respq")).args(arguments).output().expect("it runs")
}

/// The one line in which a start fails.
pub(crate) fn failure(arguments: &[&str]) -> String {
    let output = respq(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(text.lines().count(), 1, "{text}");
    text.trim_end().to_owned()
}

#[test]
fn help_and_version() {
    let help = respq(&["--help"]);
    let text = String::from_utf8_lossy(&help.stdout);
    assert!(help.status.success());
    for part in ["--appendfsync", "--maxmemory", "Examples:", "CONFIG GET"] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    assert!(!text.contains("--active-defrag"), "settings without effect are left out");
    let version = respq(&["-v"]);
    assert_eq!(
        String::from_utf8_lossy(&version.stdout),
        format!("respq {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn short_help_is_short() {
    let help = respq(&["-h"]);
    let text = String::from_utf8_lossy(&help.stdout).into_owned();
    assert!(text.contains("--appendfsync") && text.contains("Persistence:"), "{text}");
    assert!(!text.contains("--hash-max-listpack-value"), "{text}");
}

#[test]
fn completions_know_settings_and_commands() {
    for shell in ["bash", "fish", "zsh"] {
        let output = respq(&["completions", shell]);
        let script = String::from_utf8_lossy(&output.stdout);
        for word in ["appendfsync", "check-aof", "ping"] {
            assert!(output.status.success() && script.contains(word), "{word} in {shell}");
        }
    }
    let text = failure(&["completions", "cmd"]);
    assert!(text.contains("'cmd'") && text.contains("bash, elvish, fish"), "{text}");
}

#[test]
fn ping_tells_whether_a_server_serves() {
    let server = Server::start(&[]);
    let port = server.port().to_string();
    let asked = respq(&["ping", "--port", &port]);
    assert!(asked.status.success());
    assert_eq!(String::from_utf8_lossy(&asked.stdout), "PONG\n");
    let closed = Server::start(&["--requirepass", "secret"]);
    let asked = respq(&["ping", "--port", &closed.port().to_string()]);
    assert!(asked.status.success(), "it is alive, though it asks for a password");
    drop(server);
    let text = failure(&["ping", "--port", &port]);
    assert!(text.starts_with(&format!("respq: no answer from 127.0.0.1:{port}: ")), "{text}");
    assert!(failure(&["ping", "--port"]).starts_with("respq: a value is required for '--port"));
}

#[test]
fn commands_have_a_help_of_their_own() {
    for (name, option) in [("check-aof", "--fix"), ("completions", "zsh"), ("ping", "--port")] {
        for question in ["--help", "-h"] {
            let help = respq(&[name, question]);
            let text = String::from_utf8_lossy(&help.stdout).into_owned();
            assert!(help.status.success() && help.stderr.is_empty(), "{name}");
            assert!(
                text.contains(&format!("Usage: respq {name}")) && text.contains(option),
                "{text}"
            );
        }
        assert!(failure(&[name, "--nope"]).starts_with("respq: unexpected argument '--nope'"));
    }
}

#[test]
fn a_service_manager_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).expect("a socket");
    manager.set_read_timeout(Some(Duration::from_secs(30))).expect("a time-out");
    let shell = format!("NOTIFY_SOCKET={} exec", path.display());
    let mut server = Server::start_by(&shell, &["--supervised", "systemd"]);
    let mut buffer = [0; 64];
    let mut told = || {
        let bytes = manager.recv(&mut buffer).expect("the server tells");
        String::from_utf8_lossy(&buffer[..bytes]).into_owned()
    };
    assert_eq!(told(), "READY=1");
    assert!(server.stop());
    assert_eq!(told(), "STOPPING=1");
}

#[test]
fn a_failure_is_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().display().to_string();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let blocker = folder.path().join("file");
    std::fs::write(&blocker, "").expect("written");
    let not_a_folder = blocker.join("sub").display().to_string();
    let conf = folder.path().join("bad.conf");
    std::fs::write(&conf, "hz 10\nport x\n").expect("written");
    let conf = conf.display().to_string();
    for (arguments, expected) in [
        (vec!["--nope", "1"], "respq: unexpected argument '--nope' found".to_owned()),
        (
            vec!["--port", "x"],
            "respq: option --port: port 'x': argument couldn't be parsed into an integer"
                .to_owned(),
        ),
        (
            vec!["--port", &port, "--dir", &dir],
            format!("respq: cannot listen on 127.0.0.1:{port}: "),
        ),
        (vec!["--port", "0", "--dir", &not_a_folder], "respq: cannot create".to_owned()),
        (
            vec!["--port", "0", "--dir", &dir, "--appendfilename", "temp-x"],
            "respq: option --appendfilename: appendfilename 'temp-x': names of unfinished files \
             begin with 'temp-'"
                .to_owned(),
        ),
        (
            vec![&conf],
            format!("respq: {conf}:2: port 'x': argument couldn't be parsed into an integer"),
        ),
        (
            vec!["no-such.conf"],
            "respq: cannot read the configuration file no-such.conf: ".to_owned(),
        ),
        (
            vec!["--replicaof", "127.0.0.1", "6379"],
            "respq: option --replicaof: replicaof '127.0.0.1 6379': replicas are not supported"
                .to_owned(),
        ),
    ] {
        let text = failure(&arguments);
        assert!(text.starts_with(&expected), "{text}\nis not\n{expected}");
    }
}

#[test]
fn settings_from_standard_input() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = Command::new(env!("CARGO_BIN_EXE_respq"))
        .args(["-", "--port", "x"])
        .arg("--dir")
        .arg(folder.path())
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(b"nope 1\n").expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(text.trim_end(), "respq: standard input:1: unknown setting 'nope'");
}

#[test]
fn options_win_over_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("respq.conf");
    std::fs::write(&path, "hz 15\ntimeout 9\nslave-priority 50\n").expect("written");
    let server = Server::start_with_file(&path.display().to_string(), &["--hz", "16"]);
    check(
        &mut server.client(),
        &[
            ("CONFIG GET hz", "[\"hz\" \"16\"]"),
            ("CONFIG GET timeout", "[\"timeout\" \"9\"]"),
            ("CONFIG GET replica-priority", "[\"replica-priority\" \"50\"]"),
        ],
    );
}

#[test]
fn shutdown_ends_the_process() {
    let mut server = Server::start(&[]);
    let client = &mut server.client();
    check(
        client,
        &[
            ("SET a 1", "OK"),
            ("SHUTDOWN WHAT", "(ERR syntax error)"),
            ("SHUTDOWN SAVE NOSAVE", "(ERR syntax error)"),
            ("SHUTDOWN ABORT NOW", "(ERR syntax error)"),
            ("SHUTDOWN ABORT", "(ERR No shutdown in progress.)"),
            ("MULTI", "OK"),
            ("SHUTDOWN", "(ERR Command not allowed inside a transaction)"),
        ],
    );
    let mut raw = server.raw();
    raw.send(b"SHUTDOWN NOSAVE\r\n");
    assert_eq!(raw.read_to_end(), "");
    // Who asked for it sees the end when nothing of the server is left.
    assert!(TcpStream::connect(("127.0.0.1", server.port())).is_err());
    assert!(server.ended_well());
    server.start_again();
    assert_eq!(run::<String>(&mut server.client(), "GET a"), "1");
}
