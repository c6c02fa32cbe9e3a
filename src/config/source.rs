//! Settings from a file in the form of redis.conf, with all that it includes. The options of the
//! command line are set here, too, as a source of their own.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::declared::{Renamed, UserLine};
use super::{Config, Setting, rows};
use crate::error::ServerError;
use crate::resp::inline::split_line;

/// Files that may include one another.
const INCLUDES_MAX: usize = 16;

/// Directives of redis.conf that are no settings, and why they are refused.
const REFUSED: &[(&str, &str)] = &[("loadmodule", "modules are not supported")];

/// Reads what the command line names first: a file, or `-` for standard input.
pub(super) fn read_first(config: &Config, path: &str) -> Result<(), ServerError> {
    let mut source = Source::new(config);
    if path == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(|error| ServerError::System {
            action: "read the settings from standard input",
            error,
        })?;
        return source.read_lines(&text, "standard input", 0);
    }
    let path = PathBuf::from(path);
    source.read_file(&path, 0)?;
    *config.file.write() = Some(std::path::absolute(&path).unwrap_or(path));
    Ok(())
}

/// A file with all it includes, or the options.
pub(super) struct Source<'c> {
    config: &'c Config,
    /// Several `save` lines of a source add up; what they say so far.
    saves: Option<String>,
}

impl<'c> Source<'c> {
    pub(super) fn new(config: &'c Config) -> Self {
        Self { config, saves: None }
    }

    fn read_file(&mut self, path: &Path, depth: usize) -> Result<(), ServerError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ServerError::file("read the configuration file", path, error))?;
        self.read_lines(&text, &path.display().to_string(), depth)
    }

    fn read_lines(&mut self, text: &str, name: &str, depth: usize) -> Result<(), ServerError> {
        for (number, line) in text.lines().enumerate() {
            let place = format!("{name}:{}", number + 1);
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let words = split_line(line.as_bytes())
                .ok_or_else(|| ServerError::Usage(format!("{place}: unbalanced quotes")))?;
            if let Some((directive, rest)) = words.split_first()
                && self.declare(&String::from_utf8_lossy(directive), rest, &place, depth == 0)?
            {
                continue;
            }
            let words: Vec<_> = words.iter().map(|word| String::from_utf8_lossy(word)).collect();
            let Some((directive, values)) = words.split_first() else { continue };
            if directive.eq_ignore_ascii_case("include") {
                self.include(values, &place, depth)?;
            } else {
                self.set(directive, &values.join(" "), &place)?;
            }
        }
        Ok(())
    }

    fn include(
        &mut self,
        paths: &[std::borrow::Cow<'_, str>],
        place: &str,
        depth: usize,
    ) -> Result<(), ServerError> {
        if depth == INCLUDES_MAX {
            return Err(ServerError::Usage(format!("{place}: files include one another")));
        }
        if paths.is_empty() {
            return Err(ServerError::Usage(format!("{place}: include needs a file")));
        }
        for path in paths {
            for path in files_of(path) {
                self.read_file(&path, depth + 1)?;
            }
        }
        Ok(())
    }

    /// Takes a directive that is no setting; `false` if it is one.
    pub(super) fn declare(
        &self,
        directive: &str,
        words: &[Vec<u8>],
        place: &str,
        in_file: bool,
    ) -> Result<bool, ServerError> {
        let wrong = |why: &str| Err(ServerError::Usage(format!("{place}: {why}")));
        let place = place.to_owned();
        if directive.eq_ignore_ascii_case("user") {
            if words.is_empty() {
                return wrong("a user needs a name");
            }
            if !self.config.declare_user(UserLine { place, in_file, words: words.to_vec() }) {
                return wrong("Duplicate user found. A user can only be defined once");
            }
            return Ok(true);
        }
        if !directive.eq_ignore_ascii_case("rename-command") {
            return Ok(false);
        }
        let text = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
        let (old, new) = match words {
            [old, new] => (text(old), if new == b"\"\"" { String::new() } else { text(new) }),
            _ => return wrong("rename-command needs the name of a command and another name"),
        };
        self.config.rename_command(Renamed { place, old, new });
        Ok(true)
    }

    pub(super) fn set(&mut self, name: &str, value: &str, place: &str) -> Result<(), ServerError> {
        if let Some((name, reason)) = REFUSED.iter().find(|row| row.0.eq_ignore_ascii_case(name)) {
            return Err(ServerError::Usage(format!("{place}: '{name}' is refused: {reason}")));
        }
        let at = super::find(name)
            .ok_or_else(|| ServerError::Usage(format!("{place}: unknown setting '{name}'")))?;
        let row = rows()[at];
        let value =
            if row.setting == Some(Setting::Save) { self.saves(value) } else { value.into() };
        self.config.set_at(at, &value).map_err(|error| {
            ServerError::Usage(format!("{place}: {} '{value}': {error}", row.name))
        })
    }

    /// The save points so far with these; an empty value takes back those before it.
    fn saves(&mut self, value: &str) -> String {
        let saves = self.saves.get_or_insert_default();
        if value.is_empty() {
            saves.clear();
        } else {
            saves.push(' ');
            saves.push_str(value);
        }
        saves.trim().to_owned()
    }
}

/// The files of an include: one, or those in a folder whose names fit a pattern, in order.
fn files_of(path: &str) -> Vec<PathBuf> {
    let path = PathBuf::from(path);
    let pattern = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let Some(pattern) = pattern.filter(|name| name.contains(['*', '?', '['])) else {
        return vec![path];
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let entries = std::fs::read_dir(folder.unwrap_or(Path::new("."))).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| {
            crate::glob::matches(pattern.as_bytes(), entry.file_name().as_encoded_bytes())
        })
        .map(|entry| entry.path())
        .collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::config::command_line::read;

    fn read_words(line: &[&str]) -> Result<Config, ServerError> {
        read(std::iter::once("respq").chain(line.iter().copied()).map(OsString::from))
    }

    #[test]
    fn a_file_may_include_others() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = |name: &str| dir.path().join(name);
        let main = format!("include {}/*.inc\n# note\nhz 20\n", dir.path().display());
        std::fs::write(path("main.conf"), main).expect("written");
        std::fs::write(path("a.inc"), "hz 15\nsave 900 1\nsave 300 10\n").expect("written");
        std::fs::write(path("loop.conf"), format!("include {}\n", path("loop.conf").display()))
            .expect("written");
        let main = path("main.conf").display().to_string();
        let config = read_words(&[&main, "--timeout", "5"]).expect("valid");
        assert_eq!(config.number(Setting::Hz), 20);
        assert_eq!(config.number(Setting::Timeout), 5);
        assert_eq!(config.text(Setting::Save), "900 1 300 10");
        assert_eq!(config.file(), Some(path("main.conf")));
        let looping = path("loop.conf").display().to_string();
        assert!(read_words(&[&looping]).is_err());
    }
}
