//! ACL: connections of users that change or go.

use crate::harness::{Server, check, run, wait_until};

#[test]
fn connections_of_removed_users_are_closed() {
    let server = Server::start(&[]);
    let admin = &mut server.client();
    check(
        admin,
        &[("ACL SETUSER u on nopass +@all ~*", "OK"), ("ACL SETUSER v on nopass +@all ~*", "OK")],
    );
    let (mut one, mut other) = (server.raw(), server.raw());
    assert_eq!(one.line("AUTH u x"), "+OK");
    assert_eq!(other.line("AUTH v x"), "+OK");
    let list: String = run(admin, "CLIENT LIST");
    assert_eq!(
        ["user=default ", "user=u ", "user=v "].map(|user| list.matches(user).count()),
        [1; 3]
    );
    check(admin, &[("ACL DELUSER u", "1")]);
    assert_eq!(one.read_to_end(), "");
    assert_eq!(other.line("PING"), "+PONG");
    check(
        admin,
        &[
            ("CLIENT KILL USER u", "(ERR No such user 'u')"),
            ("CLIENT KILL USER default", "0"),
            ("CLIENT KILL USER v", "1"),
        ],
    );
    assert_eq!(other.read_to_end(), "");
    // One's own connection is closed behind the reply.
    check(admin, &[("ACL SETUSER u on nopass +@all ~*", "OK")]);
    let mut own = server.raw();
    assert_eq!(own.line("AUTH u x"), "+OK");
    assert_eq!(own.line("ACL DELUSER u"), ":1");
    assert_eq!(own.read_to_end(), "");
}

#[test]
fn subscribers_that_lose_their_channel_are_closed() {
    let server = Server::start(&[]);
    let admin = &mut server.client();
    for (subscribe, narrowed) in [
        ("SUBSCRIBE c1", "resetchannels &c2"),
        ("SSUBSCRIBE c1", "resetchannels &c2"),
        ("PSUBSCRIBE c*", "resetchannels &c1"),
    ] {
        check(admin, &[("ACL SETUSER u reset on nopass +@all ~* &c* &c1", "OK")]);
        let mut raw = server.raw();
        assert_eq!(raw.line("AUTH u x"), "+OK");
        assert_eq!(raw.line(subscribe), "*3");
        check(
            admin,
            &[
                ("ACL SETUSER u resetchannels &d &c1 &c*", "OK"),
                ("ACL SETUSER u allchannels", "OK"),
            ],
        );
        assert!(run::<String>(admin, "CLIENT LIST").contains("user=u "));
        check(admin, &[(&format!("ACL SETUSER u {narrowed}"), "OK")]);
        assert!(!run::<String>(admin, "CLIENT LIST").contains("user=u "));
        assert!(raw.read_to_end().ends_with(":1\r\n"));
    }
}

#[test]
fn a_subscriber_stays_if_its_user_loses_no_channel() {
    let server = Server::start(&[]);
    let admin = &mut server.client();
    check(admin, &[("ACL SETUSER u on nopass +@all ~* resetchannels &c1", "OK")]);
    let mut raw = server.raw();
    raw.send(b"HELLO 3\r\nSUBSCRIBE other\r\nAUTH u x\r\n");
    while raw.read_line() != "+OK" {}
    check(admin, &[("ACL SETUSER u -flushall &c2", "OK")]);
    assert_eq!(raw.line("PING"), "+PONG");
    check(admin, &[("ACL SETUSER u resetchannels &c1", "OK")]);
    raw.read_to_end();
}

#[test]
fn a_waiting_client_that_loses_its_right_is_told() {
    let server = Server::start(&[]);
    let admin = &mut server.client();
    check(admin, &[("ACL SETUSER u on nopass +@all ~*", "OK")]);
    let mut raw = server.raw();
    assert_eq!(raw.line("AUTH u x"), "+OK");
    raw.send(b"BLPOP list 0\r\n");
    server.wait_info("blocked_clients", "1");
    check(admin, &[("ACL SETUSER u resetkeys", "OK"), ("RPUSH list 1", "1")]);
    assert_eq!(raw.read_line(), "-NOPERM No permissions to access a key");
    check(admin, &[("LLEN list", "1")]);
    assert_eq!(raw.line("PING"), "+PONG");
    let stats: String = run(admin, "INFO commandstats");
    let line = stats.lines().find(|line| line.starts_with("cmdstat_blpop"));
    assert!(
        line.is_some_and(
            |line| line.contains("calls=0") && line.ends_with("rejected_calls=1,failed_calls=0")
        ),
        "{stats}"
    );
    wait_until(|| server.info("blocked_clients") == "0");
}
