//! The table of settings: what a row is, and the groups of rows.

use std::sync::OnceLock;

use super::ConfigError;

mod data;
mod inert;
mod network;
mod operation;
mod persistence;

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
    /// Any text that the row's `accept` lets pass.
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
    /// By CONFIG SET only if `enable-protected-configs` allows it, as it names files.
    Protected,
}

/// What becomes of a setting's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It does what redis.conf says.
    Full,
    /// It is kept and shown, and nothing depends on it; why.
    None(&'static str),
    /// Any other value than the default is an error, as ignoring it would be unsafe; why.
    Refused(&'static str),
}

/// Turns the text given for a setting, whose text was `old`, into the text to keep.
pub(crate) type Accept = fn(old: &str, new: &str) -> Result<String, ConfigError>;

/// A row of the table.
#[derive(Debug)]
pub(crate) struct Row {
    /// Absent where nothing in the server asks for the value.
    pub(crate) setting: Option<Setting>,
    pub(crate) name: &'static str,
    /// Older names.
    pub(crate) aliases: &'static [&'static str],
    pub(crate) kind: Kind,
    pub(crate) default: &'static str,
    pub(crate) change: Change,
    pub(crate) effect: Effect,
    /// Is it left out where patterns are asked for?
    pub(crate) hidden: bool,
    /// For a [`Kind::Text`].
    pub(crate) accept: Accept,
    /// A sentence for `--help`.
    pub(crate) doc: &'static str,
}

/// A setting that has an effect, in the order of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the rows describe them")]
pub enum Setting {
    // network.rs
    Bind,
    ClientDefaultResp,
    ClientOutputBufferLimit,
    ClientQueryBufferLimit,
    ClusterAnnounceIp,
    ClusterAnnouncePort,
    ClusterAnnounceTlsPort,
    ClusterConfigFile,
    ClusterEnabled,
    Threads,
    MaxClients,
    MaxMemoryClients,
    Port,
    ProtectedMode,
    ProtoMaxBulkLen,
    RequirePass,
    TcpBacklog,
    TcpKeepalive,
    Timeout,
    TlsAuthClients,
    TlsCaCertDir,
    TlsCaCertFile,
    TlsCertFile,
    TlsCiphers,
    TlsCiphersuites,
    TlsKeyFile,
    TlsPort,
    TlsPreferServerCiphers,
    TlsProtocols,
    TlsSessionCacheSize,
    TlsSessionCaching,
    TrackingTableMaxKeys,
    UnixSocket,
    UnixSocketPerm,
    // data.rs
    ActiveExpire,
    ActiveExpireEffort,
    BusyReplyThreshold,
    Databases,
    HashMaxListpackEntries,
    HashMaxListpackValue,
    HllSparseMaxBytes,
    LazyfreeLazyEviction,
    LazyfreeLazyExpire,
    LazyfreeLazyServerDel,
    LazyfreeLazyUserDel,
    LazyfreeLazyUserFlush,
    LfuDecayTime,
    LfuLogFactor,
    ListCompressDepth,
    ListMaxListpackSize,
    MaxMemory,
    MaxMemoryEvictionTenacity,
    MaxMemoryPolicy,
    MaxMemorySamples,
    NotifyKeyspaceEvents,
    SetMaxIntsetEntries,
    SetMaxListpackEntries,
    SetMaxListpackValue,
    Shards,
    StreamNodeMaxBytes,
    StreamNodeMaxEntries,
    ZsetMaxListpackEntries,
    ZsetMaxListpackValue,
    // persistence.rs
    AofLoadTruncated,
    AofTimestampEnabled,
    AofUseRdbPreamble,
    AppendDirName,
    AppendFilename,
    AppendFsync,
    AppendOnly,
    AutoAofRewriteMinSize,
    AutoAofRewritePercentage,
    DbFilename,
    Dir,
    KeyLoadDelay,
    NoAppendFsyncOnRewrite,
    RdbChecksum,
    RdbCompression,
    RdbKeySaveDelay,
    Save,
    StopWritesOnBgsaveError,
    // operation.rs
    AclFile,
    AclLogMaxLen,
    AclPubsubDefault,
    EnableDebugCommand,
    EnableProtectedConfigs,
    Hz,
    LatencyMonitorThreshold,
    LatencyTracking,
    LatencyTrackingInfoPercentiles,
    LogFile,
    LogLevel,
    PidFile,
    ShutdownTimeout,
    SlowlogLogSlowerThan,
    SlowlogMaxLen,
    Supervised,
}

