//! When a value expires, as SET, GETEX and their like are told.

use super::{Args, CommandError};
use crate::number::parse_i64;

/// How an option gives a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit {
    word: &'static str,
    ms: i64,
    /// Is the time counted from now on, not from 1970?
    from_now: bool,
}

/// `EX`: seconds from now.
pub(super) const SECONDS: Unit = Unit { word: "EX", ms: 1000, from_now: true };
/// `PX`: milliseconds from now.
pub(super) const MILLISECONDS: Unit = Unit { word: "PX", ms: 1, from_now: true };

const UNITS: &[Unit] = &[
    SECONDS,
    Unit { word: "EXAT", ms: 1000, from_now: false },
    MILLISECONDS,
    Unit { word: "PXAT", ms: 1, from_now: false },
];

/// A time as it was given, not checked yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time<'a> {
    pub(super) unit: Unit,
    pub(super) text: &'a [u8],
}

impl<'a> Time<'a> {
    /// Reads an option that gives a time, if the next argument is one.
    pub(super) fn read(args: &mut Args<'a>) -> Result<Option<Self>, CommandError> {
        match UNITS.iter().find(|unit| args.keyword(unit.word)) {
            Some(&unit) => Ok(Some(Self { unit, text: args.bytes()? })),
            None => Ok(None),
        }
    }

    /// Is it given in the same unit as `other`?
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.unit.word == other.unit.word
    }

    /// The instant (unix ms), for the command `name`.
    pub(super) fn at_ms(&self, now_ms: u64, name: &'static str) -> Result<u64, CommandError> {
        let invalid = CommandError::InvalidExpire(name);
        let time = parse_i64(self.text).ok_or(CommandError::NotAnInteger)?;
        let ms = time.checked_mul(self.unit.ms).filter(|&ms| ms > 0).ok_or(invalid.clone())?;
        let base = if self.unit.from_now { i64::try_from(now_ms).unwrap_or(0) } else { 0 };
        ms.checked_add(base).map(i64::unsigned_abs).ok_or(invalid)
    }
}
