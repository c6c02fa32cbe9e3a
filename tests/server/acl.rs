//! ACL: users and their rules, and what requests are denied with.

use redis::Value;

use crate::harness::{Server, check, error, run, show};

const GET_CONFIG: &str = "(ERR Error in ACL SETUSER modifier";

#[test]
fn users_are_made_changed_and_removed() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let default = "user default on nopass sanitize-payload ~* &* +@all";
    let hash = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
    let line = format!(
        "user u on sanitize-payload #{hash} ~a* %R~r* %W~w* resetchannels &c -@all +get +@hash \
         (~x resetchannels -@all +set)"
    );
    check(
        client,
        &[
            ("ACL WHOAMI", "\"default\""),
            ("ACL LIST", &format!("[\"{default}\"]")),
            ("ACL GETUSER u", "nil"),
            ("ACL SETUSER u", "OK"),
            (
                "ACL LIST",
                &format!("[\"{default}\" \"user u off sanitize-payload resetchannels -@all\"]"),
            ),
            ("ACL SETUSER u on >secret +get +@hash ~a* %R~r* %W~w* &c (~x +set)", "OK"),
            ("ACL LIST", &format!("[\"{default}\" \"{line}\"]")),
            ("ACL USERS", "[\"default\" \"u\"]"),
            (
                "ACL GETUSER u",
                &format!(
                    "[\"flags\" [\"on\" \"sanitize-payload\"] \"passwords\" [\"{hash}\"] \
                     \"commands\" \"-@all +get +@hash\" \"keys\" \"~a* %R~r* %W~w*\" \"channels\" \
                     \"&c\" \"selectors\" [[\"commands\" \"-@all +set\" \"keys\" \"~x\" \
                     \"channels\" \"\"]]]"
                ),
            ),
            ("ACL SETUSER u nonsense", &format!("{GET_CONFIG} 'nonsense': Syntax error)")),
            (
                "ACL SETUSER u off +@nope",
                &format!("{GET_CONFIG} '+@nope': Unknown command or category name in ACL)"),
            ),
            (
                "ACL SETUSER u (+get",
                "(ERR Unmatched parenthesis in acl selector starting at '(+get'.)",
            ),
            ("ACL LIST", &format!("[\"{default}\" \"{line}\"]")),
            ("ACL DELUSER u default", "(ERR The 'default' user cannot be removed)"),
            ("ACL DELUSER u nobody", "1"),
            ("ACL USERS", "[\"default\"]"),
        ],
    );
    let with_space = redis::cmd("ACL").arg("SETUSER").arg("a b").query::<Value>(client);
    let text = with_space.expect_err("a bad name").to_string();
    assert!(text.contains("Usernames can't contain spaces or null characters"), "{text}");
    let user = run::<Value>(&mut server.client_resp3(), "ACL GETUSER default");
    assert_eq!(
        show(&user),
        "{\"flags\":[\"on\" \"nopass\" \"sanitize-payload\"] \"passwords\":[] \"commands\":\"+@all\" \
         \"keys\":\"~*\" \"channels\":\"&*\" \"selectors\":[]}"
    );
}

#[test]
fn lists_of_categories_and_passwords() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let usage = |name: &str| {
        format!("(ERR unknown subcommand or wrong number of arguments for '{name}'. Try ACL HELP.)")
    };
    let bits = "(ERR ACL GENPASS argument must be the number of bits for the output password, a \
                positive number up to 4096)";
    check(
        client,
        &[
            ("ACL CAT nope", "(ERR Unknown category 'nope')"),
            ("ACL CAT a b", &usage("CAT")),
            ("ACL GENPASS 0", bits),
            ("ACL GENPASS 5000", bits),
            ("ACL GENPASS x", "(ERR value is not an integer or out of range)"),
            ("ACL GENPASS 1 2", &usage("GENPASS")),
            ("ACL LOG 1 2", &usage("LOG")),
        ],
    );
    assert_eq!(run::<Vec<String>>(client, "ACL CAT").len(), 21);
    assert!(run::<Vec<String>>(client, "ACL CAT hash").contains(&"hget".to_owned()));
    assert_eq!(run::<String>(client, "ACL GENPASS").len(), 64);
    assert_eq!(run::<String>(client, "ACL GENPASS 5").len(), 2);
    assert!(run::<Vec<String>>(client, "ACL HELP").len() > 10);
}

