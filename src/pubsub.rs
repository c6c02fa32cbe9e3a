//! Who subscribed to what, and the delivery of messages into the clients' outboxes.
//!
//! A subscriber that does not read costs no publisher any time: its outbox grows up to the
//! `pubsub` class of `client-output-buffer-limit`, then it is disconnected. The messages of one
//! channel reach all of its subscribers in the same order, as they are delivered under the lock
//! of the channel's entry. Locks are taken in the order shard, entry, outbox.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;
use foldhash::fast::RandomState;
use parking_lot::Mutex;

use crate::client::{ClientId, Handle, Poster, Subscriptions};
use crate::glob;
use crate::message::{Message, Messages, Topic};
use crate::resp::{Protocol, Reply};

type Subscribers = BTreeMap<ClientId, Arc<Handle>>;
type Channels = DashMap<Box<[u8]>, Subscribers, RandomState>;

/// The subscriptions of all clients.
#[derive(Debug, Default)]
pub(crate) struct PubSub {
    channels: Channels,
    shard_channels: Channels,
    patterns: Mutex<BTreeMap<Box<[u8]>, Subscribers>>,
    /// Number of patterns, so that publishing without any takes no lock.
    patterns_count: AtomicUsize,
}

impl PubSub {
    fn channels_of(&self, topic: Topic) -> &Channels {
        match topic {
            Topic::Channel | Topic::Pattern => &self.channels,
            Topic::ShardChannel => &self.shard_channels,
        }
    }

    /// Subscribes a client.
    pub(crate) fn subscribe(&self, topic: Topic, name: &[u8], client: &Arc<Handle>) {
        if topic == Topic::Pattern {
            let mut patterns = self.patterns.lock();
            patterns.entry(name.into()).or_default().insert(client.id, Arc::clone(client));
            self.patterns_count.store(patterns.len(), Ordering::Release);
            return;
        }
        let mut entry = self.channels_of(topic).entry(name.into()).or_default();
        entry.insert(client.id, Arc::clone(client));
    }

    /// Ends a subscription: nothing more of it comes to the client's outbox.
    pub(crate) fn unsubscribe(&self, topic: Topic, name: &[u8], client: ClientId) {
        if topic == Topic::Pattern {
            let mut patterns = self.patterns.lock();
            if let Some(subscribers) = patterns.get_mut(name) {
                subscribers.remove(&client);
                if subscribers.is_empty() {
                    patterns.remove(name);
                }
            }
            self.patterns_count.store(patterns.len(), Ordering::Release);
            return;
        }
        self.channels_of(topic).remove_if_mut(name, |_, subscribers| {
            subscribers.remove(&client);
            subscribers.is_empty()
        });
    }

    /// Visits all subscriptions; `visit` must not come back here.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(Topic, &[u8], &Arc<Handle>)) {
        for topic in [Topic::Channel, Topic::ShardChannel] {
            for entry in self.channels_of(topic) {
                for client in entry.value().values() {
                    visit(topic, entry.key(), client);
                }
            }
        }
        for (pattern, subscribers) in &*self.patterns.lock() {
            for client in subscribers.values() {
                visit(Topic::Pattern, pattern, client);
            }
        }
    }

    /// Ends all subscriptions of a client.
    pub(crate) fn leave(&self, mut subscriptions: Subscriptions, client: &Handle) {
        for topic in [Topic::Channel, Topic::Pattern, Topic::ShardChannel] {
            for name in std::mem::take(subscriptions.names(topic)) {
                self.unsubscribe(topic, &name, client.id);
            }
        }
        client.figures.count_subscriptions(&subscriptions);
    }

    /// How often a message to `channel` would be delivered.
    pub(crate) fn receivers(&self, topic: Topic, channel: &[u8]) -> usize {
        let direct = self.subscribers(topic, channel);
        if topic == Topic::ShardChannel || self.patterns_count() == 0 {
            return direct;
        }
        let patterns = self.patterns.lock();
        let matching = patterns.iter().filter(|(pattern, _)| glob::matches(pattern, channel));
        direct + matching.map(|(_, subscribers)| subscribers.len()).sum::<usize>()
    }

    /// Number of clients that subscribed to this very channel.
    pub(crate) fn subscribers(&self, topic: Topic, channel: &[u8]) -> usize {
        self.channels_of(topic).get(channel).map_or(0, |subscribers| subscribers.len())
    }

    /// Number of patterns.
    pub(crate) fn patterns_count(&self) -> usize {
        self.patterns_count.load(Ordering::Acquire)
    }

    /// Number of channels.
    pub(crate) fn channels_count(&self, topic: Topic) -> usize {
        self.channels_of(topic).len()
    }

    /// The channels that someone subscribed to, in order.
    pub(crate) fn channels(&self, topic: Topic) -> Vec<Box<[u8]>> {
        let channels = self.channels_of(topic).iter().map(|entry| entry.key().clone());
        let mut channels: Vec<_> = channels.collect();
        channels.sort_unstable();
        channels
    }

    /// Delivers messages that depend on the log up to `position`.
    pub(crate) fn deliver(&self, messages: &Messages, position: u64, poster: &Poster<'_>) {
        let mut delivery = Delivery { messages, position, poster, encoder: Encoder::default() };
        for message in messages.iter() {
            if let Some(subscribers) = self.channels_of(message.topic).get_mut(message.channel) {
                delivery.give(message, message.topic, message.channel, &subscribers);
            }
            delivery.give_ended(message, message.topic, message.channel);
            if message.topic == Topic::ShardChannel {
                continue;
            }
            if self.patterns_count() > 0 {
                self.deliver_by_pattern(message, &mut delivery);
            }
            delivery.give_ended_by_pattern(message);
        }
    }

    fn deliver_by_pattern(&self, message: Message<'_>, delivery: &mut Delivery<'_>) {
        for (pattern, subscribers) in &*self.patterns.lock() {
            if glob::matches(pattern, message.channel) {
                delivery.give(message, Topic::Pattern, pattern, subscribers);
            }
        }
    }
}