impl Setting {
    /// Its row.
    pub(crate) fn row(self) -> &'static Row {
        rows()[self as usize]
    }
}

/// All rows; those of the settings first, in their order.
pub(crate) fn rows() -> &'static [&'static Row] {
    static ALL: OnceLock<Vec<&'static Row>> = OnceLock::new();
    ALL.get_or_init(|| {
        [network::ROWS, data::ROWS, persistence::ROWS, operation::ROWS, inert::ROWS]
            .into_iter()
            .flatten()
            .collect()
    })
}

/// The heading under which `--help` shows the row at this place.
pub(super) fn heading(place: usize) -> &'static str {
    let groups = [
        ("Network", network::ROWS.len()),
        ("Data", data::ROWS.len()),
        ("Persistence", persistence::ROWS.len()),
        ("Operation", operation::ROWS.len()),
    ];
    let mut end = 0;
    let of_place = groups.into_iter().find(|(_, rows)| {
        end += rows;
        place < end
    });
    match of_place {
        Some(_) if rows()[place].name.starts_with("tls-") => "Encryption",
        Some((name, _)) => name,
        None => "Without effect",
    }
}

const AS_IT_IS: Accept = |_, new| Ok(new.to_owned());

/// A setting that can be changed at any time.
const fn row(
    setting: Setting,
    name: &'static str,
    kind: Kind,
    default: &'static str,
    doc: &'static str,
) -> Row {
    Row {
        setting: Some(setting),
        name,
        aliases: &[],
        kind,
        default,
        change: Change::Anytime,
        effect: Effect::Full,
        hidden: false,
        accept: AS_IT_IS,
        doc,
    }
}

impl Row {
    const fn at_start(mut self) -> Self {
        self.change = Change::AtStart;
        self
    }

    const fn protected(mut self) -> Self {
        self.change = Change::Protected;
        self
    }

    const fn accepting(mut self, accept: Accept) -> Self {
        self.accept = accept;
        self
    }

    const fn alias(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    const fn without_effect(mut self, why: &'static str) -> Self {
        self.effect = Effect::None(why);
        self
    }

    const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }
}

const fn number(min: i64, max: i64) -> Kind {
    Kind::Number { min, max }
}

/// A count without a bound.
const COUNT: Kind = number(0, i64::MAX);
/// A count as Redis bounds it where it keeps 32 bits.
const INT: Kind = number(0, i32::MAX as i64);
/// Any number of bytes.
const BYTES: Kind = Kind::Bytes { min: 0, max: i64::MAX };

/// Words of `loglevel`, from most to least.
pub(crate) const LOG_LEVELS: &[&str] = &["debug", "verbose", "notice", "warning", "nothing"];
/// Words of `appendfsync`.
pub(crate) const FSYNC_POLICIES: &[&str] = &["everysec", "always", "no"];
/// Words of `maxmemory-policy`.
pub(crate) const EVICTION_POLICIES: &[&str] = &[
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "noeviction",
];
/// Words of `tls-auth-clients`.
pub(crate) const TLS_AUTH_CLIENTS: &[&str] = &["no", "yes", "optional"];
/// Words of `supervised`.
pub(crate) const SUPERVISORS: &[&str] = &["no", "systemd", "auto"];
/// Words of the settings that allow risky commands.
pub(crate) const PERMISSIONS: &[&str] = &["no", "yes", "local"];
