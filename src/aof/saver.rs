//! Who asked for a snapshot, and how the last ones went.
//!
//! Snapshots are written one at a time by the saver's thread ([`crate::engine`]); commands and
//! timers only ask. What INFO shows of them is here.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Condvar, Mutex};

use super::progress::Progress;

/// Failed rewrites in a row before the next waits longer and longer.
const PATIENT_FAILURES: u32 = 3;
const PAUSE_MS: u64 = 60_000;
const PAUSE_MS_MAX: u64 = 3_600_000;

/// Work for the saver's thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    /// `appendonly` was set to no: the log ends.
    Disable,
    /// `appendonly` was set to yes: a log begins with all data.
    Enable,
    /// All data go to a new base of the log.
    Rewrite,
    /// All data go to the snapshot file.
    Save,
}

/// How the server is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    /// Is a last snapshot written? `None`: if there are save points.
    pub(crate) saves: Option<bool>,
    /// Does it end even if that snapshot cannot be written?
    pub(crate) is_forced: bool,
    /// The client that asked, and waits for an error.
    pub(crate) client: Option<u64>,
}

/// What is going on, and what went before.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    pub(crate) running: Option<Job>,
    /// Has the saver's thread taken it up?
    has_begun: bool,
    /// When it was started: unix time in milliseconds.
    pub(crate) started_ms: u64,
    queue: VecDeque<Job>,
    pub(crate) last_rewrite_ok: bool,
    pub(crate) last_rewrite_ms: Option<u64>,
    /// Most bytes that it kept of what went meanwhile.
    pub(crate) last_rewrite_kept_bytes: u64,
    pub(crate) last_save_ok: bool,
    /// How long it took.
    pub(crate) last_save_ms: Option<u64>,
    pub(crate) last_save_kept_bytes: u64,
    /// Unix time in milliseconds of the last save that went well.
    pub(crate) saved_at_ms: u64,
    /// The server's count of changes when the last save began.
    pub(crate) changes_saved: u64,
    /// Size of the log after the last rewrite, or at the start.
    pub(crate) base_bytes: u64,
    pub(crate) counts: Counts,
    failed_at_ms: u64,
}

/// What CONFIG RESETSTAT sets to zero.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) saves: u64,
    pub(crate) rewrites: u64,
    /// Rewrites that failed since the last one that went well. After a reset no rewrite waits for
    /// those before it, as in Redis.
    pub(crate) failed_rewrites: u32,
}

impl Status {
    fn is_asked(&self, jobs: &[Job]) -> bool {
        self.running.is_some_and(|job| jobs.contains(&job))
    }

    fn is_queued(&self, jobs: &[Job]) -> bool {
        self.queue.iter().any(|job| jobs.contains(job))
    }

    /// The job that ran has ended; the next one's turn has come.
    fn go_on(&mut self, now_ms: u64) {
        self.has_begun = false;
        self.running = self.queue.pop_front();
        self.started_ms = now_ms;
    }

    /// Is a rewrite being written?
    pub(crate) fn is_rewriting(&self) -> bool {
        self.is_asked(&[Job::Enable, Job::Rewrite])
    }

    /// Does one wait for its turn?
    pub(crate) fn is_rewrite_scheduled(&self) -> bool {
        self.is_queued(&[Job::Enable, Job::Rewrite])
    }

    /// Is the log being switched on or off, or will it be?
    pub(crate) fn is_switching(&self) -> bool {
        let switches = [Job::Disable, Job::Enable];
        self.is_asked(&switches) || self.is_queued(&switches)
    }

    /// Is a snapshot file being written?
    pub(crate) fn is_saving(&self) -> bool {
        self.is_asked(&[Job::Save])
    }

