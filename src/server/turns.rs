//! Whose turn it is among the connections of a thread.
//!
//! Where many connections send requests, most take their turns together (`crowd.rs`). Of the
//! others, replies to pipelines, to what takes long, and in a crowd, are held until all
//! connections that became ready in the same poll of the sockets have run theirs, one right
//! after the other. So a peer with many connections is woken once for all of them, and waking
//! it costs more than running a request. Where few connections send single short requests,
//! their peers had better work meanwhile; and the time of very long ones must not add up. Also,
//! a client that waited for a message gets it before the sender gets its reply: the one waits
//! for the delivery, the other does not.
//!
//! With `RESPQ_TURNS=together` in the environment of a server, any number of connections is a
//! crowd, for tests.

use std::cell::Cell;
use std::future::poll_fn;
use std::task::Poll;

use crate::engine::Finished;

/// Requests that take longer leave a peer the time to fall asleep between two replies.
const LONG_NS: u64 = 5_000;
/// After longer ones nobody waits for others: what waking a peer costs is little beside them.
const VERY_LONG_NS: u64 = 200_000;
/// A reply waits no longer than this, and one batch of requests.
const WAIT_NS_MAX: u64 = 1_000_000;

/// Turns in a round.
const ROUND: u32 = 64;
/// So many are a crowd, as a rule.
const MANY: u32 = 24;

/// Which turns were taken, and what has been run since a reply left that waited for others.
#[derive(Debug)]
pub(super) struct Turns {
    /// So many connections that share a round are a crowd.
    many: u32,
    waiting: Cell<usize>,
    ran_ns: Cell<u64>,
    round: Cell<Round>,
    /// Did many connections share the round before?
    is_crowded: Cell<bool>,
}

/// The round of a connection that had no turn yet.
pub(super) const NO_ROUND: u32 = u32::MAX;

/// Some turns in a row.
#[derive(Clone, Copy, Debug, Default)]
struct Round {
    number: u32,
    turns: u32,
    /// Connections that had at least one of them.
    connections: u32,
}

impl Turns {
    /// As the environment wants it.
    pub(super) fn new() -> Self {
        let is_forced = std::env::var_os("RESPQ_TURNS").is_some_and(|how| how == "together");
        Self::of(if is_forced { 0 } else { MANY })
    }

    /// So many connections are a crowd.
    fn of(many: u32) -> Self {
        Self {
            many,
            waiting: Cell::default(),
            ran_ns: Cell::default(),
            round: Cell::default(),
            is_crowded: Cell::new(many == 0),
        }
    }

    /// Do many connections send requests?
    pub(super) fn is_crowded(&self) -> bool {
        self.is_crowded.get()
    }

    /// Before requests are run: replies that have waited very long leave first.
    pub(super) async fn wait_for_mine(&self) {
        if self.ran_ns.get() >= WAIT_NS_MAX {
            let_others_go_first().await;
        }
    }

    /// Counts a turn in which a connection sent requests; its last one was in the round of this
    /// number.
    pub(super) fn count(&self, last_round: &mut u32) {
        let mut round = self.round.get();
        round.turns += 1;
        if *last_round != round.number {
            *last_round = round.number;
            round.connections += 1;
        }
        if round.turns == ROUND {
            self.is_crowded.set(round.connections >= self.many);
            round = Round { number: round.number.wrapping_add(1), ..Round::default() };
        }
        self.round.set(round);
    }

    /// After requests were run, and before their replies leave, if there are any: where that pays,
    /// others run first.
    pub(super) async fn let_others_run(&self, finished: &Finished, has_replies: bool) {
        let waiting = self.waiting.get();
        if waiting > 0 {
            self.ran_ns.set(self.ran_ns.get() + finished.took_ns);
        }
        if !has_replies || !self.waits_for_others(finished) {
            return;
        }
        self.waiting.set(waiting + 1);
        let_others_go_first().await;
        self.waiting.set(self.waiting.get() - 1);
        self.ran_ns.set(0);
    }

    /// Do the replies leave when others have run what they have?
    fn waits_for_others(&self, finished: &Finished) -> bool {
        let is_worthwhile = match finished.calls {
            0 => false,
            1 => self.is_crowded.get() || finished.took_ns > LONG_NS,
            _ => true,
        };
        finished.has_served || (is_worthwhile && finished.took_ns < VERY_LONG_NS)
    }
}

/// Goes on behind the tasks of this thread that are ready, without a look at the sockets.
pub(super) async fn let_others_go_first() {
    let mut has_waited = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Turns of so many connections, one after the other, for two rounds.
    fn is_crowded_by(connections: usize, first: u32) -> bool {
        let turns = Turns::of(MANY);
        turns.round.set(Round { number: first, ..Round::default() });
        let mut rounds = vec![NO_ROUND; connections];
        for turn in 0..2 * ROUND as usize {
            turns.count(&mut rounds[turn % connections]);
        }
        turns.is_crowded.get()
    }

    #[test]
    fn many_connections_make_a_crowd() {
        let many = MANY as usize;
        for (connections, expected) in [(1, false), (many - 1, false), (many, true), (200, true)] {
            assert_eq!(is_crowded_by(connections, 0), expected, "{connections}");
        }
        assert!(is_crowded_by(many, u32::MAX), "numbers of rounds begin anew");
    }
}
