//! Tests of the whole server: a real process, real clients, raw bytes.
//!
//! One file per topic. State is awaited (`wait_until`), never slept for.
#![allow(dead_code, reason = "the harness serves all topics")]
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "a test that fails stops there"
)]

mod harness;
mod peer;

mod acl;
mod acl_connections;
mod acl_files;
mod acl_log;
mod admin;
mod bitmaps;
mod blocking;
mod blocking_sorted_sets;
mod client_memory;
mod clients;
mod cluster;
mod command_info;
mod config;
mod crowds;
mod eviction;
mod expiry;
mod functions;
mod geo;
mod hash_field_expiry;
mod hashes;
mod info;
mod keys;
mod large_sorted_sets;
mod last_snapshot;
mod listening;
mod lists;
mod loading;
mod log_space;
mod log_tail;
mod notifications;
mod persistence;
mod pipelines;
mod protocol;
mod pubsub;
mod rdb;
mod redis_rs;
mod replay;
mod rewrite;
mod script_limits;
mod scripting;
mod sets;
mod sort;
mod sorted_set_combinations;
mod sorted_sets;
mod startup;
mod stream_blocking;
mod stream_groups;
mod streams;
mod strings;
mod syncs;
mod tls;
mod tracking;
mod transactions;
