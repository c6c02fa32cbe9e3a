//! Writing the log out, and syncing it.

use std::sync::atomic::Ordering;

use super::file::LogFile;
use super::output::Output;
use super::{Aof, Failure, FsyncPolicy};
use crate::fault::{self, Point};

/// Memory kept for the next group.
const SPARE_BYTES_MAX: usize = 1 << 20;

/// How a group is written. It follows from the policy, which may change meanwhile, so it is decided
/// once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// As it is.
    Loose,
    /// With a mark at the end.
    Marked,
    /// With a mark, over space: a sync follows before the next, under the lock `syncing`.
    OverSpace,
}

impl Group {
    /// What a sync follows.
    pub(super) fn to_sync(policy: FsyncPolicy) -> Self {
        match policy {
            FsyncPolicy::Always => Self::OverSpace,
            FsyncPolicy::EverySec | FsyncPolicy::No => Self::Marked,
        }
    }
}

impl Aof {
    /// Writes the buffer to the file; `false` if that failed.
    pub(super) fn write_out(&self, group: Group) -> bool {
        let mut output = self.output.lock();
        output.take(self.buffer.lock(), || self.appended());
        match self.write_pieces(&mut output, group) {
            Ok(()) => true,
            Err((failure, error)) => {
                // Known before anyone sees the next file.
                self.health.fail(failure, &error);
                false
            }
        }
    }

    pub(super) fn write_pieces(
        &self,
        output: &mut Output,
        group: Group,
    ) -> Result<(), (Failure, std::io::Error)> {
        let Output { file, pieces, spare } = output;
        let Some(file) = file else { return Ok(()) };
        let takes_space = group == Group::OverSpace;
        let mark = group != Group::Loose;
        if takes_space && !file.is_marked() {
            // What stands there is no part of the group that comes: a crash may tear that.
            file.append(&mut Vec::new(), true).map_err(|error| (file.failure(), error))?;
            file.sync().map_err(|error| (Failure::Sync, error))?;
        }
        loop {
            // Only one group may be torn inside: of several, the last.
            file.take_space(takes_space && pieces.len() <= 1);
            let Some(piece) = pieces.front_mut() else { break };
            let mark = mark || piece.then.is_some();
            if !piece.bytes.is_empty() || (mark && !file.is_marked()) {
                file.append(&mut piece.bytes, mark).map_err(|error| (file.failure(), error))?;
                piece.bytes.clear();
            }
            if piece.then.is_some() && !file.syncer().has_failed() {
                file.give_back_space().map_err(|error| (file.failure(), error))?;
                file.sync().map_err(|error| (Failure::Sync, error))?;
                fault::pass(Point::LogRotate).map_err(|error| (Failure::Write, error))?;
            }
            if let Some(next) = piece.then.take() {
                self.older_bytes.fetch_add(file.len(), Ordering::Relaxed);
                *file = next;
                fault::pass(Point::LogRotated).map_err(|error| (Failure::Write, error))?;
            }
            self.current_bytes.store(file.len(), Ordering::Relaxed);
            self.written.store(piece.end, Ordering::Release);
            if let Some(piece) = pieces.pop_front() {
                *spare = piece.bytes;
                spare.clear();
                spare.shrink_to(SPARE_BYTES_MAX);
            }
        }
        if mark && !file.is_marked() {
            file.append(&mut Vec::new(), true).map_err(|error| (file.failure(), error))?;
        }
        Ok(())
    }

    /// Writes and syncs all that was appended; `false` if that failed.
    pub(crate) fn sync(&self) -> bool {
        let _syncing = self.syncing.lock();
        if self.is_synced() {
            // By the holder of the lock before.
            return true;
        }
        if !self.write_out(Group::to_sync(self.policy())) {
            return false;
        }
        let position = self.written.load(Ordering::Acquire);
        let syncer = self.output.lock().file.as_ref().map(LogFile::syncer);
        let start_ns = self.clock.elapsed_ns();
        if let Some(Err(error)) = syncer.map(|syncer| syncer.sync()) {
            self.health.fail(Failure::Sync, &error);
        }
        self.note_sync_time(self.clock.elapsed_ns().saturating_sub(start_ns));
        if self.health.has_failed_sync() {
            return false;
        }
        self.durable.fetch_max(position, Ordering::AcqRel);
        self.health.recover(Failure::Write);
        true
    }

    /// Is nothing left for a sync to do?
    fn is_synced(&self) -> bool {
        self.policy() == FsyncPolicy::Always
            && !self.is_failing()
            && self.durable.load(Ordering::Acquire) == self.appended()
            && self.buffer.lock().rotations.is_empty()
    }

    fn note_sync_time(&self, ns: u64) {
        let us = u32::try_from(ns / 1000).unwrap_or(u32::MAX);
        let before = self.sync_us.load(Ordering::Relaxed);
        self.sync_us.store(before - before / 8 + us / 8, Ordering::Relaxed);
    }
}
