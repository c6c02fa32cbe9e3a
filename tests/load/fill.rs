//! `fill`: puts `count` messages of `bytes` bytes into `kind` (`list`, `zset`, `hash` or `stream`)
//! under `key`, in large pieces, or each under a key of its own: `keys` as strings, `jobs` as the
//! hashes that job libraries keep. Members and fields are numbers of 16 digits.

use crate::connection::{Connection, encode};
use crate::options::Options;

/// Messages in one request, where a request takes several.
const MESSAGES_AT_ONCE: usize = 100;
/// Requests under way.
const PIPELINE: usize = 50;

/// The request that puts messages `from..end`.
fn request(options: &Options, from: usize, end: usize) -> Vec<u8> {
    let key = options.text("key", "filled").as_bytes();
    let value = vec![b'x'; options.number("bytes", 32)];
    let mut bytes = Vec::new();
    match options.text("kind", "list") {
        "list" => {
            let mut words: Vec<&[u8]> = vec![b"RPUSH", key];
            words.resize(words.len() + end - from, &value);
            bytes = encode(&words);
        }
        "zset" => {
            let words: Vec<Vec<u8>> = (from..end)
                .flat_map(|number| [score(number), member(number, value.len())])
                .collect();
            bytes = with_head(&[b"ZADD", key], &words);
        }
        "hash" => {
            let words: Vec<Vec<u8>> =
                (from..end).flat_map(|number| [member(number, 16), value.clone()]).collect();
            bytes = with_head(&[b"HSET", key], &words);
        }
        "stream" => {
            for _ in from..end {
                bytes.extend(encode(&[b"XADD", key, b"*", b"data", &value]));
            }
        }
        "keys" => {
            for number in from..end {
                let name = format!("key:{number:012}").into_bytes();
                bytes.extend(encode(&[b"SET", &name, &value]));
            }
        }
        "jobs" => {
            for number in from..end {
                bytes.extend(job(number, &value));
            }
        }
        other => panic!("no such kind of data: {other}"),
    }
    bytes
}

/// A job with its fields: 100 bytes with its key, besides the data.
fn job(number: usize, data: &[u8]) -> Vec<u8> {
    let name = format!("bull:queue:{number:014}").into_bytes();
    let head: [&[u8]; 4] = [b"HSET", &name, b"name", b"resize-image"];
    let opts: [&[u8]; 6] = [b"opts", b"{\"attempts\":3}", b"delay", b"0", b"priority", b"0"];
    let time: [&[u8]; 4] = [b"timestamp", b"1700000000000", b"data", data];
    encode(&[&head[..], &opts, &time].concat())
}

fn with_head(head: &[&[u8]], words: &[Vec<u8>]) -> Vec<u8> {
    let mut all = head.to_vec();
    all.extend(words.iter().map(Vec::as_slice));
    encode(&all)
}

/// A score in an order that jumps about.
fn score(number: usize) -> Vec<u8> {
    (number.wrapping_mul(104_729) % 100_000_007).to_string().into_bytes()
}

/// A member of its own, as long as asked for.
fn member(number: usize, bytes: usize) -> Vec<u8> {
    let mut member = format!("{number:016}").into_bytes();
    member.resize(bytes.max(16), b'x');
    member
}

pub(crate) async fn run(options: &Options) -> String {
    let count = options.number("count", 1_000_000);
    let one_each = matches!(options.text("kind", "list"), "stream" | "keys" | "jobs");
    let mut connection = Connection::open(options.port()).await;
    let starts: Vec<usize> = (0..count).step_by(MESSAGES_AT_ONCE).collect();
    for starts in starts.chunks(PIPELINE) {
        let mut expected = 0;
        let mut bytes = Vec::new();
        for &start in starts {
            let end = count.min(start + MESSAGES_AT_ONCE);
            bytes.extend(request(options, start, end));
            expected += if one_each { end - start } else { 1 };
        }
        connection.send(&bytes).await;
        for _ in 0..expected {
            connection.read().await;
        }
    }
    format!("{{\"requests\": {count}}}")
}
