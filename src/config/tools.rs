//! The commands that start no server, as in `respq check-aof`, and what each of them takes.
//!
//! The one place that says so: their help, that of all, and the completions of shells follow.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use clap_complete::Shell;

use super::refusal::refusal;
use crate::error::ServerError;

/// A command that starts no server, with what it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Looks through an append-only file.
    CheckAof {
        /// Where it is, or all data.
        folder: PathBuf,
        /// Is damage to be cut off?
        fixes: bool,
    },
    /// Prints the completions of a shell.
    Completions(Shell),
    /// Asks a running server whether it serves.
    Ping {
        /// Name or address of the server.
        host: String,
        /// Its port.
        port: u16,
    },
}

const CHECK_AOF: &str = "check-aof";
const COMPLETIONS: &str = "completions";
const PING: &str = "ping";

/// As the command line takes them.
pub(super) fn commands() -> [Command; 3] {
    let fix = Arg::new("fix").long("fix").action(ArgAction::SetTrue);
    let folder = Arg::new("folder").required(true).value_parser(value_parser!(PathBuf));
    let shell = Arg::new("shell").required(true).value_parser(value_parser!(Shell));
    let host = Arg::new("host").long("host").value_name("name").default_value("127.0.0.1");
    let port = Arg::new("port").long("port").value_name("number").default_value("6379");
    [
        Command::new(CHECK_AOF)
            .about("Look through an append-only file; with --fix, cut off what is damaged")
            .arg(fix.help("Cut off what is damaged, and keep copies of the files as they were"))
            .arg(folder.help("The folder of the append-only file, or of all data")),
        Command::new(COMPLETIONS)
            .about("Print completions of options for bash, elvish, fish, powershell or zsh")
            .arg(shell),
        Command::new(PING)
            .about("Ask a running server whether it serves; the exit code tells, too")
            .arg(host.help("Name or address of the server"))
            .arg(port.help("Its port").value_parser(value_parser!(u16))),
    ]
    .map(|command| command.args_override_self(true))
}

/// The tool that a command line asks for, if it asks for one.
pub fn asked_for(words: &[OsString]) -> Result<Option<Tool>, ServerError> {
    let is_tool = |word: &OsString| commands().iter().any(|tool| word == tool.get_name());
    if !words.get(1).is_some_and(is_tool) {
        return Ok(None);
    }
    let parser = Command::new("respq").subcommands(commands()).max_term_width(100);
    let matches = parser.try_get_matches_from(words).map_err(|error| refusal(&error))?;
    Ok(matches.subcommand().map(|(name, given)| tool(name, given)))
}

fn tool(name: &str, given: &ArgMatches) -> Tool {
    match name {
        CHECK_AOF => {
            Tool::CheckAof { folder: value(given, "folder"), fixes: given.get_flag("fix") }
        }
        COMPLETIONS => Tool::Completions(value(given, "shell")),
        _ => Tool::Ping { host: value(given, "host"), port: value(given, "port") },
    }
}

/// An argument that is required or has a default.
fn value<T: Clone + Send + Sync + 'static>(given: &ArgMatches, name: &str) -> T {
    given.get_one::<T>(name).cloned().expect("the command line was refused without it")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Option<Tool>, String> {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        asked_for(&words).map_err(|error| error.to_string())
    }

    #[test]
    fn tools_take_their_arguments_in_any_order() {
        let folder = PathBuf::from("data");
        let check_aof = |fixes| Ok(Some(Tool::CheckAof { folder: folder.clone(), fixes }));
        assert_eq!(read("respq check-aof data"), check_aof(false));
        assert_eq!(read("respq check-aof --fix data"), check_aof(true));
        assert_eq!(read("respq check-aof data --fix --fix"), check_aof(true));
        assert_eq!(read("respq completions zsh"), Ok(Some(Tool::Completions(Shell::Zsh))));
        let ping = |host: &str, port| Ok(Some(Tool::Ping { host: host.to_owned(), port }));
        assert_eq!(read("respq ping"), ping("127.0.0.1", 6379));
        assert_eq!(read("respq ping --port 1 --host a --port 2"), ping("a", 2));
        assert_eq!(read("respq --port 1"), Ok(None));
    }

    #[test]
    fn what_is_missing_or_wrong_is_said_in_one_line() {
        for (line, expected) in [
            ("respq check-aof", "the following required arguments were not provided: <folder>"),
            ("respq check-aof a b", "unexpected argument 'b' found"),
            ("respq check-aof --fox a", "unexpected argument '--fox' found; tip: a similar"),
            ("respq completions cmd", "invalid value 'cmd' for '<shell>' [possible values: bash,"),
            ("respq ping --port", "a value is required for '--port <number>' but none was"),
            ("respq ping --port x", "invalid value 'x' for '--port <number>': invalid digit"),
        ] {
            let text = read(line).expect_err("it is wrong");
            assert!(text.starts_with(expected) && !text.contains('\n'), "{text}");
        }
    }
}
