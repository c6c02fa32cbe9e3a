//! Clients as data: what a connection knows about its client, and what others may know of it.

pub(crate) mod caching;
pub(crate) mod figures;
pub(crate) mod handle;
mod memory;
pub(crate) mod monitor;
pub(crate) mod outbox;
pub(crate) mod pause;
mod peer;
pub(crate) mod registry;
pub(crate) mod state;
pub(crate) mod subscriptions;
pub(crate) mod transaction;
mod wakeup;

pub(crate) use caching::{Caching, Opt, Tracker};
pub(crate) use figures::Figures;
pub(crate) use handle::{Handle, Kind, Unblock};
pub(crate) use monitor::Monitors;
pub(crate) use outbox::{Outbox, Poster};
pub(crate) use pause::{Pause, Paused};
pub(crate) use peer::Peer;
pub(crate) use registry::Registry;
pub(crate) use state::{Client, ReplyMode};
pub(crate) use subscriptions::Subscriptions;
pub(crate) use wakeup::Wakeup;

/// The number of a client, unique in the life of the server.
pub(crate) type ClientId = u64;
