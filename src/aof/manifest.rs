//! The manifest: which files make up the log, in the format of Redis 7.
//!
//! ```text
//! file appendonly.aof.1.base.rdb seq 1 type b
//! file appendonly.aof.1.incr.aof seq 1 type i
//! ```

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::folder::TEMPORARY;
use crate::error::ServerError;
use crate::fault::{self, Point};
use crate::resp::inline::{quoted, split_line};

/// The largest number that a file may have: what Redis can read.
const SEQUENCE_MAX: u64 = i64::MAX as u64;

/// What a file of the log holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// All data at one instant.
    Base,
    /// No longer needed.
    History,
    /// The effects since the base, in the order of the sequence numbers.
    Increment,
}

/// A file of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) sequence: u64,
    pub(crate) role: Role,
}

/// The files of the log, and where they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    folder: PathBuf,
    prefix: String,
    pub(crate) parts: Vec<Part>,
}

impl Manifest {
    /// Reads the manifest in `folder`; without one, the log is empty.
    pub(crate) fn read(folder: &Path, prefix: &str) -> Result<Self, ServerError> {
        let mut manifest =
            Self { folder: folder.to_owned(), prefix: prefix.to_owned(), parts: Vec::new() };
        let path = manifest.path();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(manifest),
            Err(error) => return Err(ServerError::file("read", &path, error)),
        };
        let mut offset = 0;
        for line in text.lines() {
            if !line.starts_with('#') && !line.is_empty() {
                manifest.add_line(line).map_err(|reason| ServerError::Corrupt {
                    path: path.clone(),
                    offset,
                    reason: reason.to_owned(),
                })?;
            }
            offset += line.len() as u64 + 1;
        }
        Ok(manifest)
    }

    fn add_line(&mut self, line: &str) -> Result<(), &'static str> {
        let part = parse_line(line).ok_or("not a line of a manifest")?;
        if part.sequence > SEQUENCE_MAX {
            return Err("the sequence number is too large");
        }
        if part.role == Role::Base && self.to_load().any(|other| other.role == Role::Base) {
            return Err("there is a second base");
        }
        self.parts.push(part);
        Ok(())
    }

    /// Writes the manifest so that a crash leaves either the old one or the new one.
    pub(crate) fn write(&self) -> Result<(), ServerError> {
        if self.parts.iter().any(|part| part.sequence > SEQUENCE_MAX) {
            let error = std::io::Error::other("there are no more sequence numbers");
            return Err(ServerError::file("write", &self.path(), error));
        }
        let temporary = self.folder.join(format!("{TEMPORARY}{}.manifest", self.prefix));
        fault::step(Point::ManifestWrite, &temporary)?;
        let fail = |error| ServerError::file("write", &temporary, error);
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&temporary).map_err(fail)?;
        file.write_all(self.text().as_bytes()).map_err(fail)?;
        file.sync_all().map_err(fail)?;
        let path = self.path();
        fault::step(Point::ManifestRename, &path)?;
        fs::rename(&temporary, &path)
            .map_err(|error| ServerError::file("replace", &path, error))?;
        fault::step(Point::ManifestRenamed, &path)?;
        sync_folder(&self.folder)
    }

    fn text(&self) -> String {
        let line = |part: &Part| {
            let role = match part.role {
                Role::Base => 'b',
                Role::History => 'h',
                Role::Increment => 'i',
            };
            format!("file {} seq {} type {role}\n", quoted(part.name.as_bytes()), part.sequence)
        };
        self.parts.iter().map(line).collect()
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join(format!("{}.manifest", self.prefix))
    }

    pub(crate) fn path_of(&self, part: &Part) -> PathBuf {
        self.folder.join(&part.name)
    }

    /// Is this the name that a base or an increment of this log may have?
    pub(crate) fn is_of_log(&self, name: &str) -> bool {
        let rest = name.strip_prefix(&*self.prefix).and_then(|rest| rest.strip_prefix('.'));
        rest.and_then(|rest| rest.split_once('.')).is_some_and(|(number, kind)| {
            number.parse::<u64>().is_ok() && ["base.aof", "base.rdb", "incr.aof"].contains(&kind)
        })
    }

    /// Is this the name of a file of this log that is not complete: a manifest or a base?
    pub(crate) fn is_temporary(&self, name: &str) -> bool {
        let name = name.strip_prefix(TEMPORARY).and_then(|name| name.strip_prefix(&*self.prefix));
        let Some(rest) = name.and_then(|name| name.strip_prefix('.')) else { return false };
        let is_base = |(number, kind): (&str, &str)| {
            number.parse::<u64>().is_ok() && ["base.aof", "base.rdb"].contains(&kind)
        };
        rest == "manifest" || rest.split_once('.').is_some_and(is_base)
    }

    /// The parts to load, in order: the base, then the increments.
    pub(crate) fn to_load(&self) -> impl Iterator<Item = &Part> {
        let of = |role| self.parts.iter().filter(move |part| part.role == role);
        of(Role::Base).chain(of(Role::Increment))
    }

    /// The log of one file that Redis kept before 7.0, as a part.
    pub(crate) fn old_log(&self) -> Part {
        Part { name: self.prefix.clone(), sequence: 1, role: Role::Base }
    }

    /// A new increment behind all others.
    pub(crate) fn next_increment(&self) -> Part {
        let sequence = self.next_sequence(|part| part.name.ends_with(".incr.aof"));
        let name = format!("{}.{sequence}.incr.aof", self.prefix);
        Part { name, sequence, role: Role::Increment }
    }

    /// A new base behind all others, whose name ends with `extension`.
    pub(crate) fn next_base(&self, extension: &str) -> Part {
        let sequence = self.next_sequence(|part| !part.name.ends_with(".incr.aof"));
        let name = format!("{}.{sequence}.base.{extension}", self.prefix);
        Part { name, sequence, role: Role::Base }
    }

    fn next_sequence(&self, counts: impl Fn(&Part) -> bool) -> u64 {
        let sequences = self.parts.iter().filter(|part| counts(part)).map(|part| part.sequence);
        sequences.max().unwrap_or(0) + 1
    }

    /// Puts `base` and the increments from `first` on in the place of all other parts, which
    /// become history.
    pub(crate) fn replace_base(&mut self, base: Part, first: u64) {
        for part in &mut self.parts {
            if part.role == Role::Base || part.sequence < first {
                part.role = Role::History;
            }
        }
        self.parts.insert(0, base);
    }
}

