//! A cluster of one node; what primaries are asked without it.

use crate::harness::{Server, check, error, run};
use crate::startup::failure;

const CROSS_SLOT: &str = "(CROSSSLOT Keys in request don't hash to the same slot)";
const DISABLED: &str = "(ERR This instance has cluster support disabled)";
const FIXED: &str =
    "(ERR This cluster has one node, which holds all slots; that cannot be changed)";

fn start() -> Server {
    Server::start(&["--cluster-enabled", "yes"])
}

#[test]
fn one_node_holds_all_slots() {
    let server = start();
    let client = &mut server.client();
    let port = server.port();
    let id: String = run(client, "CLUSTER MYID");
    assert_eq!(id.len(), 40);
    assert_ne!(run::<String>(client, "CLUSTER MYSHARDID"), id);
    check(
        client,
        &[
            ("CLUSTER SLOTS", &format!("[[0 16383 [\"127.0.0.1\" {port} \"{id}\" []]]]")),
            (
                "CLUSTER SHARDS",
                &format!(
                    "[[\"slots\" [0 16383] \"nodes\" [[\"id\" \"{id}\" \"port\" {port} \"ip\" \
                     \"127.0.0.1\" \"endpoint\" \"127.0.0.1\" \"role\" \"master\" \"health\" \
                     \"online\" \"replication-offset\" 0]]]]"
                ),
            ),
            (
                "CLUSTER NODES",
                &format!("\"{id} 127.0.0.1:{port}@0 myself,master - 0 0 0 connected 0-16383\\n\""),
            ),
            ("CLUSTER LINKS", "[]"),
            (&format!("CLUSTER REPLICAS {id}"), "[]"),
            (&format!("CLUSTER SLAVES {id}"), "[]"),
            ("CLUSTER REPLICAS abc", "(ERR Unknown node abc)"),
            (&format!("CLUSTER COUNT-FAILURE-REPORTS {id}"), "0"),
            ("CLUSTER KEYSLOT foo", "12182"),
            ("CLUSTER KEYSLOT {foo}bar", "12182"),
            ("READONLY", "OK"),
            ("READWRITE", "OK"),
            ("ASKING", "OK"),
            ("CLUSTER NOPE", "(ERR unknown subcommand 'NOPE'. Try CLUSTER HELP.)"),
        ],
    );
    let info: String = run(client, "CLUSTER INFO");
    assert!(info.starts_with("cluster_state:ok\r\ncluster_slots_assigned:16384\r\n"), "{info}");
    assert!(run::<Vec<String>>(client, "CLUSTER HELP").len() > 40);
    assert_eq!(server.info("cluster_enabled"), "1");
    assert_eq!(server.info("redis_mode"), "cluster");
    let hello: Vec<redis::Value> = run(client, "HELLO");
    assert_eq!(hello[9], redis::Value::BulkString(b"cluster".to_vec()));
    let announced = [("ip", "203.0.113.7"), ("port", "7000")];
    for (name, value) in announced {
        check(client, &[(&format!("CONFIG SET cluster-announce-{name} {value}"), "OK")]);
    }
    let nodes: String = run(client, "CLUSTER NODES");
    assert!(nodes.contains(" 203.0.113.7:7000@0 "), "{nodes}");
}

#[test]
fn a_node_keeps_its_name() {
    let mut server = start();
    let names = |server: &Server| -> Vec<String> {
        let client = &mut server.client();
        ["CLUSTER MYID", "CLUSTER MYSHARDID"].map(|line| run(client, line)).to_vec()
    };
    let before = names(&server);
    assert!(server.stop());
    server.start_again();
    assert_eq!(names(&server), before);
    assert!(server.stop());
    std::fs::write(server.dir().join("nodes.conf"), "nonsense").expect("written");
    let dir = server.dir().display().to_string();
    let settings = ["--port", "0", "--dir", &dir, "--cluster-enabled", "yes"];
    assert!(failure(&settings).contains("nodes.conf does not say which node this is"));
}

#[test]
fn nothing_changes_the_cluster() {
    let server = start();
    let client = &mut server.client();
    for line in [
        "CLUSTER ADDSLOTS 1",
        "CLUSTER ADDSLOTSRANGE 1 2",
        "CLUSTER BUMPEPOCH",
        "CLUSTER DELSLOTS 1",
        "CLUSTER DELSLOTSRANGE 1 2",
        "CLUSTER FAILOVER",
        "CLUSTER FLUSHSLOTS",
        "CLUSTER FORGET abc",
        "CLUSTER MEET 127.0.0.1 7000",
        "CLUSTER REPLICATE abc",
        "CLUSTER RESET HARD",
        "CLUSTER SAVECONFIG",
        "CLUSTER SET-CONFIG-EPOCH 1",
        "CLUSTER SETSLOT 1 STABLE",
    ] {
        check(client, &[(line, FIXED)]);
    }
    check(
        client,
        &[
            ("REPLICAOF NO ONE", "(ERR REPLICAOF not allowed in cluster mode.)"),
            (
                "FAILOVER",
                "(ERR FAILOVER not allowed in cluster mode. Use CLUSTER FAILOVER command instead.)",
            ),
        ],
    );
}

