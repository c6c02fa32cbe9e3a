//! The folder of the log: one server at a time, and nothing in it that a crash left behind.

use std::fs::File;
use std::path::Path;

use super::manifest::{Manifest, Role, sync_folder};
use crate::error::ServerError;
use crate::fault::{self, Point};

/// The file in the data folder that a running server holds locked.
const LOCK_NAME: &str = "respq.lock";
/// What names of files that are not complete begin with; no log's own name does (`appendfilename`).
pub(crate) const TEMPORARY: &str = "temp-";

/// Locks the data folder until the result is dropped or the process ends.
pub(crate) fn lock(dir: &Path) -> Result<File, ServerError> {
    use std::os::unix::fs::OpenOptionsExt;
    let path = dir.join(LOCK_NAME);
    let fail = |error| ServerError::file("lock", &path, error);
    let mut options = std::fs::OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(0o600);
    let file = options.open(&path).map_err(fail)?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(ServerError::Locked { path }),
        Err(error) => Err(fail(error.into())),
    }
}

/// Makes a folder that only its owner can read, if it is not there.
pub(crate) fn create(folder: &Path) -> Result<(), ServerError> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| ServerError::file("create the folder", folder, error))
}

/// Removes files that are no part of the log any more, or not yet.
pub(crate) fn clean(manifest: &mut Manifest) -> Result<(), ServerError> {
    remove_temporary(manifest);
    if manifest.parts.iter().any(|part| part.role == Role::History) {
        remove_history(manifest)?;
    }
    Ok(())
}

/// Where there is no manifest, there may be files that it should name (it was not copied, or a
/// first rewrite was not completed). They get names under which none is written over.
pub(crate) fn keep_unnamed(manifest: &Manifest) -> Result<(), ServerError> {
    let names = names_in(manifest.folder())?;
    for name in names.iter().filter(|name| manifest.is_of_log(name)) {
        let path = manifest.folder().join(name);
        if std::fs::metadata(&path).map_or(0, |metadata| metadata.len()) == 0 {
            continue;
        }
        let kept = (1..).map(|number| manifest.folder().join(format!("{name}.kept-{number}")));
        let kept = kept.into_iter().find(|kept| !kept.exists()).unwrap_or_default();
        let renamed = std::fs::rename(&path, &kept);
        renamed.map_err(|error| ServerError::file("rename", &path, error))?;
        tracing::error!(
            file = %path.display(), now = %kept.display(),
            "there is no manifest, so a file of the log is not loaded; it is kept"
        );
    }
    Ok(())
}

fn names_in(folder: &Path) -> Result<Vec<String>, ServerError> {
    let fail = |error| ServerError::file("read the folder", folder, error);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        names.extend(entry.map_err(fail)?.file_name().into_string());
    }
    Ok(names)
}

/// Removes the files that a rewrite has replaced.
pub(crate) fn remove_history(manifest: &mut Manifest) -> Result<(), ServerError> {
    for part in manifest.parts.iter().filter(|part| part.role == Role::History) {
        let path = manifest.path_of(part);
        let removed = fault::pass(Point::HistoryRemove).and_then(|()| std::fs::remove_file(&path));
        if let Err(error) = removed {
            tracing::warn!(%error, file = %path.display(), "cannot remove an old file");
        }
    }
    manifest.parts.retain(|part| part.role != Role::History);
    manifest.write()
}

/// Takes over the single file in which Redis before 7.0 kept its log: it becomes the base.
pub(crate) fn adopt_old_log(dir: &Path, manifest: &mut Manifest) -> Result<(), ServerError> {
    let part = manifest.old_log();
    let (old, path) = (dir.join(&part.name), manifest.path_of(&part));
    if old.is_file() {
        install(&old, &path)?;
        sync_folder(dir)?;
    }
    if path.is_file() {
        tracing::info!(file = %path.display(), "taking over a log of one file");
        manifest.parts.push(part);
        manifest.write()?;
    }
    Ok(())
}

/// Removes what an unfinished rewrite left of this log; all else in its folder is not ours.
fn remove_temporary(manifest: &Manifest) {
    let Ok(entries) = std::fs::read_dir(manifest.folder()) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| manifest.is_temporary(name)) {
            tracing::info!(file = %entry.path().display(), "removing an unfinished file");
            drop(std::fs::remove_file(entry.path()));
        }
    }
}

/// Gives a complete file its final name, so that a crash leaves one or the other.
pub(crate) fn install(temporary: &Path, path: &Path) -> Result<(), ServerError> {
    fault::pass(Point::InstallRename)
        .and_then(|()| std::fs::rename(temporary, path))
        .map_err(|error| ServerError::file("replace", path, error))?;
    fault::step(Point::InstallRenamed, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_locked_once() {
        let dir = tempfile::tempdir().unwrap();
        let held = lock(dir.path()).unwrap();
        assert!(matches!(lock(dir.path()), Err(ServerError::Locked { .. })));
        drop(held);
        assert!(lock(dir.path()).is_ok());
    }
}
