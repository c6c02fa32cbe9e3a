//! Settings of the process and of what it tells about itself.

use super::super::text;
use super::{COUNT, INT, Kind, LOG_LEVELS, PERMISSIONS, Row, SUPERVISORS, Setting, number, row};

pub(super) const ROWS: &[Row] = &[
    row(
        Setting::AclFile,
        "aclfile",
        Kind::Text,
        "",
        "A file of users, for ACL LOAD and ACL SAVE; none: users stand in the configuration file.",
    )
    .at_start(),
    row(Setting::AclLogMaxLen, "acllog-max-len", COUNT, "128", "Most entries of ACL LOG."),
    row(
        Setting::AclPubsubDefault,
        "acl-pubsub-default",
        Kind::Word(&["allchannels", "resetchannels"]),
        "resetchannels",
        "Do new users have all channels, or none?",
    ),
    row(
        Setting::EnableDebugCommand,
        "enable-debug-command",
        Kind::Word(PERMISSIONS),
        "no",
        "May clients use DEBUG: none, all, or those of this machine?",
    )
    .at_start(),
    row(
        Setting::EnableProtectedConfigs,
        "enable-protected-configs",
        Kind::Word(PERMISSIONS),
        "no",
        "May clients change settings that name files: none, all, or those of this machine?",
    )
    .at_start(),
    row(Setting::Hz, "hz", number(1, 500), "10", "How often a second background work runs."),
    row(
        Setting::LatencyMonitorThreshold,
        "latency-monitor-threshold",
        COUNT,
        "0",
        "Milliseconds from which on LATENCY notes a command; 0: none.",
    ),
    row(
        Setting::LatencyTracking,
        "latency-tracking",
        Kind::Flag,
        "yes",
        "Keep the times that each command took, for INFO latencystats.",
    ),
    row(
        Setting::LatencyTrackingInfoPercentiles,
        "latency-tracking-info-percentiles",
        Kind::Text,
        "50 99 99.9",
        "Percentiles that INFO latencystats shows.",
    )
    .accepting(text::percentiles),
    row(Setting::LogFile, "logfile", Kind::Text, "", "A file for the log; none: standard output.")
        .at_start(),
    row(Setting::LogLevel, "loglevel", Kind::Word(LOG_LEVELS), "notice", "How much is logged."),
    row(
        Setting::PidFile,
        "pidfile",
        Kind::Text,
        "",
        "A file for the number of the process; removed at the end.",
    )
    .at_start(),
    row(
        Setting::ShutdownTimeout,
        "shutdown-timeout",
        INT,
        "10",
        "Seconds that clients have for their last replies when the server stops.",
    )
    .without_effect("there are no replicas to wait for"),
    row(
        Setting::SlowlogLogSlowerThan,
        "slowlog-log-slower-than",
        number(-1, i64::MAX),
        "10000",
        "Microseconds from which on SLOWLOG notes a command; negative: none.",
    ),
    row(Setting::SlowlogMaxLen, "slowlog-max-len", COUNT, "128", "Most entries of SLOWLOG."),
    row(
        Setting::Supervised,
        "supervised",
        Kind::Word(SUPERVISORS),
        "no",
        "Tell the service manager when data are loaded: if it is systemd, or if one asks for it.",
    )
    .at_start(),
];
