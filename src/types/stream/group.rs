//! Consumer groups: what was delivered to whom and is not acknowledged yet.
//!
//! A delivered entry is *pending* until it is acknowledged. It stands in the group's list of
//! pending entries, with its consumer, and in that of its consumer, which holds just the ids:
//!
//! ```text
//! Group      pending      1-1 -> (anna, time, deliveries)  1-2 -> (bob, ...)  1-3 -> (anna, ...)
//!   anna     pending      1-1  1-3
//!   bob      pending      1-2
//! ```
//!
//! Both lists change together, in [`Group::assign`] and [`Group::ack`] only.

use std::collections::{BTreeMap, BTreeSet};

use triomphe::Arc;

use super::id::StreamId;
use super::id_map::IdMap;

/// A consumer's place in its group; stays the same as long as the consumer is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConsumerId(u32);

/// An entry that was delivered and not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pending {
    /// Unix time in milliseconds of the last delivery.
    pub(crate) delivered_ms: u64,
    pub(crate) delivery_count: u64,
    pub(crate) consumer: ConsumerId,
}

/// A member of a group.
#[derive(Clone, Debug)]
pub(crate) struct Consumer {
    pub(crate) name: Arc<[u8]>,
    /// Unix time in milliseconds of its last attempt to get something.
    pub(crate) seen_ms: u64,
    /// When it last got something.
    pub(crate) active_ms: Option<u64>,
    pending: IdMap<()>,
}

impl Consumer {
    /// Number of entries pending with it.
    pub(crate) fn pending_len(&self) -> usize {
        self.pending.len()
    }
}

/// The pending entries by the time of their delivery; kept once someone has asked for it.
#[derive(Debug, Default)]
struct ByTime(Option<BTreeSet<(u64, StreamId)>>);

/// A group of consumers that share the entries of a stream.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) last_delivered_id: StreamId,
    /// How many entries the group was given so far, if that is known.
    pub(crate) entries_read: Option<u64>,
    pending: IdMap<Pending>,
    by_time: ByTime,
    consumers: Vec<Option<Consumer>>,
    /// Places of consumers that are gone.
    free: Vec<u32>,
    by_name: BTreeMap<Arc<[u8]>, ConsumerId>,
}

impl Group {
    pub(super) fn new(last_delivered_id: StreamId, entries_read: Option<u64>) -> Self {
        Self {
            last_delivered_id,
            entries_read,
            pending: IdMap::default(),
            by_time: ByTime::default(),
            consumers: Vec::new(),
            free: Vec::new(),
            by_name: BTreeMap::new(),
        }
    }

    /// Bytes taken in memory, about.
    pub(super) fn bytes(&self) -> usize {
        let consumers = self.consumers.iter().flatten();
        let of_consumers: usize =
            consumers.map(|consumer| 3 * consumer.name.len() + consumer.pending.heap_bytes()).sum();
        size_of::<Self>()
            + self.consumers.capacity() * size_of::<Option<Consumer>>()
            + self.pending.heap_bytes()
            + of_consumers
    }

    /// Number of pending entries.
    pub(crate) fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// What is known of a pending entry.
    pub(crate) fn pending(&self, id: StreamId) -> Option<Pending> {
        self.pending.find(id)
    }

    /// The ids of the first and the last pending entry.
    pub(crate) fn pending_ends(&self) -> Option<(StreamId, StreamId)> {
        self.pending.first().zip(self.pending.last()).map(|((first, _), (last, _))| (first, last))
    }

    /// The pending entries in the order of their ids, from `from` on.
    pub(crate) fn pending_from(&self, from: StreamId) -> impl Iterator<Item = (StreamId, Pending)> {
        self.pending.iter_from(from)
    }

    /// As [`Group::pending_from`], those of one consumer.
    pub(crate) fn pending_of(
        &self,
        consumer: ConsumerId,
        from: StreamId,
    ) -> impl Iterator<Item = (StreamId, Pending)> {
        let consumer = self.consumers[consumer.index()].iter();
        consumer
            .flat_map(move |consumer| consumer.pending.iter_from(from))
            .filter_map(|(id, ())| self.pending.find(id).map(|pending| (id, pending)))
    }

