//! The command line: `respq [file | -] [--name value ...]...`.
//!
//! A file or standard input first, then options, which win over it. An option takes the next word,
//! whatever that is, and those after it up to one that starts with two dashes. An option and its
//! value may be one word, too, as a line of the file is.

use std::ffi::OsString;

use clap::{Arg, ArgAction, ArgMatches, Command};
use clap_complete::Shell;

use super::refusal::refusal;
use super::rows::FSYNC_POLICIES;
use super::source::{Source, read_first};
use super::{Config, Effect, Kind, Row, rows, tools};
use crate::error::ServerError;
use crate::resp::inline::split_line;

const EXAMPLES: &str = "\
Examples:
  respq                                        keep all data in ./data, port 6379
  respq --port 6380 --dir /var/lib/respq       another port and folder
  respq --appendfsync always                   a reply means: it is on disk
  respq --appendonly no                        memory only
  respq respq.conf --bind 10.0.0.5 -::1        a file in the form of redis.conf, an option more

Options are spelt as redis-server spells them, and so are the lines of the file (`port 6380`).
Bytes may be written as 64mb. CONFIG SET changes most settings of a running server, CONFIG REWRITE
keeps them; CONFIG GET * shows all, those without effect included.

Any Redis client connects: redis-cli -p 6379. Stop with Ctrl-C, SIGTERM or SHUTDOWN. The exit code
is 0 after that, and 1 with a line that says why if the server cannot start or go on.
";

/// What `-h` shows.
const COMMON: &[&str] = &[
    "appendfsync",
    "appendonly",
    "bind",
    "dir",
    "io-threads",
    "logfile",
    "loglevel",
    "maxmemory",
    "port",
    "requirepass",
    "save",
    "tls-cert-file",
    "tls-key-file",
    "tls-port",
    "unixsocket",
];

/// Directives of redis.conf that are no settings, with what they take and what they do.
const DECLARATIONS: &[(&str, &str, &str)] = &[
    ("rename-command", "old new", "Gives a command another name, or with \"\" none"),
    ("user", "name rules", "Declares a user and what it may do, as ACL SETUSER takes it"),
];

/// The command line, with an option for each setting.
fn command_line() -> Command {
    let file = Arg::new("config-file")
        .help("A file in the form of redis.conf, or - for standard input; options win over it")
        .value_name("config-file");
    Command::new("respq")
        .version(env!("CARGO_PKG_VERSION"))
        .about(env!("CARGO_PKG_DESCRIPTION"))
        .override_usage("respq [config-file | -] [--setting value ...]...\n       respq COMMAND")
        .disable_help_subcommand(true)
        .subcommands(tools::commands())
        .after_help(EXAMPLES)
        .disable_version_flag(true)
        .max_term_width(100)
        .arg(
            Arg::new("version")
                .short('v')
                .long("version")
                .help("Print the version")
                .action(ArgAction::Version),
        )
        .arg(file)
        .args(DECLARATIONS.iter().map(|(name, value, help)| {
            Arg::new(*name)
                .long(*name)
                .help(*help)
                .value_name(*value)
                .action(ArgAction::Append)
                .help_heading("Operation")
                .hide_short_help(true)
        }))
        .args(rows().iter().enumerate().map(|(place, row)| option(row, rows::heading(place))))
}

/// The script for a shell that completes options and commands.
pub fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command_line(), "respq", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

fn option(row: &'static Row, heading: &'static str) -> Arg {
    let value_name = match row.kind {
        Kind::Bytes { .. } => "bytes",
        Kind::Flag => "yes|no",
        Kind::Number { .. } => "number",
        Kind::Octal => "mode",
        Kind::Text => "text",
        Kind::Word(words) if words == FSYNC_POLICIES => "when",
        Kind::Word(_) => "word",
    };
    let default = if row.default.is_empty() { "none" } else { row.default };
    let words = match row.kind {
        Kind::Word(words) => format!(" One of: {}.", words.join(", ")),
        _ => String::new(),
    };
    Arg::new(row.name)
        .long(row.name)
        .aliases(row.aliases)
        .help(format!("{}{words} [{default}]", row.doc))
        .value_name(value_name)
        .help_heading(heading)
        .hide(row.effect != Effect::Full || row.hidden)
        .hide_short_help(!COMMON.contains(&row.name))
        .action(ArgAction::Append)
}

/// Reads the settings; `Err(Asked)` holds the text that `--help` or `--version` asked for.
pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Config, ServerError> {
    let words = arguments.into_iter().map(|word| word.to_string_lossy().into_owned());
    let matches =
        command_line().try_get_matches_from(join_values(words)).map_err(|error| refusal(&error))?;
    let config = Config::default();
    if let Some(path) = matches.get_one::<String>("config-file") {
        read_first(&config, path)?;
    }
    read_options(&config, &matches)?;
    Ok(config)
}

