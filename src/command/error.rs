//! What can go wrong in a command, with the exact texts of Redis.

use std::fmt;

use crate::store::WrongType;

/// Why a command was refused; its `Display` is the error reply without the leading `-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CommandError {
    /// A function runs, and has run for longer than it should.
    BusyFunction,
    /// A script runs, and has run for longer than it should.
    BusyScript,
    /// What a script failed with: the error of a command, which was counted when that failed.
    Counted(Box<str>),
    /// The keys lie in several slots of the cluster.
    CrossSlot,
    /// EXEC after a command was refused while queueing.
    ExecAborted,
    /// The key holds no time to live option that fits (command name).
    InvalidExpire(&'static str),
    Loading,
    /// The log cannot be written (the system's text).
    Misconfigured(Box<str>),
    NoAuth,
    /// Memory is full, and the command would take more.
    OutOfMemory,
    /// A command of this name needs a key to read from.
    NoInputKey(&'static str),
    NoScript,
    /// Snapshots cannot be written, and the settings want them.
    NoSnapshots,
    NoSuchKey,
    NotAFloat,
    NotAnInteger,
    /// Any text that needs no parameters; the code stands in front.
    Plain(&'static str),
    /// What a script failed with, or what is wrong with it; the code stands in front.
    Script(Box<str>),
    /// A RESP2 client has subscribed and can run few commands; this is none of them.
    Subscribed(&'static str),
    Syntax,
    /// A text with words of the request in it; the code stands in front.
    Text(Box<str>),
    UnknownCommand {
        name: Box<str>,
        args: Box<str>,
    },
    UnknownSubcommand {
        container: &'static str,
        name: Box<str>,
    },
    /// EXPIRE has no such option.
    UnsupportedOption(Box<str>),
    /// A command of this name got too few or too many words.
    WrongArity(Box<str>),
    WrongType,
}

/// Bytes of a word that an error shows.
pub(crate) const SHOWN_BYTES_MAX: usize = 128;

/// As much of a client's word as an error shows.
pub(crate) fn shown(word: &[u8]) -> String {
    String::from_utf8_lossy(&word[..word.len().min(SHOWN_BYTES_MAX)]).into_owned()
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::BusyFunction => {
                "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN \
                 NOSAVE."
            }
            Self::BusyScript => {
                "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN \
                 NOSAVE."
            }
            Self::CrossSlot => "CROSSSLOT Keys in request don't hash to the same slot",
            Self::ExecAborted => "EXECABORT Transaction discarded because of previous errors.",
            Self::InvalidExpire(name) => {
                return write!(f, "ERR invalid expire time in '{name}' command");
            }
            Self::Loading => "LOADING Redis is loading the dataset in memory",
            Self::Misconfigured(error) => {
                return write!(f, "MISCONF Errors writing to the AOF file: {error}");
            }
            Self::OutOfMemory => "OOM command not allowed when used memory > 'maxmemory'.",
            Self::NoAuth => "NOAUTH Authentication required.",
            Self::NoSuchKey => "ERR no such key",
            Self::NoInputKey(name) => {
                return write!(f, "ERR at least 1 input key is needed for '{name}' command");
            }
            Self::NoScript => "NOSCRIPT No matching script. Please use EVAL.",
            Self::NoSnapshots => {
                "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to \
                 persist to disk. Commands that may modify the data set are disabled, because this \
                 instance is configured to report errors during writes if RDB snapshotting fails \
                 (stop-writes-on-bgsave-error option). Please check the Redis logs for details \
                 about the RDB error."
            }
            Self::NotAFloat => "ERR value is not a valid float",
            Self::NotAnInteger => "ERR value is not an integer or out of range",
            Self::Plain(text) => text,
            Self::Counted(text) | Self::Script(text) => return f.write_str(text),
            Self::Subscribed(name) => {
                return write!(
                    f,
                    "ERR Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / \
                     QUIT / RESET are allowed in this context"
                );
            }
            Self::Syntax => "ERR syntax error",
            Self::Text(text) => text,
            Self::UnknownCommand { name, args } => {
                return write!(f, "ERR unknown command '{name}', with args beginning with: {args}");
            }
            Self::UnknownSubcommand { container, name } => {
                let container = container.to_uppercase();
                return write!(f, "ERR unknown subcommand '{name}'. Try {container} HELP.");
            }
            Self::UnsupportedOption(option) => {
                return write!(f, "ERR Unsupported option {option}");
            }
            Self::WrongArity(name) => {
                return write!(f, "ERR wrong number of arguments for '{name}' command");
            }
            Self::WrongType => "WRONGTYPE Operation against a key holding the wrong kind of value",
        };
        f.write_str(text)
    }
}

impl From<WrongType> for CommandError {
    fn from(WrongType: WrongType) -> Self {
        Self::WrongType
    }
}
