//! What can keep the server from starting or going on; each names the action and the place.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A failure of the server itself.
#[derive(Debug)]
pub enum ServerError {
    /// Not a failure: the text that `--help` or `--version` asked for.
    Asked(String),
    /// An address cannot be listened on.
    Bind {
        /// The address.
        address: String,
        /// Why.
        error: io::Error,
    },
    /// The append-only file cannot be understood.
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The offset of the first byte that makes no sense.
        offset: u64,
        /// What is wrong there.
        reason: String,
    },
    /// A file or folder cannot be used.
    File {
        /// What was tried, as in "cannot <action>".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Another server uses the data folder.
    Locked {
        /// The file that it holds locked.
        path: PathBuf,
    },
    /// A server that was asked gave no answer, or one that says that it does not serve.
    NoAnswer {
        /// Where it was looked for.
        address: String,
        /// Why.
        reason: String,
    },
    /// The system refused something that every server needs.
    System {
        /// What was tried, as in "cannot <action>".
        action: &'static str,
        /// Why.
        error: io::Error,
    },
    /// An option, a configuration file or a value is wrong.
    Usage(String),
}

impl ServerError {
    /// A failed action on a file.
    pub(crate) fn file(action: &'static str, path: &Path, error: io::Error) -> Self {
        Self::File { action, path: path.to_owned(), error }
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked(text) | Self::Usage(text) => f.write_str(text),
            Self::Bind { address, error } => write!(f, "cannot listen on {address}: {error}"),
            Self::Corrupt { path, offset, reason } => {
                write!(
                    f,
                    "{} is damaged at byte {offset}: {reason}; look at it with `respq check-aof`, \
                     or restore a copy",
                    path.display()
                )
            }
            Self::File { action, path, error } => {
                write!(f, "cannot {action} {}: {error}", path.display())
            }
            Self::Locked { path } => {
                write!(f, "another server uses this folder: {} is locked", path.display())
            }
            Self::NoAnswer { address, reason } => {
                write!(f, "no answer from {address}: {reason}")
            }
            Self::System { action, error } => write!(f, "cannot {action}: {error}"),
        }
    }
}

impl std::error::Error for ServerError {}
