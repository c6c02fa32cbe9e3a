//! Holding replies back until the log is safe.
//!
//! A connection that has run its batch waits for [`Committer::committed`]. The first to wait wakes
//! the committer's own task, which runs after all connections that are ready in the same turn: so
//! one write of the log serves them all, and under `always` one sync.

use std::cell::RefCell;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use tokio::sync::Notify;

use crate::aof::Aof;
use crate::engine::Engine;

/// The waiting connections of one worker.
pub(super) struct Committer {
    waiting: RefCell<Vec<(u64, Waker)>>,
    wanted: Arc<Notify>,
}

impl Committer {
    pub(super) fn new(engine: &Engine) -> Self {
        let wanted = Arc::new(Notify::new());
        let listener = Arc::clone(&wanted);
        engine.services.aof.listen(Box::new(move || listener.notify_one()));
        Self { waiting: RefCell::default(), wanted }
    }

    /// Waits until the log is committed up to `position`.
    pub(super) async fn committed(&self, aof: &Aof, position: u64) {
        poll_fn(|context| {
            if aof.is_committed(position) {
                return Poll::Ready(());
            }
            self.waiting.borrow_mut().push((position, context.waker().clone()));
            self.wanted.notify_one();
            Poll::Pending
        })
        .await;
    }

    /// Commits whenever someone waits, and wakes who need not wait any longer.
    pub(super) async fn run(&self, aof: &Aof) {
        loop {
            self.wanted.notified().await;
            if self.waiting.borrow().is_empty() {
                continue;
            }
            aof.commit();
            self.waiting.borrow_mut().retain(|(position, waker)| {
                let ready = aof.is_committed(*position);
                if ready {
                    waker.wake_by_ref();
                }
                !ready
            });
        }
    }
}
