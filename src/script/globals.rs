//! Global variables that scripts find without a detour.
//!
//! Scripts see globals through an empty table that refuses to be changed, so each use of `redis`
//! or `KEYS` costs a look into two more tables. A script that nowhere assigns one of the names in
//! [`HOT`] gets a table in which they stand; all else is refused and found as before.

/// What most scripts use. KEYS and ARGV are set for each call.
pub(super) const HOT: [&str; 13] = [
    "ARGV", "KEYS", "cjson", "cmsgpack", "ipairs", "math", "pairs", "redis", "string", "table",
    "tonumber", "tostring", "unpack",
];

/// Might this source assign one of the names? Better once too often: a name in front of `=`, `,`
/// or a comment counts, wherever it stands, and so does one behind `function` and a comment.
pub(super) fn may_assign_hot(source: &[u8]) -> bool {
    let mut after_function = false;
    words(source).any(|(gap, word, tail)| {
        let is_hot = HOT.iter().any(|hot| hot.as_bytes() == word);
        let follows = std::mem::replace(&mut after_function, word == b"function");
        (follows && gap.contains(&b'-')) || (is_hot && (follows || is_assigned(tail)))
    })
}

/// The names, keywords and numbers of a source, wherever they stand: what is in front of each (from
/// the last one on), the word, and all that follows.
pub(super) fn words(source: &[u8]) -> impl Iterator<Item = (&[u8], &[u8], &[u8])> {
    let mut rest = source;
    std::iter::from_fn(move || {
        let start = rest.iter().position(|&byte| is_of_name(byte))?;
        let (gap, from) = rest.split_at(start);
        let len = from.iter().position(|&byte| !is_of_name(byte)).unwrap_or(from.len());
        let (word, tail) = from.split_at(len);
        rest = tail;
        Some((gap, word, tail))
    })
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Does Lua skip it? Unlike Rust, it takes a vertical tab for a space.
fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == b'\x0b'
}

/// Does what stands behind a name assign it?
fn is_assigned(tail: &[u8]) -> bool {
    let spaces = tail.iter().take_while(|&&byte| is_space(byte)).count();
    match &tail[spaces..] {
        [b'=', b'=', ..] => false,
        [b'-', b'-', ..] | [b'=' | b',', ..] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_are_found() {
        for (source, expected) in [
            ("return redis.call('GET', KEYS[1])", false),
            ("local k = KEYS\nif KEYS == nil then return #ARGV end", false),
            ("keys = 1 xKEYS = 2 KEYS_ = 3", false),
            ("local f = function(x) return tonumber(x) end", false),
            ("KEYS=1", true),
            ("KEYS\n = 1", true),
            ("KEYS\x0b= 1", true),
            ("tonumber \x0b\x0c\r\n\t= 1", true),
            ("KEYS --[[x]] = 1", true),
            ("redis, x = 1, 2", true),
            ("x, redis = 1, 2", true),
            ("function tonumber() end", true),
            ("function --[[x]] tonumber() end", true),
            ("for k, v in pairs(KEYS) do unpack = k end", true),
        ] {
            assert_eq!(may_assign_hot(source.as_bytes()), expected, "{source}");
        }
    }
}
