//! `respq check-aof`: looks through a log without a server, and repairs it if asked to.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::folder;
use super::manifest::{self, Manifest, Role};
use super::reader::{End, Reader};
use crate::error::ServerError;
use crate::rdb;

/// What the damaged original of a repaired file is called.
const KEPT_SUFFIX: &str = "damaged";

/// The state of a file.
#[derive(Debug)]
enum State {
    Damaged { offset: u64, reason: String },
    Good { effects: u64, bytes: u64 },
}

/// Looks through the log in a folder, which may be that of all data; returns a report, or an error
/// if a file is damaged and was not repaired.
pub fn run(folder: &Path, fixes: bool) -> Result<String, ServerError> {
    let mut manifest = find_manifest(folder)?;
    let _locks = if fixes { lock(manifest.folder())? } else { Vec::new() };
    check(&mut manifest, fixes)
}

/// Locks the data folder as a server does: what holds the log's folder, however it was named, and
/// where a link leads there, what holds the link.
fn lock(folder: &Path) -> Result<Vec<File>, ServerError> {
    let fail = |error| ServerError::file("find", folder, error);
    let named = std::path::absolute(folder).map_err(fail)?;
    // Of `a/..`, `a` is not what holds it.
    let named_in = named.file_name().and(named.parent());
    let real = folder.canonicalize().map_err(fail)?;
    let mut dirs = Vec::new();
    for dir in named_in.into_iter().chain(real.parent()) {
        let dir = dir.canonicalize().map_err(fail)?;
        if !dirs.contains(&dir) {
            dirs.push(dir);
        }
    }
    dirs.iter().map(|dir| folder::lock(dir)).collect()
}

/// The manifest in a folder, or in its only folder that has one.
fn find_manifest(path: &Path) -> Result<Manifest, ServerError> {
    let manifest_in = |folder: &Path| {
        let names = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.find_map(|name| {
            let prefix = name.strip_suffix(".manifest")?;
            (!name.starts_with(folder::TEMPORARY)).then(|| prefix.to_owned())
        })
    };
    let mut folders = vec![path.to_owned()];
    let inner = std::fs::read_dir(path).into_iter().flatten().flatten();
    folders.extend(inner.map(|entry| entry.path()).filter(|path| path.is_dir()));
    for folder in folders {
        if let Some(prefix) = manifest_in(&folder) {
            return Manifest::read(&folder, &prefix);
        }
    }
    Err(ServerError::Usage(format!("{}: there is no manifest of a log", path.display())))
}

fn check(manifest: &mut Manifest, fixes: bool) -> Result<String, ServerError> {
    let mut report = String::new();
    let parts: Vec<_> = manifest.to_load().cloned().collect();
    for (index, part) in parts.iter().enumerate() {
        let path = manifest.path_of(part);
        let (offset, reason) = match state(&path)? {
            State::Damaged { offset, reason } => (offset, reason),
            State::Good { effects, bytes } => {
                line(
                    &mut report,
                    &format!("{}: good, {bytes} bytes, {effects} commands", part.name),
                );
                continue;
            }
        };
        let size = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
        let lost = size - offset.min(size);
        let damage = format!("{}: damaged at byte {offset}: {reason}", part.name);
        line(&mut report, &damage);
        if part.role == Role::Base && is_rdb(&path)? {
            line(&mut report, "a base in RDB form cannot be repaired: restore a copy");
            return Err(ServerError::Usage(report));
        }
        let later = &parts[index + 1..];
        if !fixes {
            let advice = format!(
                "--fix cuts off {lost} bytes there, and the {} files behind it; copies are kept",
                later.len()
            );
            line(&mut report, &advice);
            return Err(ServerError::Usage(report));
        }
        let kept = keep(&path)?;
        line(&mut report, &format!("cut off {lost} bytes; the original is {}", kept.display()));
        truncate(&path, offset)?;
        for part in later {
            let kept = keep(&manifest.path_of(part))?;
            line(&mut report, &format!("{}: left out, kept as {}", part.name, kept.display()));
        }
        manifest.parts.retain(|part| !later.contains(part));
        manifest.write()?;
        return Ok(report);
    }
    line(&mut report, "the log is good");
    Ok(report)
}

fn line(report: &mut String, text: &str) {
    report.push_str(text);
    report.push('\n');
}

fn is_rdb(path: &Path) -> Result<bool, ServerError> {
    rdb::is_rdb(path).map_err(|error| ServerError::file("read", path, error))
}

fn state(path: &Path) -> Result<State, ServerError> {
    let mut preamble = 0;
    if is_rdb(path)? {
        let file = File::open(path).map_err(|error| ServerError::file("open", path, error))?;
        match rdb::load(&file, &rdb::Limits::default(), |_| Ok(())) {
            Ok(end) => preamble = end,
            Err((offset, error)) => {
                return Ok(State::Damaged { offset, reason: error.to_string() });
            }
        }
    }
    let mut reader = Reader::open(path, preamble)?;
    let mut effects = 0;
    let mut before = reader.content().len;
    let mut open_since = None;
    let end = reader.for_each(|argv, offset| {
        let name = argv.get(0).unwrap_or_default();
        if name.eq_ignore_ascii_case(b"multi") {
            open_since = Some(before);
        } else if name.eq_ignore_ascii_case(b"exec") {
            open_since = None;
        }
        before = offset;
        effects += 1;
    });
    Ok(match (end, open_since) {
        (Err(ServerError::Corrupt { offset, reason, .. }), _) => {
            State::Damaged { offset: open_since.unwrap_or(offset).min(offset), reason }
        }
        (Err(error), _) => return Err(error),
        (Ok(_), Some(offset)) => {
            State::Damaged { offset, reason: "a transaction is cut short".to_owned() }
        }
        (Ok(End::Torn(offset)), None) => {
            State::Damaged { offset, reason: "a command is cut short".to_owned() }
        }
        (Ok(End::Clean), None) => State::Good { effects, bytes: reader.size() },
    })
}

/// Copies a file beside itself, under a name that is not taken; the copy lasts before the original
/// changes.
fn keep(path: &Path) -> Result<PathBuf, ServerError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let names = (1..).map(|number| path.with_file_name(format!("{name}.{KEPT_SUFFIX}.{number}")));
    let mut free = names.filter(|path| !path.exists());
    let kept = free.next().expect("numbers do not end");
    std::fs::copy(path, &kept)
        .and_then(|_| File::open(&kept))
        .and_then(|copy| copy.sync_all())
        .map_err(|error| ServerError::file("copy to", &kept, error))?;
    path.parent().map_or(Ok(()), manifest::sync_folder)?;
    Ok(kept)
}

fn truncate(path: &Path, offset: u64) -> Result<(), ServerError> {
    std::fs::OpenOptions::new()
        .write(true)
        .open(path)
        .and_then(|file| file.set_len(offset).and_then(|()| file.sync_all()))
        .map_err(|error| ServerError::file("cut", path, error))?;
    path.parent().map_or(Ok(()), manifest::sync_folder)
}
