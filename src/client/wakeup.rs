//! How others call the task that serves a client: it looks at the client's handle when the bell
//! rings.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};

/// A client's bell.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: AtomicBool,
    /// Wakes the task, since its first look.
    waker: OnceLock<Waker>,
}

impl Bell {
    /// Makes the task look; rings that it has not heard yet are one.
    pub(crate) fn ring(&self) {
        if self.rung.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Some(waker) = self.waker.get() {
            waker.wake_by_ref();
        }
    }

    /// Has it rung since the last look? If not, it wakes the task of `context` when it does, which
    /// is the same at each look.
    pub(crate) fn has_rung(&self, context: &Context<'_>) -> bool {
        let Some(waker) = self.waker.get() else {
            drop(self.waker.set(context.waker().clone()));
            // Who rings now and finds no waker has its ring seen here.
            return self.rung.swap(false, Ordering::AcqRel);
        };
        debug_assert!(waker.will_wake(context.waker()), "one task serves a client");
        self.rung.load(Ordering::Relaxed) && self.rung.swap(false, Ordering::AcqRel)
    }
}
