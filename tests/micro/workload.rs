//! Commands to measure: what stands in the data before, and the requests.

use respq::clock::Clock;
use respq::config::Config;
use respq::engine::{Engine, Session};
use respq::resp::request::{encode_head, encode_word};

const VALUE: &[u8] = &[b'x'; 32];
/// Different keys, fields and members that are used.
const NAMES: usize = 10_000;
/// Requests that prepare the data, in one piece.
const PREPARED_AT_ONCE: usize = 1000;

/// Makes the words of the n-th request.
type Request = fn(usize) -> Vec<Vec<u8>>;

/// A command with the words of its n-th request.
#[derive(Clone, Copy)]
pub(crate) struct Workload {
    /// As a user asks for it.
    pub(crate) name: &'static str,
    request: Request,
    /// Prepares the data.
    prepare: Option<Request>,
    /// Does each request take away what one that prepares put there?
    consumes: bool,
}

fn words(words: &[&[u8]]) -> Vec<Vec<u8>> {
    words.iter().map(|word| word.to_vec()).collect()
}

/// A name as redis-benchmark makes them, in an order that jumps about.
fn name(number: usize) -> Vec<u8> {
    format!("key:{:012}", number.wrapping_mul(7919) % NAMES).into_bytes()
}

fn push(_: usize) -> Vec<Vec<u8>> {
    words(&[b"LPUSH", b"list", VALUE])
}

fn set(number: usize) -> Vec<Vec<u8>> {
    words(&[b"SET", &name(number), VALUE])
}

fn zadd(number: usize) -> Vec<Vec<u8>> {
    let score = number.wrapping_mul(104_729) % 1_000_000;
    words(&[b"ZADD", b"zset", score.to_string().as_bytes(), &name(number)])
}

/// What a job library adds a job with; as the script of `scripts/bench`.
const ADD_JOB: &[u8] = b"
local id = redis.call('INCR', KEYS[1] .. ':id')
redis.call('HSET', KEYS[1] .. ':' .. id, 'name', ARGV[1], 'data', ARGV[2], 'opts', '{}')
redis.call('LPUSH', KEYS[1] .. ':wait', id)
redis.call('XADD', KEYS[1] .. ':events', 'MAXLEN', '~', 10000, '*', 'event', 'added', 'jobId', id)
return id
";
/// A script that does nothing: what entering and leaving one costs.
const EMPTY: &[u8] = b"return 1";

fn script(source: &[u8], rest: &[&[u8]]) -> Vec<Vec<u8>> {
    let sha = sha1_smol::Sha1::from(source).digest().to_string();
    let mut words = words(&[b"EVALSHA", sha.as_bytes()]);
    words.extend(rest.iter().map(|word| word.to_vec()));
    words
}

/// Commands on the hot path of queues, and PING as what any request costs.
pub(crate) const WORKLOADS: &[Workload] = &[
    workload("PING", |_| words(&[b"PING"])),
    workload("LPUSH", push),
    Workload {
        prepare: Some(push),
        consumes: true,
        ..workload("RPOP", |_| words(&[b"RPOP", b"list"]))
    },
    Workload { prepare: Some(set), ..workload("SET", set) },
    Workload { prepare: Some(set), ..workload("GET", |number| words(&[b"GET", &name(number)])) },
    workload("HSET", |number| words(&[b"HSET", b"hash", &name(number), VALUE])),
    workload("XADD", |_| words(&[b"XADD", b"stream", b"*", b"data", VALUE])),
    workload("ZADD", zadd),
    Workload {
        prepare: Some(|_| words(&[b"SCRIPT", b"LOAD", EMPTY])),
        ..workload("EVALSHA", |_| script(EMPTY, &[b"0"]))
    },
    Workload {
        prepare: Some(|_| words(&[b"SCRIPT", b"LOAD", ADD_JOB])),
        ..workload("ADD-JOB", |_| {
            script(ADD_JOB, &[b"1", b"{q}", b"resize", br#"{"file":"cat.jpg"}"#])
        })
    },
];

const fn workload(name: &'static str, request: Request) -> Workload {
    Workload { name, request, prepare: None, consumes: false }
}

/// An engine without data and without a log.
pub(crate) fn engine() -> Engine {
    Engine::new(Config::default(), Clock::system())
}

impl Workload {
    /// Puts into the data what this many requests need.
    pub(crate) fn prepare(&self, session: &mut Session<'_>, requests: usize) {
        let Some(prepare) = self.prepare else { return };
        let requests = if self.consumes { requests } else { NAMES };
        for start in (0..requests).step_by(PREPARED_AT_ONCE) {
            let end = requests.min(start + PREPARED_AT_ONCE);
            let replies = session.feed(&encode(prepare, start, end));
            assert!(!replies.contains(&b'-'), "the data could not be prepared");
        }
    }

    /// Requests in pieces of `pipeline`, as they come over the wire.
    pub(crate) fn pieces(&self, requests: usize, pipeline: usize) -> Vec<Vec<u8>> {
        let starts = (0..requests).step_by(pipeline);
        starts.map(|start| encode(self.request, start, requests.min(start + pipeline))).collect()
    }
}

fn encode(request: Request, start: usize, end: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in start..end {
        let words = request(number);
        bytes.extend(encode_words(&words.iter().map(Vec::as_slice).collect::<Vec<_>>()));
    }
    bytes
}

/// A request as it comes over the wire.
pub(crate) fn encode_words(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_head(&mut bytes, words.len());
    for word in words {
        encode_word(&mut bytes, word);
    }
    bytes
}
