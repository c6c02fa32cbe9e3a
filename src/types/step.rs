//! What requests to come will do with one value, so far as it tells what they will look at.

/// One such request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step<'r> {
    /// Gives a member of a sorted set this score.
    Add(f64, &'r [u8]),
    /// Looks for a field or a member.
    Find(&'r [u8]),
    /// Takes the first element that is left.
    TakeFirst,
    /// Takes the last one.
    TakeLast,
}

impl<'r> Step<'r> {
    /// The field or member that it names.
    pub(crate) fn name(self) -> Option<&'r [u8]> {
        match self {
            Self::Add(_, name) | Self::Find(name) => Some(name),
            Self::TakeFirst | Self::TakeLast => None,
        }
    }
}