/// Each category added or taken away stays one rule.
#[test]
fn categories_are_shown_as_such() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    for category in run::<Vec<String>>(client, "ACL CAT") {
        for (rules, shown) in [
            (format!("reset +@all -@{category}"), format!("+@all -@{category}")),
            (format!("reset +@{category}"), format!("-@all +@{category}")),
        ] {
            check(client, &[(&format!("ACL SETUSER u {rules}"), "OK")]);
            let user = show(&run::<Value>(client, "ACL GETUSER u"));
            assert!(user.contains(&format!("\"commands\" \"{shown}\"")), "{user}");
        }
    }
}

#[test]
fn requests_are_denied() {
    let server = Server::start(&["--enable-debug-command", "yes"]);
    let admin = &mut server.client();
    let client = &mut server.client();
    let may_not =
        |name: &str| format!("(NOPERM User u has no permissions to run the '{name}' command)");
    let (key, channel) =
        ("(NOPERM No permissions to access a key)", "(NOPERM No permissions to access a channel)");
    check(
        admin,
        &[(
            "ACL SETUSER u on nopass +@all -config|set -debug -@dangerous +config ~k* %R~r* %W~w* &c*",
            "OK",
        )],
    );
    check(
        client,
        &[
            ("AUTH u anything", "OK"),
            ("ACL WHOAMI", "\"u\""),
            ("SET k 1", "OK"),
            ("SET x 1", key),
            ("MSET k 1 x 1", key),
            ("GET r", "nil"),
            ("SET r 1", key),
            ("SET w 1", "OK"),
            ("GET w", key),
            ("SET w 1 GET", key),
            ("STRLEN w", "1"),
            ("EXISTS x", key),
            ("COPY r w", "0"),
            ("COPY w r", key),
            (
                "LMOVE k w LEFT LEFT",
                "(WRONGTYPE Operation against a key holding the wrong kind of value)",
            ),
            ("LMOVE r w LEFT LEFT", key),
            ("BLMOVE k1 r LEFT LEFT 0", key),
            ("BITFIELD r GET u4 0", "[0]"),
            ("BITFIELD r SET u4 0 1", key),
            ("EVAL return(1) 1 x", key),
            ("EVAL_RO return(1) 1 r", "1"),
            ("ZUNIONSTORE w 1 r", "0"),
            ("ZUNIONSTORE r 1 w", key),
            ("XREAD STREAMS k1 x 0 0", key),
            ("PUBLISH c1 x", "0"),
            ("PUBLISH x x", channel),
            ("SPUBLISH x x", channel),
            ("KEYS *", &may_not("keys")),
            ("CONFIG GET port", &format!("[\"port\" \"{}\"]", server.port())),
            ("CONFIG SET hz 10", "OK"),
            ("ACL LIST", &may_not("acl|list")),
            ("DEBUG SLEEP 0", &may_not("debug")),
            ("SORT k1 BY nosort", &may_not("sort")),
            ("ACL NOPE", "(ERR unknown subcommand 'NOPE'. Try ACL HELP.)"),
            ("GET", "(ERR wrong number of arguments for 'get' command)"),
        ],
    );
    let mut raw = server.raw();
    for (line, reply) in [
        ("AUTH u x", "+OK"),
        ("SUBSCRIBE x", "-NOPERM No permissions to access a channel"),
        ("SSUBSCRIBE c1 x", "-NOPERM No permissions to access a channel"),
        ("PSUBSCRIBE c1", "-NOPERM No permissions to access a channel"),
        ("PSUBSCRIBE c*", "*3"),
    ] {
        assert_eq!(raw.line(line), reply, "{line}");
    }
}

