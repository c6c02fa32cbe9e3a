//! What is checked, and why it is denied.

use smallvec::SmallVec;

/// What is done to a key, as far as patterns tell it apart: `%R~`, `%W~`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Need {
    pub(crate) read: bool,
    pub(crate) write: bool,
}

impl Need {
    pub(crate) const BOTH: Self = Self { read: true, write: true };

    /// Does this cover what `other` needs?
    pub(super) fn covers(self, other: Self) -> bool {
        (self.read || !other.read) && (self.write || !other.write)
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self { read: self.read || other.read, write: self.write || other.write }
    }
}

/// A key of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key<'a> {
    /// Its place among the words.
    pub(crate) place: usize,
    pub(crate) name: &'a [u8],
    pub(crate) need: Need,
}

/// A channel of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Channel<'a> {
    /// Its place among the words.
    pub(crate) place: usize,
    pub(crate) name: &'a [u8],
    /// Is it a pattern of PSUBSCRIBE, which must be allowed word for word?
    pub(crate) is_pattern: bool,
}

/// A request as rights see it.
#[derive(Clone, Debug)]
pub(crate) struct Request<'a> {
    /// The number of the command in the catalog.
    pub(crate) command: usize,
    /// May everyone run it (AUTH)?
    pub(crate) is_open: bool,
    pub(crate) first_argument: Option<&'a [u8]>,
    pub(crate) keys: SmallVec<[Key<'a>; 4]>,
    pub(crate) channels: SmallVec<[Channel<'a>; 2]>,
}

/// What a user has no right to; of two denials the greater tells more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    Command,
    Key,
    Auth,
    Channel,
}

/// Why a request is denied: what, and its place among the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Denied {
    pub(crate) reason: Reason,
    pub(crate) place: usize,
}
