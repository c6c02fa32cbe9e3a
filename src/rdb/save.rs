//! Writing a whole file under a temporary name, and putting it in place when it is durable.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use super::Writer;
use crate::aof::folder::{TEMPORARY, install};
use crate::error::ServerError;
use crate::fault::{self, Point};

const BUFFER_BYTES: usize = 1 << 20;

/// How a file is written.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) compresses: bool,
    pub(crate) has_checksum: bool,
    /// Auxiliary fields.
    pub(crate) fields: Vec<(&'static str, String)>,
}

/// Writes the file at `path` with what `write` gives; a crash leaves the old one or the new one.
/// Returns its size.
pub(crate) fn save(
    path: &Path,
    options: &Options,
    write: impl FnOnce(&mut Writer<BufWriter<File>>) -> io::Result<()>,
) -> Result<u64, ServerError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!("{TEMPORARY}{name}"));
    let written = write_temporary(&temporary, options, write);
    let len = written.map_err(|error| {
        drop(std::fs::remove_file(&temporary));
        ServerError::file("write", &temporary, error)
    })?;
    install(&temporary, path)?;
    Ok(len)
}

fn write_temporary(
    path: &Path,
    options: &Options,
    write: impl FnOnce(&mut Writer<BufWriter<File>>) -> io::Result<()>,
) -> io::Result<u64> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut open = std::fs::OpenOptions::new();
    let file = open.create(true).truncate(true).write(true).mode(0o600).open(path)?;
    let buffered = BufWriter::with_capacity(BUFFER_BYTES, file);
    let Options { compresses, has_checksum, fields } = options;
    let mut writer = Writer::new(buffered, *compresses, *has_checksum, fields)?;
    write(&mut writer)?;
    let (buffered, len) = writer.finish()?;
    let file = buffered.into_inner().map_err(io::IntoInnerError::into_error)?;
    fault::pass(Point::SnapshotSync)?;
    file.sync_all()?;
    Ok(len)
}
