//! The load generator of `scripts/bench`: raw requests over many connections from one thread.
//!
//! `load SCENARIO [name=value ...] [-- WORD ... [';' WORD ...]]` prints one line of JSON:
//! messages in all (`requests`), messages a second in the measured part, and percentiles of their
//! latency in microseconds. Scenarios: [`commands`], [`queue`], [`fanout`], [`fill`].
//! `load floor` is a server to compare with, and `load memory` a measure of the machine: see
//! [`floor`] and [`memory`].
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a tool for developers: it prints, and stops where something is wrong"
)]

mod commands;
mod connection;
mod fanout;
mod figures;
mod fill;
mod floor;
mod memory;
mod options;
mod pace;
mod queue;

use options::Options;

fn main() {
    let options = Options::read(std::env::args().skip(1));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("the system gives an event queue");
    let tasks = tokio::task::LocalSet::new();
    let report = tasks.block_on(&runtime, async {
        match options.scenario.as_str() {
            "commands" => commands::run(&options).await,
            "fanout" => fanout::run(&options).await,
            "floor" => floor::run(&options),
            "fill" => fill::run(&options).await,
            "memory" => memory::run(&options),
            "queue" => queue::run(&options).await,
            other => panic!("no such scenario: {other}"),
        }
    });
    println!("{report}");
}
