//! ACL LOG, and what the slow log does not tell.

use redis::Value;

use crate::harness::{Server, check, error, run, show};

#[test]
fn denials_are_logged() {
    let server = Server::start(&[]);
    let admin = &mut server.client();
    let client = &mut server.client();
    check(
        admin,
        &[
            ("ACL SETUSER u on >u +@all -incr ~k* &c", "OK"),
            ("ACL LOG RESET", "OK"),
            ("ACL LOG", "[]"),
            ("ACL LOG x", "(ERR value is not an integer or out of range)"),
        ],
    );
    check(client, &[("AUTH u u", "OK")]);
    for line in [
        "GET x",
        "GET x",
        "INCR k",
        "PUBLISH d x",
        "AUTH u wrong",
        "EVAL return(redis.call('incr','k')) 0",
    ] {
        error(client, line);
    }
    check(client, &[("MULTI", "OK")]);
    error(client, "GET y");
    check(client, &[("DISCARD", "OK")]);
    let entries: Vec<Vec<Value>> = run(admin, "ACL LOG");
    let text = |entry: &[Value], name: &str| {
        let at = entry.iter().position(|value| show(value) == format!("{name:?}"));
        show(&entry[at.unwrap_or_else(|| panic!("no field {name}")) + 1])
    };
    let told: Vec<String> = entries
        .iter()
        .map(|entry| {
            ["count", "reason", "context", "object", "username"]
                .map(|name| text(entry, name).replace('"', ""))
                .join(" ")
        })
        .collect();
    assert_eq!(
        told,
        [
            "1 key multi y u",
            "1 command lua incr u",
            "1 auth toplevel AUTH u",
            "1 channel toplevel d u",
            "1 command toplevel incr u",
            "2 key toplevel x u",
        ]
    );
    assert_eq!(text(&entries[0], "entry-id"), "5");
    assert!(text(&entries[1], "client-info").contains(" cmd=eval user=u "));
    assert_eq!(run::<Vec<Value>>(admin, "ACL LOG 2").len(), 2);
    for (field, count) in [("auth", "1"), ("cmd", "2"), ("key", "3"), ("channel", "1")] {
        assert_eq!(server.info(&format!("acl_access_denied_{field}")), count);
    }
    check(admin, &[("CONFIG SET acllog-max-len 1", "OK"), ("ACL LOG 0", "[]")]);
    error(client, "GET z");
    assert_eq!(run::<Vec<Value>>(admin, "ACL LOG").len(), 1);
    let log = run::<Vec<Value>>(&mut server.client_resp3(), "ACL LOG 1");
    assert!(show(&log[0]).starts_with("{\"count\":1 \"reason\":\"key\""), "{log:?}");
}

#[test]
fn passwords_are_kept_out_of_the_slow_log() {
    let server = Server::start(&["--slowlog-log-slower-than", "0"]);
    let client = &mut server.client();
    check(client, &[("ACL SETUSER u on >hush", "OK"), ("AUTH u hush", "OK")]);
    check(client, &[("AUTH default x", "OK")]);
    let log = show(&run::<Value>(client, "SLOWLOG GET"));
    assert!(!log.contains("hush"), "{log}");
    assert!(
        log.contains("[\"ACL\" \"SETUSER\" \"(redacted)\" \"(redacted)\" \"(redacted)\"]"),
        "{log}"
    );
}
