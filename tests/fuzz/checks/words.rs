//! Arguments for the kinds of values that syntax lines name.

use super::dice::Dice;
use super::restore;
use super::syntax::{Command, Part};

const KEYS: &[&str] =
    &["l", "s", "h", "t", "z", "x", "n", "i", "e", "none", "{a}1", "{a}2", "{b}1", "{b}2", ""];
/// Keys by the start of the names of the commands that are about their type.
const KEYS_BY_COMMAND: &[(&str, &[&str])] = &[
    ("pf", &["p", "{a}p", "none"]),
    ("h", &["h", "{a}h", "h2", "none"]),
    ("bl", &["l", "{a}l", "{a}l2", "l2"]),
    ("br", &["l", "{a}l", "{a}l2", "l2"]),
    ("bz", &["z", "{a}z", "{a}z2", "z2"]),
    ("bit", &["s", "n", "{a}s", "none"]),
    ("lcs", &["s", "n", "{a}s", "none"]),
    ("l", &["l", "{a}l", "{a}l2", "l2"]),
    ("rp", &["l", "{a}l", "{a}l2", "l2"]),
    ("se", &["s", "n", "{a}s", "none"]),
    ("so", &["l", "t", "i", "z"]),
    ("str", &["s", "n", "{a}s", "none"]),
    ("s", &["t", "i", "{a}t", "t2"]),
    ("z", &["z", "{a}z", "{a}z2", "z2"]),
    ("geo", &["g", "{a}g", "none"]),
    ("x", &["x", "{a}x", "x2"]),
    ("incr", &["n", "{a}n", "none"]),
    ("decr", &["n", "{a}n", "none"]),
];
const ELEMENTS: &[&str] = &[
    "a",
    "b",
    "c",
    "1",
    "2",
    "3",
    "-1",
    "10",
    "3.5",
    "abcdef",
    "",
    "a longer text that is kept outside of the entry, as 22 bytes are not enough",
];
const NUMBERS: &[&str] = &[
    "1",
    "0",
    "2",
    "-1",
    "3",
    "5",
    "-2",
    "10",
    "100",
    "-100",
    "255",
    "4096",
    "65536",
    "1048575",
    "1048576",
    "2147483647",
    "2147483648",
    "-2147483648",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "-9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "+1",
    "01",
    "1 ",
    "1.0",
    "",
    "x",
];
const SMALL: &[&str] = &["0", "1", "2", "-1", "3", "5", "-2", "10"];
const FLOATS: &[&str] = &[
    "1",
    "0",
    "2",
    "-1",
    "3",
    "1.5",
    "-0",
    "0.1",
    "1e3",
    "inf",
    "-inf",
    "nan",
    "1e308",
    "-1e308",
    "5e-324",
    "1e-7",
    "17179869184",
    "0x10",
    "",
    "1e400",
];
const IDS: &[&str] = &[
    "*",
    "1-1",
    "2-1",
    "2-2",
    "3-0",
    "0",
    "0-0",
    "0-1",
    "$",
    ">",
    "-",
    "+",
    "(1-1",
    "(2-1",
    "5",
    "5-*",
    "1-18446744073709551615",
    "18446744073709551615-0",
    "18446744073709551615-18446744073709551615",
    "18446744073709551615-18446744073709551614",
    "18446744073709551616-1",
    "1700000000000-0",
];
const TIMES: &[&str] = &[
    "1",
    "10",
    "100",
    "0",
    "-1",
    "5000",
    "1700000000",
    "1700000001",
    "1700000000000",
    "1700000000500",
    "1700000005000",
    "99999999999",
    "9223372036854775",
    "9223372036854775807",
    "18446744073709551615",
];
const TIMEOUTS: &[&str] = &["0", "0.01", "1", "100", "-1", "1e10", "1e300", "nan", "x"];
const BORDERS: &[&str] = &[
    "-inf", "+inf", "1", "(1", "2", "(2", "-", "+", "[a", "(a", "[b", "[", "(", "nan", "(inf",
    "3.5", "",
];
const SCORE_BORDERS: &[&str] = &["-inf", "+inf", "1", "(1", "2", "(2", "3.5", "(inf", "0"];
const MEMBER_BORDERS: &[&str] = &["-", "+", "[a", "(a", "[b", "[", "(c"];
const ID_BORDERS: &[&str] = &["-", "+", "1-1", "(1-1", "2", "(2-1", "3-0", "0", "99"];
const PATTERNS: &[&str] = &[
    "*", "a*", "?", "[a-c]", "[^a]", "\\*", "[", "l*", "h->*", "w*", "w*->a", "#", "{a}*", "**a*b",
    "nosort",
];
const UNITS: &[&str] = &["m", "km", "ft", "mi", "x"];
const DEGREES: &[&str] = &[
    "13.361389",
    "38.115556",
    "0",
    "15",
    "37.5",
    "180",
    "-180",
    "181",
    "85.05112878",
    "-86",
    "nan",
];
const ENCODINGS: &[&str] = &["u8", "i8", "u1", "i64", "u63", "u64", "i16", "i5", "u0", "i65", "8"];
const SCRIPTS: &[&str] = &[
    "return redis.call('SET', KEYS[1], ARGV[1] or 'x')",
    "redis.call('LPUSH', KEYS[1], 'a', 'b') return redis.call('LPOP', KEYS[1])",
    "return redis.pcall('INCR', KEYS[1])",
    "redis.call('ZADD', KEYS[1], 1, 'a') return redis.call('NOPE')",
    "return redis.call('SPOP', KEYS[1])",
    "return {1, 'a', {2}, false, true, 1.5}",
    "redis.call('PEXPIRE', KEYS[1], 100) return redis.call('XADD', KEYS[1], '*', 'a', 'b')",
    "redis.replicate_commands() redis.set_repl(redis.REPL_NONE) return redis.call('GET', KEYS[1])",
    "#!lua flags=no-writes\nreturn redis.call('TYPE', KEYS[1])",
    "return 1",
];
const LIBRARIES: &[&str] = &[
    "#!lua name=one\nredis.register_function('f', function(k, a) return redis.call('INCR', k[1]) end)",
    "#!lua name=two\nredis.register_function{function_name='g', flags={'no-writes'}, \
     callback=function(k, a) return a end}",
    "#!lua name=one\nredis.register_function('g', function() return redis.error_reply('x') end)",
    "#!lua name=bad\nnope(",
];
const RULES: &[&str] = &[
    "on",
    "off",
    "+@all",
    "-@all",
    "~*",
    "~l*",
    "%R~s*",
    "&*",
    "resetkeys",
    "nopass",
    ">pw",
    "+get",
    "-set",
    "+@read",
    "(+set ~x)",
    "reset",
    "allcommands",
    "clearselectors",
];
/// Settings with values, none of which lets a command depend on the machine.
const TUNABLES: &[[&str; 2]] = &[
    ["hash-max-listpack-entries", "2"],
    ["hash-max-listpack-value", "3"],
    ["set-max-intset-entries", "2"],
    ["set-max-listpack-entries", "2"],
    ["zset-max-listpack-entries", "2"],
    ["zset-max-listpack-value", "3"],
    ["list-max-listpack-size", "2"],
    ["list-max-listpack-size", "-1"],
    ["stream-node-max-entries", "2"],
    ["stream-node-max-bytes", "64"],
    ["notify-keyspace-events", "AKE"],
    ["maxmemory-policy", "allkeys-lfu"],
    ["aof-use-rdb-preamble", "no"],
    ["tracking-table-max-keys", "1"],
    ["slowlog-log-slower-than", "0"],
];
/// SHA1 of `return 1`.
const SHA1: &str = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db";

