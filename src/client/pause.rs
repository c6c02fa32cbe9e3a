//! CLIENT PAUSE: for a while, commands of clients are put off, all or those that may write.

use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// The commands that are put off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Paused {
    Writes,
    All,
}

/// Whether clients are paused.
#[derive(Debug, Default)]
pub(crate) struct Pause {
    /// `false` when nothing is paused; read by every command.
    any: AtomicBool,
    state: Mutex<Option<(Paused, u64)>>,
}

impl Pause {
    /// Pauses until an instant (unix ms). Of two pauses the stricter and the longer hold.
    pub(crate) fn start(&self, paused: Paused, until_ms: u64, now_ms: u64) {
        let mut state = self.state.lock();
        let old = state.filter(|&(_, until_ms)| until_ms > now_ms);
        let new = (paused, until_ms);
        *state = Some(old.map_or(new, |old| (old.0.max(new.0), old.1.max(new.1))));
        self.any.store(true, Ordering::Release);
    }

    /// Ends the pause.
    pub(crate) fn end(&self) {
        *self.state.lock() = None;
        self.any.store(false, Ordering::Release);
    }

    /// Was a pause started that has not been seen to end?
    pub(crate) fn is_set(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    /// What is paused, and until when (unix ms).
    pub(crate) fn current(&self, now_ms: u64) -> Option<(Paused, u64)> {
        if !self.is_set() {
            return None;
        }
        let mut state = self.state.lock();
        if state.is_some_and(|(_, until_ms)| until_ms <= now_ms) {
            *state = None;
            self.any.store(false, Ordering::Release);
        }
        *state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stricter_and_longer_pause_holds() {
        let pause = Pause::default();
        pause.start(Paused::All, 100, 0);
        pause.start(Paused::Writes, 200, 0);
        assert_eq!(pause.current(150), Some((Paused::All, 200)));
        pause.start(Paused::Writes, 50, 0);
        assert_eq!(pause.current(150), Some((Paused::All, 200)));
        assert_eq!(pause.current(200), None);
        assert!(!pause.is_set());
        pause.start(Paused::Writes, 400, 300);
        assert_eq!(pause.current(300), Some((Paused::Writes, 400)));
        pause.end();
        assert_eq!(pause.current(300), None);
    }
}
