//! Runs requests of one command through `Session::feed`; `scripts/instructions` counts the
//! instructions spent in [`measured`].
//!
//! `instructions COMMAND REQUESTS PIPELINE [FOLDER]`: with a folder, effects go to a log there.
#![allow(clippy::panic, clippy::expect_used, reason = "a tool for developers may stop there")]

use std::hint::black_box;
use std::path::Path;

use respq::engine::Session;
use workload::{WORKLOADS, engine};

mod workload;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The part whose instructions are counted; found by its name.
#[inline(never)]
fn measured(session: &mut Session<'_>, pieces: &[Vec<u8>]) -> usize {
    pieces.iter().map(|piece| black_box(session.feed(piece)).len()).sum()
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [command, requests, pipeline, folder @ ..] = &words[..] else {
        panic!("usage: instructions COMMAND REQUESTS PIPELINE [FOLDER]");
    };
    let requests: usize = requests.parse().expect("REQUESTS is a number");
    let pipeline: usize = pipeline.parse().expect("PIPELINE is a number");
    let workload = WORKLOADS.iter().find(|workload| workload.name == command);
    let workload = workload.unwrap_or_else(|| panic!("no such command: {command}"));
    let engine = engine();
    if let Some(folder) = folder.first() {
        engine.open_log(Path::new(folder)).expect("the folder can be written");
    }
    let mut session = engine.session();
    workload.prepare(&mut session, requests * 2);
    let pieces = workload.pieces(requests, pipeline);
    // The first requests make tables grow and buffers warm; they are not counted.
    for piece in &pieces {
        session.feed(piece);
    }
    assert!(measured(&mut session, &pieces) > 0, "there were no replies");
}
