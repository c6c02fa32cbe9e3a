//! Strings combined bit by bit.

use super::{Args, Class, CommandError, CommandResult, Context, Outcome, StringValue, Value};

/// How two bytes are combined.
type Combine = fn(u8, u8) -> u8;

/// `BITOP AND|OR|XOR|NOT destkey key [key ...]`
///
/// Combines the strings, shorter ones filled with zeros, into `destkey`; NOT takes just one.
/// Replies the length of the result; if that is 0, the destination is removed.
/// Errors: WRONGTYPE. O(bytes).
/// <https://redis.io/docs/latest/commands/bitop/>
pub(super) fn bitop(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let combine: Option<Combine> = if args.keyword("AND") {
        Some(|a, b| a & b)
    } else if args.keyword("OR") {
        Some(|a, b| a | b)
    } else if args.keyword("XOR") {
        Some(|a, b| a ^ b)
    } else if args.keyword("NOT") {
        None
    } else {
        return Err(CommandError::Syntax);
    };
    let destination = args.bytes()?;
    if combine.is_none() && args.len() != 1 {
        let text = "ERR BITOP NOT must be called with a single source key.";
        return Err(CommandError::Plain(text));
    }
    let mut sources = Vec::with_capacity(args.len());
    for key in args.rest() {
        let source = context.db.read::<StringValue>(key)?;
        sources.push(source.map(StringValue::to_vec).unwrap_or_default());
    }
    let result = match combine {
        Some(combine) => combine_all(&sources, combine),
        None => sources.concat().iter().map(|byte| !byte).collect(),
    };
    let len = result.len();
    if len > 0 {
        context.db.set(destination, Value::String(StringValue::from_buffer(result)));
        context.modified(destination, Class::String, "set");
    } else if context.db.delete(destination) {
        context.modified(destination, Class::Generic, "del");
    }
    context.reply.count(len);
    Ok(Outcome::Done)
}

fn combine_all(sources: &[Vec<u8>], combine: Combine) -> Vec<u8> {
    let len = sources.iter().map(Vec::len).max().unwrap_or(0);
    let mut sources = sources.iter();
    let mut result = sources.next().cloned().unwrap_or_default();
    result.resize(len, 0);
    for source in sources {
        let padded = source.iter().copied().chain(std::iter::repeat(0));
        result.iter_mut().zip(padded).for_each(|(byte, other)| *byte = combine(*byte, other));
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shorter_strings_are_filled_with_zeros() {
        let sources = [vec![0xFF, 0x0F], vec![0xF0], vec![0x80, 0x01, 0x03]];
        assert_eq!(combine_all(&sources, |a, b| a & b), [0x80, 0, 0]);
        assert_eq!(combine_all(&sources, |a, b| a | b), [0xFF, 0x0F, 0x03]);
        assert_eq!(combine_all(&sources, |a, b| a ^ b), [0x8F, 0x0E, 0x03]);
    }
}
