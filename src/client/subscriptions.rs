//! What a client has subscribed to.

use std::collections::BTreeSet;

use super::Figures;
use crate::message::Topic;

/// The names a client has subscribed to, by kind.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    pub(crate) channels: BTreeSet<Box<[u8]>>,
    pub(crate) patterns: BTreeSet<Box<[u8]>>,
    pub(crate) shard_channels: BTreeSet<Box<[u8]>>,
}

impl Subscriptions {
    /// The names of one kind.
    pub(crate) fn names(&mut self, topic: Topic) -> &mut BTreeSet<Box<[u8]>> {
        match topic {
            Topic::Channel => &mut self.channels,
            Topic::Pattern => &mut self.patterns,
            Topic::ShardChannel => &mut self.shard_channels,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.channels.is_empty() && self.patterns.is_empty() && self.shard_channels.is_empty()
    }

    /// The number that a confirmation shows: of shard channels alone, of the others together.
    pub(crate) fn count_with(&self, topic: Topic) -> usize {
        match topic {
            Topic::Channel | Topic::Pattern => self.channels.len() + self.patterns.len(),
            Topic::ShardChannel => self.shard_channels.len(),
        }
    }
}

impl Figures {
    /// Shows others how much the client has subscribed to.
    pub(crate) fn count_subscriptions(&self, subscriptions: &Subscriptions) {
        self.channels.set(subscriptions.channels.len());
        self.patterns.set(subscriptions.patterns.len());
        self.shard_channels.set(subscriptions.shard_channels.len());
    }
}
