//! Connections: HELLO, AUTH, PING, ECHO, QUIT, RESET, SELECT, and CLIENT.

use redis::Value;

use crate::harness::{Server, check, error, run, wait_until};

/// The value of a field in a line of CLIENT LIST.
fn field<'a>(line: &'a str, name: &str) -> &'a str {
    let value = line.split(' ').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    value.unwrap_or_else(|| panic!("no {name} in {line}")).trim_end()
}

#[test]
fn hello_chooses_the_protocol() {
    let server = Server::start(&[]);
    let mut raw = server.raw();
    raw.send(b"HELLO\r\n");
    raw.expect(b"*14\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.4\r\n");
    raw.expect(b"$5\r\nproto\r\n:2\r\n$2\r\nid\r\n");
    assert!(raw.read_line().starts_with(':'));
    raw.expect(b"$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n");
    raw.expect(b"$7\r\nmodules\r\n*0\r\n");
    raw.send(b"HELLO 3\r\n");
    raw.expect(b"%7\r\n$6\r\nserver\r\n");
}

#[test]
fn hello_refuses() {
    let server = Server::start(&[]);
    let syntax = "(ERR Syntax error in HELLO option";
    check(
        &mut server.client(),
        &[
            ("HELLO 4", "(NOPROTO unsupported protocol version)"),
            ("HELLO x", "(ERR Protocol version is not an integer or out of range)"),
            ("HELLO 2 x", &format!("{syntax} 'x')")),
            ("HELLO 2 SETNAME", &format!("{syntax} 'SETNAME')")),
            ("HELLO 2 AUTH default", &format!("{syntax} 'AUTH')")),
            (
                "HELLO 2 AUTH other x",
                "(WRONGPASS invalid username-password pair or user is disabled.)",
            ),
            (
                "HELLO 2 SETNAME a\nb",
                "(ERR Client names cannot contain spaces, newlines or special characters.)",
            ),
            ("CLIENT GETNAME", "nil"),
        ],
    );
}

#[test]
fn a_password_is_asked_for() {
    let server = Server::start(&["--requirepass", "secret"]);
    let mut raw = server.raw();
    let wrong = "-WRONGPASS invalid username-password pair or user is disabled.";
    for (line, reply) in [
        ("GET a", "-NOAUTH Authentication required."),
        ("AUTH wrong", wrong),
        ("AUTH other secret", wrong),
        ("AUTH a b c", "-ERR syntax error"),
        ("AUTH secret", "+OK"),
        ("SET a 1", "+OK"),
        ("RESET", "+RESET"),
        ("GET a", "-NOAUTH Authentication required."),
        ("AUTH default secret", "+OK"),
    ] {
        assert_eq!(raw.line(line), reply, "{line}");
    }
    let mut raw = server.raw();
    assert!(raw.line("HELLO 3").starts_with("-NOAUTH HELLO must be called with"));
    assert_eq!(raw.line("HELLO 3 AUTH default wrong"), wrong);
    assert_eq!(raw.line("HELLO 3 AUTH default secret SETNAME me"), "%7");
}

#[test]
fn without_a_password_auth_is_refused() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    assert!(error(client, "AUTH x").starts_with("ERR AUTH <password> called without any password"));
    check(client, &[("AUTH default x", "OK")]);
}

#[test]
fn small_commands() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("PING", "PONG"),
            ("PING hi", "\"hi\""),
            ("PING a b", "(ERR wrong number of arguments for 'ping' command)"),
            ("ECHO hi", "\"hi\""),
            ("SELECT 16", "(ERR DB index is out of range)"),
            ("SELECT x", "(ERR value is not an integer or out of range)"),
            ("SELECT 1", "OK"),
            ("RESET", "RESET"),
        ],
    );
}

#[test]
fn quit_closes_after_its_reply() {
    let server = Server::start(&[]);
    let mut raw = server.raw();
    raw.send(b"MULTI\r\nQUIT\r\nPING\r\n");
    assert_eq!(raw.read_to_end(), "+OK\r\n+OK\r\n");
}

