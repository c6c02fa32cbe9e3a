//! What is logged of a group's changes: commands that give the same state again, time and
//! number of deliveries included.
//!
//! Redis logs an XCLAIM for each delivered entry; entries that were delivered together share one
//! here.

use super::GroupKey;
use crate::command::Context;
use crate::types::stream::{Group, Stream, StreamId};

/// Ids in one logged XCLAIM.
const IDS_PER_CLAIM: usize = 512;

/// A delivery to log: some entries that are pending with one consumer, with one time and count.
#[derive(Debug)]
pub(super) struct Delivery<'a> {
    pub(super) consumer: &'a [u8],
    pub(super) ids: &'a [StreamId],
    pub(super) delivered_ms: u64,
    /// Deliveries of each so far.
    pub(super) count: u64,
    /// The group's last delivered id at that time.
    pub(super) last_id: StreamId,
}

impl GroupKey<'_> {
    /// Logs that entries are pending with a consumer from now on.
    pub(super) fn log_delivery(&self, context: &mut Context<'_>, delivery: &Delivery<'_>) {
        if context.propagates_nothing() {
            return;
        }
        let time = delivery.delivered_ms.to_string();
        let count = delivery.count.to_string();
        let last_id = delivery.last_id.text();
        for ids in delivery.ids.chunks(IDS_PER_CLAIM) {
            let ids: Vec<_> = ids.iter().map(|id| id.text()).collect();
            let mut words: Vec<&[u8]> =
                vec![b"XCLAIM", self.key, self.group, delivery.consumer, b"0"];
            words.extend(ids.iter().map(|id| &**id));
            words.extend([&b"TIME"[..], time.as_bytes(), b"RETRYCOUNT", count.as_bytes()]);
            words.extend([&b"FORCE"[..], b"JUSTID", b"LASTID", &last_id]);
            context.propagate(&words);
        }
    }

    /// Logs that an entry is no longer pending.
    pub(super) fn log_ack(&self, context: &mut Context<'_>, ids: &[StreamId]) {
        if ids.is_empty() || context.propagates_nothing() {
            return;
        }
        let ids: Vec<_> = ids.iter().map(|id| id.text()).collect();
        let mut words: Vec<&[u8]> = vec![b"XACK", self.key, self.group];
        words.extend(ids.iter().map(|id| &**id));
        context.propagate(&words);
    }

    /// Logs how far the group has come.
    pub(super) fn log_position(&self, context: &mut Context<'_>, position: Position) {
        if context.propagates_nothing() {
            return;
        }
        let id = position.last_delivered_id.text();
        let read = position.entries_read.map_or("-1".to_owned(), |read| read.to_string());
        let (key, group) = (self.key, self.group);
        context.propagate(&[b"XGROUP", b"SETID", key, group, &id, b"ENTRIESREAD", read.as_bytes()]);
    }

    /// Finds the consumer of this name, or makes it; returns whether it was made.
    pub(super) fn make_consumer(&self, context: &mut Context<'_>, name: &[u8]) -> bool {
        let now_ms = context.db.now_ms();
        let stream = context.db.write::<Stream>(self.key).ok().flatten();
        let Some(group) = stream.and_then(|stream| stream.group_mut(self.group)) else {
            return false;
        };
        if let Some(consumer) = group.find_consumer(name) {
            group.consumer_mut(consumer).seen_ms = now_ms;
            return false;
        }
        group.add_consumer(name, now_ms);
        context.db.changes().dirty += 1;
        context.db.notify(self.key, crate::store::Class::Stream, "xgroup-createconsumer");
        context.propagate(&[b"XGROUP", b"CREATECONSUMER", self.key, self.group, name]);
        true
    }
}

/// How far a group has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) last_delivered_id: StreamId,
    entries_read: Option<u64>,
}

impl Position {
    pub(super) fn of(group: &Group) -> Self {
        Self { last_delivered_id: group.last_delivered_id, entries_read: group.entries_read }
    }
}
