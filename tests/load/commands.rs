//! `commands`: any commands in turn, each connection as fast as its replies come, or all together
//! at a fixed rate (`rate`). In a word, `__rand__` stands for twelve digits below `keys`.

use std::rc::Rc;

use crate::connection::{Connection, encode};
use crate::figures::Figures;
use crate::options::Options;
use crate::pace::{Pace, Paced};

const HOLE: &[u8] = b"__rand__";
const HOLE_DIGITS: usize = 12;

/// Requests in one piece, with places for random numbers.
#[derive(Clone)]
struct Piece {
    bytes: Vec<u8>,
    holes: Vec<usize>,
    keys: u64,
    random: u64,
}

impl Piece {
    /// The commands in turn, `count` of them from number `from` on.
    fn new(options: &Options, from: usize, count: usize) -> Self {
        let commands = options.commands.iter().cycle().skip(from % options.commands.len());
        let mut bytes = Vec::new();
        for words in commands.take(count) {
            let words: Vec<String> = words
                .iter()
                .map(|word| word.replace("__rand__", &format!("__rand__{:04}", 0)))
                .collect();
            bytes.extend(encode(&words.iter().map(String::as_bytes).collect::<Vec<_>>()));
        }
        let holes = memchr::memmem::find_iter(&bytes, HOLE).collect();
        let keys = options.number("keys", 100_000) as u64;
        Self { bytes, holes, keys, random: (from as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) }
    }

    /// The requests with other random numbers than before.
    fn next(&mut self) -> &[u8] {
        for &hole in &self.holes {
            // Xorshift: cheap, and good enough to choose keys.
            self.random ^= self.random << 13;
            self.random ^= self.random >> 7;
            self.random ^= self.random << 17;
            let mut number = self.random % self.keys;
            for digit in self.bytes[hole..hole + HOLE_DIGITS].iter_mut().rev() {
                *digit = b'0' + u8::try_from(number % 10).expect("a digit");
                number /= 10;
            }
        }
        &self.bytes
    }
}

pub(crate) async fn run(options: &Options) -> String {
    if options.number("rate", 0) > 0 { paced(options).await } else { closed(options).await }
}

async fn closed(options: &Options) -> String {
    let pipeline = options.number("pipeline", 1);
    let mut connections = Vec::new();
    for _ in 0..options.number("clients", 50) {
        connections.push(Connection::open(options.port()).await);
    }
    let figures = Figures::start(options.measured());
    let mut tasks = Vec::new();
    for (turn, connection) in connections.into_iter().enumerate() {
        // With a pipeline of one, each connection sends one command after the other.
        let turns = if pipeline == 1 { options.commands.len() } else { 1 };
        let pieces =
            (0..turns).map(|number| Piece::new(options, turn + number, pipeline)).collect();
        tasks.push(tokio::task::spawn_local(repeat(connection, pieces, pipeline, figures.clone())));
    }
    for task in tasks {
        task.await.expect("a connection failed");
    }
    figures.report()
}

async fn repeat(
    mut connection: Connection,
    mut pieces: Vec<Piece>,
    pipeline: usize,
    figures: Rc<Figures>,
) {
    let mut turn = 0;
    while !figures.is_over() {
        let sent_ns = figures.now_ns();
        let place = turn % pieces.len();
        connection.send(pieces[place].next()).await;
        for _ in 0..pipeline {
            connection.read().await;
        }
        figures.note(sent_ns, pipeline as u64);
        turn += 1;
    }
}

async fn paced(options: &Options) -> String {
    let paced = (0..options.number("clients", 50)).map(|_| Paced::open(options.port())).collect();
    let mut pieces: Vec<Piece> =
        (0..options.commands.len()).map(|number| Piece::new(options, number, 1)).collect();
    let figures = Figures::start(options.measured());
    let pace = Pace {
        per_second: options.number("rate", 0),
        begin: figures.begin(),
        end_ns: figures.end_ns,
    };
    let mut turn = 0;
    let request = move |_| {
        turn += 1;
        let place = turn % pieces.len();
        pieces[place].next().to_vec()
    };
    for (mut connection, sent) in pace.start(paced, request) {
        let figures = figures.clone();
        tokio::task::spawn_local(async move {
            loop {
                connection.read().await;
                let sent_ns = sent.lock().pop_front().expect("a reply to a request");
                figures.note(sent_ns, 1);
            }
        });
    }
    figures.wait().await;
    // A stall at the very end counts as well.
    figures.report()
}
