//! Reading strings.

use super::{Args, CommandResult, Context, Outcome, StringValue};

/// `GET key`
///
/// Replies the value, or nil if the key does not exist. Errors: WRONGTYPE. O(1).
/// <https://redis.io/docs/latest/commands/get/>
pub(super) fn get(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    match context.db.read::<StringValue>(args.bytes()?)? {
        Some(value) => context.reply.bulk(value.bytes_in(&mut itoa::Buffer::new())),
        None => context.reply.nil(),
    }
    Ok(Outcome::Done)
}

/// `GETRANGE key start end`
///
/// Replies the bytes from `start` to `end`, both included, negative from the end of the string;
/// the empty string if there are none. Errors: WRONGTYPE. O(replied bytes).
/// <https://redis.io/docs/latest/commands/getrange/>
pub(super) fn getrange(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, start, end) = (args.bytes()?, args.integer()?, args.integer()?);
    let mut digits = itoa::Buffer::new();
    let bytes = match context.db.read::<StringValue>(key)? {
        Some(value) => value.bytes_in(&mut digits),
        None => &[],
    };
    context.reply.bulk(slice(bytes, start, end));
    Ok(Outcome::Done)
}

/// The bytes from `start` to `end`, both included, negative from the end.
fn slice(bytes: &[u8], start: i64, end: i64) -> &[u8] {
    if start < 0 && end < 0 && start > end {
        return &[];
    }
    let len = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    let place = |index: i64| if index < 0 { (len + index).max(0) } else { index };
    let start = usize::try_from(place(start)).unwrap_or(usize::MAX);
    let end = usize::try_from(place(end).min(len - 1) + 1).unwrap_or(0);
    bytes.get(start..end).unwrap_or_default()
}

/// `MGET key [key ...]`
///
/// Replies an array with the value of each key; nil where there is no string. O(keys).
/// <https://redis.io/docs/latest/commands/mget/>
pub(super) fn mget(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    context.reply.array(args.len());
    for key in args.rest() {
        match context.db.read::<StringValue>(key) {
            Ok(Some(value)) => context.reply.bulk(value.bytes_in(&mut itoa::Buffer::new())),
            _ => context.reply.nil(),
        }
    }
    Ok(Outcome::Done)
}

/// `STRLEN key`
///
/// Replies the number of bytes; 0 if the key does not exist. Errors: WRONGTYPE. O(1).
/// <https://redis.io/docs/latest/commands/strlen/>
pub(super) fn strlen(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let len = context.db.read::<StringValue>(args.bytes()?)?.map_or(0, StringValue::len);
    context.reply.count(len);
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices() {
        for (start, end, expected) in [
            (0, 3, "This"),
            (0, -1, "This is"),
            (-3, -1, " is"),
            (-100, 0, "T"),
            (5, 100, "is"),
            (7, 9, ""),
            (3, 1, ""),
            (-1, -3, ""),
            (-100, -90, "T"),
            (-90, -100, ""),
            (i64::MIN, i64::MAX, "This is"),
        ] {
            assert_eq!(slice(b"This is", start, end), expected.as_bytes(), "{start} {end}");
        }
        assert_eq!(slice(b"", 0, -1), b"");
    }
}