#[test]
fn first_arguments_and_selectors() {
    let server = Server::start(&[]);
    let admin = &mut server.client();
    let client = &mut server.client();
    check(
        admin,
        &[
            ("ACL SETUSER u on nopass +select|0 (+get ~g) (+set +del ~s)", "OK"),
            ("RPUSH list 1", "1"),
            ("ACL SETUSER sorter on nopass (+sort ~list)", "OK"),
        ],
    );
    check(
        client,
        &[
            ("AUTH u x", "OK"),
            ("SELECT 0", "OK"),
            ("SELECT 1", "(NOPERM User u has no permissions to run the 'select' command)"),
            ("GET g", "nil"),
            ("GET s", "(NOPERM No permissions to access a key)"),
            ("SET s 1", "OK"),
            ("SET g 1", "(NOPERM No permissions to access a key)"),
            ("PING", "(NOPERM User u has no permissions to run the 'ping' command)"),
            ("AUTH sorter x", "OK"),
            ("SORT list", "[\"1\"]"),
            (
                "SORT list BY w*",
                "(ERR BY option of SORT denied due to insufficient ACL permissions.)",
            ),
            ("SORT list BY nosort", "[\"1\"]"),
            (
                "SORT list GET #",
                "(ERR GET option of SORT denied due to insufficient ACL permissions.)",
            ),
        ],
    );
    check(admin, &[("ACL SETUSER sorter (+sort ~list %R~*)", "OK")]);
    check(client, &[("SORT list BY w* GET #", "[\"1\"]")]);
}

#[test]
fn dry_runs() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    check(
        client,
        &[
            ("ACL SETUSER u +@all -del %R~r* ~k &c", "OK"),
            ("ACL DRYRUN u GET r1", "OK"),
            ("ACL DRYRUN u SET r1 x", "\"User u has no permissions to access the 'r1' key\""),
            ("ACL DRYRUN u SET k x", "OK"),
            ("ACL DRYRUN u DEL k", "\"User u has no permissions to run the 'del' command\""),
            ("ACL DRYRUN u PUBLISH d x", "\"User u has no permissions to access the 'd' channel\""),
            ("ACL DRYRUN u EVAL s 3 a b", "OK"),
            ("ACL DRYRUN nobody GET k", "(ERR User 'nobody' not found)"),
            ("ACL DRYRUN u nope", "(ERR Command 'nope' not found)"),
            ("ACL DRYRUN u config nope", "(ERR Command 'config' not found)"),
            ("ACL DRYRUN u SET k", "(ERR wrong number of arguments for 'set' command)"),
            ("EXISTS k", "0"),
        ],
    );
}

#[test]
fn logging_in() {
    let server = Server::start(&[]);
    let admin = &mut server.client();
    let wrong = "(WRONGPASS invalid username-password pair or user is disabled.)";
    check(admin, &[("ACL SETUSER u >a >b", "OK"), ("AUTH u a", wrong)]);
    check(admin, &[("ACL SETUSER u on +acl|whoami", "OK")]);
    let client = &mut server.client();
    check(
        client,
        &[
            ("AUTH u c", wrong),
            ("AUTH nobody a", wrong),
            ("AUTH u a", "OK"),
            ("AUTH u b", "OK"),
            ("ACL WHOAMI", "\"u\""),
            ("HELLO 2 AUTH u c", wrong),
            ("ACL WHOAMI", "\"u\""),
            ("RESET", "RESET"),
            ("ACL WHOAMI", "\"default\""),
        ],
    );
    check(admin, &[("ACL SETUSER u <a", "OK")]);
    check(client, &[("AUTH u a", wrong), ("AUTH u b", "OK")]);
    assert!(server.raw().line("HELLO 3 AUTH u b").starts_with('%'));
    // Without rights to anything one can still say who one is.
    check(admin, &[("ACL SETUSER v on >v", "OK")]);
    let mut raw = server.raw();
    assert_eq!(raw.line("AUTH v v"), "+OK");
    assert_eq!(raw.line("AUTH u b"), "+OK");
}

#[test]
fn the_default_user_is_changed() {
    let server = Server::start(&["--requirepass", "secret"]);
    let mut raw = server.raw();
    let no_auth = "-NOAUTH Authentication required.";
    assert_eq!(raw.line("PING"), no_auth);
    assert_eq!(raw.line("AUTH secret"), "+OK");
    let mut early = server.raw();
    assert_eq!(early.line("PING"), no_auth);
    assert_eq!(raw.line("CONFIG SET requirepass \"\""), "+OK");
    assert_eq!(early.line("PING"), "+PONG");
    assert_eq!(raw.line("CONFIG SET requirepass other"), "+OK");
    assert_eq!(early.line("PING"), no_auth);
    assert!(server.raw().line("AUTH secret").starts_with("-WRONGPASS"));
    assert_eq!(raw.line("ACL SETUSER default nopass -set"), "+OK");
    assert_eq!(early.line("PING"), "+PONG");
    let denied = "-NOPERM User default has no permissions to run the 'set' command";
    assert_eq!(early.line("SET a 1"), denied);
    assert_eq!(raw.line("ACL SETUSER default off"), "+OK");
    assert_eq!(server.raw().line("PING"), no_auth);
    assert_eq!(raw.line("PING"), "+PONG", "who is in stays in");
}

