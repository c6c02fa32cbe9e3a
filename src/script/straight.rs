//! Scripts that run straight through.
//!
//! To look at the clock every so often, the interpreter counts each instruction, which makes
//! scripts of a few commands a fifteenth slower. A script without loops and without functions of
//! its own runs each of its instructions once at most: it needs no watch.

use super::globals::words;

/// Words without which Lua runs nothing twice: those that make loops and functions, those by which
/// code made of a text can be reached, and those that call what they are given again and again.
const REPEATING: [&[u8]; 13] = [
    b"_G",
    b"coroutine",
    b"for",
    b"foreach",
    b"foreachi",
    b"function",
    b"goto",
    b"gsub",
    b"load",
    b"loadstring",
    b"repeat",
    b"sort",
    b"while",
];

/// Does this source run each instruction once at most? Better once too seldom: a word counts
/// wherever it stands, in texts and comments, too.
pub(super) fn is_straight(source: &[u8]) -> bool {
    !words(source).any(|(_, word, _)| REPEATING.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_are_found() {
        for (source, expected) in [
            ("return redis.call('GET', KEYS[1])", true),
            ("if redis.call('LLEN', 'q') == 0 then return nil end return 'before'", true),
            ("local forward, _Gx, xload = string.format('%s', 1)", true),
            ("while true do end", false),
            ("for i = 1, 1e15 do end", false),
            ("repeat until false", false),
            ("::a:: goto a", false),
            ("local f; f = function() return f() end f()", false),
            ("loadstring('return 1')()", false),
            ("_G['lo' .. 'ad']('return 1')()", false),
            ("return 1--for", false),
            ("return (ARGV[1]):gsub('DBSIZE', redis.call)", false),
        ] {
            assert_eq!(is_straight(source.as_bytes()), expected, "{source}");
        }
    }
}
