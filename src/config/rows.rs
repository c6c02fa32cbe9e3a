//! The table of settings.

use super::ConfigError;

/// What values a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A number of bytes, such as `64mb`.
    Bytes {
        min: i64,
        max: i64,
    },
    /// `yes` or `no`.
    Flag,
    Number {
        min: i64,
        max: i64,
    },
    /// File permissions.
    Octal,
    /// Any text that the row's `check` lets pass.
    Text,
    /// One of these words; the value is its place.
    Word(&'static [&'static str]),
}

/// When a setting can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// At any time, by CONFIG SET.
    Anytime,
    /// Only before the server starts.
    AtStart,
}

/// A row of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) setting: Setting,
    pub(crate) name: &'static str,
    /// Older names.
    pub(crate) aliases: &'static [&'static str],
    pub(crate) kind: Kind,
    pub(crate) default: &'static str,
    pub(crate) change: Change,
    /// Checks a [`Kind::Text`].
    pub(crate) check: fn(&str) -> Result<(), ConfigError>,
    /// A sentence for `--help`.
    pub(crate) doc: &'static str,
}

/// A setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the rows describe them")]
pub enum Setting {
    ActiveExpire,
    AppendDirName,
    AppendFilename,
    AppendFsync,
    AppendOnly,
    AofLoadTruncated,
    Bind,
    Databases,
    Dir,
    HashMaxListpackEntries,
    HashMaxListpackValue,
    Hz,
    LogFile,
    LogLevel,
    MaxClients,
    Port,
    ProtoMaxBulkLen,
    RequirePass,
    Save,
    SetMaxIntsetEntries,
    SetMaxListpackEntries,
    SetMaxListpackValue,
    Shards,
    TcpBacklog,
    TcpKeepalive,
    Threads,
    Timeout,
}

/// Words of `loglevel`, from most to least.
pub(crate) const LOG_LEVELS: &[&str] = &["debug", "verbose", "notice", "warning", "nothing"];
/// Words of `appendfsync`.
pub(crate) const FSYNC_POLICIES: &[&str] = &["everysec", "always", "no"];

const ANY: fn(&str) -> Result<(), ConfigError> = |_| Ok(());

/// A setting whose text or number can be changed at any time.
const fn row(
    setting: Setting,
    name: &'static str,
    kind: Kind,
    default: &'static str,
    doc: &'static str,
) -> Row {
    Row { setting, name, aliases: &[], kind, default, change: Change::Anytime, check: ANY, doc }
}

