//! The `respq` binary: reads the settings, starts the server, says why if it cannot.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use respq::config::command_line;
use respq::config::tools::{self, Tool};
use respq::error::ServerError;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let outcome = run(std::env::args_os().collect());
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(ServerError::Asked(text)) => {
            say(&mut std::io::stdout(), &text);
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(&mut std::io::stderr(), &format!("respq: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

/// Runs the server to its end, or the command that stands in its place.
fn run(words: Vec<OsString>) -> Result<(), ServerError> {
    match tools::asked_for(&words)? {
        Some(Tool::CheckAof { folder, fixes }) => {
            respq::check::run(&folder, fixes).and_then(answer)
        }
        Some(Tool::Completions(shell)) => answer(command_line::completions(shell)),
        Some(Tool::Ping { host, port }) => respq::ping::run(&host, port).and_then(answer),
        None => command_line::read(words).and_then(respq::server::run),
    }
}

/// The end of a command that only says something.
fn answer(text: String) -> Result<(), ServerError> {
    Err(ServerError::Asked(text))
}

/// Writes a text; where nobody listens, there is nobody to tell.
fn say(to: &mut dyn Write, text: &str) {
    drop(to.write_all(text.as_bytes()));
}