#[test]
fn reset_forgets_everything() {
    let server = Server::start(&[]);
    let mut raw = server.raw();
    for (line, reply) in
        [("SELECT 3", "+OK"), ("CLIENT SETNAME me", "+OK"), ("WATCH a", "+OK"), ("HELLO 3", "%7")]
    {
        assert_eq!(raw.line(line), reply, "{line}");
    }
    (0..15).for_each(|_| drop(raw.read_line()));
    while raw.read_line() != "*0" {}
    assert_eq!(raw.line("MULTI"), "+OK");
    assert_eq!(raw.line("RESET"), "+RESET");
    assert_eq!(raw.line("CLIENT GETNAME"), "$-1");
    raw.send(b"CLIENT INFO\r\n");
    raw.read_line();
    let info = raw.read_line();
    for (name, value) in [("db", "0"), ("multi", "-1"), ("resp", "2"), ("name", "")] {
        assert_eq!(field(&info, name), value, "{name}");
    }
}

#[test]
fn who_sends_nothing_holds_no_memory_for_it() {
    let server = Server::start(&[]);
    let [mut idle, mut half] = [server.raw(), server.raw()];
    let ids = [&mut idle, &mut half].map(|raw| raw.line("CLIENT ID")[1..].to_owned());
    assert_eq!(idle.line("GET a"), "$-1");
    half.send(b"GET a\r\nGET ");
    half.expect(b"$-1\r\n");
    let client = &mut server.client();
    for (id, bytes) in ids.iter().zip(["0", "4"]) {
        let list: String = run(client, &format!("CLIENT LIST ID {id}"));
        let figures = ["qbuf", "qbuf-free", "rbs"].map(|name| field(&list, name));
        assert_eq!(figures, [bytes, "0", "0"], "{list}");
    }
}

#[test]
fn who_sends_more_while_it_waits_holds_no_buffer_for_it() {
    let server = Server::start(&[]);
    let used = || server.info("used_memory").parse::<usize>().expect("a number");
    let before = used();
    let mut waiting: Vec<_> = (0..100).map(|_| server.raw()).collect();
    for raw in &mut waiting {
        raw.send(b"BLPOP nothing 0\r\n");
    }
    server.wait_info("blocked_clients", "100");
    let client = &mut server.client();
    let mut reads = || {
        let stats: String = run(client, "INFO stats");
        let line = stats.lines().find_map(|line| line.strip_prefix("total_reads_processed:"));
        line.expect("INFO has it").parse::<usize>().expect("a number")
    };
    let mut reads_wanted = reads() + 100;
    for raw in &mut waiting {
        raw.send(b"PING\r\n");
    }
    wait_until(|| {
        // The question is read, too.
        reads_wanted += 1;
        reads() >= reads_wanted
    });
    // A buffer has 64 KiB; what is in use is counted ten times a second.
    wait_until(|| used() < before + 100 * 16 * 1024);
    run::<i64>(&mut server.client(), &format!("RPUSH nothing {}", "x ".repeat(100).trim_end()));
    for raw in &mut waiting {
        raw.expect(b"*2\r\n$7\r\nnothing\r\n$1\r\nx\r\n+PONG\r\n");
    }
}

#[test]
fn clients_are_listed() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let other = &mut server.client();
    check(
        other,
        &[
            ("CLIENT SETNAME worker", "OK"),
            ("CLIENT GETNAME", "\"worker\""),
            (
                "CLIENT SETNAME a\tb",
                "(ERR Client names cannot contain spaces, newlines or special characters.)",
            ),
            ("CLIENT SETINFO LIB-NAME lib", "OK"),
            ("CLIENT SETINFO lib-ver 1.0", "OK"),
            (
                "CLIENT SETINFO LIB-VER 1\n0",
                "(ERR LIB-VER cannot contain spaces, newlines or special characters.)",
            ),
            ("CLIENT SETINFO x 1", "(ERR Unrecognized option 'x')"),
            ("SELECT 2", "OK"),
            ("MULTI", "OK"),
            ("GET a", "QUEUED"),
        ],
    );
    let id: i64 = run(client, "CLIENT ID");
    let list: String = run(client, "CLIENT LIST");
    assert_eq!(list.lines().count(), 2);
    let line = list.lines().find(|line| line.contains("name=worker")).expect("it is listed");
    for (name, value) in [
        ("db", "2"),
        ("multi", "1"),
        ("flags", "x"),
        ("cmd", "multi"),
        ("user", "default"),
        ("lib-name", "lib"),
        ("lib-ver", "1.0"),
        ("redir", "-1"),
    ] {
        assert_eq!(field(line, name), value, "{name}");
    }
    let mine: String = run(client, &format!("CLIENT LIST ID {id}"));
    assert_eq!(mine.lines().count(), 1);
    assert_eq!(field(&mine, "cmd"), "client|list");
    let info: String = run(client, "CLIENT INFO");
    assert_eq!(field(&info, "id"), id.to_string());
    let normal: String = run(client, "CLIENT LIST TYPE normal");
    assert_eq!(normal.lines().count(), 2);
    check(
        client,
        &[
            ("CLIENT LIST TYPE replica", "\"\""),
            ("CLIENT LIST TYPE x", "(ERR Unknown client type 'x')"),
            ("CLIENT LIST ID x", "(ERR Invalid client ID)"),
            ("CLIENT LIST x", "(ERR syntax error)"),
        ],
    );
}

