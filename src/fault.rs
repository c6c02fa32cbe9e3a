//! Faults on purpose: what does a crash leave behind, or a disk that fails, at this very step?
//!
//! The environment variable `RESPQ_FAULT` of a server makes one step go wrong, for tests:
//!
//! ```text
//! RESPQ_FAULT=<point>:<pass>[+][:<how>]    as log.sync:3 or install.rename:1:error
//!
//! abort   the process ends there, as by SIGKILL (without <how>)
//! error   the step fails: "Input/output error"
//! full    the step fails: "No space left on device"
//! half    half of the bytes are written, then as full
//! panic   the thread panics
//! power   what was written to the log and not synced is lost, then as abort
//! sectors as power, but every other sector of it is lost
//! torn    half of the bytes are written, then as abort
//! zeros   as power, but files stay as long as they became, and end in zeros
//! ```
//!
//! `<pass>` counts from 1; with `+` all later passes fail, too. Several faults have commas between
//! them. A point that does not exist is refused at the start, and all points are named. They stand
//! only where a file is changed, and cost one load there. `scripts/crash` goes through all of them.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::ServerError;

mod power;

use power::Loss;

/// A step that can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    /// A folder is about to be synced, so that its new names last.
    FolderSync,
    /// A file that a rewrite has replaced is about to be removed.
    HistoryRemove,
    /// A complete file is about to get its name.
    InstallRename,
    /// It has it, but its folder is not synced.
    InstallRenamed,
    /// A base was made of the snapshot file; the manifest does not know it.
    LoadBase,
    /// A torn tail is about to be cut off.
    LoadCut,
    /// The first increment was made; the manifest does not know it.
    LoadIncrement,
    /// A group is about to be written to a file of the log.
    LogAppend,
    /// It is written; nobody knows.
    LogAppended,
    /// The rest of a write that failed is about to be cut off.
    LogMend,
    /// The old file is complete and synced; the log is about to go on in the next.
    LogRotate,
    /// It goes on there.
    LogRotated,
    /// Space is about to be written behind a group.
    LogSpace,
    /// A file of the log is about to be synced.
    LogSync,
    /// It is synced; nobody knows.
    LogSynced,
    /// The new manifest has its name, but the folder is not synced.
    ManifestRenamed,
    /// The new manifest is complete and about to get its name.
    ManifestRename,
    /// The new manifest is about to be written under a temporary name.
    ManifestWrite,
    /// A rewrite has put its base in place; the manifest does not know it.
    RewriteBase,
    /// The snapshot of a rewrite has begun, and the log has rotated.
    RewriteBegun,
    /// A rewrite has made its increment; the manifest does not know it.
    RewriteIncrement,
    /// The manifest knows it; the log does not write to it yet.
    RewriteNoted,
    /// The manifest has the new base; the old files are still there.
    RewriteSwitched,
    /// The snapshot of a save has begun.
    SaveBegun,
    /// The snapshot file is in place; nobody knows.
    SaveDone,
    /// A key of a snapshot is about to be written.
    SnapshotKey,
    /// A snapshot is written and about to be synced.
    SnapshotSync,
}

const POINTS: &[(&str, Point)] = &[
    ("folder.sync", Point::FolderSync),
    ("history.remove", Point::HistoryRemove),
    ("install.rename", Point::InstallRename),
    ("install.renamed", Point::InstallRenamed),
    ("load.base", Point::LoadBase),
    ("load.cut", Point::LoadCut),
    ("load.increment", Point::LoadIncrement),
    ("log.append", Point::LogAppend),
    ("log.appended", Point::LogAppended),
    ("log.mend", Point::LogMend),
    ("log.rotate", Point::LogRotate),
    ("log.rotated", Point::LogRotated),
    ("log.space", Point::LogSpace),
    ("log.sync", Point::LogSync),
    ("log.synced", Point::LogSynced),
    ("manifest.rename", Point::ManifestRename),
    ("manifest.renamed", Point::ManifestRenamed),
    ("manifest.write", Point::ManifestWrite),
    ("rewrite.base", Point::RewriteBase),
    ("rewrite.begun", Point::RewriteBegun),
    ("rewrite.increment", Point::RewriteIncrement),
    ("rewrite.noted", Point::RewriteNoted),
    ("rewrite.switched", Point::RewriteSwitched),
    ("save.begun", Point::SaveBegun),
    ("save.done", Point::SaveDone),
    ("snapshot.key", Point::SnapshotKey),
    ("snapshot.sync", Point::SnapshotSync),
];

/// How a step goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Abort,
    Error,
    Full,
    Half,
    Panic,
    Power,
    Sectors,
    Torn,
    Zeros,
}

const WAYS: &[(&str, How)] = &[
    ("abort", How::Abort),
    ("error", How::Error),
    ("full", How::Full),
    ("half", How::Half),
    ("panic", How::Panic),
    ("power", How::Power),
    ("sectors", How::Sectors),
    ("torn", How::Torn),
    ("zeros", How::Zeros),
];

/// What is to go wrong.
#[derive(Debug)]
struct Plan {
    point: Point,
    first: u64,
    /// Do all passes from the first on fail?
    goes_on: bool,
    how: How,
    passes: AtomicU64,
}

