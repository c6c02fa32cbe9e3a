//! What a call changed, gathered by [`super::Db`] while commands run and used up by the engine
//! before the locks are released.

use std::collections::VecDeque;

use crate::effects::Effects;

/// Classes of keyspace events, as `notify-keyspace-events` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// `e`: a key was removed to make room.
    Evicted,
    /// `x`
    Expired,
    /// `g`: not bound to a type, such as DEL.
    Generic,
    /// `h`
    Hash,
    /// `m`: a key was read that does not exist.
    KeyMiss,
    /// `l`
    List,
    /// `n`: a key was created.
    New,
    /// `s`
    Set,
    /// `z`
    SortedSet,
    /// `t`
    Stream,
    /// `$`
    String,
}

/// A key for which someone waits and that was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReadyKey {
    pub(crate) db: usize,
    pub(crate) key: Box<[u8]>,
}

/// The changes of the calls made under one hold of the locks.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// What goes to the append-only file.
    pub(crate) effects: Effects,
    /// Changes made; a command that adds none is not logged.
    pub(crate) dirty: u64,
    /// Awaited keys that were changed, in order.
    pub(crate) ready: VecDeque<ReadyKey>,
    /// Keys that were deleted as their time was up.
    pub(crate) expired: u64,
    /// Lookups of keys by reading commands that found one, and that found none.
    pub(crate) hits: u64,
    pub(crate) misses: u64,
}

impl Changes {
    pub(crate) fn new(logged: bool) -> Self {
        Self { effects: Effects::new(logged), ..Self::default() }
    }
}