fn parse_line(line: &str) -> Option<Part> {
    let words = split_line(line.as_bytes())?;
    let words: Vec<&str> =
        words.iter().map(|word| std::str::from_utf8(word)).collect::<Result<_, _>>().ok()?;
    let value = |key: &str| {
        let at = words.iter().step_by(2).position(|word| *word == key)?;
        words.get(2 * at + 1).copied()
    };
    let role = match value("type")? {
        "b" => Role::Base,
        "h" => Role::History,
        "i" => Role::Increment,
        _ => return None,
    };
    let name = value("file")?.to_owned();
    if name.contains('/') {
        return None;
    }
    Some(Part { name, sequence: value("seq")?.parse().ok()?, role })
}

/// Makes renames and new files in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), ServerError> {
    fault::pass(Point::FolderSync)
        .and_then(|()| fs::File::open(folder))
        .and_then(|folder| folder.sync_all())
        .map_err(|error| ServerError::file("sync", folder, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_kind_are_read_back() {
        let folder = tempfile::tempdir().unwrap();
        for prefix in ["my log", "a\"b'c\\d", "line\nend", "\u{fc}ber", "#x", "seq"] {
            let mut manifest = Manifest::read(folder.path(), prefix).unwrap();
            manifest.parts = vec![manifest.next_base("rdb"), manifest.next_increment()];
            manifest.write().unwrap();
            assert_eq!(Manifest::read(folder.path(), prefix).unwrap(), manifest);
        }
        let text = fs::read_to_string(folder.path().join("my log.manifest")).unwrap();
        assert!(text.starts_with("file \"my log.1.base.rdb\" seq 1 type b\n"), "{text}");
    }

    #[test]
    fn only_unfinished_files_of_this_log_are_temporary() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = Manifest::read(folder.path(), "log").unwrap();
        for name in ["temp-log.manifest", "temp-log.12.base.rdb", "temp-log.1.base.aof"] {
            assert!(manifest.is_temporary(name), "{name}");
        }
        for name in [
            "log.manifest",
            "temp-log",
            "temp-log.x.manifest",
            "temp-log.1.incr.aof",
            "temp-log2.manifest",
            "temp-log.2.1.base.rdb",
            "temp-other.manifest",
        ] {
            assert!(!manifest.is_temporary(name), "{name}");
        }
    }

    #[test]
    fn crafted_manifests_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let read = |text: &str| {
            fs::write(folder.path().join("log.manifest"), text).unwrap();
            Manifest::read(folder.path(), "log")
        };
        let base = "file a.base.rdb seq 1 type b\n";
        for (text, reason) in [
            ("file x.incr.aof seq 18446744073709551615 type i\n", "sequence number is too large"),
            ("file x.incr.aof seq 9223372036854775808 type h\n", "sequence number is too large"),
            (&*base.repeat(2), "byte 29: there is a second base"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        let mut last = read("file x.incr.aof seq 9223372036854775807 type i\n").unwrap();
        last.parts.push(last.next_increment());
        assert!(last.write().is_err(), "it could not be read again");
        assert!(read(&base.replace("type b", "type h").repeat(2)).is_ok());
    }

    #[test]
    fn reads_what_redis_writes() {
        let folder = tempfile::tempdir().unwrap();
        let text = "file appendonly.aof.2.base.rdb seq 2 type b\n\
                    file appendonly.aof.1.incr.aof seq 1 type h\n\
                    file \"appendonly.aof.2.incr.aof\" seq 2 type i\n";
        fs::write(folder.path().join("appendonly.aof.manifest"), text).unwrap();
        let manifest = Manifest::read(folder.path(), "appendonly.aof").unwrap();
        let names: Vec<_> = manifest.to_load().map(|part| part.name.as_str()).collect();
        assert_eq!(names, ["appendonly.aof.2.base.rdb", "appendonly.aof.2.incr.aof"]);
        assert_eq!(manifest.next_increment().name, "appendonly.aof.3.incr.aof");
        manifest.write().unwrap();
        assert_eq!(Manifest::read(folder.path(), "appendonly.aof").unwrap(), manifest);
    }
}
