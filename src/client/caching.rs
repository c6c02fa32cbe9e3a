//! What a client has switched on by CLIENT TRACKING.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Client, ClientId, Handle};

/// How a client is told of changes.
#[derive(Debug)]
pub(crate) struct Tracker {
    pub(crate) client: Arc<Handle>,
    /// The client that is told in its place; 0: none.
    pub(crate) redirect: ClientId,
    pub(crate) is_broadcast: bool,
    /// It is not told of its own changes.
    pub(crate) no_loop: bool,
}

/// Is every key that is read remembered?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Opt {
    /// Those only before which CLIENT CACHING YES was said.
    In,
    /// All.
    #[default]
    Neither,
    /// All but those before which CLIENT CACHING NO was said.
    Out,
}

/// The options of a client that caches keys.
#[derive(Debug)]
pub(crate) struct Caching {
    pub(crate) tracker: Arc<Tracker>,
    pub(crate) prefixes: BTreeSet<Box<[u8]>>,
    pub(crate) opt: Opt,
    /// Was CLIENT CACHING said for the next command?
    pub(crate) said: bool,
}

impl Client {
    /// Are the keys that the client reads now to be remembered?
    pub(crate) fn caches(&self) -> bool {
        let Some(caching) = &self.caching else { return false };
        match caching.opt {
            _ if caching.tracker.is_broadcast => false,
            Opt::In => caching.said,
            Opt::Neither => true,
            Opt::Out => !caching.said,
        }
    }
}