    /// May a rewrite start unasked, or must the failures before it be some time ago first?
    pub(crate) fn may_rewrite_unasked(&self, now_ms: u64) -> bool {
        let failed = self.counts.failed_rewrites;
        let beyond = failed.saturating_sub(PATIENT_FAILURES);
        let pause_ms = (PAUSE_MS << beyond.min(10)).min(PAUSE_MS_MAX);
        failed < PATIENT_FAILURES || now_ms >= self.failed_at_ms + pause_ms
    }
}

/// Takes requests for snapshots.
#[derive(Debug)]
pub(crate) struct Saver {
    status: Mutex<Status>,
    pub(crate) progress: Progress,
    /// Who asked for the end of the server, first come first served.
    endings: Mutex<VecDeque<Ending>>,
    /// The server wants to end: nothing is begun, and what is being written is given up.
    held: AtomicBool,
    /// The last snapshot in the background has failed, and none went well since.
    has_failed: AtomicBool,
    stopping: AtomicBool,
    work: Condvar,
}

impl Saver {
    /// Nothing was saved yet; the server starts at `now_ms` (unix time).
    pub(crate) fn new(now_ms: u64) -> Self {
        let status = Status {
            running: None,
            has_begun: false,
            started_ms: 0,
            queue: VecDeque::new(),
            last_rewrite_ok: true,
            last_rewrite_ms: None,
            last_rewrite_kept_bytes: 0,
            last_save_ok: true,
            last_save_ms: None,
            last_save_kept_bytes: 0,
            saved_at_ms: now_ms,
            changes_saved: 0,
            base_bytes: 0,
            counts: Counts::default(),
            failed_at_ms: 0,
        };
        Self {
            status: Mutex::new(status),
            progress: Progress::default(),
            endings: Mutex::default(),
            held: AtomicBool::new(false),
            has_failed: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            work: Condvar::new(),
        }
    }

    /// What is going on.
    pub(crate) fn status(&self) -> Status {
        self.status.lock().clone()
    }

    /// CONFIG RESETSTAT.
    pub(crate) fn reset_counts(&self) {
        self.status.lock().counts = Counts::default();
    }

    /// Asks for a job, which runs at once if no other does.
    pub(crate) fn ask(&self, job: Job, now_ms: u64) {
        let mut status = self.status.lock();
        if status.running.is_none() {
            status.running = Some(job);
            status.started_ms = now_ms;
            self.work.notify_one();
        } else if !status.queue.contains(&job) {
            status.queue.push_back(job);
        }
    }

    /// Waits for a job; `None` when the server stops.
    pub(crate) fn next(&self) -> Option<Job> {
        let mut status = self.status.lock();
        loop {
            if self.is_stopping() {
                return None;
            }
            if !self.is_held() && status.running.is_some() {
                status.has_begun = true;
                return status.running;
            }
            self.work.wait(&mut status);
        }
    }

    /// Notes how a job went; the next in the queue is started.
    pub(crate) fn done(&self, job: Job, went_well: bool, now_ms: u64) {
        let mut status = self.status.lock();
        self.progress.end();
        if self.is_held() && !went_well {
            // It was given up: no failure, but still to be done if the server goes on.
            status.has_begun = false;
            return;
        }
        let ms = now_ms.saturating_sub(status.started_ms);
        match job {
            Job::Disable => {}
            Job::Enable | Job::Rewrite => {
                status.last_rewrite_ok = went_well;
                status.last_rewrite_ms = Some(ms);
                status.last_rewrite_kept_bytes = self.progress.kept_peak_bytes();
                status.failed_at_ms = now_ms;
                let counts = &mut status.counts;
                counts.rewrites += 1;
                counts.failed_rewrites = if went_well { 0 } else { counts.failed_rewrites + 1 };
            }
            Job::Save => {
                status.last_save_ok = went_well;
                self.has_failed.store(!went_well, Ordering::Release);
                status.last_save_ms = Some(ms);
                status.last_save_kept_bytes = self.progress.kept_peak_bytes();
            }
        }
        status.go_on(now_ms);
    }

