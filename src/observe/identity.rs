//! Who this server is: random names by which others tell it from any other.

use parking_lot::Mutex;

use crate::random::Random;

/// The names of this run of the server.
#[derive(Debug)]
pub(crate) struct Identity {
    /// Of the process.
    pub(crate) run_id: String,
    /// Of the history of its data.
    replication_id: Mutex<String>,
}

impl Identity {
    pub(crate) fn new(random: &Random) -> Self {
        Self { run_id: name(random), replication_id: Mutex::new(name(random)) }
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
    (0..5).map(|_| format!("{:08x}", random.next() >> 32)).collect()
}
