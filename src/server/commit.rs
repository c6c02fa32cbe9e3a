//! Holding replies back until the log is safe.
//!
//! A connection that is served alone and has run its batch waits for [`Committer::reached`]; a
//! crowd commits itself before its replies leave. The first to wait wakes the committer's task,
//! which runs after all connections that are ready in the same turn: so one write of the log
//! serves them all. A sync takes longer than a few requests: under `always` those that arrive
//! meanwhile are run first, so that one sync serves them, too.

use std::cell::RefCell;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use tokio::sync::Notify;

use super::turns::let_others_go_first;
use crate::aof::{Aof, FsyncPolicy};
use crate::engine::Engine;

/// Looks at the sockets that a sync is put off for, while they bring more to sync.
const GATHERINGS_MAX: usize = 8;
/// Connections with which a sync pays well enough not to be put off.
const GATHERED_ENOUGH: usize = 64;

/// How far the log must be committed before replies may leave.
#[derive(Clone, Copy, Debug)]
pub(super) struct CommitPoint {
    /// The position in the log that they depend on.
    pub(super) position: u64,
    /// Must the log be on disk up to there, whatever the policy?
    pub(super) durable: bool,
}

impl CommitPoint {
    pub(super) fn is_reached(self, aof: &Aof) -> bool {
        aof.is_committed(self.position) && (!self.durable || aof.is_durable(self.position))
    }

    /// Will it never be reached?
    fn is_out_of_reach(self, aof: &Aof) -> bool {
        aof.is_given_up() || (self.durable && aof.has_ended_unsafe())
    }
}

/// The waiting connections of one worker.
pub(super) struct Committer {
    waiting: RefCell<Vec<(CommitPoint, Waker)>>,
    wanted: Arc<Notify>,
}

impl Committer {
    pub(super) fn new(engine: &Engine) -> Self {
        let wanted = Arc::new(Notify::new());
        let listener = Arc::clone(&wanted);
        engine.services.aof.listen(Box::new(move || listener.notify_one()));
        Self { waiting: RefCell::default(), wanted }
    }

    /// Waits until the log is committed up to `point`; `false` if it never will be.
    pub(super) fn reached(&self, aof: &Aof, point: CommitPoint) -> impl Future<Output = bool> {
        poll_fn(move |context| {
            if point.is_reached(aof) {
                return Poll::Ready(true);
            }
            if point.is_out_of_reach(aof) {
                return Poll::Ready(false);
            }
            self.waiting.borrow_mut().push((point, context.waker().clone()));
            self.wanted.notify_one();
            Poll::Pending
        })
    }

    /// Commits whenever someone waits, and wakes who need not wait any longer.
    pub(super) async fn run(&self, aof: &Aof) {
        loop {
            self.wanted.notified().await;
            if self.waiting.borrow().is_empty() {
                continue;
            }
            if aof.policy() == FsyncPolicy::Always {
                self.gather().await;
            }
            self.commit(aof);
        }
    }

    /// Commits, and wakes who need not wait any longer.
    pub(super) fn commit(&self, aof: &Aof) {
        aof.commit();
        self.waiting.borrow_mut().retain(|(point, waker)| {
            if point.durable && !aof.is_durable(point.position) {
                aof.want_durable(point.position);
            }
            let ready = point.is_reached(aof) || point.is_out_of_reach(aof);
            if ready {
                waker.wake_by_ref();
            }
            !ready
        });
    }

    /// Lets the connections run what has arrived meanwhile.
    async fn gather(&self) {
        for _ in 0..GATHERINGS_MAX {
            let before = self.waiting.borrow().len();
            if before >= GATHERED_ENOUGH {
                break;
            }
            tokio::task::yield_now().await;
            // Those whose replies wait for others come back behind this task.
            let_others_go_first().await;
            if self.waiting.borrow().len() == before {
                break;
            }
        }
    }
}
