//! What the server knows of scripts: the virtual machine, and the script that runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::vm::{Figures, Vm};
use crate::resp::argv::OwnedArgv;

/// The virtual machine, and the script that runs.
#[derive(Debug, Default)]
pub(crate) struct Scripts {
    /// For EVAL. Locked by who holds all shards, and for a moment by who asks for a script's flags.
    pub(crate) vm: Arc<Mutex<Vm>>,
    /// For libraries of functions; as `vm`.
    pub(crate) functions: Arc<Mutex<Vm>>,
    libraries_count: AtomicUsize,
    functions_count: AtomicUsize,
    /// What was last seen of `vm` and of `functions`.
    seen: Mutex<[Figures; 2]>,
    pub(crate) running: Running,
}

impl Scripts {
    /// Counts libraries and functions after a change.
    pub(crate) fn count_functions(&self, vm: &Vm) {
        let functions = vm.libraries.values().map(|library| library.functions.len()).sum();
        self.libraries_count.store(vm.libraries.len(), Ordering::Relaxed);
        self.functions_count.store(functions, Ordering::Relaxed);
    }

    /// The sources of all libraries. The caller holds all shards.
    pub(crate) fn sources(&self) -> Vec<Box<[u8]>> {
        let vm = self.functions.lock();
        vm.libraries.values().map(|library| library.source.clone()).collect()
    }

    /// How much `vm` and `functions` hold, or held before the script that runs now.
    pub(crate) fn figures(&self) -> [Figures; 2] {
        let mut seen = self.seen.lock();
        for (vm, seen) in [&self.vm, &self.functions].into_iter().zip(&mut *seen) {
            if let Some(vm) = vm.try_lock() {
                *seen = vm.figures();
            }
        }
        *seen
    }

    /// How many libraries and functions there are.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let libraries = self.libraries_count.load(Ordering::Relaxed);
        (libraries, self.functions_count.load(Ordering::Relaxed))
    }
}

/// A call of a function.
#[derive(Clone, Debug)]
pub(crate) struct FunctionCall {
    pub(crate) name: Box<[u8]>,
    pub(crate) argv: OwnedArgv,
}

/// The script that runs, as others see it. They may ask for its end; whoever drives it looks here.
#[derive(Debug, Default)]
pub(crate) struct Running {
    runs: AtomicBool,
    /// Has it run for longer than it should, so that others are turned away?
    busy: AtomicBool,
    killed: AtomicBool,
    /// Has it called a command that writes?
    wrote: AtomicBool,
    started_ns: AtomicU64,
    /// `None` for EVAL.
    function: Mutex<Option<FunctionCall>>,
}

/// Why a script is not killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotKilled {
    NothingRuns,
    /// A function runs, and SCRIPT KILL was said; or the other way round.
    OtherKind,
    Wrote,
}

impl Running {
    /// A script starts; `function`, if it is one.
    pub(crate) fn start(&self, function: Option<FunctionCall>, now_ns: u64) {
        self.killed.store(false, Ordering::Relaxed);
        self.wrote.store(false, Ordering::Relaxed);
        self.started_ns.store(now_ns, Ordering::Relaxed);
        if function.is_some() {
            *self.function.lock() = function;
        }
        self.runs.store(true, Ordering::Release);
    }

    /// It has ended.
    pub(crate) fn end(&self) {
        self.runs.store(false, Ordering::Release);
        self.busy.store(false, Ordering::Release);
        *self.function.lock() = None;
    }

    /// For how long has it run?
    pub(crate) fn elapsed_ms(&self, now_ns: u64) -> u64 {
        now_ns.saturating_sub(self.started_ns.load(Ordering::Relaxed)) / 1_000_000
    }

    /// The function that runs, if one does.
    pub(crate) fn function(&self) -> Option<FunctionCall> {
        self.function.lock().clone()
    }

    /// Does a script run that is no function?
    pub(crate) fn is_eval(&self) -> bool {
        self.runs.load(Ordering::Acquire) && self.function.lock().is_none()
    }

    /// It is about to call a command that writes; `false` if it is to end before that.
    pub(crate) fn note_write(&self) -> bool {
        let _turn = self.function.lock();
        let goes_on = self.wrote() || !self.is_killed();
        self.wrote.store(goes_on, Ordering::Release);
        goes_on
    }

    pub(crate) fn wrote(&self) -> bool {
        self.wrote.load(Ordering::Acquire)
    }

    /// It has run for longer than it should.
    pub(crate) fn note_busy(&self) {
        self.busy.store(true, Ordering::Release);
    }

    /// Are others turned away because of it?
    pub(crate) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Acquire)
    }

    /// Is it to end?
    pub(crate) fn is_killed(&self) -> bool {
        self.killed.load(Ordering::Acquire)
    }

    /// Asks for its end, whatever it has done.
    pub(crate) fn stop(&self) {
        self.killed.store(true, Ordering::Release);
    }

    /// Asks for its end, whether it is a function or not.
    pub(crate) fn kill(&self, is_function: bool) -> Result<(), NotKilled> {
        if !self.runs.load(Ordering::Acquire) {
            return Err(NotKilled::NothingRuns);
        }
        // It must not write between the look and the kill.
        let function = self.function.lock();
        if self.wrote() {
            return Err(NotKilled::Wrote);
        }
        if function.is_some() != is_function {
            return Err(NotKilled::OtherKind);
        }
        self.killed.store(true, Ordering::Release);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_killed_writes_no_more() {
        let running = Running::default();
        running.start(None, 0);
        assert_eq!(running.kill(false), Ok(()));
        assert!(!running.note_write() && !running.wrote());
        running.start(None, 0);
        assert!(running.note_write());
        assert_eq!(running.kill(false), Err(NotKilled::Wrote));
        running.stop();
        assert!(running.note_write(), "it is not stopped between two writes");
    }
}
