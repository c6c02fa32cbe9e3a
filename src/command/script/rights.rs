//! What a script may do.

use crate::command::one_slot::SharedSlot;
use crate::command::{CommandError, Context, Mode};
use crate::config::Setting;
use crate::script::shebang::Flags;

/// What a script may do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rights {
    pub(super) read_only: bool,
    /// May it call what takes more memory?
    pub(super) may_grow: bool,
    /// In a cluster, the slot of its keys, if it may not go beyond that.
    pub(super) shared_slot: Option<SharedSlot>,
}

impl Rights {
    /// The rights of a script with these flags; the error if it may not run at all.
    pub(crate) fn of(
        context: &Context<'_>,
        flags: Flags,
        read_only: bool,
    ) -> Result<Self, CommandError> {
        let services = context.services;
        let harmless = flags.contains(Flags::NO_WRITES);
        let is_checked = context.mode != Mode::Replay;
        let is_limited = services.config.size(Setting::MaxMemory) > 0;
        let is_full = is_checked
            && !flags.contains(Flags::ALLOW_OOM)
            && is_limited
            && context.client.lacks_memory;
        if !flags.contains(Flags::COMPATIBLE) && !harmless {
            if read_only {
                let text = "ERR Can not execute a script with write flag using *_ro command.";
                return Err(CommandError::Plain(text));
            }
            if let Some(error) = services.refuses_writes().filter(|_| is_checked) {
                return Err(error);
            }
            if is_full {
                let text = "OOM allow-oom flag is not set on the script, can not run it when \
                            used memory > 'maxmemory'";
                return Err(CommandError::Plain(text));
            }
        }
        let is_cluster = context.is_cluster();
        if is_cluster && flags.contains(Flags::NO_CLUSTER) {
            let text = "ERR Can not run script on cluster, 'no-cluster' flag is set.";
            return Err(CommandError::Plain(text));
        }
        let is_bound = is_cluster
            && !flags.contains(Flags::COMPATIBLE)
            && !flags.contains(Flags::ALLOW_CROSS_SLOT_KEYS);
        let shared_slot = is_bound.then(SharedSlot::default);
        Ok(Self { read_only: read_only || harmless, may_grow: !is_full, shared_slot })
    }

    /// The keys that were declared say which slot is meant; they share one.
    pub(crate) fn bind_to<'k>(&mut self, mut keys: impl Iterator<Item = &'k [u8]>) {
        if let (Some(shared), Some(key)) = (&mut self.shared_slot, keys.next()) {
            shared.add(key);
        }
    }
}
