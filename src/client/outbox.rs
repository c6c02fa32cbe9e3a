//! What others write for a client: messages, and the answer to its blocking command.
//!
//! The connection sends the client's own replies first and then its outbox, so a subscription's
//! confirmation comes before its first message. Each addition carries the log position that must
//! be safe before it may leave.

use std::borrow::Cow;

use super::{Handle, Kind, Registry};
use crate::clock::Clock;
use crate::config::{Config, OutputLimit};
use crate::observe::Stats;

/// Bytes for a client that others wrote, and the log position they depend on.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pub(crate) bytes: Vec<u8>,
    pub(crate) log_position: u64,
    /// Must the log be on disk up to there, whatever the policy?
    pub(crate) needs_durable: bool,
}

impl Outbox {
    /// Adds bytes that may leave when the log is safe up to `log_position`; returns how many there
    /// are.
    pub(super) fn put(&mut self, bytes: Cow<'_, [u8]>, log_position: u64) -> usize {
        if self.bytes.is_empty() {
            self.bytes = bytes.into_owned();
        } else {
            self.bytes.extend_from_slice(&bytes);
        }
        self.log_position = self.log_position.max(log_position);
        self.bytes.len()
    }
}

/// Posts into outboxes, within the limits of the settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Poster<'a> {
    pub(crate) clients: &'a Registry,
    pub(crate) config: &'a Config,
    pub(crate) clock: &'a Clock,
    pub(crate) stats: &'a Stats,
}

impl Poster<'_> {
    /// The limit that holds for a client.
    pub(crate) fn limit(&self, client: &Handle) -> OutputLimit {
        self.config.output_limit(match client.kind() {
            Kind::Normal => 0,
            Kind::PubSub => 2,
        })
    }

    /// Posts bytes that may leave when the log is safe up to `position`; disconnects a client
    /// that does not read.
    pub(crate) fn post(&self, client: &Handle, bytes: &[u8], position: u64) {
        let pending = client.post(bytes, position);
        if !self.check(client, pending) {
            self.count(client);
        }
    }

    /// Disconnects a client for which more waits than its limit allows; returns whether it was.
    pub(crate) fn check(&self, client: &Handle, pending: usize) -> bool {
        let limit = self.limit(client);
        let since_ms =
            client.track_soft_limit(limit.is_above_soft(pending), || self.clock.now_ms());
        let too_long = since_ms.is_some_and(|since_ms| {
            self.clock.now_ms().saturating_sub(since_ms) >= limit.soft_seconds * 1000
        });
        if !limit.is_above_hard(pending) && !too_long {
            return false;
        }
        if !client.is_killed() {
            tracing::warn!(client = client.id, pending, "does not read; disconnecting");
            self.stats.output_limit_disconnections.add(1);
            client.kill();
        }
        client.clear_outbox();
        true
    }
}
