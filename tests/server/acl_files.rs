//! Where users stand: the file of users, the configuration file; and commands with other names.

use std::path::Path;
use std::process::Command;

use redis::Value;

use crate::harness::{Server, check, error, run, show};

/// Writes a file into a folder; returns its path.
fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("written");
    path.display().to_string()
}

/// What the binary says when it does not start.
fn failure(arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(env!("CARGO_BIN_EXE_respq"))
        .args(arguments)
        .args(["--port", "0", "--dir"])
        .arg(folder.path())
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    String::from_utf8_lossy(&output.stderr).trim_end().to_owned()
}

#[test]
fn users_in_a_file_of_their_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(
        folder.path(),
        "users.acl",
        "user alice on >secret +@all ~* &*\n\nuser bob on nopass +get ~b (+set ~x)\n",
    );
    let server = Server::start(&["--aclfile", &path]);
    let client = &mut server.client();
    check(
        client,
        &[
            ("ACL USERS", "[\"alice\" \"bob\" \"default\"]"),
            ("AUTH alice secret", "OK"),
            ("ACL SETUSER carol on nopass +@read ~c", "OK"),
            ("ACL SAVE", "OK"),
            ("ACL DELUSER carol", "1"),
        ],
    );
    let text = std::fs::read_to_string(&path).expect("a file");
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].starts_with("user alice on sanitize-payload #2bb80d53"));
    assert_eq!(
        lines[1..],
        [
            "user bob on nopass sanitize-payload ~b resetchannels -@all +get (~x resetchannels -@all +set)",
            "user carol on nopass sanitize-payload ~c resetchannels -@all +@read",
            "user default on nopass sanitize-payload ~* &* +@all",
        ]
    );
    // Loading closes the connections of all users but `default`.
    let (mut own, admin) = (server.raw(), &mut server.client());
    assert_eq!(own.line("AUTH alice secret"), "+OK");
    let mut bob = server.raw();
    assert_eq!(bob.line("AUTH bob x"), "+OK");
    assert_eq!(own.line("ACL LOAD"), "+OK");
    assert_eq!((own.read_to_end(), bob.read_to_end()), (String::new(), String::new()));
    check(admin, &[("ACL USERS", "[\"alice\" \"bob\" \"carol\" \"default\"]")]);
    // A file with errors changes nothing.
    let before: Vec<String> = run(admin, "ACL LIST");
    file(folder.path(), "users.acl", &format!("{text}user alice on\nuser dave +nope\nnonsense\n"));
    let told = error(admin, "ACL LOAD");
    for part in [
        "ERR WARNING: Duplicate user 'alice' found on line 5. ",
        "users.acl:6: Error in applying operation '+nope': Unknown command or category name in ACL. ",
        "users.acl:7 should start with user keyword followed by the username. ",
        "WARNING: ACL errors detected, no change to the previously active ACL rules was performed",
    ] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    assert_eq!(run::<Vec<String>>(admin, "ACL LIST"), before);
    assert!(failure(&["--aclfile", &path]).contains("Duplicate user 'alice' found on line 5"));
    assert!(failure(&["--aclfile", "/nowhere/users.acl"]).contains("/nowhere/users.acl"));
}

#[test]
fn without_a_file_of_users() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    for line in ["ACL LOAD", "ACL SAVE"] {
        let text = error(client, line);
        assert!(
            text.starts_with("ERR This Redis instance is not configured to use an ACL file."),
            "{text}"
        );
    }
}

#[test]
fn users_in_the_configuration_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "requirepass root\n# people\nuser alice on \">my secret\" +@all -flushall ~* &* (+get ~x)\nuser bob on nopass ~b +get\n";
    let path = file(folder.path(), "respq.conf", text);
    let mut server = Server::start_with_file(&path, &[]);
    let mut raw = server.raw();
    assert!(raw.line("PING").starts_with("-NOAUTH"));
    assert_eq!(raw.line("AUTH alice \"my secret\""), "+OK");
    assert_eq!(
        raw.line("FLUSHALL"),
        "-NOPERM User alice has no permissions to run the 'flushall' command"
    );
    assert_eq!(raw.line("ACL DELUSER bob"), ":1");
    assert_eq!(
        raw.line("ACL SETUSER carol on nopass ~\\\"c +get (~d \"~'e\")"),
        "-ERR Protocol error: unbalanced quotes in request"
    );
    let client = &mut redis::Client::open(format!("redis://:root@127.0.0.1:{}/", server.port()))
        .and_then(|client| client.get_connection())
        .expect("it accepts");
    check(client, &[("ACL SETUSER carol on nopass ~\"c +get", "OK"), ("CONFIG REWRITE", "OK")]);
    let users: Vec<String> = run(client, "ACL LIST");
    assert_eq!(users.len(), 3);
    let text = std::fs::read_to_string(&path).expect("a file");
    assert!(text.starts_with("requirepass root\n# people\nuser alice on"), "{text}");
    assert!(!text.contains("user bob") && !text.contains("user default"), "{text}");
    assert!(server.stop());
    server.start_again();
    let client = &mut redis::Client::open(format!("redis://:root@127.0.0.1:{}/", server.port()))
        .and_then(|client| client.get_connection())
        .expect("it accepts");
    assert_eq!(run::<Vec<String>>(client, "ACL LIST"), users);
}

