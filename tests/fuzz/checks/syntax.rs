//! The syntax lines of the command table as a grammar from which requests are made.
//!
//! `key [NX|XX] [EX seconds|PX milliseconds] [member ...]`: words in capitals stand for
//! themselves, others for values of their kind (see `words.rs`).

use std::collections::HashMap;
use std::sync::OnceLock;

/// A part of a syntax line.
#[derive(Clone, Debug)]
pub enum Part {
    /// A word that stands for itself, or in lower case a kind of value.
    Word(String),
    /// One of these.
    Either(Vec<Vec<Self>>),
    /// These or nothing.
    Maybe(Vec<Self>),
    /// These any number of times.
    Times(Vec<Self>),
}

/// A command with its name in words.
#[derive(Debug)]
pub struct Command {
    pub name: Vec<String>,
    pub parts: Vec<Part>,
}

/// Lines of the table in which `|` binds in ways that [`parse`] does not tell apart.
const CLEARER: &[(&str, &str)] = &[
    (
        "bitfield",
        "key [GET encoding offset] [OVERFLOW WRAP|SAT|FAIL] [SET encoding offset value] \
         [INCRBY encoding offset increment] [GET encoding offset]",
    ),
    (
        "geosearch",
        "key <FROMMEMBER member | FROMLONLAT longitude latitude> <BYRADIUS radius unit | \
         BYBOX width height unit> [ASC|DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]",
    ),
    (
        "geosearchstore",
        "destination source <FROMMEMBER member | FROMLONLAT longitude latitude> \
         <BYRADIUS radius unit | BYBOX width height unit> [ASC|DESC] [COUNT count [ANY]] \
         [STOREDIST]",
    ),
    ("config get", "setting [setting ...]"),
    ("config set", "tunable number"),
    ("eval", "script numkeys key [key ...] [arg ...]"),
    ("eval_ro", "script numkeys key [key ...] [arg ...]"),
    ("script load", "script"),
    ("function load", "[REPLACE] library"),
    ("xread", "[COUNT count] [BLOCK milliseconds] STREAMS <key id | key key id id>"),
    (
        "xreadgroup",
        "GROUP group consumer [COUNT count] [BLOCK milliseconds] [CLAIM min-idle-time] [NOACK] \
         STREAMS <key id | key key id id>",
    ),
    ("restore", "key ttl payload [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]"),
    ("object freq", "key"),
    ("xgroup setid", "key group id [ENTRIESREAD entries-read]"),
    ("xgroup create", "key group id [MKSTREAM] [ENTRIESREAD entries-read]"),
];

/// Commands that would end or hold up the fuzzer, or write where they should not.
const LEFT_OUT: &[&str] = &[
    "acl save",
    "bgsave",
    "client pause",
    "config rewrite",
    "debug",
    "monitor",
    "psync",
    "save",
    "shutdown",
    "sync",
];

/// All commands that are tried; those that change data come first and make up most.
pub fn commands() -> &'static [Command] {
    static COMMANDS: OnceLock<Vec<Command>> = OnceLock::new();
    COMMANDS.get_or_init(|| {
        let mut commands: Vec<Command> = respq::engine::commands()
            .filter(|(name, _)| !LEFT_OUT.contains(&name.as_str()))
            .map(|(name, syntax)| {
                let clearer = CLEARER.iter().find(|row| row.0 == name);
                let parts = parse(clearer.map_or(syntax, |row| row.1));
                Command { name: name.split(' ').map(ToOwned::to_owned).collect(), parts }
            })
            .collect();
        commands.sort_by_key(|command| !is_about_data(&command.parts));
        commands
    })
}

/// How many of [`commands`] are about keys.
pub fn commands_of_data() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| commands().partition_point(|command| is_about_data(&command.parts)))
}

/// The place of each command by its name, words between spaces.
pub fn place_of(name: &str) -> Option<usize> {
    static PLACES: OnceLock<HashMap<String, usize>> = OnceLock::new();
    let all = || commands().iter().enumerate();
    let places = PLACES.get_or_init(|| all().map(|(at, c)| (c.name.join(" "), at)).collect());
    places.get(name).copied()
}

fn is_about_data(parts: &[Part]) -> bool {
    parts.iter().any(|part| match part {
        Part::Word(word) => super::words::is_key(word),
        Part::Either(choices) => choices.iter().any(|choice| is_about_data(choice)),
        Part::Maybe(inner) | Part::Times(inner) => is_about_data(inner),
    })
}

/// Reads a syntax line.
pub fn parse(line: &str) -> Vec<Part> {
    let mut spaced = String::new();
    for c in line.chars() {
        match c {
            '[' | ']' | '<' | '>' => spaced.extend([' ', c, ' ']),
            _ => spaced.push(c),
        }
    }
    // Without spaces, `|` is between words; with spaces, between sequences.
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let (parts, _) = sequence(&tokens, 0, false);
    parts
}

/// The parts from token `at` on, up to a closing bracket; returns where it stands.
fn sequence(tokens: &[&str], mut at: usize, is_inside: bool) -> (Vec<Part>, usize) {
    let mut choices = Vec::new();
    let mut parts: Vec<Part> = Vec::new();
    while at < tokens.len() {
        match tokens[at] {
            "[" | "<" => {
                let is_optional = tokens[at] == "[";
                let (mut inner, end) = sequence(tokens, at + 1, true);
                at = end;
                let repeats = matches!(inner.last(), Some(Part::Word(word)) if word == "...");
                if repeats {
                    inner.pop();
                    parts.push(Part::Times(inner));
                } else if is_optional {
                    parts.push(Part::Maybe(inner));
                } else {
                    parts.extend(inner);
                }
            }
            "]" | ">" if is_inside => break,
            "|" => choices.push(std::mem::take(&mut parts)),
            // `EX seconds|PX milliseconds`: inside of brackets that is between sequences.
            word if is_inside && word.contains('|') && word.len() > 1 => {
                let mut words = word.split('|').peekable();
                while let Some(word) = words.next() {
                    parts.push(Part::Word(word.to_owned()));
                    if words.peek().is_some() {
                        choices.push(std::mem::take(&mut parts));
                    }
                }
            }
            word if word.contains('|') && word.len() > 1 => {
                let words = word.split('|').map(|word| vec![Part::Word(word.to_owned())]);
                parts.push(Part::Either(words.collect()));
            }
            word => parts.push(Part::Word(word.to_owned())),
        }
        at += 1;
    }
    if choices.is_empty() {
        return (parts, at);
    }
    choices.push(parts);
    (vec![Part::Either(choices)], at)
}
