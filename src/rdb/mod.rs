//! RDB: the binary form of keys and values in snapshots, in the base of the log, and in DUMP.
//!
//! Versions up to 12 are read, with every encoding of strings, lists, hashes, sets, sorted sets and
//! streams. Written is version 10 in the plain encodings, which redis-server 7.0 and later read;
//! a hash with fields that expire takes an encoding of version 12, as no older one can hold it.
//!
//! ```text
//! file     "REDIS0010", auxiliary fields, entries, end mark, CRC-64
//! entry    [expiry] [idle time | access count] type key object
//! dump     type object, version (2 bytes), CRC-64
//! ```
//!
//! Nothing in here trusts its input: a payload of RESTORE comes from anyone.

use std::fmt;
use std::io;

use crate::types::packed_map;
use crate::types::set::SetLimits;
use crate::types::stream::BlockLimits;

mod blocks;
mod crc64;
mod decode;
mod dump;
mod encode;
mod file;
mod input;
mod listpack;
mod load;
mod lzf;
mod output;
mod packed;
mod save;
mod skip;
mod stream;

pub(crate) use dump::{dump, restore};
pub(crate) use file::{Attributes, Writer, is_rdb};
pub(crate) use load::{Item, load};
pub(crate) use save::{Options, save};

/// Why an RDB file or payload cannot be read.
#[derive(Debug)]
pub(crate) enum RdbError {
    Corrupt(&'static str),
    EndOfInput,
    Io(io::Error),
    /// A value of a module, which only that module can read.
    Module,
    /// Not a version that is known.
    Version(u32),
}

impl fmt::Display for RdbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Corrupt(reason) => f.write_str(reason),
            Self::EndOfInput => f.write_str("the data are cut short"),
            Self::Io(error) => error.fmt(f),
            Self::Module => f.write_str("a value belongs to a module of Redis"),
            Self::Version(version) => write!(f, "version {version} of RDB is not known"),
        }
    }
}

impl From<io::Error> for RdbError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::EndOfInput,
            _ => Self::Io(error),
        }
    }
}

/// How large values may get before they leave their packed form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) hash: packed_map::Limits,
    pub(crate) set: SetLimits,
    pub(crate) sorted_set: packed_map::Limits,
    pub(crate) stream: BlockLimits,
}

impl Default for Limits {
    /// As the settings are by default.
    fn default() -> Self {
        let packed = packed_map::Limits { entries: 128, value_bytes: 64 };
        Self {
            hash: packed,
            set: SetLimits { integers: 512, packed },
            sorted_set: packed,
            stream: BlockLimits { bytes_max: 65536, entries_max: 100 },
        }
    }
}

/// The types of objects, by the numbers that stand before them.
mod kind {
    pub(super) const STRING: u8 = 0;
    pub(super) const LIST: u8 = 1;
    pub(super) const SET: u8 = 2;
    pub(super) const SORTED_SET_TEXT: u8 = 3;
    pub(super) const HASH: u8 = 4;
    pub(super) const SORTED_SET: u8 = 5;
    pub(super) const MODULE_1: u8 = 6;
    pub(super) const MODULE_2: u8 = 7;
    pub(super) const HASH_ZIPMAP: u8 = 9;
    pub(super) const LIST_ZIPLIST: u8 = 10;
    pub(super) const SET_INTSET: u8 = 11;
    pub(super) const SORTED_SET_ZIPLIST: u8 = 12;
    pub(super) const HASH_ZIPLIST: u8 = 13;
    pub(super) const LIST_QUICKLIST: u8 = 14;
    pub(super) const STREAM_1: u8 = 15;
    pub(super) const HASH_LISTPACK: u8 = 16;
    pub(super) const SORTED_SET_LISTPACK: u8 = 17;
    pub(super) const LIST_QUICKLIST_2: u8 = 18;
    pub(super) const STREAM_2: u8 = 19;
    pub(super) const SET_LISTPACK: u8 = 20;
    pub(super) const STREAM_3: u8 = 21;
    pub(super) const HASH_EXPIRING: u8 = 24;
    pub(super) const HASH_EXPIRING_LISTPACK: u8 = 25;
}

#[cfg(test)]
mod tests;