#[test]
fn the_default_user_in_the_configuration_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(folder.path(), "respq.conf", "user default on nopass ~* +@all -flushdb\n");
    let mut server = Server::start_with_file(&path, &[]);
    let denied = [
        ("FLUSHDB", "(NOPERM User default has no permissions to run the 'flushdb' command)"),
        ("PUBLISH c x", "(NOPERM No permissions to access a channel)"),
    ];
    check(&mut server.client(), &denied);
    check(&mut server.client(), &[("CONFIG REWRITE", "OK")]);
    assert!(server.stop());
    server.start_again();
    check(&mut server.client(), &denied);
}

#[test]
fn wrong_declarations_stop_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let users = file(folder.path(), "users.acl", "user a on\n");
    for (arguments, expected) in [
        (
            vec!["--user", "a", "--user", "a"],
            "option --user: Duplicate user found. A user can only be defined once",
        ),
        (
            vec!["--user", "a", "+nope"],
            "option --user: Error in user declaration 'a', rule '+nope': Unknown command or category name in ACL",
        ),
        (
            vec!["--user", "a", "<hush"],
            "option --user: Error in user declaration 'a', rule '<...': The password you are trying to remove from the user does not exist",
        ),
        (
            vec!["--user", "a", "(+get"],
            "option --user: Unmatched parenthesis in acl selector starting at '(+get'.",
        ),
        (
            vec!["--user", "a", "--aclfile", &users],
            "option --user: users are declared here, and there is a file of users (aclfile); use one or the other",
        ),
        (
            vec!["--rename-command", "nope", "x"],
            "option --rename-command: rename-command: No such command in rename-command",
        ),
        (
            vec!["--rename-command", "get", "set"],
            "option --rename-command: rename-command: Target command name already exists",
        ),
        (
            vec!["--rename-command", "get"],
            "option --rename-command: rename-command needs the name of a command and another name",
        ),
    ] {
        assert_eq!(failure(&arguments), format!("respq: {expected}"));
    }
}

#[test]
fn commands_have_other_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = "b840fc02d524045429941cc15f59e41cb7be6c52b840fc02d524045429941cc1";
    let text = format!(
        "rename-command FLUSHALL \"\"\nrename-command CONFIG {secret}\nrename-command SET put\n"
    );
    let path = file(folder.path(), "respq.conf", &text);
    let mut server = Server::start_with_file(&path, &[]);
    let client = &mut server.client();
    let unknown =
        |name: &str| format!("(ERR unknown command '{name}', with args beginning with: )");
    check(
        client,
        &[
            ("FLUSHALL", &unknown("FLUSHALL")),
            ("CONFIG", &unknown("CONFIG")),
            (&format!("{secret} GET hz"), "[\"hz\" \"10\"]"),
            ("PUT a 1", "OK"),
            ("put b 2 PX 1000000", "OK"),
            ("MULTI", "OK"),
            ("PUT c 3", "QUEUED"),
            ("EXEC", "[OK]"),
            ("EVAL return(redis.call('put','d','4')) 0", "OK"),
            ("COMMAND INFO flushall", "[nil]"),
            // Rules are on the commands themselves.
            ("ACL SETUSER u on nopass +set ~*", "OK"),
            ("AUTH u x", "OK"),
            ("PUT e 5", "OK"),
            ("AUTH default x", "OK"),
        ],
    );
    let all: Vec<Value> = run(client, "COMMAND");
    assert_eq!(i64::try_from(all.len()), Ok(run::<i64>(client, "COMMAND COUNT")));
    assert!(!all.iter().any(|command| show(command).starts_with("[\"flushall\"")));
    // The log has the old names, so it can be read under others, too.
    server.kill();
    file(folder.path(), "respq.conf", "rename-command SET another\n");
    server.start_again();
    let client = &mut server.client();
    check(client, &[("MGET a b c d e", "[\"1\" \"2\" \"3\" \"4\" \"5\"]")]);
    check(
        client,
        &[
            ("SET a 1", "(ERR unknown command 'SET', with args beginning with: 'a' '1' )"),
            ("FLUSHALL", "OK"),
        ],
    );
}

#[test]
fn debug_is_guarded_in_transactions_too() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    check(client, &[("MULTI", "OK")]);
    let text = error(client, "DEBUG SLEEP 0");
    assert!(text.contains("DEBUG command not allowed"), "{text}");
    assert!(error(client, "EXEC").starts_with("EXECABORT"));
    let local =
        Server::start(&["--enable-debug-command", "local", "--enable-module-command", "yes"]);
    check(&mut local.client(), &[("DEBUG SLEEP 0", "OK")]);
}
