//! How other threads call a connection's task: it looks at its client's handle when the bell rings.

use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};

use parking_lot::Mutex;

/// A connection's bell.
#[derive(Debug, Default)]
pub(super) struct Bell {
    rung: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Bell {
    /// Makes the task look; rings that it has not heard yet are one.
    pub(super) fn ring(&self) {
        if self.rung.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Some(waker) = &*self.waker.lock() {
            waker.wake_by_ref();
        }
    }

    /// Has it rung since the last look? If not, it wakes the task of `context` when it does.
    /// `known` is the waker that was left here last, so that a look usually takes no lock.
    pub(super) fn has_rung(&self, context: &Context<'_>, known: &mut Option<Waker>) -> bool {
        let waker = context.waker();
        if !known.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *known = Some(waker.clone());
            *self.waker.lock() = Some(waker.clone());
        }
        self.rung.load(Ordering::Relaxed) && self.rung.swap(false, Ordering::AcqRel)
    }
}
