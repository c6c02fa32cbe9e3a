//! A command line that is not followed, as an error of one line.

use crate::error::ServerError;

/// Why a command line is not followed: it is wrong, or it asked for a text.
pub(super) fn refusal(error: &clap::Error) -> ServerError {
    let text = error.render().to_string();
    if error.use_stderr() { ServerError::Usage(one_line(&text)) } else { ServerError::Asked(text) }
}

/// What is wrong, and a tip if there is one.
fn one_line(text: &str) -> String {
    let mut line = String::new();
    let ends = |part: &str| part.starts_with("Usage: ") || part.starts_with("For more information");
    let parts = text.lines().map(str::trim).filter(|part| !part.is_empty());
    for part in parts.take_while(|part| !ends(part)) {
        if !line.is_empty() {
            line.push_str(if part.starts_with("tip: ") { "; " } else { " " });
        }
        line.push_str(part.trim_start_matches("error: "));
    }
    line
}
