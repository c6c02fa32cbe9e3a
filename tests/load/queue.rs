//! `queue`: producers and waiting consumers; the latency of a message is from the moment it is
//! sent until its consumer is done with it.
//!
//! `kind=brpop`: LPUSH and BRPOP. `kind=blmove`: the consumer moves the message to a list of its
//! own and removes it there. `kind=stream`: XADD, XREADGROUP with `count`, XACK. `kind=backlog`:
//! the same without producers, from a stream that was filled before. With `rate`, producers keep
//! to it; else as many messages are under way as `window` allows.

use std::rc::Rc;

use tokio::sync::Semaphore;

use crate::connection::{Connection, encode};
use crate::figures::Figures;
use crate::options::Options;
use crate::pace::{Pace, Paced};

const STAMP_DIGITS: usize = 20;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Backlog,
    Blmove,
    Brpop,
    Stream,
}

/// What all connections share.
struct Run {
    kind: Kind,
    bytes: usize,
    count: String,
    figures: Rc<Figures>,
    window: Semaphore,
}

/// A message that says when it was sent.
pub(crate) fn stamp(now_ns: u64, bytes: usize) -> Vec<u8> {
    let mut message = format!("{now_ns:020}").into_bytes();
    message.resize(bytes.max(STAMP_DIGITS), b'x');
    message
}

/// When the message was sent.
pub(crate) fn stamped(message: &[u8]) -> u64 {
    let digits = std::str::from_utf8(&message[..STAMP_DIGITS]).expect("digits");
    digits.parse().expect("the message begins with a number")
}

fn produce(kind: Kind, message: &[u8]) -> Vec<u8> {
    match kind {
        Kind::Backlog | Kind::Stream => encode(&[b"XADD", b"stream", b"*", b"data", message]),
        Kind::Blmove | Kind::Brpop => encode(&[b"LPUSH", b"list", message]),
    }
}

pub(crate) async fn run(options: &Options) -> String {
    let kind = match options.text("kind", "brpop") {
        "backlog" => Kind::Backlog,
        "blmove" => Kind::Blmove,
        "brpop" => Kind::Brpop,
        "stream" => Kind::Stream,
        other => panic!("no such kind of queue: {other}"),
    };
    if matches!(kind, Kind::Backlog | Kind::Stream) {
        let start = if kind == Kind::Backlog { "0" } else { "$" };
        let mut connection = Connection::open(options.port()).await;
        connection.call(&["XGROUP", "CREATE", "stream", "group", start, "MKSTREAM"]).await;
    }
    let mut consumers = Vec::new();
    for _ in 0..options.number("consumers", 25) {
        consumers.push(Connection::open(options.port()).await);
    }
    let run = Rc::new(Run {
        kind,
        bytes: options.number("bytes", 32),
        count: options.number("count", 1).to_string(),
        figures: Figures::start(options.measured()),
        window: Semaphore::new(options.number("window", 1000)),
    });
    for (number, connection) in consumers.into_iter().enumerate() {
        tokio::task::spawn_local(consume(connection, number, run.clone()));
    }
    if kind != Kind::Backlog {
        start_producers(options, &run).await;
    }
    run.figures.wait().await;
    run.figures.report()
}

async fn start_producers(options: &Options, run: &Rc<Run>) {
    let producers = options.number("producers", 25);
    let rate = options.number("rate", 0);
    if rate == 0 {
        for _ in 0..producers {
            let connection = Connection::open(options.port()).await;
            tokio::task::spawn_local(produce_all(connection, run.clone()));
        }
        return;
    }
    let paced = (0..producers).map(|_| Paced::open(options.port())).collect();
    let figures = &run.figures;
    let pace = Pace { per_second: rate, begin: figures.begin(), end_ns: figures.end_ns };
    let (kind, bytes) = (run.kind, run.bytes);
    for (mut connection, _) in pace.start(paced, move |now| produce(kind, &stamp(now, bytes))) {
        tokio::task::spawn_local(async move {
            loop {
                connection.read().await;
            }
        });
    }
}

async fn produce_all(mut connection: Connection, run: Rc<Run>) {
    loop {
        let permit = run.window.acquire().await.expect("it is never closed");
        permit.forget();
        let message = stamp(run.figures.now_ns(), run.bytes);
        connection.send(&produce(run.kind, &message)).await;
        connection.read().await;
    }
}

async fn consume(connection: Connection, number: usize, run: Rc<Run>) {
    match run.kind {
        Kind::Blmove => move_and_remove(connection, number, run).await,
        Kind::Brpop => pop(connection, run).await,
        Kind::Backlog | Kind::Stream => read_and_acknowledge(connection, number, run).await,
    }
}

impl Run {
    fn done(&self, message: &[u8]) {
        let sent =
            if self.kind == Kind::Backlog { self.figures.now_ns() } else { stamped(message) };
        self.figures.note(sent, 1);
        self.window.add_permits(1);
    }
}

async fn pop(mut connection: Connection, run: Rc<Run>) {
    let request = encode(&[b"BRPOP", b"list", b"0"]);
    loop {
        connection.send(&request).await;
        connection.read().await;
        run.done(connection.bulks().nth(1).expect("a key and a message"));
    }
}

async fn move_and_remove(mut connection: Connection, number: usize, run: Rc<Run>) {
    let own = format!("active:{number}").into_bytes();
    let request = encode(&[b"BLMOVE", b"list", &own, b"RIGHT", b"LEFT", b"0"]);
    loop {
        connection.send(&request).await;
        connection.read().await;
        let message = connection.bulks().next().expect("a message").to_vec();
        connection.send(&encode(&[b"LREM", &own, b"1", &message])).await;
        connection.read().await;
        run.done(&message);
    }
}

async fn read_and_acknowledge(mut connection: Connection, number: usize, run: Rc<Run>) {
    let name = format!("consumer:{number}").into_bytes();
    let count = run.count.as_bytes();
    let request = encode(&[
        b"XREADGROUP",
        b"GROUP",
        b"group",
        &name,
        b"COUNT",
        count,
        b"BLOCK",
        b"0",
        b"STREAMS",
        b"stream",
        b">",
    ]);
    loop {
        connection.send(&request).await;
        connection.read().await;
        // The name of the stream, then for each entry its id, field and message.
        let words: Vec<Vec<u8>> = connection.bulks().skip(1).map(<[u8]>::to_vec).collect();
        let mut ack: Vec<&[u8]> = vec![b"XACK", b"stream", b"group"];
        ack.extend(words.iter().step_by(3).map(Vec::as_slice));
        connection.send(&encode(&ack)).await;
        connection.read().await;
        for message in words.iter().skip(2).step_by(3) {
            run.done(message);
        }
    }
}
