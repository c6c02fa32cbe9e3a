//! MULTI, EXEC, DISCARD, WATCH.

use crate::harness::{Server, check, error};

#[test]
fn queued_commands_run_as_one() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("MULTI", "OK"),
            ("SET a 1", "QUEUED"),
            ("GET a", "QUEUED"),
            ("LPUSH a x", "QUEUED"),
            ("GET a", "QUEUED"),
        ],
    );
}

#[test]
fn a_refused_command_aborts() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    check(client, &[("MULTI", "OK"), ("SET a 1", "QUEUED")]);
    assert_eq!(error(client, "SET a"), "ERR wrong number of arguments for 'set' command");
    let aborted = "EXECABORT Transaction discarded because of previous errors.";
    assert_eq!(error(client, "EXEC"), aborted);
    check(client, &[("GET a", "nil")]);
}
