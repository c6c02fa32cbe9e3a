//! A stream: entries of fields and values in the order of their ids, and groups of consumers.
//!
//! ```text
//! Stream    entries    deque of packed blocks             entries.rs, block.rs, trim.rs
//!           groups     by name                            group.rs
//!             pending    id -> consumer, time, count      id_map.rs
//! ```
//!
//! Everything large sits behind `Arc` and is copied on write, so a clone (a snapshot) costs one
//! reference count for each block and each group, and nobody waits for it. A stream without entries
//! may exist, as its last id and its groups are worth keeping.

use std::collections::BTreeMap;

use triomphe::Arc;

mod block;
mod entries;
mod entry;
mod group;
mod id;
mod id_map;
mod trim;
mod words;

pub(crate) use block::{BLOCK_BYTES_MAX, BlockLimits};
pub(crate) use entries::Entries;
pub(crate) use entry::Entry;
pub(crate) use group::{Consumer, ConsumerId, Group, Pending};
pub(crate) use id::StreamId;
pub(crate) use trim::{Trim, TrimTo};

/// A stream; see the module's description.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stream {
    pub(crate) entries: Entries,
    groups: BTreeMap<Arc<[u8]>, Arc<Group>>,
}

impl Stream {
    /// Bytes that the stream takes in memory, about.
    pub(crate) fn bytes(&self) -> usize {
        let groups = self.groups.iter().map(|(name, group)| 2 * name.len() + group.bytes());
        size_of::<Self>() + self.entries.heap_bytes() + groups.sum::<usize>()
    }

    /// Blocks and pending entries: how much work it is to free the stream.
    pub(crate) fn elements(&self) -> usize {
        let pending: usize = self.groups.values().map(|group| group.pending_len()).sum();
        self.entries.blocks() + pending
    }

    /// Number of groups.
    pub(crate) fn groups_len(&self) -> usize {
        self.groups.len()
    }

    /// The groups in the order of their names.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (&[u8], &Group)> {
        self.groups.iter().map(|(name, group)| (&**name, &**group))
    }

    pub(crate) fn group(&self, name: &[u8]) -> Option<&Group> {
        self.groups.get(name).map(|group| &**group)
    }

    pub(crate) fn group_mut(&mut self, name: &[u8]) -> Option<&mut Group> {
        self.with_group(name).map(|(_, group)| group)
    }

    /// The entries, and a group to change.
    pub(crate) fn with_group(&mut self, name: &[u8]) -> Option<(&Entries, &mut Group)> {
        let group = self.groups.get_mut(name)?;
        Some((&self.entries, Arc::make_mut(group)))
    }

    /// Makes a group; `None` if there is one of this name.
    pub(crate) fn add_group(
        &mut self,
        name: &[u8],
        last_delivered_id: StreamId,
        entries_read: Option<u64>,
    ) -> Option<&mut Group> {
        if self.groups.contains_key(name) {
            return None;
        }
        let group = Arc::new(Group::new(last_delivered_id, entries_read));
        Some(Arc::make_mut(self.groups.entry(Arc::from(name)).or_insert(group)))
    }

    pub(crate) fn remove_group(&mut self, name: &[u8]) -> bool {
        self.groups.remove(name).is_some()
    }

    /// Forgets an entry as pending, in all groups; returns the names of those where it was.
    pub(crate) fn ack_everywhere(&mut self, id: StreamId) -> Vec<Arc<[u8]>> {
        let mut names = Vec::new();
        for (name, group) in &mut self.groups {
            if group.pending(id).is_some() {
                Arc::make_mut(group).ack(id);
                names.push(name.clone());
            }
        }
        names
    }

    /// Have all groups, and there are some, been given the entry, and are done with it?
    pub(crate) fn is_done_everywhere(&self, id: StreamId) -> bool {
        !self.groups.is_empty() && self.groups.values().all(|group| group.is_done_with(id))
    }

    /// How many entries a group has not been given yet; `None` if that cannot be told.
    pub(crate) fn lag(&self, group: &Group) -> Option<i64> {
        let entries = &self.entries;
        if entries.added == 0 {
            return Some(0);
        }
        let counted = group.entries_read;
        let holes = entries.has_holes_after(group.last_delivered_id);
        let read = match counted.filter(|_| !holes) {
            Some(read) => read,
            None => entries.added_up_to(group.last_delivered_id)?,
        };
        Some(entries.added.wrapping_sub(read).cast_signed())
    }
}

/// Counts on, up to what a command can say and a file can hold.
pub(crate) fn one_more(count: u64) -> u64 {
    (count + 1).min(i64::MAX.cast_unsigned())
}

impl Entries {
    /// Counts the delivery of `id` to a group, which has not been given it before.
    pub(crate) fn count_read(&self, group: &mut Group, id: StreamId) {
        match group.entries_read {
            Some(read) if !self.has_holes_after(id) => group.entries_read = Some(one_more(read)),
            _ if self.added > 0 => group.entries_read = self.added_up_to(id),
            _ => {}
        }
        group.last_delivered_id = id;
    }
}

#[cfg(test)]
mod tests;
