//! Client-side caching, on the call path: which keys a client reads, and which were changed.

use super::{Batch, Engine};
use crate::client::Client;
use crate::command::table::Command;
use crate::command::{Context, Flag};
use crate::config::Setting;
use crate::resp::argv::Argv;

/// Has the keys remembered that a client's command reads.
#[inline(never)]
pub(super) fn remember_keys(context: &mut Context<'_>, command: &Command, argv: Argv<'_>) {
    // What a script reads are the keys of the commands that it calls.
    let reads = command.has(Flag::ReadOnly) && !command.of_scripts;
    if !reads || !context.client.caches() {
        return;
    }
    let client = context.client.handle.id;
    command.spec.keys.for_each(argv, |at| {
        if let Some(key) = argv.get(at) {
            context.db.changes().read_by(key, client);
        }
    });
}

impl Batch<'_> {
    /// After a call: finds out who is to be told of the keys that it changed.
    pub(super) fn note_touched(&mut self, client: &mut Client, command: &Command) {
        self.tell_touched();
        let in_transaction = client.is_in_transaction();
        let Some(caching) = &mut client.caching else { return };
        let of_client = command.container.is_some_and(|container| container.name == "client");
        if !in_transaction && !of_client {
            caching.said = false;
        }
    }

    /// Remembers who read which keys, and finds out who is to be told of those changed, in order.
    #[inline]
    pub(super) fn tell_touched(&mut self) {
        if !self.changes.touched.is_empty() {
            self.apply_touched();
        }
    }

    #[inline(never)]
    fn apply_touched(&mut self) {
        let services = &self.engine.services;
        let touched = &self.changes.touched;
        services.tracking.apply(touched, &services.clients, &mut self.invalidations);
        self.changes.touched.clear();
    }
}

impl Engine {
    /// Forgets keys that clients cache beyond `tracking-table-max-keys`.
    pub(crate) fn limit_tracking(&self) {
        let services = &self.services;
        if !services.tracking.is_used() {
            return;
        }
        let keys_max = match services.config.size(Setting::TrackingTableMaxKeys) {
            0 => usize::MAX,
            keys_max => keys_max,
        };
        let mut told = Vec::new();
        services.tracking.shrink(keys_max, &services.clients, &mut told);
        let position = services.aof.appended();
        for told in told {
            services.poster().post(&told.client, &told.bytes, position);
        }
    }
}
