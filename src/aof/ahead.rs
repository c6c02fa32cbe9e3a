//! Reading a file of the log ahead: a thread of its own reads, checks and decodes effects while
//! the caller runs those before.
//!
//! ```text
//! file ── thread "reader": marks, words ──▶ groups of effects ──▶ visit
//!                 ▲                                                 │
//!                 └──────────────── used-up groups ─────────────────┘
//! ```
//!
//! The caller sees what [`Reader::for_each`] would show it, in the same order: an error, too, only
//! behind the effects that come before it.

use std::sync::mpsc::{Receiver, Sender, channel};

use super::reader::{End, Reader};
use crate::error::ServerError;
use crate::resp::argv::{Argv, OwnedArgv};

/// Bytes from which on a group is passed on.
const GROUP_BYTES: usize = 256 << 10;
/// The reader waits while groups of more bytes are under way.
const BYTES_AHEAD_MAX: usize = 8 << 20;

/// Effects that follow each other.
#[derive(Debug, Default)]
struct Group {
    words: OwnedArgv,
    /// For each effect where its words end, and the offset behind it.
    ends: Vec<(usize, u64)>,
    /// Bytes of the words and of what is kept for each.
    bytes: usize,
}

impl Group {
    fn push(&mut self, argv: Argv<'_>, offset: u64) {
        for word in argv.iter() {
            self.words.push(word);
            self.bytes += word.len() + size_of::<(usize, u64)>();
        }
        self.ends.push((self.words.len(), offset));
    }

    fn for_each(&self, visit: &mut impl FnMut(Argv<'_>, u64)) {
        let mut start = 0;
        for &(end, offset) in &self.ends {
            visit(self.words.part(start..end), offset);
            start = end;
        }
    }

    /// The group without its effects, if it is no larger than most.
    fn emptied(mut self) -> Option<Self> {
        self.words.clear();
        self.ends.clear();
        (self.bytes <= 2 * GROUP_BYTES).then_some(Self { bytes: 0, ..self })
    }
}

/// The reader's side: gathers effects.
struct Gatherer {
    group: Group,
    full: Sender<Group>,
    used: Receiver<Group>,
    /// Bytes of the groups that were passed on and have not come back.
    bytes_ahead: usize,
}

impl Gatherer {
    fn push(&mut self, argv: Argv<'_>, offset: u64) {
        self.group.push(argv, offset);
        if self.group.bytes >= GROUP_BYTES {
            self.pass_on();
        }
    }

    /// Passes the group on, and begins another one.
    fn pass_on(&mut self) {
        let mut spare = None;
        while let Some(group) = self.come_back() {
            self.bytes_ahead -= group.bytes;
            spare = group.emptied().or(spare);
        }
        let next = spare.unwrap_or_default();
        let group = std::mem::replace(&mut self.group, next);
        self.bytes_ahead += group.bytes;
        let sent = self.full.send(group);
        debug_assert!(sent.is_ok(), "the caller takes all groups");
    }

    /// A group that has come back; waits for one while too much is under way.
    fn come_back(&self) -> Option<Group> {
        if self.bytes_ahead < BYTES_AHEAD_MAX {
            self.used.try_recv().ok()
        } else {
            // The caller gives all groups back.
            self.used.recv().ok()
        }
    }
}

/// As [`Reader::for_each`], with `visit` on this thread and all else on another.
pub(crate) fn for_each(
    reader: &mut Reader,
    mut visit: impl FnMut(Argv<'_>, u64),
) -> Result<End, ServerError> {
    let (full, groups) = channel();
    let (give_back, used) = channel();
    let mut gatherer = Gatherer { group: Group::default(), full, used, bytes_ahead: 0 };
    std::thread::scope(|scope| {
        let read = move || {
            let end = reader.for_each(|argv, offset| gatherer.push(argv, offset));
            gatherer.pass_on();
            end
        };
        let thread = std::thread::Builder::new().name("reader".to_owned());
        let thread = thread
            .spawn_scoped(scope, read)
            .map_err(|error| ServerError::System { action: "start a thread", error })?;
        for group in groups {
            group.for_each(&mut visit);
            // Nobody takes it when the file has ended.
            drop(give_back.send(group));
        }
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[cfg(test)]
mod tests;
