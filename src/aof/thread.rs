//! The log thread: it syncs once a second, and under `always` what it is asked for; while the log
//! is failing it tries again.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::file::LogFile;
use super::write::Group;
use super::{Aof, FsyncPolicy};

/// Time between attempts while the log is failing.
const RETRY_AFTER: Duration = Duration::from_millis(100);

impl Aof {
    /// The work of the log thread, until [`Aof::stop`].
    pub(crate) fn run(&self) {
        let mut guard = self.work_lock.lock();
        while !self.stopping.load(Ordering::Acquire) {
            let durable = self.durable.load(Ordering::Acquire);
            let hurry = self.policy() == FsyncPolicy::Always && durable < self.appended();
            let wanted = durable < self.wanted.load(Ordering::Acquire).min(self.appended());
            if self.is_failing() {
                self.work.wait_for(&mut guard, RETRY_AFTER);
            } else if !hurry && !wanted {
                self.work.wait_for(&mut guard, Duration::from_secs(1));
            }
            drop(guard);
            self.work_once();
            guard = self.work_lock.lock();
        }
        drop(guard);
        self.end();
        self.tell_listeners();
    }

    /// Syncs all that was appended, and cuts off the space behind it; `false` if the sync failed.
    pub(super) fn end(&self) -> bool {
        let is_synced = self.sync();
        if is_synced
            && let Some(file) = &mut self.output.lock().file
            && let Err(error) = file.give_back_space()
        {
            tracing::warn!(%error, "cannot cut off the space behind the log");
        }
        is_synced
    }

    pub(super) fn work_once(&self) {
        let durable = self.durable.load(Ordering::Acquire);
        let nothing_new = durable == self.appended() && !self.is_failing();
        if nothing_new || !self.is_enabled() {
            return;
        }
        let wanted = self.wanted.load(Ordering::Acquire) > durable;
        match self.policy() {
            FsyncPolicy::No if !wanted && !self.is_failing() => {
                self.write_out(Group::Loose);
            }
            _ => {
                self.sync();
            }
        }
        self.tell_listeners();
    }

    /// Ends [`Aof::run`] after a last sync.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.wake_log_thread();
    }

    /// Hands what is buffered to the file while the process goes down, without waiting for a lock
    /// that the failed thread may hold.
    pub(crate) fn save_what_is_buffered(&self) {
        let patience = Duration::from_millis(500);
        let Some(mut output) = self.output.try_lock_for(patience) else { return };
        let Some(buffer) = self.buffer.try_lock_for(patience) else { return };
        output.take(buffer, || self.appended());
        // Before the first group over space a sync would come, which takes a lock, too.
        let is_marked = output.file.as_ref().is_some_and(LogFile::is_marked);
        let group = if is_marked { Group::to_sync(self.policy()) } else { Group::Loose };
        drop(self.write_pieces(&mut output, group));
    }
}
