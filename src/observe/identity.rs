//! Who this server is: random names by which others tell it from any other.

use parking_lot::Mutex;

use crate::number::write_hex;
use crate::random::Random;

/// The names of this run of the server.
#[derive(Debug)]
#[expect(clippy::struct_field_names, reason = "INFO and CLUSTER call them so")]
pub(crate) struct Identity {
    /// Of the process.
    pub(crate) run_id: String,
    /// As a node of a cluster.
    pub(crate) node_id: String,
    /// As a shard of a cluster.
    pub(crate) shard_id: String,
    /// Of the history of its data.
    replication_id: Mutex<String>,
}

impl Identity {
    pub(crate) fn new(random: &Random) -> Self {
        Self {
            run_id: name(random),
            node_id: name(random),
            shard_id: name(random),
            replication_id: Mutex::new(name(random)),
        }
    }

    pub(crate) fn replication_id(&self) -> String {
        self.replication_id.lock().clone()
    }

    /// Takes a new replication id.
    pub(crate) fn change_replication_id(&self, random: &Random) {
        *self.replication_id.lock() = name(random);
    }
}

/// Forty random hexadecimal digits.
fn name(random: &Random) -> String {
    let mut name = String::new();
    for _ in 0..5 {
        write_hex(&mut name, random.next() >> 32, 8);
    }
    name
}
