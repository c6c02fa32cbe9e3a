//! Model tests: random commands go to the engine and to a simple model, and both must agree.
//!
//! They run in process, through the same call path as a connection's commands.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that fails stops there"
)]

mod field_expiry;
mod groups;
mod handlers;
mod queues;
