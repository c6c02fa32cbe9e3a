//! Integers in the bits of a string.

use super::{
    Args, Class, CommandError, CommandResult, Context, Outcome, StringValue, bit_offset, bits,
    buffer_of,
};

/// `i8`, `u16` and their like.
#[derive(Clone, Copy, Debug)]
struct Encoding {
    signed: bool,
    width: usize,
}

/// What happens to a number that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overflow {
    /// The field stays as it is.
    Fail,
    /// It becomes the largest or smallest that fits.
    Saturate,
    /// Its high bits are dropped.
    Wrap,
}

#[derive(Clone, Copy, Debug)]
enum Action {
    Get,
    IncrBy(i64, Overflow),
    Set(i64, Overflow),
}

#[derive(Clone, Copy, Debug)]
struct Operation {
    encoding: Encoding,
    offset: usize,
    action: Action,
}

impl Encoding {
    /// Parses `i1` to `i64`, or `u1` to `u63`.
    fn parse(text: &[u8]) -> Option<Self> {
        let (signed, digits) = match text {
            [b'i', digits @ ..] => (true, digits),
            [b'u', digits @ ..] => (false, digits),
            _ => return None,
        };
        let width = usize::try_from(crate::number::parse_i64(digits)?).ok()?;
        let widest = if signed { 64 } else { 63 };
        (1..=widest).contains(&width).then_some(Self { signed, width })
    }

    fn min(self) -> i128 {
        if self.signed { -(1 << (self.width - 1)) } else { 0 }
    }

    fn max(self) -> i128 {
        (1 << (self.width - usize::from(self.signed))) - 1
    }

    /// The number that `raw` bits stand for.
    fn number(self, raw: u64) -> i128 {
        let value = i128::from(raw);
        if value > self.max() { value - (1 << self.width) } else { value }
    }

    /// The number as it fits, or `None` if it does not and the field shall stay as it is.
    fn fit(self, number: i128, overflow: Overflow) -> Option<i128> {
        if (self.min()..=self.max()).contains(&number) {
            return Some(number);
        }
        match overflow {
            Overflow::Fail => None,
            Overflow::Saturate => Some(number.clamp(self.min(), self.max())),
            Overflow::Wrap => Some(self.number(self.raw(number))),
        }
    }

    /// The bits of a number.
    fn raw(self, number: i128) -> u64 {
        let mask = (1i128 << self.width) - 1;
        u64::try_from(number & mask).unwrap_or(0)
    }

    /// The argument of SET: for an unsigned field a negative one counts as a huge one.
    fn argument(self, value: i64) -> i128 {
        if self.signed { i128::from(value) } else { i128::from(value.cast_unsigned()) }
    }
}

