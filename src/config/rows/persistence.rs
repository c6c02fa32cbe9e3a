//! Settings of what is kept on disk.

use super::super::text;
use super::{BYTES, FSYNC_POLICIES, INT, Kind, Row, Setting, number, row};

pub(super) const ROWS: &[Row] = &[
    row(
        Setting::AofLoadTruncated,
        "aof-load-truncated",
        Kind::Flag,
        "yes",
        "Start even if the last command in the append-only file is cut off; drop it.",
    ),
    row(
        Setting::AofTimestampEnabled,
        "aof-timestamp-enabled",
        Kind::Flag,
        "no",
        "Note the time in the append-only file, once a second.",
    ),
    row(
        Setting::AofUseRdbPreamble,
        "aof-use-rdb-preamble",
        Kind::Flag,
        "yes",
        "Rewrite the base of the append-only file in the form of a snapshot.",
    ),
    row(
        Setting::AppendDirName,
        "appenddirname",
        Kind::Text,
        "appendonlydir",
        "The folder of the append-only file, inside of dir.",
    )
    .at_start()
    .accepting(text::file_name),
    row(
        Setting::AppendFilename,
        "appendfilename",
        Kind::Text,
        "appendonly.aof",
        "What the names of the append-only file's parts begin with.",
    )
    .at_start()
    .accepting(text::log_name),
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
        Setting::AutoAofRewriteMinSize,
        "auto-aof-rewrite-min-size",
        BYTES,
        "67108864",
        "Least size of the append-only file for it to be rewritten unasked.",
    ),
    row(
        Setting::AutoAofRewritePercentage,
        "auto-aof-rewrite-percentage",
        INT,
        "100",
        "Growth of the append-only file after which it is rewritten unasked; 0: never.",
    ),
    row(
        Setting::DbFilename,
        "dbfilename",
        Kind::Text,
        "dump.rdb",
        "The file that SAVE and BGSAVE write, inside of dir.",
    )
    .protected()
    .accepting(text::file_name),
    row(Setting::Dir, "dir", Kind::Text, "./data", "The folder for all data.").protected(),
    row(
        Setting::KeyLoadDelay,
        "key-load-delay",
        number(i32::MIN as i64, i32::MAX as i64),
        "0",
        "Microseconds to wait after each key that is loaded; for tests.",
    )
    .hidden(),
    row(
        Setting::NoAppendFsyncOnRewrite,
        "no-appendfsync-on-rewrite",
        Kind::Flag,
        "no",
        "Leave syncs out while the append-only file is rewritten.",
    )
    .without_effect("a rewrite does not hold up syncs"),
    row(
        Setting::RdbChecksum,
        "rdbchecksum",
        Kind::Flag,
        "yes",
        "End snapshots with a checksum, and check it.",
    )
    .at_start(),
    row(
        Setting::RdbCompression,
        "rdbcompression",
        Kind::Flag,
        "yes",
        "Compress long texts in snapshots.",
    ),
    row(
        Setting::RdbKeySaveDelay,
        "rdb-key-save-delay",
        number(i32::MIN as i64, i32::MAX as i64),
        "0",
        "Microseconds to wait after each key that is saved; for tests.",
    )
    .hidden(),
    row(
        Setting::Save,
        "save",
        Kind::Text,
        "",
        "Snapshots: pairs of seconds and changes after which one is written.",
    )
    .accepting(text::save_points),
    row(
        Setting::StopWritesOnBgsaveError,
        "stop-writes-on-bgsave-error",
        Kind::Flag,
        "yes",
        "Refuse writes after a snapshot has failed, if there are save points.",
    ),
];