/// Puts the words of each option into one, `--save 900 1` into `--save=900 1`.
fn join_values(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut joined: Vec<String> = Vec::new();
    let mut files: Vec<String> = Vec::new();
    for (place, word) in words.enumerate() {
        let is_option = word.strip_prefix("--").is_some_and(|name| !name.is_empty());
        let is_question = matches!(word.as_str(), "-h" | "-v" | "--help" | "--version");
        match joined.last_mut() {
            _ if place == 0 => files.push(word),
            _ if is_question => joined.push(word),
            // `save` without a word means no save points.
            Some(option) if option == "--save" && is_option => {
                option.push('=');
                joined.push(with_its_value(&word));
            }
            Some(option) if option.starts_with("--") && !option.contains('=') => {
                option.push('=');
                option.push_str(&word);
            }
            _ if is_option => joined.push(with_its_value(&word)),
            Some(option) if option.starts_with("--") && word != "-" => {
                option.push(' ');
                option.push_str(&word);
            }
            // Behind the file, Redis takes an option without its dashes, too.
            _ if files.len() > 1 => joined.push(with_its_value(&format!("--{word}"))),
            _ => files.push(word),
        }
    }
    if let Some(last) = joined.last_mut().filter(|last| *last == "--save") {
        last.push('=');
    }
    files.extend(joined);
    files
}

/// An option whose value may stand in the same word, `--save 900 1` as `--save=900 1`.
fn with_its_value(word: &str) -> String {
    let name = word.split(['=', ' ']).next().unwrap_or_default();
    let words =
        if word[name.len()..].starts_with(' ') { split_line(word.as_bytes()) } else { None };
    let Some(words) = words else { return in_lower_case(word) };
    let words: Vec<_> = words.iter().map(|word| String::from_utf8_lossy(word)).collect();
    match &words[..] {
        [name] => name.to_ascii_lowercase(),
        [name, values @ ..] => format!("{}={}", name.to_ascii_lowercase(), values.join(" ")),
        [] => String::new(),
    }
}

/// An option's name in lower case, a value behind `=` as it is.
fn in_lower_case(option: &str) -> String {
    match option.split_once('=') {
        Some((name, value)) => format!("{}={value}", name.to_ascii_lowercase()),
        None => option.to_ascii_lowercase(),
    }
}

fn read_options(config: &Config, matches: &ArgMatches) -> Result<(), ServerError> {
    for (name, _, _) in DECLARATIONS {
        let source = Source::new(config);
        for value in matches.get_many::<String>(name).into_iter().flatten() {
            let words: Vec<Vec<u8>> = value.split_whitespace().map(Into::into).collect();
            source.declare(name, &words, &format!("option --{name}"), false)?;
        }
    }
    for row in rows() {
        let values = matches.get_many::<String>(row.name).into_iter().flatten();
        let mut source = Source::new(config);
        for value in values {
            source.set(row.name, value.trim(), &format!("option --{}", row.name))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Setting;

    fn read_words(line: &[&str]) -> Result<Config, ServerError> {
        read(std::iter::once("respq").chain(line.iter().copied()).map(OsString::from))
    }

    #[test]
    fn options_take_several_words() {
        let words = ["--bind", "127.0.0.1", "-::1", "--save", "900", "1", "--save", "300", "10"];
        let config = read_words(&words).expect("valid");
        assert_eq!(config.text(Setting::Bind), "127.0.0.1 -::1");
        assert_eq!(config.text(Setting::Save), "900 1 300 10");
        let config = read_words(&["--save", "", "--PORT", "1"]).expect("valid");
        assert_eq!(config.text(Setting::Save), "");
        assert_eq!(config.number(Setting::Port), 1);
        let config = read_words(&["--list-max-ziplist-size", "-3"]).expect("valid");
        assert_eq!(config.number(Setting::ListMaxListpackSize), -3);
    }

    #[test]
    fn an_option_and_its_value_are_told_as_redis_tells_them() {
        let of = |words: &[&str]| {
            let config = read_words(words).expect("valid");
            let texts =
                [Setting::Save, Setting::LogLevel, Setting::RequirePass, Setting::MaxMemory];
            texts.map(|setting| config.text(setting)).join("|")
        };
        for (words, expected) in [
            (&["--save 900 1", "--loglevel verbose"][..], "900 1|verbose||0"),
            (&["--maxmemory '1mb'", "--loglevel", "verbose"], "|verbose||1048576"),
            (&["--requirepass", "--secret", "--loglevel", "debug"], "|debug|--secret|0"),
            (&["--requirepass --a b"], "|notice|--a b|0"),
            (&["--requirepass=a b"], "|notice|a b|0"),
            (&["--save", "60", "1", "--save", "--loglevel", "debug"], "|debug||0"),
            (&["--save", "60", "1", "--loglevel", "debug", "--save"], "|debug||0"),
        ] {
            assert_eq!(of(words), expected, "{words:?}");
        }
        let file = tempfile::NamedTempFile::new().expect("a file");
        let path = file.path().display().to_string();
        assert_eq!(of(&[&path, "loglevel", "verbose", "--maxmemory 5"]), "|verbose||5");
    }

    #[test]
    fn errors_are_one_line() {
        for (words, expected) in [
            (&["--prot", "1"][..], "unexpected argument '--prot' found; tip: a similar argument"),
            (&["--port", "x"][..], "option --port: port 'x': argument couldn't be parsed"),
            (&["--replicaof", "h", "1"][..], "option --replicaof: replicaof 'h 1': replicas are"),
            (&["no-such-file"][..], "cannot read the configuration file no-such-file: "),
        ] {
            let text = read_words(words).expect_err("wrong").to_string();
            assert!(text.starts_with(expected) && !text.contains('\n'), "{text}");
        }
    }
}
