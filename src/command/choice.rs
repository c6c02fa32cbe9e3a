//! The count of commands that choose at random: HRANDFIELD, SRANDMEMBER and their like.

use super::{Args, CommandError};

/// Most repetitions that a negative count may ask for: more would not fit into a reply.
const DRAWS_MAX: usize = 1 << 24;
/// A count is too large.
pub(crate) const OUT_OF_RANGE: CommandError = CommandError::Plain("ERR value is out of range");

/// How many random elements are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// So many different ones.
    Different(usize),
    /// So many, each from all elements.
    Repeated(usize),
}

impl Choice {
    /// Reads a count: negative for elements that may repeat.
    pub(crate) fn read(args: &mut Args<'_>) -> Result<Self, CommandError> {
        let count = args.integer()?;
        if count == i64::MIN {
            return Err(CommandError::Plain(
                "ERR value is out of range, value must between -9223372036854775807 and \
                 9223372036854775807",
            ));
        }
        let size = usize::try_from(count.unsigned_abs()).map_err(|_| OUT_OF_RANGE)?;
        match count {
            0.. => Ok(Self::Different(size)),
            _ if size <= DRAWS_MAX => Ok(Self::Repeated(size)),
            _ => Err(OUT_OF_RANGE),
        }
    }
}
