//! What a call changed, gathered by [`super::Db`] while commands run and used up by the engine
//! before the locks are released.

use std::collections::VecDeque;

use super::reclaim::Garbage;
use super::usage::{Usage, seconds};
use crate::effects::Effects;
use crate::message::{Messages, Topic};
use crate::types::value::Value;

/// Classes of keyspace events, as `notify-keyspace-events` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// `e`
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

impl Class {
    /// The bit of this class in [`Changes::events`].
    pub(crate) const fn bit(self) -> u32 {
        1 << match self {
            Self::Generic => 0,
            Self::String => 1,
            Self::List => 2,
            Self::Set => 3,
            Self::Hash => 4,
            Self::SortedSet => 5,
            Self::Expired => 6,
            Self::Evicted => 7,
            Self::Stream => 8,
            Self::New => 10,
            Self::KeyMiss => 13,
        }
    }
}

/// `K`: events go to the channels `__keyspace@<db>__:<key>`.
pub(crate) const KEYSPACE: u32 = 1 << 11;
/// `E`: events go to the channels `__keyevent@<db>__:<event>`.
pub(crate) const KEYEVENT: u32 = 1 << 12;

/// What those who cache keys are to know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Touch {
    /// Changes of keys with this prefix are broadcast from now on.
    Broadcast,
    Changed,
    /// By someone who caches it.
    Read,
}

/// A key that was changed, or read by someone who caches it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Touched {
    pub(crate) what: Touch,
    /// The client that did it; 0: the server itself.
    pub(crate) by: u64,
    /// `None`: all keys.
    pub(crate) key: Option<Box<[u8]>>,
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
    /// Messages to publish, in order.
    pub(crate) messages: Messages,
    /// The keyspace events that are published: bits by the letters of `notify-keyspace-events`.
    pub(crate) events: u32,
    /// `list-max-listpack-size`
    pub(crate) list_limit: i64,
    /// What is noted of accesses to keys.
    pub(crate) usage: Usage,
    /// Where random numbers for access counts come from next.
    pub(crate) chance: u64,
    /// Does anyone cache keys? If not, `touched` stays empty.
    pub(crate) tracks: bool,
    /// The client whose command runs; 0: none.
    pub(crate) client: u64,
    /// Keys that were changed, or read to be cached, in order.
    pub(crate) touched: Vec<Touched>,
    /// Changes made; a command that adds none is not logged.
    pub(crate) dirty: u64,
    /// Awaited keys that were changed, in order.
    pub(crate) ready: VecDeque<ReadyKey>,
    /// Keys that were deleted as their time was up.
    pub(crate) expired: u64,
    /// Keys that were deleted as memory was full.
    pub(crate) evicted: u64,
    /// Bytes of keys and values that went, but stay in memory for a snapshot.
    pub(crate) kept_bytes: usize,
    /// Lookups of keys by reading commands that found one, and that found none.
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    /// Large values that were removed, to be freed when the locks are released.
    pub(crate) garbage: Vec<Garbage>,
}

impl Changes {
    /// No changes yet; `room` is memory for the effects.
    pub(crate) fn new(logged: bool, room: Vec<u8>) -> Self {
        Self { effects: Effects::new(logged, room), ..Self::default() }
    }

    /// A random number, from a row of its own: counts need many, and not good ones.
    pub(super) fn next_chance(&mut self) -> u64 {
        self.chance = self.chance.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
        self.chance >> 16
    }

    /// The word about an entry's use after an access; `used` is the one before.
    pub(super) fn used_now(&mut self, used: u32, now_ms: u64) -> u32 {
        match self.usage {
            Usage::Recency => seconds(now_ms),
            usage @ Usage::Frequency { .. } => usage.accessed(used, now_ms, || self.next_chance()),
        }
    }

    /// Notes for those who cache keys that `key`, or all, was changed by a client.
    pub(crate) fn touch(&mut self, key: Option<&[u8]>, by: u64) {
        if self.tracks {
            let key = key.map(Into::into);
            self.touched.push(Touched { what: Touch::Changed, by, key });
        }
    }

    /// Frees a value that was removed: now if it is small, else later.
    pub(crate) fn discard(&mut self, value: Value) {
        self.garbage.extend(Garbage::of(value));
    }

    /// Notes that a client has read `key` and caches it.
    pub(crate) fn read_by(&mut self, key: &[u8], by: u64) {
        self.touched.push(Touched { what: Touch::Read, by, key: Some(key.into()) });
    }

    /// Notes that changes of keys with `prefix` are broadcast from now on, to a client.
    pub(crate) fn broadcast_from_now(&mut self, prefix: &[u8], to: u64) {
        let key = Some(prefix.into());
        self.touched.push(Touched { what: Touch::Broadcast, by: to, key });
    }

    /// Publishes that `event` of `class` happened to `key`, if that is asked for.
    #[inline]
    pub(crate) fn notify(&mut self, db: usize, key: &[u8], class: Class, event: &str) {
        if self.events & class.bit() != 0 {
            self.publish(db, key, event);
        }
    }

    #[cold]
    fn publish(&mut self, db: usize, key: &[u8], event: &str) {
        let mut digits = itoa::Buffer::new();
        let (db, event) = (digits.format(db).as_bytes(), event.as_bytes());
        let messages = &mut self.messages;
        if self.events & KEYSPACE != 0 {
            messages.push(Topic::Channel, &[b"__keyspace@", db, b"__:", key], event);
        }
        if self.events & KEYEVENT != 0 {
            messages.push(Topic::Channel, &[b"__keyevent@", db, b"__:", event], key);
        }
    }
}
