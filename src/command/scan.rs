//! What the commands that walk with a cursor share: HSCAN, SSCAN and their like.

use super::{Args, CommandError};
use crate::glob;
use crate::resp::Reply;

/// Elements looked at by one call, unless COUNT says otherwise.
const COUNT_DEFAULT: usize = 10;

/// A cursor and its options.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scan<'a> {
    pub(crate) cursor: u64,
    /// About how many elements to look at.
    pub(crate) count: usize,
    pattern: Option<&'a [u8]>,
    /// HSCAN only: fields without values.
    pub(crate) no_values: bool,
}

impl<'a> Scan<'a> {
    /// Reads `[MATCH pattern] [COUNT count] [NOVALUES]`, which follow the cursor.
    pub(crate) fn read(cursor: u64, args: &mut Args<'a>) -> Result<Self, CommandError> {
        let mut scan = Self { cursor, count: COUNT_DEFAULT, pattern: None, no_values: false };
        while !args.is_empty() {
            if args.keyword("COUNT") {
                let count = args.integer()?;
                scan.count = usize::try_from(count).unwrap_or(0);
                if scan.count == 0 {
                    return Err(CommandError::Syntax);
                }
            } else if args.keyword("MATCH") {
                scan.pattern = Some(args.bytes()?);
            } else if args.keyword("NOVALUES") {
                scan.no_values = true;
            } else {
                return Err(CommandError::Syntax);
            }
        }
        Ok(scan)
    }

    /// Does an element match the pattern, if there is one?
    pub(crate) fn matches(&self, element: &[u8]) -> bool {
        self.pattern.is_none_or(|pattern| glob::matches(pattern, element))
    }
}

/// Writes the reply of a step: where to go on, and what was found.
pub(crate) fn reply_step(reply: &mut Reply, next: Option<u64>, found: &[&[u8]]) {
    reply.array(2);
    reply.bulk(next.unwrap_or(0).to_string().as_bytes());
    reply.array(found.len());
    for element in found {
        reply.bulk(element);
    }
}

/// Reads a cursor: what C's `strtoul` takes for a number, so zeros may lead and a minus sign is
/// allowed.
pub(crate) fn read_cursor(args: &mut Args<'_>) -> Result<u64, CommandError> {
    let text = std::str::from_utf8(args.bytes()?).unwrap_or("x");
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let cursor: u64 = match digits {
        "" if !is_negative => 0,
        _ => digits.parse().map_err(|_| CommandError::Plain("ERR invalid cursor"))?,
    };
    Ok(if is_negative { cursor.wrapping_neg() } else { cursor })
}
