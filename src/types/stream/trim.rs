//! Trimming: the oldest entries go.
//!
//! Exact trimming stops at the very entry; approximate trimming removes whole blocks only, which
//! costs next to nothing per entry, and at most `limit` entries.

use super::entries::Entries;
use super::id::StreamId;

/// What shall be left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrimTo {
    /// At most so many entries.
    MaxLen(usize),
    /// No ids below this one.
    MinId(StreamId),
}

/// How to trim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trim {
    pub(crate) to: TrimTo,
    /// Whole blocks only.
    pub(crate) approximate: bool,
    /// Entries removed at most; 0: no limit.
    pub(crate) limit: usize,
}

impl Entries {
    /// Removes entries from the front; returns how many.
    pub(crate) fn trim(&mut self, trim: Trim) -> usize {
        let before = self.len();
        while let Some((live, last)) = self.front() {
            let removed = before - self.len();
            let whole = match trim.to {
                TrimTo::MaxLen(len_max) => {
                    if self.len() <= len_max {
                        break;
                    }
                    self.len() - live >= len_max
                }
                TrimTo::MinId(id) => last < id,
            };
            if trim.limit > 0 && removed + live > trim.limit {
                break;
            }
            if whole {
                self.drop_front_block();
                continue;
            }
            if !trim.approximate {
                let count = match trim.to {
                    TrimTo::MaxLen(len_max) => self.len() - len_max,
                    TrimTo::MinId(id) => self.iter().take_while(|entry| entry.id < id).count(),
                };
                if count == live {
                    self.drop_front_block();
                } else {
                    self.drop_front(count);
                }
            }
            break;
        }
        before - self.len()
    }

    /// The ids that [`Entries::trim`] would remove if nothing stood against it.
    pub(crate) fn to_trim(&self, trim: Trim) -> Vec<StreamId> {
        let mut preview = self.clone();
        let count = preview.trim(trim);
        self.iter().take(count).map(|entry| entry.id).collect()
    }
}