#[test]
fn clients_are_killed() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let mut victims: Vec<_> = (0..3).map(|_| server.client()).collect();
    let info = |victim: &mut redis::Connection| run::<String>(victim, "CLIENT INFO");
    let id = field(&info(&mut victims[0]), "id").to_owned();
    let address = field(&info(&mut victims[1]), "addr").to_owned();
    let other = field(&info(&mut victims[2]), "addr").to_owned();
    check(
        client,
        &[
            (&format!("CLIENT KILL ID {id} TYPE pubsub"), "0"),
            (&format!("CLIENT KILL ID {id} SKIPME yes"), "1"),
            (&format!("CLIENT KILL {address}"), "OK"),
            (&format!("CLIENT KILL {address}"), "(ERR No such client)"),
            (&format!("CLIENT KILL ADDR {other} USER default"), "1"),
            ("CLIENT KILL ID 0", "(ERR client-id should be greater than 0)"),
            ("CLIENT KILL TYPE x", "(ERR Unknown client type 'x')"),
            ("CLIENT KILL USER x", "(ERR No such user 'x')"),
            ("CLIENT KILL SKIPME x", "(ERR syntax error)"),
            ("CLIENT KILL TYPE normal", "0"),
            ("CLIENT KILL TYPE normal SKIPME no", "1"),
        ],
    );
    for mut victim in victims {
        assert!(redis::cmd("PING").query::<Value>(&mut victim).is_err());
    }
    assert!(redis::cmd("PING").query::<Value>(client).is_err());
}

#[test]
fn replies_can_be_switched_off() {
    let server = Server::start(&[]);
    let mut raw = server.raw();
    raw.send(b"CLIENT REPLY OFF\r\nSET a 1\r\nCLIENT REPLY SKIP\r\nGET a\r\nCLIENT REPLY ON\r\n");
    raw.expect(b"+OK\r\n");
    raw.send(b"CLIENT REPLY SKIP\r\nPING\r\nGET a\r\nCLIENT REPLY x\r\n");
    raw.expect(b"$1\r\n1\r\n-ERR syntax error\r\n");
    raw.send(b"CLIENT REPLY SKIP\r\nCLIENT REPLY SKIP\r\nPING\r\nGET a\r\n");
    raw.expect(b"$1\r\n1\r\n");
    raw.send(b"CLIENT REPLY SKIP\r\nCLIENT REPLY x\r\nGET a\r\n");
    raw.expect(b"$1\r\n1\r\n");
    raw.send(b"MULTI\r\nCLIENT REPLY SKIP\r\nGET a\r\nEXEC\r\nPING\r\nGET a\r\n");
    raw.expect(b"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n$1\r\n1\r\n$1\r\n1\r\n");
    raw.send(b"MULTI\r\nCLIENT REPLY OFF\r\nEXEC\r\nGET a\r\nCLIENT REPLY ON\r\n");
    raw.expect(b"+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n+OK\r\n");
}