impl Row {
    const fn also(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    const fn at_start(mut self) -> Self {
        self.change = Change::AtStart;
        self
    }

    const fn checked(mut self, check: fn(&str) -> Result<(), ConfigError>) -> Self {
        self.check = check;
        self
    }
}

fn not_a_path(value: &str) -> Result<(), ConfigError> {
    if value.is_empty() || value.contains('/') {
        return Err(ConfigError::Plain("must be a name, not a path"));
    }
    Ok(())
}

/// Pairs of numbers, or nothing.
fn save_points(value: &str) -> Result<(), ConfigError> {
    let words: Vec<&str> = value.split_whitespace().filter(|word| *word != "\"\"").collect();
    let numbers = words.iter().all(|word| word.parse::<u32>().is_ok());
    let fits = numbers && words.len().is_multiple_of(2);
    if fits { Ok(()) } else { Err(ConfigError::Plain("Invalid save parameters")) }
}

const COUNT: Kind = Kind::Number { min: 0, max: i64::MAX };
const SIZE: Kind = Kind::Bytes { min: 0, max: i64::MAX };

pub(crate) const ROWS: &[Row] = &[
    row(
        Setting::ActiveExpire,
        "active-expire",
        Kind::Flag,
        "yes",
        "Remove expired keys that nobody asks for.",
    ),
    row(
        Setting::AppendDirName,
        "appenddirname",
        Kind::Text,
        "appendonlydir",
        "The folder of the append-only file, inside of dir.",
    )
    .at_start()
    .checked(not_a_path),
    row(
        Setting::AppendFilename,
        "appendfilename",
        Kind::Text,
        "appendonly.aof",
        "What the names of the append-only file's parts begin with.",
    )
    .at_start()
    .checked(not_a_path),
    row(
        Setting::AppendFsync,
        "appendfsync",
        Kind::Word(FSYNC_POLICIES),
        "everysec",
        "When written commands are forced to disk: before the reply, once a second, or when the \
         system likes.",
    ),
    row(
        Setting::AppendOnly,
        "appendonly",
        Kind::Flag,
        "yes",
        "Keep all data on disk in an append-only file.",
    ),
    row(
        Setting::AofLoadTruncated,
        "aof-load-truncated",
        Kind::Flag,
        "yes",
        "Start even if the last command in the append-only file is cut off; drop it.",
    ),
    row(
        Setting::Bind,
        "bind",
        Kind::Text,
        "127.0.0.1",
        "Addresses to listen on; one behind a minus sign may be missing.",
    )
    .at_start(),
    row(
        Setting::Databases,
        "databases",
        Kind::Number { min: 1, max: 1024 },
        "16",
        "Number of databases.",
    )
    .at_start(),
    row(Setting::Dir, "dir", Kind::Text, "./data", "The folder for all data.").at_start(),
    row(
        Setting::HashMaxListpackEntries,
        "hash-max-listpack-entries",
        COUNT,
        "128",
        "Most fields of a hash that is kept packed.",
    )
    .also(&["hash-max-ziplist-entries"]),
    row(
        Setting::HashMaxListpackValue,
        "hash-max-listpack-value",
        SIZE,
        "64",
        "Longest field or value of a hash that is kept packed.",
    )
    .also(&["hash-max-ziplist-value"]),
    row(
        Setting::Hz,
        "hz",
        Kind::Number { min: 1, max: 500 },
        "10",
        "How often a second background work runs.",
    ),
    row(Setting::LogFile, "logfile", Kind::Text, "", "A file for the log; none: standard output.")
        .at_start(),
    row(Setting::LogLevel, "loglevel", Kind::Word(LOG_LEVELS), "notice", "How much is logged."),
    row(
        Setting::MaxClients,
        "maxclients",
        Kind::Number { min: 1, max: 4_294_967_295 },
        "10000",
        "Most clients at a time.",
    ),
    row(
        Setting::Port,
        "port",
        Kind::Number { min: 0, max: 65535 },
        "6379",
        "The TCP port; 0 on the command line: any that is free.",
    )
    .at_start(),
    row(
        Setting::ProtoMaxBulkLen,
        "proto-max-bulk-len",
        Kind::Bytes { min: 1024 * 1024, max: i64::MAX },
        "536870912",
        "Longest argument of a command.",
    ),
    row(
        Setting::RequirePass,
        "requirepass",
        Kind::Text,
        "",
        "The password that AUTH must give; none: no AUTH is needed.",
    ),
    row(
        Setting::Save,
        "save",
        Kind::Text,
        "",
        "Snapshots by time and changes; accepted empty, as all data are in the append-only file.",
    )
    .checked(save_points),
    row(
        Setting::SetMaxIntsetEntries,
        "set-max-intset-entries",
        COUNT,
        "512",
        "Most members of a set of integers that is kept packed.",
    ),
    row(
        Setting::SetMaxListpackEntries,
        "set-max-listpack-entries",
        COUNT,
        "128",
        "Most members of a set that is kept packed.",
    ),
    row(
        Setting::SetMaxListpackValue,
        "set-max-listpack-value",
        SIZE,
        "64",
        "Longest member of a set that is kept packed.",
    ),
    row(
        Setting::Shards,
        "shards",
        Kind::Number { min: 1, max: 64 },
        "16",
        "Parts of the keyspace with a lock each; rounded up to a power of two.",
    )
    .at_start(),
    row(
        Setting::TcpBacklog,
        "tcp-backlog",
        COUNT,
        "511",
        "Connections that may wait to be accepted.",
    )
    .at_start(),
    row(
        Setting::TcpKeepalive,
        "tcp-keepalive",
        COUNT,
        "300",
        "Seconds after which a silent peer is probed; 0: never.",
    ),
    row(
        Setting::Threads,
        "io-threads",
        Kind::Number { min: 0, max: 128 },
        "0",
        "Threads that serve clients; 0: one for each core.",
    )
    .at_start(),
    row(
        Setting::Timeout,
        "timeout",
        Kind::Number { min: 0, max: 2_147_483_647 },
        "0",
        "Seconds after which an idle client is disconnected; 0: never.",
    ),
];