#[test]
fn keys_of_a_request_share_a_slot() {
    let server = start();
    let client = &mut server.client();
    check(
        client,
        &[
            ("MSET {q}a 1 {q}b 2", "OK"),
            ("MSET a 1 b 2", CROSS_SLOT),
            ("RPOPLPUSH a b", CROSS_SLOT),
            ("BLPOP a b 0", CROSS_SLOT),
            ("MULTI", "OK"),
            ("SET a 1", "QUEUED"),
            ("SET b 1", "QUEUED"),
            ("EXEC", CROSS_SLOT),
            ("MULTI", "OK"),
            ("DEL a b", CROSS_SLOT),
            ("EXEC", "(EXECABORT Transaction discarded because of previous errors.)"),
            ("MULTI", "OK"),
            ("INCR {q}a", "QUEUED"),
            ("INCR {q}b", "QUEUED"),
            ("EXEC", "[2 3]"),
            ("SELECT 0", "OK"),
            ("SELECT 1", "(ERR SELECT is not allowed in cluster mode)"),
            ("MOVE a 1", "(ERR MOVE is not allowed in cluster mode)"),
            ("SWAPDB 0 1", "(ERR SWAPDB is not allowed in cluster mode)"),
            ("COPY {q}a {q}c", "1"),
            ("SORT a BY x*", "(ERR BY option of SORT denied in Cluster mode.)"),
            ("SORT a GET x*", "(ERR GET option of SORT denied in Cluster mode.)"),
            ("SORT a BY nosort", "[]"),
        ],
    );
    let slot: i64 = run(client, "CLUSTER KEYSLOT q");
    check(
        client,
        &[
            (&format!("CLUSTER COUNTKEYSINSLOT {slot}"), "3"),
            (&format!("CLUSTER GETKEYSINSLOT {slot} 0"), "[]"),
            ("CLUSTER COUNTKEYSINSLOT 16384", "(ERR Invalid slot)"),
            ("CLUSTER GETKEYSINSLOT 1 -1", "(ERR Invalid slot or number of keys)"),
        ],
    );
    let mut keys: Vec<String> = run(client, &format!("CLUSTER GETKEYSINSLOT {slot} 10"));
    keys.sort();
    assert_eq!(keys, ["{q}a", "{q}b", "{q}c"]);
    assert_eq!(run::<Vec<String>>(client, &format!("CLUSTER GETKEYSINSLOT {slot} 2")).len(), 2);
    let mut raw = server.raw();
    assert_eq!(raw.line("SSUBSCRIBE a b"), format!("-{}", &CROSS_SLOT[1..CROSS_SLOT.len() - 1]));
}

#[test]
fn scripts_keep_to_a_slot() {
    let server = start();
    let client = &mut server.client();
    let mut eval = |script: &str, keys: &[&str]| {
        let mut command = redis::cmd("EVAL");
        command.arg(script).arg(keys.len()).arg(keys);
        match command.query::<redis::Value>(client) {
            Ok(value) => crate::harness::show(&value),
            Err(error) => error.detail().unwrap_or_default().to_owned(),
        }
    };
    let two = "redis.call('SET', 'a', 1) redis.call('SET', 'b', 2) return 'done'";
    let crossing = "Script attempted to access keys that do not hash to the same slot";
    assert_eq!(eval(two, &[]), "\"done\"");
    assert!(eval(&format!("#!lua\n{two}"), &[]).starts_with(crossing));
    assert!(eval("#!lua\nreturn redis.call('GET', 'a')", &["b"]).starts_with(crossing));
    assert_eq!(eval("#!lua\nreturn redis.call('GET', KEYS[1])", &["b"]), "\"2\"");
    let allowed = format!("#!lua flags=allow-cross-slot-keys\n{two}");
    assert_eq!(eval(&allowed, &[]), "\"done\"");
    assert!(
        eval("return redis.call('MGET', 'a', 'b')", &[])
            .starts_with("Script attempted to access a non local key in a cluster node")
    );
    assert_eq!(eval("return 1", &["a", "b"]), "Keys in request don't hash to the same slot");
    assert_eq!(
        eval("#!lua flags=no-cluster\nreturn 1", &[]),
        "Can not run script on cluster, 'no-cluster' flag is set."
    );
}

#[test]
fn other_databases_are_no_part_of_a_cluster() {
    let mut server = Server::start(&[]);
    let client = &mut server.client();
    check(client, &[("SET a 1", "OK"), ("SELECT 3", "OK"), ("SET b 1", "OK")]);
    assert!(server.stop());
    let dir = server.dir().display().to_string();
    let text = failure(&["--port", "0", "--dir", &dir, "--cluster-enabled", "yes"]);
    assert!(text.contains("a cluster has one database, and there are keys in others"), "{text}");
    server.start_again();
    check(&mut server.client(), &[("SELECT 3", "OK"), ("DEL b", "1")]);
    assert!(server.stop());
    server.start_again_with(&["--cluster-enabled", "yes"]);
    check(&mut server.client(), &[("GET a", "\"1\"")]);
}

#[test]
fn without_a_cluster() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    for line in ["CLUSTER INFO", "CLUSTER HELP", "CLUSTER SLOTS", "CLUSTER MEET h 1", "READONLY"] {
        check(client, &[(line, DISABLED)]);
    }
    check(client, &[("MSET a 1 b 2", "OK")]);
    let offset: i64 = server.info("master_repl_offset").parse().expect("a number");
    check(
        client,
        &[
            ("ROLE", &format!("[\"master\" {offset} []]")),
            ("REPLICAOF NO ONE", "OK"),
            ("SLAVEOF no one", "OK"),
            ("WAIT 0 10", "0"),
            ("FAILOVER", "(ERR FAILOVER requires connected replicas.)"),
            ("FAILOVER ABORT", "(ERR No failover in progress.)"),
        ],
    );
    for line in ["REPLICAOF 127.0.0.1 6379", "REPLCONF ACK 1", "PSYNC ? -1", "SYNC"] {
        assert_eq!(error(client, line), "ERR replication is not supported", "{line}");
    }
}
