//! What a client has switched on by CLIENT TRACKING.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Client;
use crate::tracking::Tracker;

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