/// Is this kind of value a key?
pub fn is_key(kind: &str) -> bool {
    let kind = kind.trim_end_matches(|c: char| c.is_ascii_digit());
    matches!(kind, "key" | "source" | "destination" | "destkey" | "newkey" | "sourcekey")
}

/// A request that is being made.
struct Maker<'d, 'b> {
    dice: &'d mut Dice<'b>,
    words: Vec<Vec<u8>>,
    /// The first word of the command's name.
    name: &'d str,
    /// The place of a word that counts others which follow.
    count_at: Option<usize>,
    /// The number of the round in a long repetition.
    round: Option<usize>,
}

/// A request of a command, for the most part one that makes sense.
pub fn request(command: &'static Command, dice: &mut Dice<'_>) -> Vec<Vec<u8>> {
    let words = command.name.iter().map(|word| word.clone().into_bytes()).collect();
    let mut maker = Maker { dice, words, name: &command.name[0], count_at: None, round: None };
    maker.all(&command.parts);
    if maker.dice.once_in(32) {
        let word = maker.any_word();
        maker.words.push(word);
    }
    maker.words
}

impl Maker<'_, '_> {
    fn all(&mut self, parts: &[Part]) {
        for part in parts {
            self.part(part);
        }
    }

    fn part(&mut self, part: &Part) {
        match part {
            Part::Word(kind) => self.word(kind),
            Part::Either(choices) => {
                let choice = &choices[self.dice.below(choices.len())];
                self.all(choice);
            }
            Part::Maybe(inner) => {
                if self.dice.once_in(2) {
                    self.all(inner);
                }
            }
            Part::Times(inner) => self.times(inner),
        }
    }

    fn times(&mut self, inner: &[Part]) {
        let is_long = self.dice.once_in(16);
        let rounds = if is_long { 2 * usize::from(self.dice.byte()) } else { self.dice.below(4) };
        for round in 0..rounds {
            self.round = is_long.then_some(round);
            self.all(inner);
        }
        self.round = None;
        if let Some(at) = self.count_at.take() {
            let counted = (self.words.len() - at - 1) / inner.len().max(1);
            self.words[at] = counted.to_string().into_bytes();
        }
    }