impl Operation {
    /// Reads the encoding, the offset and what follows of an operation.
    fn read(
        context: &Context<'_>,
        args: &mut Args<'_>,
        action: impl FnOnce(&mut Args<'_>) -> Result<Action, CommandError>,
    ) -> Result<Self, CommandError> {
        let encoding = Encoding::parse(args.bytes()?).ok_or(CommandError::Plain(
            "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not \
             supported but i64 is.",
        ))?;
        let offset = match args.bytes()? {
            [b'#', index @ ..] => bit_offset(context, index, encoding.width)?,
            offset => bit_offset(context, offset, 1)?,
        };
        Ok(Self { encoding, offset, action: action(args)? })
    }

    /// Bytes that a string must have to hold the field.
    fn bytes_needed(&self) -> usize {
        (self.offset + self.encoding.width).div_ceil(8)
    }

    fn value_in(&self, bytes: &[u8]) -> i128 {
        self.encoding.number(bits::read(bytes, self.offset, self.encoding.width))
    }

    /// Runs a SET or INCRBY; returns the number to reply with, `None` if it did not fit, and
    /// whether the field changed.
    fn write_to(&self, bytes: &mut [u8]) -> (Option<i128>, bool) {
        let before = self.value_in(bytes);
        let (wanted, overflow) = match self.action {
            Action::Get => return (Some(before), false),
            Action::IncrBy(increment, overflow) => (before + i128::from(increment), overflow),
            Action::Set(value, overflow) => (self.encoding.argument(value), overflow),
        };
        let Some(after) = self.encoding.fit(wanted, overflow) else { return (None, false) };
        bits::write(bytes, self.offset, self.encoding.width, self.encoding.raw(after));
        let shown = if matches!(self.action, Action::Set(..)) { before } else { after };
        (Some(shown), before != after)
    }
}

fn read_operations(
    context: &Context<'_>,
    args: &mut Args<'_>,
) -> Result<Vec<Operation>, CommandError> {
    let mut operations = Vec::new();
    let mut overflow = Overflow::Wrap;
    while !args.is_empty() {
        let operation = if args.len() >= 3 && args.keyword("GET") {
            Operation::read(context, args, |_| Ok(Action::Get))?
        } else if args.len() >= 4 && args.keyword("SET") {
            Operation::read(context, args, |args| Ok(Action::Set(args.integer()?, overflow)))?
        } else if args.len() >= 4 && args.keyword("INCRBY") {
            Operation::read(context, args, |args| Ok(Action::IncrBy(args.integer()?, overflow)))?
        } else if args.len() >= 2 && args.keyword("OVERFLOW") {
            overflow = read_overflow(args)?;
            continue;
        } else {
            return Err(CommandError::Syntax);
        };
        operations.push(operation);
    }
    Ok(operations)
}

fn read_overflow(args: &mut Args<'_>) -> Result<Overflow, CommandError> {
    if args.keyword("WRAP") {
        Ok(Overflow::Wrap)
    } else if args.keyword("SAT") {
        Ok(Overflow::Saturate)
    } else if args.keyword("FAIL") {
        Ok(Overflow::Fail)
    } else {
        Err(CommandError::Plain("ERR Invalid OVERFLOW type specified"))
    }
}

/// `BITFIELD key [GET encoding offset | [OVERFLOW WRAP|SAT|FAIL]
/// SET encoding offset value | INCRBY encoding offset increment ...]`
///
/// Runs the operations in turn on integers of any width, `i1` to `i64` and `u1` to `u63`. Replies
/// an array: the value for GET, the one before for SET, the one after for INCRBY; nil where it
/// would overflow under FAIL. The string is made, and grows with zeros, as far as need be.
/// Errors: WRONGTYPE; ERR on a bad encoding, offset or number. O(operations). Differs from Redis:
/// where a string only gets longer, as all was refused under FAIL, that is a change like others.
/// <https://redis.io/docs/latest/commands/bitfield/>
pub(super) fn bitfield(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let operations = read_operations(context, args)?;
    let writes = operations.iter().filter(|operation| !matches!(operation.action, Action::Get));
    let Some(len) = writes.map(Operation::bytes_needed).max() else {
        return read_all(context, key, &operations);
    };
    let (bytes, mut changed) = buffer_of(context, key, len)?;
    let mut results = Vec::with_capacity(operations.len());
    for operation in &operations {
        let (result, changes) = operation.write_to(bytes);
        changed |= changes;
        results.push(result);
    }
    if changed {
        context.modified(key, Class::String, "setbit");
    }
    reply_all(context, results.into_iter());
    Ok(Outcome::Done)
}

/// `BITFIELD_RO key [GET encoding offset ...]`
///
/// As BITFIELD, with GET only.
/// <https://redis.io/docs/latest/commands/bitfield_ro/>
pub(super) fn bitfield_ro(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let operations = read_operations(context, args)?;
    if operations.iter().any(|operation| !matches!(operation.action, Action::Get)) {
        return Err(CommandError::Plain("ERR BITFIELD_RO only supports the GET subcommand"));
    }
    read_all(context, key, &operations)
}

fn read_all(context: &mut Context<'_>, key: &[u8], operations: &[Operation]) -> CommandResult {
    let string = context.db.read::<StringValue>(key)?;
    let mut digits = itoa::Buffer::new();
    let bytes = string.map_or(&[][..], |string| string.bytes_in(&mut digits));
    let results: Vec<i128> = operations.iter().map(|operation| operation.value_in(bytes)).collect();
    reply_all(context, results.into_iter().map(Some));
    Ok(Outcome::Done)
}

fn reply_all(context: &mut Context<'_>, results: impl ExactSizeIterator<Item = Option<i128>>) {
    context.reply.array(results.len());
    for result in results {
        match result.and_then(|result| i64::try_from(result).ok()) {
            Some(result) => context.reply.integer(result),
            None => context.reply.nil(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_do_not_fit() {
        let [i8, u8] = ["i8", "u8"].map(|text| Encoding::parse(text.as_bytes()).unwrap());
        for (encoding, number, wrapped, saturated) in [
            (i8, 127, 127, 127),
            (i8, 128, -128, 127),
            (i8, -129, 127, -128),
            (u8, 256, 0, 255),
            (u8, -1, 255, 0),
        ] {
            assert_eq!(encoding.fit(number, Overflow::Wrap), Some(wrapped), "{number}");
            assert_eq!(encoding.fit(number, Overflow::Saturate), Some(saturated), "{number}");
            let fits = (number == wrapped).then_some(number);
            assert_eq!(encoding.fit(number, Overflow::Fail), fits, "{number}");
        }
    }

    #[test]
    fn encodings() {
        for text in ["i0", "i65", "u64", "u0", "x8", "i", "i08", "I8", ""] {
            assert!(Encoding::parse(text.as_bytes()).is_none(), "{text}");
        }
        for text in ["i1", "i64", "u1", "u63"] {
            assert!(Encoding::parse(text.as_bytes()).is_some(), "{text}");
        }
    }
}
