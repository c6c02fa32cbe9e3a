//! Additions to sorted sets, put off during a replay and made together.
//!
//! A set that gets many elements at once takes a fraction of the time for each
//! (`SortedSet::insert_all`). So the pairs of each plain `ZADD key score member ...` are gathered
//! by key until another effect goes to that key, or to more than a single key, or they take much
//! memory.

use std::collections::HashMap;

use crate::command::table::table;
use crate::number::parse_f64_in_range;
use crate::resp::argv::{Argv, OwnedArgv};

/// Bytes of all that is put off, at most.
const BYTES_MAX: usize = 64 << 20;
/// What a key takes beside its words.
const KEY_BYTES: usize = 200;
/// An effect that had to wait for fewer words than these had better not wait.
const WORDS_MIN: usize = 64;
/// How many additions are not put off after that.
const REST: u32 = 1024;

/// Additions that were put off, all in one database.
#[derive(Debug, Default)]
pub(super) struct Joined {
    /// `ZADD key score member ...` by key.
    additions: HashMap<Box<[u8]>, OwnedArgv, foldhash::fast::RandomState>,
    bytes: usize,
    /// Additions that are not to be put off.
    rest: u32,
}

impl Joined {
    /// Puts an effect off if it can be; `false` if it is to be run.
    pub(super) fn take(&mut self, argv: Argv<'_>) -> bool {
        if !is_plain_addition(argv) {
            return false;
        }
        if self.rest > 0 {
            self.rest -= 1;
            return false;
        }
        let key = argv.get(1).unwrap_or_default();
        let Some(additions) = self.additions.get_mut(key) else {
            let additions = argv.to_owned();
            self.bytes += additions.bytes() + KEY_BYTES;
            self.additions.insert(key.into(), additions);
            return true;
        };
        let before = additions.bytes();
        argv.iter_from(2).for_each(|word| additions.push(word));
        self.bytes += additions.bytes() - before;
        true
    }

    /// What is to be run before this effect.
    pub(super) fn due(&mut self, argv: Argv<'_>) -> Vec<OwnedArgv> {
        if self.additions.is_empty() {
            return Vec::new();
        }
        let command = table().resolve(argv).or_else(|| table().resolve_logged(argv));
        let Some(key) = command.and_then(|command| command.only_key).and_then(|at| argv.get(at))
        else {
            return self.all();
        };
        let Some(additions) = self.additions.remove(key) else { return Vec::new() };
        self.bytes -= additions.bytes() + KEY_BYTES;
        if additions.len() < WORDS_MIN {
            self.rest = REST;
        }
        vec![additions]
    }

    /// Do they take much memory?
    pub(super) fn is_full(&self) -> bool {
        self.bytes > BYTES_MAX
    }

    /// All that was put off.
    pub(super) fn all(&mut self) -> Vec<OwnedArgv> {
        self.bytes = 0;
        self.additions.drain().map(|(_, additions)| additions).collect()
    }
}

/// Is it `ZADD key score member ...`, without options and with scores that are none but numbers?
fn is_plain_addition(argv: Argv<'_>) -> bool {
    let is_zadd = argv.get(0).is_some_and(|name| name.eq_ignore_ascii_case(b"ZADD"));
    is_zadd
        && argv.len() >= 4
        && argv.len().is_multiple_of(2)
        && argv.iter_from(2).step_by(2).all(|score| parse_f64_in_range(score).is_some())
}