    fn word(&mut self, kind: &str) {
        if kind.starts_with(|c: char| c.is_ascii_uppercase() || matches!(c, '=' | '~' | '$')) {
            return self.words.push(kind.as_bytes().to_vec());
        }
        if self.round.is_none() && self.dice.once_in(24) {
            let word = self.any_word();
            return self.words.push(word);
        }
        if matches!(kind, "numkeys" | "numfields" | "numids") {
            self.count_at = Some(self.words.len());
            return self.words.push(b"0".to_vec());
        }
        if kind == "tunable" {
            let [name, value] = TUNABLES[self.dice.below(TUNABLES.len())];
            self.words.push(name.into());
            return self.words.push(value.into());
        }
        let word = self.value(kind);
        self.words.push(word);
    }

    /// A word of any kind.
    fn any_word(&mut self) -> Vec<u8> {
        if self.dice.once_in(4) {
            return self.dice.raw().to_vec();
        }
        let pools = [KEYS, ELEMENTS, NUMBERS, FLOATS, IDS, TIMES, BORDERS, PATTERNS];
        let pool = pools[self.dice.below(pools.len())];
        self.dice.pick(pool).into()
    }

    fn value(&mut self, kind: &str) -> Vec<u8> {
        if let Some(round) = self.round {
            return self.value_of_round(kind, round);
        }
        let pool = match kind {
            kind if is_key(kind) => self.keys(),
            "payload" => return restore::some_payload(self.dice),
            "id" | "last-id" | "max-deleted-id" => self.ids(),
            "start" | "end" | "stop" | "min" | "max" => self.borders(),
            "increment" | "score" | "weight" | "radius" | "width" | "height" => FLOATS,
            "longitude" | "latitude" if !self.dice.once_in(6) => &DEGREES[..5],
            "longitude" | "latitude" => DEGREES,
            "unit" => UNITS,
            "timeout" if !self.dice.once_in(4) => &TIMEOUTS[..3],
            "timeout" => TIMEOUTS,
            "bit" => &["0", "1"],
            "pattern" => PATTERNS,
            "script" => SCRIPTS,
            "library" => LIBRARIES,
            "rule" | "rules" => RULES,
            "encoding" if !self.dice.once_in(6) => &ENCODINGS[..5],
            "encoding" => ENCODINGS,
            "sha1" => &[SHA1],
            "function" => &["f", "g"],
            "library-name" => &["one", "two"],
            "group" | "groupname" => &["g", "g", "g", "g2"],
            "consumer" | "consumername" => &["c", "d", "newcomer"],
            "protover" => &["2", "3", "4"],
            "type" => &["string", "list", "hash", "zset", "set", "stream", "nope"],
            "setting" => &["*", "hash-*", "save", "maxmemory", "nope"],
            "db" | "index" | "destination-db" | "min-idle-time" => SMALL,
            kind if kind.contains("time") || kind.contains("seconds") || kind == "ttl" => TIMES,
            "element" | "member" | "field" | "value" | "message" | "arg" | "pivot" | "channel"
            | "string" | "clientname" => ELEMENTS,
            _ if self.dice.once_in(4) => NUMBERS,
            _ => SMALL,
        };
        self.dice.pick(pool).into()
    }

    /// Keys, for the most part of the type that the command is about.
    fn keys(&mut self) -> &'static [&'static str] {
        let of_type = KEYS_BY_COMMAND.iter().find(|row| self.name.starts_with(row.0));
        of_type.filter(|_| !self.dice.once_in(8)).map_or(KEYS, |row| row.1)
    }

    /// Ids of entries, for the most part such as the command takes.
    fn ids(&mut self) -> &'static [&'static str] {
        match self.name {
            _ if self.dice.once_in(6) => IDS,
            "xadd" => &["*", "3-1", "4-*", "5-5", "1700000000000-0"],
            "xread" => &["0", "1-1", "$", "2-1"],
            "xreadgroup" => &[">", ">", "0", "1-1"],
            _ => &["1-1", "2-1", "3-1", "0-0", "9-9"],
        }
    }

    /// Where a range begins or ends.
    fn borders(&mut self) -> &'static [&'static str] {
        match self.name {
            _ if self.dice.once_in(12) => BORDERS,
            name if name.starts_with('x') => ID_BORDERS,
            name if name.contains("lex") => MEMBER_BORDERS,
            name if name.contains("score") || name == "zcount" => SCORE_BORDERS,
            "zrange" | "zrangestore" if self.dice.once_in(4) => MEMBER_BORDERS,
            _ => SMALL,
        }
    }

    /// A word of a long repetition: they differ.
    fn value_of_round(&mut self, kind: &str, round: usize) -> Vec<u8> {
        match kind {
            kind if is_key(kind) => {
                let keys = self.keys();
                keys[round % keys.len()].into()
            }
            "id" => format!("{round}-1").into_bytes(),
            "score" | "weight" | "increment" => (round % 7).to_string().into_bytes(),
            "longitude" | "latitude" => format!("{}.{round}", round % 80).into_bytes(),
            "value" => vec![b'v'; round % 100],
            _ if round.is_multiple_of(2) => round.to_string().into_bytes(),
            _ => format!("word {round}").into_bytes(),
        }
    }
}
