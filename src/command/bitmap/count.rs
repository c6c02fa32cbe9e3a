//! Counting and finding bits.

use super::{Args, CommandError, CommandResult, Context, Outcome, StringValue, bits};

/// In what a range is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Bit,
    Byte,
}

impl Unit {
    /// Reads BYTE, BIT, or nothing, behind which nothing may follow.
    fn read(args: &mut Args<'_>) -> Result<Self, CommandError> {
        let unit = if args.keyword("BIT") {
            Self::Bit
        } else {
            args.keyword("BYTE");
            Self::Byte
        };
        args.finish()?;
        Ok(unit)
    }
}

/// The first and the last bit of a range in a string of `len` bytes; `None` if it is empty.
fn bit_range(len: usize, start: i64, end: i64, unit: Unit) -> Option<(usize, usize)> {
    let step = if unit == Unit::Byte { 8 } else { 1 };
    let units = i64::try_from(len * 8 / step).unwrap_or(i64::MAX);
    let place = |index: i64| if index < 0 { (units + index).max(0) } else { index };
    let (start, end) = (place(start), place(end).min(units - 1));
    if start > end {
        return None;
    }
    let start = usize::try_from(start).ok()?;
    let end = usize::try_from(end).ok()?;
    Some((start * step, end * step + step - 1))
}

/// `BITCOUNT key [start end [BYTE|BIT]]`
///
/// Replies how many bits are 1, in the whole string or from `start` to `end`, both included,
/// negative from the end. Errors: WRONGTYPE; ERR on a bad number. O(bytes).
/// <https://redis.io/docs/latest/commands/bitcount/>
pub(super) fn bitcount(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let Some(string) = context.db.read::<StringValue>(key)? else {
        context.reply.integer(0);
        return Ok(Outcome::Done);
    };
    let (start, end, unit) = if args.is_empty() {
        (0, -1, Unit::Byte)
    } else {
        if args.len() == 1 || args.len() > 3 {
            return Err(CommandError::Syntax);
        }
        let (start, end) = (args.integer()?, args.integer()?);
        if start < 0 && end < 0 && start > end {
            context.reply.integer(0);
            return Ok(Outcome::Done);
        }
        (start, end, Unit::read(args)?)
    };
    let mut digits = itoa::Buffer::new();
    let bytes = string.bytes_in(&mut digits);
    let range = bit_range(bytes.len(), start, end, unit);
    context.reply.count(range.map_or(0, |(first, last)| bits::count(bytes, first, last)));
    Ok(Outcome::Done)
}

/// `BITPOS key bit [start [end [BYTE|BIT]]]`
///
/// Replies the offset of the first bit of that value, counted from the start of the string; -1 if
/// there is none. Without `end`, bits behind the string count as 0. Errors: WRONGTYPE; ERR on a
/// bad number. O(bytes).
/// <https://redis.io/docs/latest/commands/bitpos/>
pub(super) fn bitpos(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let bit = match args.integer()? {
        0 => false,
        1 => true,
        _ => return Err(CommandError::Plain("ERR The bit argument must be 1 or 0.")),
    };
    let Some(string) = context.db.read::<StringValue>(key)? else {
        context.reply.integer(if bit { -1 } else { 0 });
        return Ok(Outcome::Done);
    };
    if args.len() > 3 {
        return Err(CommandError::Syntax);
    }
    let start = if args.is_empty() { 0 } else { args.integer()? };
    // The unit is looked at before the end that stands before it.
    let has_unit = args.len() == 2;
    let unit = if has_unit { Unit::read(&mut Args::new(args.argv(), 5))? } else { Unit::Byte };
    let end = if args.is_empty() { None } else { Some(args.integer()?) };
    let mut digits = itoa::Buffer::new();
    let bytes = string.bytes_in(&mut digits);
    let range = bit_range(bytes.len(), start, end.unwrap_or(-1), unit);
    let found = match range {
        None => None,
        Some((first, last)) => {
            let behind = (!bit && end.is_none()).then_some(bytes.len() * 8);
            bits::find(bytes, bit, first, last).or(behind)
        }
    };
    context.reply.integer(found.and_then(|found| i64::try_from(found).ok()).unwrap_or(-1));
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (start, end, unit, expected) in [
            (0, -1, Unit::Byte, Some((0, 23))),
            (1, 1, Unit::Byte, Some((8, 15))),
            (5, 30, Unit::Bit, Some((5, 23))),
            (-2, -1, Unit::Bit, Some((22, 23))),
            (-100, 0, Unit::Byte, Some((0, 7))),
            (3, 5, Unit::Byte, None),
            (2, 1, Unit::Byte, None),
            (-1, -2, Unit::Byte, None),
            (-4, -9, Unit::Byte, Some((0, 7))),
            (-200, -100, Unit::Byte, Some((0, 7))),
        ] {
            assert_eq!(bit_range(3, start, end, unit), expected, "{start} {end}");
        }
        assert_eq!(bit_range(0, 0, -1, Unit::Byte), None);
    }
}
