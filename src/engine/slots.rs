//! The rule of clusters: the keys of a request, or of a transaction, share a slot.

use super::Engine;
use crate::client::Client;
use crate::command::CommandError;
use crate::command::one_slot::SharedSlot;
use crate::command::table::{Command, table};
use crate::resp::argv::Argv;

impl Engine {
    /// Are there keys in other databases than the first?
    pub(crate) fn uses_several_databases(&self) -> bool {
        let keyspace = &self.services.keyspace;
        let mut locked = keyspace.lock(keyspace.all());
        locked.iter_mut().any(|shard| shard.dbs().iter().skip(1).any(|db| !db.keys.is_empty()))
    }
}

/// Refuses a request with keys in several slots; EXEC stands for what it would run.
#[inline(never)]
pub(super) fn require_one_slot(
    command: &Command,
    argv: Argv<'_>,
    client: &Client,
) -> Result<(), CommandError> {
    let mut shared = SharedSlot::default();
    if command.spec.name != "exec" {
        return shared.add_keys(command, argv).then_some(()).ok_or(CommandError::CrossSlot);
    }
    for argv in client.queued() {
        let argv = argv.as_argv();
        let Some(command) = table().resolve(argv) else { continue };
        if !shared.add_keys(command, argv) {
            return Err(CommandError::CrossSlot);
        }
    }
    Ok(())
}
