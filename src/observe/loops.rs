//! The event loops of the threads that serve connections.

use std::fmt;
use std::time::Duration;

use parking_lot::Mutex;

/// What loops have done.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LoopFigures {
    /// Turns: looks at the sockets.
    pub(crate) cycles: u64,
    /// Time spent in turns, not waiting.
    pub(crate) busy: Duration,
}

/// Tells what one loop has done.
type Source = Box<dyn Fn() -> LoopFigures + Send + Sync>;

/// All loops.
#[derive(Default)]
pub(crate) struct Loops {
    sources: Mutex<Vec<Source>>,
    /// What they had done at the last reset.
    before: Mutex<LoopFigures>,
}

impl fmt::Debug for Loops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} loops", self.sources.lock().len())
    }
}

impl Loops {
    /// One more loop.
    pub(crate) fn add(&self, source: Source) {
        self.sources.lock().push(source);
    }

    /// What they have done together since the last reset.
    pub(crate) fn figures(&self) -> LoopFigures {
        let (all, before) = (self.ever(), *self.before.lock());
        LoopFigures {
            cycles: all.cycles.saturating_sub(before.cycles),
            busy: all.busy.saturating_sub(before.busy),
        }
    }

    pub(super) fn reset(&self) {
        *self.before.lock() = self.ever();
    }

    fn ever(&self) -> LoopFigures {
        let mut sum = LoopFigures::default();
        for source in &*self.sources.lock() {
            let LoopFigures { cycles, busy } = source();
            sum.cycles += cycles;
            sum.busy += busy;
        }
        sum
    }
}