    /// The times and ids of pending entries in the order of their last deliveries. O(1) to begin
    /// with, but for the first time.
    pub(crate) fn by_delivery(&mut self) -> impl Iterator<Item = (u64, StreamId)> {
        let pending = &self.pending;
        let by_time = self.by_time.0.get_or_insert_with(|| {
            let all = pending.iter_from(StreamId::ZERO);
            all.map(|(id, pending)| (pending.delivered_ms, id)).collect()
        });
        by_time.iter().copied()
    }

    /// Number of consumers.
    pub(crate) fn consumers_len(&self) -> usize {
        self.by_name.len()
    }

    /// The consumers in the order of their names.
    pub(crate) fn consumers(&self) -> impl Iterator<Item = (ConsumerId, &Consumer)> {
        self.by_name.values().map(|&id| (id, self.consumer(id)))
    }

    /// The consumer of this name.
    pub(crate) fn find_consumer(&self, name: &[u8]) -> Option<ConsumerId> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn consumer(&self, id: ConsumerId) -> &Consumer {
        self.consumers[id.index()].as_ref().expect("ids of consumers come from this group")
    }

    pub(crate) fn consumer_mut(&mut self, id: ConsumerId) -> &mut Consumer {
        self.consumers[id.index()].as_mut().expect("ids of consumers come from this group")
    }

    /// Makes a consumer, which is not there yet.
    pub(crate) fn add_consumer(&mut self, name: &[u8], seen_ms: u64) -> ConsumerId {
        let name: Arc<[u8]> = Arc::from(name);
        let pending = IdMap::default();
        let consumer = Consumer { name: name.clone(), seen_ms, active_ms: None, pending };
        let id = ConsumerId(self.free.pop().unwrap_or_else(|| {
            self.consumers.push(None);
            u32::try_from(self.consumers.len() - 1).expect("consumers fit into memory")
        }));
        self.consumers[id.index()] = Some(consumer);
        self.by_name.insert(name, id);
        id
    }

    /// Removes a consumer; its pending entries are forgotten. Returns how many there were.
    pub(crate) fn remove_consumer(&mut self, name: &[u8]) -> Option<usize> {
        let id = self.by_name.remove(name)?;
        let consumer = self.consumers[id.index()].take()?;
        self.free.push(id.0);
        for (entry, ()) in consumer.pending.iter_from(StreamId::ZERO) {
            let pending = self.pending.remove(entry);
            self.by_time.change(entry, pending, None);
        }
        Some(consumer.pending.len())
    }

    /// Makes an entry pending with a consumer, or hands it over to that.
    pub(crate) fn assign(&mut self, id: StreamId, pending: Pending) {
        let before = self.pending.insert(id, pending);
        self.by_time.change(id, before, Some(pending));
        if let Some(before) = before.filter(|before| before.consumer != pending.consumer) {
            self.consumer_mut(before.consumer).pending.remove(id);
        } else if before.is_some() {
            return;
        }
        self.consumer_mut(pending.consumer).pending.insert(id, ());
    }

    /// Acknowledges an entry; `false` if it was not pending.
    pub(crate) fn ack(&mut self, id: StreamId) -> bool {
        let Some(pending) = self.pending.remove(id) else { return false };
        self.by_time.change(id, Some(pending), None);
        self.consumer_mut(pending.consumer).pending.remove(id);
        true
    }

    /// Has the group been given the entry, and is done with it?
    pub(crate) fn is_done_with(&self, id: StreamId) -> bool {
        id <= self.last_delivered_id && self.pending.find(id).is_none()
    }
}

impl Clone for ByTime {
    /// A clone is a snapshot, which needs no index; should it be changed, it is made anew.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl ByTime {
    fn change(&mut self, id: StreamId, before: Option<Pending>, after: Option<Pending>) {
        let Some(index) = &mut self.0 else { return };
        if let Some(before) = before {
            index.remove(&(before.delivered_ms, id));
        }
        if let Some(after) = after {
            index.insert((after.delivered_ms, id));
        }
    }
}

impl ConsumerId {
    fn index(self) -> usize {
        self.0 as usize
    }
}
