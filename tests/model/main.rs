//! Model tests: random commands go to the engine and to a simple model, and both must agree.
//!
//! They run in process, through the same call path as a connection's commands.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that fails stops there"
)]

#[path = "../fuzz/checks/lib.rs"]
#[allow(dead_code, unreachable_pub, reason = "for the fuzz targets it is a crate of its own")]
mod checks;
mod field_expiry;
mod fuzz;
mod groups;
mod pipelines;
mod queues;
