//! Micro-benchmarks: `cargo bench [FILTER]`. Each group is one part of the way of a request.
#![allow(clippy::expect_used, reason = "a benchmark that fails stops there")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use respq::engine::Session;
use respq::resp::request::{Decoded, Limits, RequestDecoder};
use workload::{WORKLOADS, encode_words, engine};

mod workload;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const LIMITS: Limits =
    Limits { words_max: 1 << 20, bulk_bytes_max: 512 << 20, authenticated: true };
const DEPTHS: [usize; 3] = [100, 10_000, 1_000_000];
/// Requests in one piece where a group does not say otherwise.
const PIPELINE: usize = 32;

/// More requests than a benchmark makes of one command.
const REQUESTS_MAX: usize = 5_000_000;

/// Reads all requests of a piece; returns how many there were.
fn decode(decoder: &mut RequestDecoder, bytes: &[u8]) -> usize {
    let (mut used, mut requests) = (0, 0);
    while let Ok(Decoded::Request(argv, bytes)) = decoder.decode(&bytes[used..], &LIMITS) {
        requests += usize::from(black_box(argv).len() > 0);
        used += bytes;
    }
    requests
}

fn decoder(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decoder");
    let short = encode_words(&[b"LPUSH", b"list", &[b'x'; 32]]).repeat(PIPELINE);
    let words = vec![&b"element"[..]; 1000];
    let long = encode_words(&words);
    let large = encode_words(&[b"SET", b"key", &vec![b'x'; 64 << 10]]);
    for (name, bytes) in [("32 short", short), ("1000 words", long), ("64 KiB value", large)] {
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        let mut decoder = RequestDecoder::new();
        group.bench_function(name, |bencher| bencher.iter(|| decode(&mut decoder, &bytes)));
    }
    group.finish();
}

/// What each command costs, alone and pipelined.
fn dispatch(criterion: &mut Criterion) {
    for pipeline in [1, PIPELINE] {
        let mut group = criterion.benchmark_group(format!("dispatch-{pipeline}"));
        group.throughput(Throughput::Elements(pipeline as u64));
        for workload in WORKLOADS {
            let engine = engine();
            let pieces = workload.pieces(10_000, pipeline);
            let mut turn = pieces.iter().cycle();
            // Prepared once, and only if it is asked for.
            let mut prepared = None;
            group.bench_function(workload.name, |bencher| {
                let session = prepared.get_or_insert_with(|| {
                    let mut session = engine.session();
                    workload.prepare(&mut session, REQUESTS_MAX);
                    session
                });
                bencher.iter(|| session.feed(turn.next().expect("it goes round for ever")));
            });
        }
        group.finish();
    }
}

/// A pair of commands that leaves the data as deep as it was, and how to make it that deep.
struct AtDepth {
    name: &'static str,
    fill: fn(usize) -> Vec<Vec<u8>>,
    pair: fn(usize) -> Vec<Vec<u8>>,
}

fn lines(lines: &[String]) -> Vec<Vec<u8>> {
    let words = |line: &String| line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
    let encode =
        |words: Vec<Vec<u8>>| encode_words(&words.iter().map(Vec::as_slice).collect::<Vec<_>>());
    lines.iter().map(|line| encode(words(line))).collect()
}

fn zadd(number: usize) -> String {
    format!("ZADD zset {} member:{number}", number.wrapping_mul(104_729) % 1_000_003)
}

const AT_DEPTH: &[AtDepth] = &[
    AtDepth {
        name: "list",
        fill: |number| lines(&[format!("RPUSH list {number:032}")]),
        pair: |number| lines(&[format!("LPUSH list {number:032}"), "RPOP list".to_owned()]),
    },
    AtDepth {
        name: "sorted set",
        fill: |number| lines(&[zadd(number)]),
        pair: |number| lines(&[zadd(number + 100_000_000), "ZPOPMIN zset".to_owned()]),
    },
    AtDepth {
        name: "stream",
        fill: |number| lines(&[format!("XADD stream {}-1 data {number:032}", number + 1)]),
        pair: |number| {
            lines(&[
                format!("XADD stream {}-1 data {number:032}", number + 100_000_000),
                "XTRIM stream MAXLEN ~ 1000000".to_owned(),
            ])
        },
    },
];

fn fill(session: &mut Session<'_>, case: &AtDepth, depth: usize) {
    for number in 0..depth {
        for request in (case.fill)(number) {
            session.feed(&request);
        }
    }
}

/// Data types through their commands: one in, one out, at several depths.
fn depth(criterion: &mut Criterion) {
    for case in AT_DEPTH {
        let mut group = criterion.benchmark_group(case.name);
        for depth in DEPTHS {
            let engine = engine();
            let mut number = 0;
            let mut filled = None;
            group.bench_function(BenchmarkId::from_parameter(depth), |bencher| {
                let session = filled.get_or_insert_with(|| {
                    let mut session = engine.session();
                    fill(&mut session, case, depth);
                    session
                });
                bencher.iter_batched(
                    || {
                        number += 1;
                        (case.pair)(number).concat()
                    },
                    |requests| session.feed(&requests),
                    BatchSize::SmallInput,
                );
            });
        }
        group.finish();
    }
}

fn settings() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(20)
        .without_plots()
}

criterion_group! { name = micro; config = settings(); targets = decoder, dispatch, depth }
criterion_main!(micro);
