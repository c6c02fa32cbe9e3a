//! The client matrix for redis-rs: what `scripts/compat` does with the other client libraries.

use redis::streams::{StreamReadOptions, StreamReadReply};
use redis::{Commands, Script};

use crate::harness::{Server, wait_until};

#[test]
fn pipelines_transactions_and_scripts() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let mut pipe = redis::pipe();
    (0..100).for_each(|n| {
        pipe.rpush("pipeline", n);
    });
    let lengths: Vec<i64> = pipe.query(client).unwrap();
    assert_eq!(lengths[99], 100);
    let (ok, two): (String, i64) =
        redis::pipe().atomic().set("counter", 1).incr("counter", 1).query(client).unwrap();
    assert_eq!((ok.as_str(), two), ("OK", 2));
    let script = Script::new("return {redis.call('GET', KEYS[1]), ARGV[1]}");
    for word in ["x", "y"] {
        let found: Vec<String> = script.key("counter").arg(word).invoke(client).unwrap();
        assert_eq!(found, ["2", word]);
    }
}

#[test]
fn a_blocking_pop_is_served_by_another_connection() {
    let server = Server::start(&[]);
    let mut waiting = server.client();
    let popped = std::thread::spawn(move || {
        let popped: (String, String) = waiting.blpop("blocking", 0.0).unwrap();
        popped
    });
    server.wait_info("blocked_clients", "1");
    let _: i64 = server.client().rpush("blocking", "job").unwrap();
    assert_eq!(popped.join().unwrap(), ("blocking".to_owned(), "job".to_owned()));
}

#[test]
fn stream_groups() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    let _: String = client.xgroup_create_mkstream("stream", "group", "0").unwrap();
    let ids: Vec<String> =
        (0..3).map(|n| client.xadd("stream", "*", &[("n", n)]).unwrap()).collect();
    let options = StreamReadOptions::default().group("group", "consumer").count(10);
    let read: StreamReadReply = client.xread_options(&["stream"], &[">"], &options).unwrap();
    let found: Vec<&String> = read.keys[0].ids.iter().map(|entry| &entry.id).collect();
    assert_eq!(found, ids.iter().collect::<Vec<_>>());
    let acked: i64 = client.xack("stream", "group", &ids[..2]).unwrap();
    assert_eq!(acked, 2);
}

#[test]
fn messages_are_heard() {
    let server = Server::start(&[]);
    let mut listening = server.client();
    let mut subscriber = listening.as_pubsub();
    subscriber.subscribe("news").unwrap();
    let heard: i64 = server.client().publish("news", "hello").unwrap();
    assert_eq!(heard, 1);
    assert_eq!(subscriber.get_message().unwrap().get_payload::<String>().unwrap(), "hello");
}

#[test]
fn a_client_connects_again_after_a_restart() {
    let mut server = Server::start(&["--appendfsync", "always"]);
    let port = server.port().to_string();
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}/")).unwrap();
    let _: i64 = client.get_connection().unwrap().rpush("q", "job").unwrap();
    server.kill();
    server.start_again_with(&["--port", &port]);
    wait_until(|| client.get_connection().is_ok());
    let left: Vec<String> = client.get_connection().unwrap().lrange("q", 0, -1).unwrap();
    assert_eq!(left, ["job"]);
}
