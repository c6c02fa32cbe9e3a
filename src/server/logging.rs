//! The log for people: standard output, or a file.

use std::fs::OpenOptions;
use std::path::Path;

use tracing::level_filters::LevelFilter;

use crate::config::{Config, Setting};
use crate::error::ServerError;

/// Starts logging as the settings say.
pub(super) fn start(config: &Config) -> Result<(), ServerError> {
    let level = match config.text(Setting::LogLevel).as_str() {
        "debug" => LevelFilter::TRACE,
        "verbose" => LevelFilter::DEBUG,
        "warning" => LevelFilter::WARN,
        "nothing" => LevelFilter::OFF,
        _ => LevelFilter::INFO,
    };
    // Where nobody takes the lines (a full disk, a reader that is gone), the server goes on.
    let builder = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        .log_internal_errors(false);
    let path = config.text(Setting::LogFile);
    let outcome = if path.is_empty() {
        builder.with_ansi(false).try_init()
    } else {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(|error| ServerError::file("open the log file", Path::new(&path), error))?;
        builder.with_ansi(false).with_writer(file).try_init()
    };
    if outcome.is_err() {
        tracing::debug!("logging was started before");
    }
    Ok(())
}
