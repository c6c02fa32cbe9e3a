//! Data: what a key can hold. Knows no keys, clients, replies or time.

mod audit;
pub(crate) mod bits;
mod directory;
pub(crate) mod field_expiry;
pub(crate) mod geohash;
pub(crate) mod hash;
pub(crate) mod hyperloglog;
pub(crate) mod int_set;
pub(crate) mod list;
mod long_bytes;
pub(crate) mod packed;
pub(crate) mod packed_map;
pub(crate) mod packed_run;
pub(crate) mod packed_table;
pub(crate) mod room;
pub(crate) mod set;
pub(crate) mod small_bytes;
pub(crate) mod sorted_set;
pub(crate) mod step;
pub(crate) mod stream;
pub(crate) mod string;
pub(crate) mod table;
pub(crate) mod value;
