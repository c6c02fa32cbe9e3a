//! The keyspace: shards of keys behind locks, and the view of them that commands get.
//!
//! ```text
//! Keyspace   16 shards, each an Arc<Mutex<Shard>>         keyspace.rs
//!   Shard      per database: keys, expiry index,           shard.rs
//!              waiting and watching clients per key
//! Locked     some shards, locked in ascending order       keyspace.rs
//!   Db         one database of them, for one command       db.rs; where a key is: find.rs
//! ```

mod audit;
pub(crate) mod changes;
pub(crate) mod db;
pub(crate) mod evict;
pub(crate) mod expiry;
pub(crate) mod figures;
mod find;
pub(crate) mod keyspace;
mod parts;
pub(crate) mod reclaim;
pub(crate) mod shard;
pub(crate) mod snapshot;
pub(crate) mod usage;

pub(crate) use changes::{Changes, Class, Touch, Touched};
pub(crate) use db::{Db, WrongType};
pub(crate) use evict::Eviction;
pub(crate) use find::Location;
pub(crate) use keyspace::{Keyspace, Locked, ShardSet};
pub(crate) use reclaim::Reclaim;
pub(crate) use usage::Usage;