#[test]
fn a_waiting_client_is_let_go() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    for (how, reply) in [
        ("", "*-1"),
        (" TIMEOUT", "*-1"),
        (" ERROR", "-UNBLOCKED client unblocked via CLIENT UNBLOCK"),
    ] {
        let mut raw = server.raw();
        let id = raw.line("CLIENT ID")[1..].to_owned();
        raw.send(b"BRPOP q 0\r\n");
        let line = format!("CLIENT UNBLOCK {id}{how}");
        wait_until(|| run::<i64>(client, &line) == 1);
        assert_eq!(raw.read_line(), reply);
        assert_eq!(raw.line("PING"), "+PONG");
        check(client, &[(&line, "0")]);
    }
    check(
        client,
        &[
            ("CLIENT UNBLOCK 1 x", "(ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR)"),
            (
                "CLIENT UNBLOCK 1 ERROR x",
                "(ERR unknown subcommand or wrong number of arguments for 'UNBLOCK'. Try CLIENT \
                 HELP.)",
            ),
            ("CLIENT UNBLOCK x", "(ERR value is not an integer or out of range)"),
        ],
    );
}

#[test]
fn switches_of_a_connection() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    check(
        client,
        &[
            ("CLIENT NO-EVICT on", "OK"),
            ("CLIENT NO-TOUCH on", "OK"),
            ("CLIENT NO-TOUCH x", "(ERR syntax error)"),
            ("CLIENT NO-EVICT x", "(ERR syntax error)"),
        ],
    );
    let info: String = run(client, "CLIENT INFO");
    assert_eq!(field(&info, "flags"), "eT");
    check(client, &[("CLIENT NO-EVICT off", "OK"), ("CLIENT NO-TOUCH off", "OK")]);
}

#[test]
fn unknown_subcommands_are_errors() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    check(
        client,
        &[
            (
                "CLIENT MAINT_NOTIFICATIONS on",
                "(ERR unknown subcommand 'MAINT_NOTIFICATIONS'. Try CLIENT HELP.)",
            ),
            ("CLIENT", "(ERR wrong number of arguments for 'client' command)"),
            ("PING", "PONG"),
        ],
    );
    let help: Vec<String> = run(client, "CLIENT HELP");
    assert!(help[0].starts_with("CLIENT <subcommand>"));
    assert!(help.contains(&"SETNAME connection-name".to_owned()));
}

#[test]
fn commands_are_put_off() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    check(
        client,
        &[
            ("SET k 1", "OK"),
            ("CLIENT PAUSE 1000000 WRITE", "OK"),
            ("GET k", "\"1\""),
            ("CLIENT PAUSE x", "(ERR timeout is not an integer or out of range)"),
            ("CLIENT PAUSE -1", "(ERR timeout is negative)"),
            ("CLIENT PAUSE x x", "(ERR CLIENT PAUSE mode must be WRITE or ALL)"),
            (
                "CLIENT PAUSE 1 ALL x",
                "(ERR unknown subcommand or wrong number of arguments for 'PAUSE'. Try CLIENT \
                 HELP.)",
            ),
        ],
    );
    let mut writers: Vec<_> = (0..3).map(|_| server.raw()).collect();
    writers[0].send(b"SET k 2\r\nGET k\r\n");
    writers[1].send(b"PUBLISH a b\r\n");
    writers[2].send(b"MULTI\r\nGET k\r\nEXEC\r\nLPUSH l x\r\n");
    writers[2].expect(b"+OK\r\n+QUEUED\r\n*1\r\n$1\r\n1\r\n");
    let blocked = |client: &mut redis::Connection| {
        let list: String = run(client, "CLIENT LIST");
        list.lines().filter(|line| line.contains("flags=b")).count()
    };
    wait_until(|| blocked(client) == 3);
    // A script that says that it writes nothing is none of them.
    let harmless = "#!lua flags=no-writes\nreturn redis.call('get', 'k')";
    let value: String = redis::cmd("EVAL").arg(harmless).arg(0).query(client).expect("it runs");
    assert_eq!(value, "1");
    check(client, &[("GET k", "\"1\""), ("CLIENT UNPAUSE", "OK")]);
    writers[0].expect(b"+OK\r\n$1\r\n2\r\n");
    writers[1].expect(b":0\r\n");
    writers[2].expect(b":1\r\n");
    check(client, &[("CLIENT PAUSE 100 ALL", "OK"), ("GET k", "\"2\"")]);
    check(client, &[("CLIENT PAUSE 1000000", "OK"), ("CLIENT UNPAUSE", "OK"), ("PING", "PONG")]);
}