static PLANS: OnceLock<Vec<Plan>> = OnceLock::new();

/// Reads `RESPQ_FAULT`, once for the process.
pub(crate) fn arm() -> Result<(), ServerError> {
    let Some(text) = std::env::var_os("RESPQ_FAULT") else { return Ok(()) };
    let text = text.to_string_lossy();
    let plans = text.split(',').map(Plan::parse).collect::<Option<Vec<_>>>();
    let plans = plans.ok_or_else(|| {
        let names: Vec<&str> = POINTS.iter().map(|(name, _)| *name).collect();
        ServerError::Usage(format!("RESPQ_FAULT '{text}': points are {}", names.join(" ")))
    })?;
    tracing::warn!(?plans, "RESPQ_FAULT is set: this server fails on purpose");
    PLANS.get_or_init(|| plans);
    Ok(())
}

/// Passes a point; the error is that of the step.
#[inline]
pub(crate) fn pass(point: Point) -> io::Result<()> {
    match PLANS.get() {
        None => Ok(()),
        Some(plans) => struck(plans, point).map_or(Ok(()), How::strike),
    }
}

/// Passes a point of the work on a file.
pub(crate) fn step(point: Point, path: &Path) -> Result<(), ServerError> {
    pass(point).map_err(|error| ServerError::file("write", path, error))
}

/// Passes a point on the way to writing `bytes` to a file of the log; half of them may be written.
#[inline]
pub(crate) fn write(point: Point, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    if let Some(plans) = PLANS.get()
        && let Some(how) = struck(plans, point)
    {
        if matches!(how, How::Half | How::Torn) {
            file.write_all_at(&bytes[..bytes.len() / 2], offset)?;
        }
        how.strike()?;
    }
    if cuts_power() {
        return power::write(file, bytes, offset);
    }
    file.write_all_at(bytes, offset)
}

/// Is the power to be cut?
fn cuts_power() -> bool {
    let plans = PLANS.get().into_iter().flatten();
    plans.map(|plan| plan.how).any(|how| matches!(how, How::Power | How::Sectors | How::Zeros))
}

/// Syncs a file of the log.
pub(crate) fn sync(file: &File) -> io::Result<()> {
    if cuts_power() { power::sync(file) } else { file.sync_data() }
}

#[cold]
fn struck(plans: &[Plan], point: Point) -> Option<How> {
    plans.iter().find_map(|plan| plan.pass(point))
}

impl Plan {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let (point, pass, how) = (parts.next()?, parts.next()?, parts.next().unwrap_or("abort"));
        let (_, point) = *POINTS.iter().find(|(name, _)| *name == point)?;
        let (_, how) = *WAYS.iter().find(|(name, _)| *name == how)?;
        let goes_on = pass.ends_with('+');
        let first = pass.trim_end_matches('+').parse().ok()?;
        Some(Self { point, first, goes_on, how, passes: AtomicU64::new(0) })
    }

    /// Notes a pass; returns how it goes wrong, if it does.
    fn pass(&self, point: Point) -> Option<How> {
        if point != self.point {
            return None;
        }
        let pass = self.passes.fetch_add(1, Ordering::AcqRel) + 1;
        let strikes = pass == self.first || (self.goes_on && pass > self.first);
        strikes.then_some(self.how)
    }
}

impl How {
    #[expect(clippy::panic, reason = "this is what was asked for")]
    fn strike(self) -> io::Result<()> {
        match self {
            Self::Abort | Self::Torn => end(),
            Self::Error => Err(rustix::io::Errno::IO.into()),
            Self::Full | Self::Half => Err(rustix::io::Errno::NOSPC.into()),
            Self::Panic => panic!("RESPQ_FAULT asked for it"),
            Self::Power => {
                power::lose(Loss::All);
                end()
            }
            Self::Sectors => {
                power::lose(Loss::EveryOtherSector);
                end()
            }
            Self::Zeros => {
                power::lose(Loss::AllButSize);
                end()
            }
        }
    }
}

/// Ends the process as SIGKILL does: nothing more is written.
fn end() -> ! {
    use rustix::process::{Signal, getpid, kill_process};
    while kill_process(getpid(), Signal::KILL).is_ok() {}
    std::process::abort()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_strikes_at_its_pass() {
        let plan = Plan::parse("log.sync:2:error").unwrap();
        let struck: Vec<_> = (0..4).map(|_| plan.pass(Point::LogSync).is_some()).collect();
        assert_eq!(struck, [false, true, false, false]);
        let plan = Plan::parse("log.sync:2+").unwrap();
        assert_eq!(plan.pass(Point::LogAppend), None);
        let struck: Vec<_> = (0..4).map(|_| plan.pass(Point::LogSync)).collect();
        assert_eq!(struck[0], None);
        assert!(struck[1..].iter().all(|how| *how == Some(How::Abort)));
        for text in ["", "log.sync", "log.sync:x", "log.sync:1:never", "nowhere:1"] {
            assert!(Plan::parse(text).is_none(), "{text}");
        }
    }
}