    /// A job turned out to be nothing to do; the next in the queue is started.
    pub(crate) fn skip(&self, now_ms: u64) {
        self.status.lock().go_on(now_ms);
    }

    /// A snapshot file is complete, which holds the first `changes` changes.
    pub(crate) fn saved(&self, changes: u64, now_ms: u64) {
        let mut status = self.status.lock();
        status.last_save_ok = true;
        self.has_failed.store(false, Ordering::Release);
        status.counts.saves += 1;
        status.changes_saved = changes;
        status.saved_at_ms = now_ms;
    }

    /// The log takes so many bytes after a rewrite or at the start.
    pub(crate) fn log_has(&self, bytes: u64) {
        self.status.lock().base_bytes = bytes;
    }

    /// Has the last snapshot in the background failed, with none that went well since?
    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Acquire)
    }

    /// Must what is being written be given up?
    pub(crate) fn gives_up(&self) -> bool {
        self.is_stopping() || self.is_held()
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    fn is_held(&self) -> bool {
        self.held.load(Ordering::Acquire)
    }

    /// Asks for the end of the server.
    pub(crate) fn ask_to_end(&self, ending: Ending) {
        self.endings.lock().push_back(ending);
    }

    /// How the server is to end, if someone has asked for it who has no answer yet.
    pub(crate) fn take_ending(&self) -> Option<Ending> {
        self.endings.lock().pop_front()
    }

    /// Nothing is begun from now on; returns whether nothing is being written any more.
    pub(crate) fn hold(&self) -> bool {
        let status = self.status.lock();
        self.held.store(true, Ordering::Release);
        !status.has_begun
    }

    /// The server goes on, and so does what was asked for.
    pub(crate) fn let_go(&self) {
        let _status = self.status.lock();
        self.held.store(false, Ordering::Release);
        self.work.notify_all();
    }

    /// Ends the saver's thread.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        drop(self.status.lock());
        self.work.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_job_at_a_time() {
        let saver = Saver::new(0);
        saver.ask(Job::Rewrite, 1);
        saver.ask(Job::Save, 2);
        saver.ask(Job::Save, 3);
        let status = saver.status();
        assert!(status.is_rewriting() && status.is_queued(&[Job::Save]) && !status.is_saving());
        assert_eq!(saver.next(), Some(Job::Rewrite));
        saver.done(Job::Rewrite, false, 5);
        assert!(!saver.status().last_rewrite_ok && saver.status().is_saving());
        saver.done(Job::Save, true, 6);
        saver.stop();
        assert_eq!(saver.next(), None);
    }

    #[test]
    fn a_job_that_is_skipped_did_not_go_well_or_ill() {
        let saver = Saver::new(0);
        saver.ask(Job::Enable, 1);
        saver.ask(Job::Save, 2);
        assert_eq!(saver.next(), Some(Job::Enable));
        saver.skip(3);
        let status = saver.status();
        assert!(status.counts.rewrites == 0 && status.last_rewrite_ms.is_none());
        assert_eq!(saver.next(), Some(Job::Save));
    }

    #[test]
    fn what_is_given_up_is_no_failure() {
        let saver = Saver::new(0);
        saver.ask(Job::Save, 1);
        assert_eq!(saver.next(), Some(Job::Save));
        assert!(!saver.hold() && saver.gives_up());
        saver.done(Job::Save, false, 2);
        assert!(saver.hold() && saver.status().last_save_ok);
        saver.let_go();
        assert_eq!(saver.next(), Some(Job::Save));
    }

    #[test]
    fn failures_make_patient() {
        let saver = Saver::new(0);
        for _ in 0..3 {
            assert!(saver.status().may_rewrite_unasked(10));
            saver.done(Job::Rewrite, false, 10);
        }
        assert!(!saver.status().may_rewrite_unasked(11));
        assert!(saver.status().may_rewrite_unasked(10 + PAUSE_MS));
        saver.reset_counts();
        assert!(saver.status().may_rewrite_unasked(11));
    }
}
