//! Messages on their way to those who subscribed, gathered while commands run.
//!
//! A message must not arrive before the write that caused it is safe, and in the order of the
//! commands. So PUBLISH and keyspace events only note it here; the engine delivers when it hands
//! the effects to the log, with the log position behind them.

/// What a client subscribes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    Channel,
    /// A glob-style pattern of channels.
    Pattern,
    /// A channel of its own namespace, which a cluster would keep with the keys of its slot.
    ShardChannel,
}

/// Messages in order, in one buffer.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    bytes: Vec<u8>,
    /// Topic, and lengths of channel and payload.
    heads: Vec<(Topic, usize, usize)>,
    /// Earlier ones, of which it is decided who gets them: the client's id, and what goes there.
    addressed: Vec<(u64, Box<[u8]>)>,
}

impl Messages {
    pub(crate) fn is_empty(&self) -> bool {
        self.heads.is_empty() && self.addressed.is_empty()
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

    /// The messages, but for those addressed: topic, channel and payload.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Topic, &[u8], &[u8])> {
        let mut rest = &*self.bytes;
        self.heads.iter().map(move |&(topic, channel_len, payload_len)| {
            let (channel, behind) = rest.split_at(channel_len);
            let (payload, behind) = behind.split_at(payload_len);
            rest = behind;
            (topic, channel, payload)
        })
    }

    /// Those of which it is decided who gets them.
    pub(crate) fn addressed(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.addressed.iter().map(|(client, bytes)| (*client, &**bytes))
    }

    /// All messages so far go to these clients, whoever subscribes from now on.
    pub(crate) fn address(&mut self, to: impl IntoIterator<Item = (u64, Box<[u8]>)>) {
        self.addressed.extend(to);
        self.bytes.clear();
        self.heads.clear();
    }

    /// Forgets all messages, which were delivered.
    pub(crate) fn clear(&mut self) {
        self.addressed.clear();
        self.bytes.clear();
        self.heads.clear();
    }
}
