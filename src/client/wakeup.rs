//! How other threads wake the task that serves a client, so that it looks at the client's handle.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};

/// Wakes one task; wake-ups that it has not taken yet count as one.
#[derive(Debug, Default)]
pub(crate) struct Wakeup {
    pending: AtomicBool,
    /// Of the task, since it first looked.
    waker: OnceLock<Waker>,
}

impl Wakeup {
    /// Wakes the task, if that is not under way.
    pub(crate) fn wake(&self) {
        if self.pending.swap(true, Ordering::AcqRel) {
            return;
        }
        self.wake_task();
    }

    /// Wakes the task, which finds no wake-up.
    pub(crate) fn wake_task(&self) {
        if let Some(waker) = self.waker.get() {
            waker.wake_by_ref();
        }
    }

    /// Is there a wake-up that was not taken yet?
    pub(crate) fn is_pending(&self) -> bool {
        self.pending.load(Ordering::Acquire)
    }

    /// Takes a pending wake-up; `false` if there is none: the task of `context`, which is the same
    /// at each call, is woken by the next.
    pub(crate) fn take(&self, context: &Context<'_>) -> bool {
        let Some(waker) = self.waker.get() else {
            drop(self.waker.set(context.waker().clone()));
            // A wake-up that comes now and finds no waker is seen here.
            return self.pending.swap(false, Ordering::AcqRel);
        };
        debug_assert!(waker.will_wake(context.waker()), "one task serves a client");
        self.pending.load(Ordering::Relaxed) && self.pending.swap(false, Ordering::AcqRel)
    }
}
