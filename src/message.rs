//! Messages on their way to those who subscribed, gathered while commands run.
//!
//! A message must not arrive before the write that caused it is safe, and in the order of the
//! commands. So PUBLISH and keyspace events only note it here; the engine delivers when it hands
//! the effects to the log, with the log position behind them.

use std::collections::BTreeMap;

/// What a client subscribes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    Channel,
    /// A glob-style pattern of channels.
    Pattern,
    /// A channel of its own namespace, which a cluster would keep with the keys of its slot.
    ShardChannel,
}

/// A message, which is the `index`th of those it came with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message<'m> {
    pub(crate) index: usize,
    pub(crate) topic: Topic,
    pub(crate) channel: &'m [u8],
    pub(crate) payload: &'m [u8],
}

/// What of the messages goes to a subscription that the transaction that sends them begins or ends
/// itself.
#[derive(Debug)]
struct Span {
    topic: Topic,
    client: u64,
    /// The first message that it gets.
    from: usize,
    /// The first one that it no longer gets, if it has ended.
    until: Option<usize>,
}

impl Span {
    fn is_open(&self, topic: Topic, client: u64) -> bool {
        self.until.is_none() && (self.topic, self.client) == (topic, client)
    }
}

/// By the name of a channel or pattern.
type Spans = BTreeMap<Box<[u8]>, Vec<Span>>;

/// Where the spans of a topic are.
fn place(topic: Topic) -> usize {
    usize::from(topic == Topic::Pattern)
}

/// Messages in order, in one buffer.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    bytes: Vec<u8>,
    /// Topic, and lengths of channel and payload.
    heads: Vec<(Topic, usize, usize)>,
    /// Of channels and of patterns, if there are any. They are looked up for each message, of which
    /// there may be as many.
    spans: Option<Box<[Spans; 2]>>,
}

impl Messages {
    pub(crate) fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// The spans of what goes by this name.
    fn spans(&self, topic: Topic, name: &[u8]) -> impl Iterator<Item = &Span> {
        let spans = self.spans.as_ref().and_then(|spans| spans[place(topic)].get(name));
        spans.into_iter().flatten()
    }

    /// Adds a message whose channel and payload are each made of parts.
    pub(crate) fn push(&mut self, topic: Topic, channel: &[&[u8]], payload: &[u8]) {
        for part in channel {
            self.bytes.extend_from_slice(part);
        }
        self.bytes.extend_from_slice(payload);
        let channel_len = channel.iter().map(|part| part.len()).sum();
        self.heads.push((topic, channel_len, payload.len()));
    }

    /// The messages.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Message<'_>> {
        let mut rest = &*self.bytes;
        self.heads.iter().enumerate().map(move |(index, &(topic, channel_len, payload_len))| {
            let (channel, behind) = rest.split_at(channel_len);
            let (payload, behind) = behind.split_at(payload_len);
            rest = behind;
            Message { index, topic, channel, payload }
        })
    }

    /// A client subscribes: it does not get the messages so far.
    pub(crate) fn begin(&mut self, topic: Topic, name: &[u8], client: u64) {
        let from = self.heads.len();
        if from > 0 {
            self.add(name, Span { topic, client, from, until: None });
        }
    }

    /// A client unsubscribes: it gets no more than the messages so far.
    pub(crate) fn end(&mut self, topic: Topic, name: &[u8], client: u64) {
        let until = Some(self.heads.len());
        let spans = self.spans.as_mut().and_then(|spans| spans[place(topic)].get_mut(name));
        let mut spans = spans.into_iter().flatten();
        if let Some(span) = spans.find(|span| span.is_open(topic, client)) {
            span.until = until;
        } else if !self.is_empty() {
            self.add(name, Span { topic, client, from: 0, until });
        }
    }

    fn add(&mut self, name: &[u8], span: Span) {
        let spans = &mut self.spans.get_or_insert_default()[place(span.topic)];
        spans.entry(name.into()).or_default().push(span);
    }

    /// Does a client that has subscribed get the `index`th message?
    pub(crate) fn is_for(&self, index: usize, topic: Topic, name: &[u8], client: u64) -> bool {
        let mut spans = self.spans(topic, name);
        !spans.any(|span| index < span.from && span.is_open(topic, client))
    }

    /// The clients whose subscription to `name` got the `index`th message and then ended.
    pub(crate) fn ended(
        &self,
        index: usize,
        topic: Topic,
        name: &[u8],
    ) -> impl Iterator<Item = u64> {
        let ended = self.spans(topic, name).filter(move |span| {
            span.topic == topic && (span.from..span.until.unwrap_or(0)).contains(&index)
        });
        ended.map(|span| span.client)
    }

    /// The patterns to which subscriptions began or ended.
    pub(crate) fn changed_patterns(&self) -> impl Iterator<Item = &[u8]> {
        let spans = self.spans.iter().flat_map(|spans| spans[place(Topic::Pattern)].keys());
        spans.map(|name| &**name)
    }

    /// Forgets all messages, which were delivered.
    pub(crate) fn clear(&mut self) {
        self.spans = None;
        self.bytes.clear();
        self.heads.clear();
    }
}
