//! Consumer groups: XGROUP, XREADGROUP, XACK, XPENDING, XCLAIM, XAUTOCLAIM, XINFO.

use redis::Connection;

use crate::harness::{Server, check, run, show};

/// A server with a stream `s` of entries `1-0` to `count-0`.
fn server_with_entries(count: usize) -> Server {
    let server = Server::start(&[]);
    let client = &mut server.client();
    for n in 1..=count {
        run::<String>(client, &format!("XADD s {n} n {n}"));
    }
    server
}

#[test]
fn each_entry_goes_to_one_consumer() {
    let server = server_with_entries(4);
    check(
        &mut server.client(),
        &[
            ("XGROUP CREATE s g 0", "OK"),
            ("XREADGROUP GROUP g anna COUNT 1 STREAMS s >", r#"[["s" [["1-0" ["n" "1"]]]]]"#),
            (
                "XREADGROUP GROUP g bob COUNT 2 STREAMS s >",
                r#"[["s" [["2-0" ["n" "2"]] ["3-0" ["n" "3"]]]]]"#,
            ),
            ("XREADGROUP GROUP g anna NOACK STREAMS s >", r#"[["s" [["4-0" ["n" "4"]]]]]"#),
            ("XREADGROUP GROUP g anna STREAMS s >", "nil"),
            ("XREADGROUP GROUP g anna STREAMS s 0", r#"[["s" [["1-0" ["n" "1"]]]]]"#),
            ("XREADGROUP GROUP g carl STREAMS s 0", r#"[["s" []]]"#),
            ("XPENDING s g", r#"[3 "1-0" "3-0" [["anna" "1"] ["bob" "2"]]]"#),
            ("XACK s g 1 2 9", "2"),
            ("XACK s g 1", "0"),
            ("XACK s nope 1", "0"),
            ("XACK none g 1", "0"),
            ("XDEL s 3", "1"),
            ("XREADGROUP GROUP g bob COUNT 1 STREAMS s 0", r#"[["s" [["3-0" nil]]]]"#),
            ("XGROUP DELCONSUMER s g bob", "1"),
            ("XGROUP DELCONSUMER s g bob", "0"),
            ("XPENDING s g", "[0 nil nil nil]"),
            ("XPENDING s g - + 10", "[]"),
            ("XGROUP DESTROY s g", "1"),
            ("XGROUP DESTROY s g", "0"),
        ],
    );
    check(
        &mut server.client_resp3(),
        &[
            ("XGROUP CREATE s g 3", "OK"),
            ("XREADGROUP GROUP g anna STREAMS s >", r#"{"s":[["4-0" ["n" "4"]]]}"#),
            ("XREADGROUP GROUP g anna STREAMS s >", "nil"),
        ],
    );
}

#[test]
fn groups_are_made_and_set() {
    let server = server_with_entries(3);
    let no_key = "(ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you \
                  may want to use the MKSTREAM option to create an empty stream automatically.)";
    let no_group = "(NOGROUP No such consumer group 'nope' for key name 's')";
    let position = |id: &str, read: &str, lag: &str| {
        format!(
            r#"[{{"name":"g" "consumers":1 "pending":0 "last-delivered-id":"{id}" "entries-read":{read} "lag":{lag}}}]"#
        )
    };
    check(
        &mut server.client_resp3(),
        &[
            ("SET string x", "OK"),
            ("XGROUP CREATE none g $", no_key),
            ("XGROUP DESTROY none g", no_key),
            (
                "XGROUP CREATE nope g $ MKSTREAM MKSTREAM ENTRIESREAD 1",
                "(ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP \
                 HELP.)",
            ),
            (
                "XGROUP CREATE string g $ MKSTREAM",
                "(WRONGTYPE Operation against a key holding the wrong kind of value)",
            ),
            ("XGROUP CREATE s g $", "OK"),
            ("XGROUP CREATE s g $", "(BUSYGROUP Consumer Group name already exists)"),
            (
                "XGROUP CREATE s g2 x",
                "(ERR Invalid stream ID specified as stream command argument)",
            ),
            (
                "XGROUP CREATE s g2 0 NOPE",
                "(ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP.)",
            ),
            (
                "XGROUP CREATE s g2 0 ENTRIESREAD -2",
                "(ERR value for ENTRIESREAD must be positive or -1)",
            ),
            ("XGROUP CREATE new g $ MKSTREAM", "OK"),
            ("XLEN new", "0"),
            ("XGROUP CREATECONSUMER s g anna", "1"),
            ("XGROUP CREATECONSUMER s g anna", "0"),
            ("XGROUP CREATECONSUMER s nope anna", no_group),
            ("XGROUP DELCONSUMER s nope anna", no_group),
            ("XGROUP SETID s nope 0", no_group),
            ("XINFO CONSUMERS s nope", no_group),
            ("XINFO GROUPS s", &position("3-0", "nil", "0")),
            ("XGROUP SETID s g 0", "OK"),
            ("XINFO GROUPS s", &position("0-0", "nil", "3")),
            ("XGROUP SETID s g 1 ENTRIESREAD 1", "OK"),
            ("XINFO GROUPS s", &position("1-0", "1", "2")),
            ("XDEL s 2", "1"),
            ("XINFO GROUPS s", &position("1-0", "1", "nil")),
            ("XGROUP SETID s g $", "OK"),
            ("XINFO GROUPS none", "(ERR no such key)"),
            ("XGROUP NOPE s g", "(ERR unknown subcommand 'NOPE'. Try XGROUP HELP.)"),
            ("XGROUP CREATE s", "(ERR wrong number of arguments for 'xgroup|create' command)"),
        ],
    );
    let help: Vec<String> = run(&mut server.client(), "XGROUP HELP");
    assert!(help.iter().any(|line| line.starts_with("CREATE ")), "{help:?}");
}

#[test]
fn pending_entries_are_told() {
    let server = server_with_entries(3);
    let client = &mut server.client();
    let no_group = "(NOGROUP No such key 's' or consumer group 'nope')";
    check(
        client,
        &[
            ("XGROUP CREATE s g 0", "OK"),
            (
                "XREADGROUP GROUP g anna COUNT 2 STREAMS s >",
                r#"[["s" [["1-0" ["n" "1"]] ["2-0" ["n" "2"]]]]]"#,
            ),
            ("XREADGROUP GROUP g bob STREAMS s >", r#"[["s" [["3-0" ["n" "3"]]]]]"#),
            ("XPENDING s nope", no_group),
            ("XPENDING none g - + 1", "(NOGROUP No such key 'none' or consumer group 'g')"),
            ("XPENDING s g -", "(ERR syntax error)"),
            ("XPENDING s g IDLE 1 - +", "(ERR syntax error)"),
            ("XPENDING s g - + x", "(ERR value is not an integer or out of range)"),
            ("XPENDING s g - + 10 nobody", "[]"),
            ("XPENDING s g IDLE 100000000 - + 10", "[]"),
            ("XCLAIM s g anna 0 1 2 3 TIME 1000 RETRYCOUNT 7 JUSTID", r#"["1-0" "2-0" "3-0"]"#),
        ],
    );
    for (line, ids) in [
        ("XPENDING s g - + 10", "1-0 2-0 3-0"),
        ("XPENDING s g (1 + 1", "2-0"),
        ("XPENDING s g - (3-0 10 anna", "1-0 2-0"),
        ("XPENDING s g IDLE 100000 - + 10 anna", "1-0 2-0 3-0"),
        ("XPENDING s g - + 10 bob", ""),
    ] {
        let rows: Vec<(String, String, u64, u64)> = run(client, line);
        assert!(rows.iter().all(|row| row.1 == "anna" && row.2 > 100_000 && row.3 == 7));
        let found: Vec<String> = rows.into_iter().map(|row| row.0).collect();
        assert_eq!(found.join(" "), ids, "{line}");
    }
}

#[test]
fn pending_entries_are_claimed() {
    let server = server_with_entries(5);
    check(
        &mut server.client(),
        &[
            ("XGROUP CREATE s g 0", "OK"),
            (
                "XREADGROUP GROUP g anna COUNT 4 NOACK STREAMS none s > >",
                "(NOGROUP No such key 'none' or consumer group 'g' in XREADGROUP with GROUP option)",
            ),
            ("XREADGROUP GROUP g anna COUNT 1 STREAMS s >", r#"[["s" [["1-0" ["n" "1"]]]]]"#),
            (
                "XREADGROUP GROUP g anna COUNT 2 STREAMS s >",
                r#"[["s" [["2-0" ["n" "2"]] ["3-0" ["n" "3"]]]]]"#,
            ),
            ("XCLAIM s g bob 100000000 1 2 3", "[]"),
            ("XCLAIM s g bob 0 1 5", r#"[["1-0" ["n" "1"]]]"#),
            ("XCLAIM s g bob 0 5 FORCE JUSTID", r#"["5-0"]"#),
            ("XPENDING s g", r#"[4 "1-0" "5-0" [["anna" "2"] ["bob" "2"]]]"#),
            ("XDEL s 2", "1"),
            ("XCLAIM s g bob 0 2", "[]"),
            ("XCLAIM s g bob 0 9 FORCE", "[]"),
            ("XPENDING s g", r#"[3 "1-0" "5-0" [["anna" "1"] ["bob" "2"]]]"#),
            ("XCLAIM s g bob x 1", "(ERR Invalid min-idle-time argument for XCLAIM)"),
            ("XCLAIM s g bob 0 1 NOPE", "(ERR Unrecognized XCLAIM option 'NOPE')"),
            ("XCLAIM s g bob 0 1 TIME x", "(ERR Invalid TIME option argument for XCLAIM)"),
            ("XCLAIM s g bob 0 1 IDLE x", "(ERR Invalid IDLE option argument for XCLAIM)"),
            (
                "XCLAIM s g bob 0 1 RETRYCOUNT x",
                "(ERR Invalid RETRYCOUNT option argument for XCLAIM)",
            ),
            ("XCLAIM none g bob 0 1", "(NOGROUP No such key 'none' or consumer group 'g')"),
            ("XAUTOCLAIM s g carl 0 0 COUNT 1", r#"["3-0" [["1-0" ["n" "1"]]] []]"#),
            ("XAUTOCLAIM s g carl 0 3 COUNT 1 JUSTID", r#"["5-0" ["3-0"] []]"#),
            ("XDEL s 3", "1"),
            ("XAUTOCLAIM s g dora 0 - COUNT 2", r#"["5-0" [["1-0" ["n" "1"]]] ["3-0"]]"#),
            ("XAUTOCLAIM s g dora 100000000 0", r#"["0-0" [] []]"#),
            ("XAUTOCLAIM s g dora 0 (1 JUSTID", r#"["0-0" ["5-0"] []]"#),
            ("XPENDING s g", r#"[2 "1-0" "5-0" [["dora" "2"]]]"#),
            ("XAUTOCLAIM s g dora x 0", "(ERR Invalid min-idle-time argument for XAUTOCLAIM)"),
            ("XAUTOCLAIM s g dora 0 0 COUNT 0", "(ERR COUNT must be > 0)"),
            ("XAUTOCLAIM s g dora 0 0 NOPE", "(ERR syntax error)"),
            ("XAUTOCLAIM s nope dora 0 0", "(NOGROUP No such key 's' or consumer group 'nope')"),
        ],
    );
}

#[test]
fn reading_claims_what_was_idle_for_long() {
    let server = server_with_entries(4);
    let client = &mut server.client();
    check(
        client,
        &[
            ("XGROUP CREATE s g 0", "OK"),
            (
                "XREADGROUP GROUP g anna COUNT 3 STREAMS s >",
                r#"[["s" [["1-0" ["n" "1"]] ["2-0" ["n" "2"]] ["3-0" ["n" "3"]]]]]"#,
            ),
            ("XCLAIM s g anna 0 1 IDLE 1000000 JUSTID", r#"["1-0"]"#),
            ("XCLAIM s g anna 0 3 IDLE 2000000 JUSTID", r#"["3-0"]"#),
        ],
    );
    let reply = show(&run(client, "XREADGROUP GROUP g bob CLAIM 900000 STREAMS s >"));
    // Up to 10 s may pass in between.
    let parts: Vec<&str> = reply.split("] 100").collect();
    assert!(reply.starts_with(r#"[["s" [["3-0" ["n" "3"] 200"#), "{reply}");
    assert!(parts.len() == 2 && parts[1].ends_with(r#" 1] ["4-0" ["n" "4"]]]]]"#), "{reply}");
    check(
        client,
        &[
            ("XPENDING s g", r#"[4 "1-0" "4-0" [["anna" "1"] ["bob" "3"]]]"#),
            ("XREADGROUP GROUP g bob CLAIM 900000 STREAMS s >", "nil"),
            (
                "XREADGROUP GROUP g bob CLAIM -1 STREAMS s >",
                "(ERR min-idle-time must be a positive integer)",
            ),
        ],
    );
}

/// All that a group's commands tell about the state of `s`, without the times of consumers.
fn state(client: &mut Connection) -> String {
    let full = show(&run(client, "XINFO STREAM s FULL COUNT 0"));
    let mut parts = full.split("\"seen-time\":");
    let mut state = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        state.push_str(part.split_once("\"pel-count\":").map_or(part, |(_, rest)| rest));
    }
    state
}

#[test]
fn groups_survive_a_restart() {
    let mut server = server_with_entries(20);
    let client = &mut server.client_resp3();
    for line in [
        "XGROUP CREATE s g 0",
        "XGROUP CREATE s h $ ENTRIESREAD 5",
        "XREADGROUP GROUP g anna COUNT 8 STREAMS s >",
        "XREADGROUP GROUP g bob COUNT 4 STREAMS s >",
        "XREADGROUP GROUP g anna COUNT 3 STREAMS s 2",
        "XREADGROUP GROUP g noack NOACK COUNT 1 STREAMS s >",
        "XREADGROUP GROUP h idle STREAMS s >",
        "XACK s g 1 2 11",
        "XCLAIM s g carl 0 3 4 IDLE 5000000",
        "XCLAIM s g carl 0 5 RETRYCOUNT 77 LASTID 15",
        "XDEL s 6 7 19",
        "XAUTOCLAIM s g dora 0 5 COUNT 4 JUSTID",
        "XREADGROUP GROUP g bob CLAIM 1000000 COUNT 3 STREAMS s >",
        "XACKDEL s g DELREF IDS 1 3",
        "XGROUP CREATECONSUMER s h eve",
        "XGROUP DELCONSUMER s g noack",
        "XADD s MAXLEN ~ 10 * n 21",
        "XREADGROUP GROUP g bob STREAMS s >",
    ] {
        run::<redis::Value>(client, line);
    }
    let before = state(client);
    server.kill();
    server.start_again();
    assert_eq!(state(&mut server.client_resp3()), before);
}