/// The delivery of messages.
struct Delivery<'a> {
    messages: &'a Messages,
    position: u64,
    poster: &'a Poster<'a>,
    encoder: Encoder,
}

impl Delivery<'_> {
    /// Gives a message to those who subscribed to `name`; the lock of its entry must be held.
    fn give(&mut self, message: Message<'_>, topic: Topic, name: &[u8], to: &Subscribers) {
        self.encoder.encode(message, topic, name);
        for client in to.values() {
            if self.messages.is_for(message.index, topic, name, client.id) {
                self.poster.post(client, self.encoder.for_client(client), self.position);
            }
        }
    }

    /// Gives a message to the subscriptions that the transaction that sent it has ended since.
    /// No lock is needed: the client that ended them is the one that waits for this.
    fn give_ended(&mut self, message: Message<'_>, topic: Topic, name: &[u8]) {
        for client in self.messages.ended(message.index, topic, name) {
            if let Some(client) = self.poster.clients.find(client) {
                self.encoder.encode(message, topic, name);
                self.poster.post(&client, self.encoder.for_client(&client), self.position);
            }
        }
    }

    fn give_ended_by_pattern(&mut self, message: Message<'_>) {
        let messages = self.messages;
        for pattern in messages.changed_patterns() {
            if glob::matches(pattern, message.channel) {
                self.give_ended(message, Topic::Pattern, pattern);
            }
        }
    }
}

/// A message in both protocols.
struct Encoder {
    resp2: Reply,
    resp3: Reply,
}

impl Default for Encoder {
    fn default() -> Self {
        Self { resp2: Reply::new(Protocol::Resp2), resp3: Reply::new(Protocol::Resp3) }
    }
}

impl Encoder {
    /// Encodes a message as it is sent to those who subscribed to `name`.
    fn encode(&mut self, message: Message<'_>, topic: Topic, name: &[u8]) {
        let Message { channel, payload, .. } = message;
        match topic {
            Topic::Channel => self.words(&[b"message", channel, payload]),
            Topic::Pattern => self.words(&[b"pmessage", name, channel, payload]),
            Topic::ShardChannel => self.words(&[b"smessage", channel, payload]),
        }
    }

    fn words(&mut self, words: &[&[u8]]) {
        for reply in [&mut self.resp2, &mut self.resp3] {
            reply.truncate(0);
            reply.push(words.len());
            for word in words {
                reply.bulk(word);
            }
        }
    }

    fn for_client(&self, client: &Handle) -> &[u8] {
        if client.speaks_resp3() { self.resp3.bytes() } else { self.resp2.bytes() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Peer;

    #[test]
    fn a_channel_without_subscribers_is_gone() {
        let pubsub = PubSub::default();
        let client = Arc::new(Handle::new(7, Peer::default(), 0));
        for topic in [Topic::Channel, Topic::Pattern, Topic::ShardChannel] {
            pubsub.subscribe(topic, b"a*", &client);
        }
        assert_eq!(pubsub.receivers(Topic::Channel, b"a*"), 2);
        assert_eq!(pubsub.receivers(Topic::ShardChannel, b"a*"), 1);
        assert_eq!(pubsub.receivers(Topic::Channel, b"ab"), 1);
        for topic in [Topic::Channel, Topic::Pattern, Topic::ShardChannel] {
            pubsub.unsubscribe(topic, b"a*", 7);
            pubsub.unsubscribe(topic, b"never", 7);
        }
        assert_eq!(pubsub.receivers(Topic::Channel, b"a*"), 0);
        assert!(pubsub.channels(Topic::Channel).is_empty());
        assert!(pubsub.channels(Topic::ShardChannel).is_empty());
        assert_eq!(pubsub.patterns_count(), 0);
    }
}
