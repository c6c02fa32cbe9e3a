//! Who this server is: random names by which others tell it from any other.

use parking_lot::Mutex;

use crate::number::write_hex;
use crate::random::Random;

/// The names of a node of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeNames {
    pub(crate) node_id: String,
    pub(crate) shard_id: String,
}

/// The names of the server.
#[derive(Debug)]
pub(crate) struct Identity {
    /// Of the process.
    pub(crate) run_id: String,
    node: Mutex<NodeNames>,
    /// Of the history of its data.
    replication_id: Mutex<String>,
}

impl Identity {
    pub(crate) fn new(random: &Random) -> Self {
        let node = NodeNames { node_id: name(random), shard_id: name(random) };
        let replication_id = Mutex::new(name(random));
        Self { run_id: name(random), node: Mutex::new(node), replication_id }
    }

    /// What it is called as a node of a cluster.
    pub(crate) fn node(&self) -> NodeNames {
        self.node.lock().clone()
    }

    /// It was called so before.
    pub(crate) fn is_node(&self, names: NodeNames) {
        *self.node.lock() = names;
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
