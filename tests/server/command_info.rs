//! COMMAND: what the table of commands tells.

use redis::Value;

use crate::harness::{Server, check, error, run, show};

#[test]
fn facts_on_commands() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let shown = |client: &mut redis::Connection, line: &str| show(&run::<Value>(client, line));
    assert_eq!(
        shown(client, "COMMAND INFO lpush nope"),
        "[[\"lpush\" -3 [write denyoom fast] 1 1 1 [@write @list @fast] [] [[\"flags\" [RW insert] \
         \"begin_search\" [\"type\" \"index\" \"spec\" [\"index\" 1]] \"find_keys\" [\"type\" \
         \"range\" \"spec\" [\"lastkey\" 0 \"keystep\" 1 \"limit\" 0]]]] []] nil]"
    );
    let config = shown(client, "COMMAND INFO config");
    assert!(config.starts_with("[[\"config\" -2 [] 0 0 0 [@slow]"), "{config}");
    assert!(config.contains("[\"config|get\" -3 [admin noscript loading stale] 0 0 0"), "{config}");
    assert!(shown(client, "COMMAND INFO config|set").starts_with("[[\"config|set\" -4"));
    let all: Vec<Value> = run(client, "COMMAND");
    let count: usize = run(client, "COMMAND COUNT");
    assert_eq!(all.len(), count);
    assert_eq!(run::<Vec<Value>>(client, "COMMAND INFO").len(), count);
    assert!(run::<Vec<String>>(client, "COMMAND HELP").len() > 10);
}

#[test]
fn keys_of_requests() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("COMMAND GETKEYS MSET a 1 b 2", "[\"a\" \"b\"]"),
            ("COMMAND GETKEYS get a", "[\"a\"]"),
            ("COMMAND GETKEYS ZUNIONSTORE to 2 a b", "[\"to\" \"a\" \"b\"]"),
            ("COMMAND GETKEYS ZUNIONSTORE to 2 a", "(ERR Invalid arguments specified for command)"),
            ("COMMAND GETKEYS PFMERGE to", "(ERR Invalid arguments specified for command)"),
            ("COMMAND GETKEYS OBJECT ENCODING a", "[\"a\"]"),
            ("COMMAND GETKEYSANDFLAGS SET a 1", "[[\"a\" [OW update]]]"),
            ("COMMAND GETKEYSANDFLAGS SET a 1 GET", "[[\"a\" [RW access update]]]"),
            (
                "COMMAND GETKEYSANDFLAGS LMOVE a b LEFT RIGHT",
                "[[\"a\" [RW access delete]] [\"b\" [RW insert]]]",
            ),
            ("COMMAND GETKEYSANDFLAGS GET a", "[[\"a\" [RO access]]]"),
            ("COMMAND GETKEYS NOPE a", "(ERR Invalid command specified)"),
            ("COMMAND GETKEYS XGROUP NOPE", "(ERR Invalid command specified)"),
            ("COMMAND GETKEYS XGROUP", "(ERR The command has no key arguments)"),
            ("COMMAND GETKEYS PING", "(ERR The command has no key arguments)"),
            ("COMMAND GETKEYS GET", "(ERR Invalid number of arguments specified for command)"),
        ],
    );
}

#[test]
fn names_of_commands() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let all: Vec<String> = run(client, "COMMAND LIST");
    assert!(all.contains(&"get".to_owned()) && all.contains(&"config|get".to_owned()));
    let found: Vec<String> = run(client, "COMMAND LIST FILTERBY PATTERN config|*");
    assert_eq!(found.len(), 5);
    let found: Vec<String> = run(client, "COMMAND LIST FILTERBY ACLCAT transaction");
    assert!(found.contains(&"multi".to_owned()) && !found.contains(&"get".to_owned()));
    assert_eq!(run::<Vec<String>>(client, "COMMAND LIST FILTERBY MODULE x").len(), 0);
    assert_eq!(error(client, "COMMAND LIST FILTERBY WHAT x"), "ERR syntax error");
    assert_eq!(error(client, "COMMAND LIST FILTERBY ACLCAT"), "ERR syntax error");
    assert_eq!(error(client, "COMMAND NOPE"), "ERR unknown subcommand 'NOPE'. Try COMMAND HELP.");
}

#[test]
fn what_commands_do() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let docs = show(&run::<Value>(client, "COMMAND DOCS lpop nope"));
    assert!(docs.starts_with("[\"lpop\" [\"summary\" "), "{docs}");
    assert!(docs.contains("\"group\" \"list\" \"arguments\" [[\"name\" \"key\" \"type\" \"key\""));
    let config = show(&run::<Value>(client, "COMMAND DOCS config"));
    assert!(config.contains("\"subcommands\" [\"config|get\" ["), "{config}");
    let all: Vec<Value> = run(client, "COMMAND DOCS");
    assert_eq!(all.len(), 2 * run::<usize>(client, "COMMAND COUNT"));
}

#[test]
fn help_names_the_subcommands() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    for (line, subcommands) in [
        ("FUNCTION HELP", "DELETE DUMP FLUSH HELP KILL LIST LOAD RESTORE STATS"),
        ("MODULE HELP", "HELP LIST LOAD LOADEX UNLOAD"),
        ("SCRIPT HELP", "DEBUG EXISTS FLUSH HELP KILL LOAD"),
    ] {
        let help: Vec<String> = run(client, line);
        let name = line.trim_end_matches(" HELP");
        let head = format!("{name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
        assert_eq!(help[0], head);
        let syntaxes = help[1..].iter().filter(|text| !text.starts_with(' '));
        let mut names: Vec<_> = syntaxes.filter_map(|text| text.split(' ').next()).collect();
        names.sort_unstable();
        assert_eq!(names.join(" "), subcommands, "{line}");
        let more = error(client, &format!("{line} more"));
        assert!(more.starts_with("ERR wrong number of arguments for"), "{more}");
    }
}

#[test]
fn what_is_unknown_is_one_null() {
    let server = Server::start(&[]);
    let mut raw = server.raw();
    raw.send(b"COMMAND INFO nosuch\r\nHELLO 3\r\nCOMMAND LIST FILTERBY PATTERN ge?\r\n");
    raw.expect(b"*1\r\n$-1\r\n%7\r\n");
    while raw.read_line() != "*0" {}
    raw.expect(b"*1\r\n$3\r\nget\r\n");
}

#[test]
fn errors_show_the_start_of_long_words() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let (long, shown) = ("x".repeat(200), "x".repeat(128));
    for (line, text) in [
        (long.clone(), format!("ERR unknown command '{shown}', with args beginning with: ")),
        (format!("OBJECT {long}"), format!("ERR unknown subcommand '{shown}'. Try OBJECT HELP.")),
        (format!("ACL CAT {long}"), format!("ERR Unknown category '{shown}'")),
    ] {
        check(client, &[(&line, &format!("({text})"))]);
    }
}