#[test]
fn transactions_are_checked_twice() {
    let server = Server::start(&[]);
    let admin = &mut server.client();
    let client = &mut server.client();
    check(admin, &[("ACL SETUSER u on nopass +@all -incr ~k*", "OK")]);
    check(
        client,
        &[
            ("AUTH u x", "OK"),
            ("MULTI", "OK"),
            ("SET x 1", "(NOPERM No permissions to access a key)"),
            ("EXEC", "(EXECABORT Transaction discarded because of previous errors.)"),
            ("MULTI", "OK"),
            ("SET k 1", "QUEUED"),
            ("GET k", "QUEUED"),
        ],
    );
    check(admin, &[("ACL SETUSER u -set", "OK")]);
    let text = error(client, "EXEC");
    assert!(text.ends_with("reason: no permission to execute the command or subcommand"), "{text}");
    check(client, &[("GET k", "nil")]);
    let mut raw = server.raw();
    for line in ["AUTH u x", "MULTI", "GET k"] {
        assert!(raw.line(line).starts_with('+'), "{line}");
    }
    check(admin, &[("ACL SETUSER u resetkeys", "OK")]);
    assert_eq!(raw.line("EXEC"), "*1");
    assert_eq!(
        raw.read_line(),
        "-NOPERM ACLs rules changed between the moment the transaction was accumulated and the \
         EXEC call. This command is no longer allowed for the following reason: no permission to \
         touch the specified keys"
    );
}

#[test]
fn scripts_have_the_rights_of_their_caller() {
    let server = Server::start(&[]);
    let admin = &mut server.client();
    let client = &mut server.client();
    check(
        admin,
        &[("ACL SETUSER u on nopass +@all -incr ~k*", "OK"), ("SET k 1", "OK"), ("SET x 1", "OK")],
    );
    check(
        client,
        &[
            ("AUTH u x", "OK"),
            ("EVAL return(redis.call('get','k')) 0", "\"1\""),
            ("EVAL return(redis.acl_check_cmd('get','k')) 0", "1"),
            ("EVAL return(redis.acl_check_cmd('get','x')) 0", "nil"),
            ("EVAL return(redis.acl_check_cmd('incr','k')) 0", "nil"),
        ],
    );
    for (call, why) in [
        ("'get','x'", "No permissions to access a key"),
        ("'incr','k'", "User u has no permissions to run the 'incr' command"),
        ("'publish','x','y'", "No permissions to access a channel"),
    ] {
        let text = error(client, &format!("EVAL return(redis.call({call})) 0"));
        assert!(text.starts_with(&format!("ERR ACL failure in script: {why}")), "{text}");
    }
    let library = "#!lua name=lib\nredis.register_function('f', function(keys) return \
                   redis.call('GET', keys[1] or 'x') end)";
    let loaded = redis::cmd("FUNCTION").arg("LOAD").arg(library).query::<String>(admin);
    assert_eq!(loaded.expect("a library"), "lib");
    check(
        client,
        &[("FCALL f 1 k", "\"1\""), ("FCALL f 1 x", "(NOPERM No permissions to access a key)")],
    );
    assert!(error(client, "FCALL f 0").starts_with("ERR ACL failure in script"));
}

#[test]
fn channels_of_new_users() {
    let server = Server::start(&["--acl-pubsub-default", "allchannels"]);
    let client = &mut server.client();
    let channels = |client: &mut _, user: &str| {
        let user = show(&run::<Value>(client, &format!("ACL GETUSER {user}")));
        user.contains("\"channels\" \"&*\"")
    };
    check(
        client,
        &[("ACL SETUSER a", "OK"), ("CONFIG SET acl-pubsub-default resetchannels", "OK")],
    );
    check(client, &[("ACL SETUSER b", "OK")]);
    assert!(channels(client, "a") && !channels(client, "b"));
    check(client, &[("ACL SETUSER a reset", "OK")]);
    assert!(!channels(client, "a"));
}
