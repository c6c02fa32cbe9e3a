//! The rule of clusters that the keys of a request, or of several that run as one, share a slot.

use super::table::Command;
use crate::resp::argv::Argv;
use crate::slot;

/// The slot that keys share.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SharedSlot(Option<u16>);

impl SharedSlot {
    /// Is the key in the slot of those before it?
    pub(crate) fn add(&mut self, key: &[u8]) -> bool {
        let slot = slot::of(key);
        *self.0.get_or_insert(slot) == slot
    }

    /// Are all keys, or shard channels, of a request in the slot of those before them?
    pub(crate) fn add_keys(&mut self, command: &Command, argv: Argv<'_>) -> bool {
        let mut fits = true;
        match command.spec.name {
            "ssubscribe" | "sunsubscribe" => {
                argv.iter_from(1).for_each(|channel| fits &= self.add(channel));
            }
            "spublish" => fits = argv.get(1).is_none_or(|channel| self.add(channel)),
            _ => command.spec.keys.for_each(argv, |at| {
                fits &= argv.get(at).is_none_or(|key| self.add(key));
            }),
        }
        fits
    }
}
