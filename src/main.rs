//! The `respq` binary: reads the settings, starts the server, says why if it cannot.

use std::io::Write;
use std::process::ExitCode;

use respq::config::command_line;
use respq::error::ServerError;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let words: Vec<String> =
        std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let outcome = match words.get(1).map(String::as_str) {
        Some("check-aof") => respq::check::run(&words[2..]).and_then(answer),
        Some("completions") => command_line::completions(&words[2..]).and_then(answer),
        Some("ping") => respq::ping::run(&words[2..]).and_then(answer),
        _ => command_line::read(std::env::args_os()).and_then(respq::server::run),
    };
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

/// The end of a command that only says something.
fn answer(text: String) -> Result<(), ServerError> {
    Err(ServerError::Asked(text))
}

/// Writes a text; where nobody listens, there is nobody to tell.
fn say(to: &mut dyn Write, text: &str) {
    drop(to.write_all(text.as_bytes()));
}
