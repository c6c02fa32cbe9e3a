//! Whether the log can be written.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

/// What is wrong with the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// What was written may not be on disk, and never will be by trying again.
    Sync,
    /// Nothing more can be written for now.
    Write,
}

/// What fails at the moment, if anything does.
#[derive(Debug, Default)]
pub(super) struct Health {
    failing: AtomicBool,
    failure: Mutex<Option<(Failure, String)>>,
    /// The server stops while replies are held that can never be kept.
    given_up: AtomicBool,
}

impl Health {
    pub(super) fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Acquire)
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Acquire)
    }

    pub(super) fn give_up(&self) {
        self.given_up.store(true, Ordering::Release);
    }

    /// What is wrong, with the system's words.
    pub(super) fn failure(&self) -> Option<(Failure, String)> {
        self.failure.lock().clone()
    }

    pub(super) fn has_failed_sync(&self) -> bool {
        matches!(*self.failure.lock(), Some((Failure::Sync, _)))
    }

    pub(super) fn fail(&self, failure: Failure, error: &std::io::Error) {
        let mut current = self.failure.lock();
        if current.is_none() {
            tracing::error!(%error, ?failure, "the append-only file failed; writes are refused");
        }
        if !matches!(*current, Some((Failure::Sync, _))) {
            *current = Some((failure, system_text(error)));
        }
        self.failing.store(true, Ordering::Release);
    }

    /// A failure of this kind has ended.
    pub(super) fn recover(&self, ended: Failure) {
        let mut failure = self.failure.lock();
        if failure.as_ref().is_some_and(|(kind, _)| *kind == ended) {
            *failure = None;
            self.failing.store(false, Ordering::Release);
            tracing::warn!("the append-only file works again; writes are accepted");
        }
    }
}

/// The system's text for an error, without Rust's addition.
fn system_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
