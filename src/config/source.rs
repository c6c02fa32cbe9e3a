//! Where settings come from: the command line, and a file in the form of redis.conf.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::{Config, ROWS};
use crate::error::ServerError;
use crate::resp::request::split_line;

/// The command line, with an option for each setting.
fn command_line() -> Command {
    let options = ROWS.iter().map(|row| {
        Arg::new(row.name)
            .long(row.name)
            .help(row.doc)
            .value_name("value")
            .num_args(0..)
            .allow_negative_numbers(true)
            .action(ArgAction::Append)
    });
    let file = Arg::new("config-file")
        .help("A file in the form of redis.conf; options given behind it win")
        .value_name("config-file");
    Command::new("respq")
        .version(env!("CARGO_PKG_VERSION"))
        .about(env!("CARGO_PKG_DESCRIPTION"))
        .disable_version_flag(true)
        .arg(
            Arg::new("version")
                .short('v')
                .long("version")
                .help("Print the version")
                .action(ArgAction::Version),
        )
        .arg(file)
        .args(options)
}

/// Reads the settings; `Err(Asked)` holds the text that `--help` or `--version` asked for.
pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Config, ServerError> {
    let matches = command_line().try_get_matches_from(arguments).map_err(|error| {
        if error.use_stderr() {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            ServerError::Usage(line.trim_start_matches("error: ").to_owned())
        } else {
            ServerError::Asked(error.render().to_string())
        }
    })?;
    let config = Config::default();
    if let Some(path) = matches.get_one::<String>("config-file") {
        let path = PathBuf::from(path);
        read_file(&config, &path)?;
        *config.file.write() = Some(path);
    }
    read_options(&config, &matches)?;
    Ok(config)
}

fn read_options(config: &Config, matches: &ArgMatches) -> Result<(), ServerError> {
    for row in ROWS {
        let occurrences = matches.get_occurrences::<String>(row.name);
        let values: Vec<String> = occurrences
            .into_iter()
            .flatten()
            .map(|words| words.cloned().collect::<Vec<_>>().join(" "))
            .collect();
        if !values.is_empty() {
            let value = values.join(" ");
            set(config, row.name, value.trim(), &format!("option --{}", row.name))?;
        }
    }
    Ok(())
}

fn read_file(config: &Config, path: &Path) -> Result<(), ServerError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| ServerError::file("read the configuration file", path, error))?;
    for (number, line) in text.lines().enumerate() {
        let place = format!("{}:{}", path.display(), number + 1);
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let words = split_line(line.as_bytes())
            .ok_or_else(|| ServerError::Usage(format!("{place}: unbalanced quotes")))?;
        let words: Vec<_> = words.iter().map(|word| String::from_utf8_lossy(word)).collect();
        let (name, values) = words.split_first().expect("the line has at least one word");
        set(config, name, &values.join(" "), &place)?;
    }
    Ok(())
}

fn set(config: &Config, name: &str, value: &str, place: &str) -> Result<(), ServerError> {
    let row = super::find(name)
        .ok_or_else(|| ServerError::Usage(format!("{place}: unknown setting '{name}'")))?;
    config
        .set(row.setting, value)
        .map_err(|error| ServerError::Usage(format!("{place}: {} '{value}': {error}", row.name)))
}
