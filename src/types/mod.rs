//! Data: what a key can hold. Knows no keys, clients, replies or time.

pub(crate) mod list;
pub(crate) mod packed;
pub(crate) mod string;
pub(crate) mod table;
pub(crate) mod value;
