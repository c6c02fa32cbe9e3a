#![doc = include_str!("ARCHITECTURE.md")]

pub mod clock;
pub mod config;
pub mod error;
pub mod resp;

mod acl;
mod aof;
mod client;
mod command;
mod effects;
pub mod engine;
mod fault;
mod glob;
mod hash;
mod long_double;
mod message;
mod number;
mod observe;
pub mod ping;
mod prefetch;
mod pubsub;
mod random;
mod rdb;
mod script;
pub mod server;
mod short;
mod slot;
mod store;
mod tls;
mod tracking;
mod types;

pub use aof::check;
