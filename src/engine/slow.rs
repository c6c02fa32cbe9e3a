//! What took long: the slow log and the latency monitor.

use crate::client::Handle;
use crate::command::table::Command;
use crate::command::{Flag, Services};
use crate::config::Setting;
use crate::observe::latency::Spike;
use crate::observe::slowlog::{SlowCall, trimmed};
use crate::resp::request::Argv;

impl Services {
    /// Notes a call in the slow log and the latency monitor, if it took as long as they want.
    pub(super) fn note_if_slow(&self, command: &Command, client: &Handle, argv: Argv<'_>, ns: u64) {
        let us = ns / 1000;
        let limit_us = self.config.number(Setting::SlowlogLogSlowerThan);
        if u64::try_from(limit_us).is_ok_and(|limit| us >= limit) && !command.has(Flag::SkipSlowlog)
        {
            self.note_slow(client, argv, us);
        }
        let threshold_ms = self.config.number(Setting::LatencyMonitorThreshold);
        let ms = us / 1000;
        if threshold_ms > 0 && u64::try_from(threshold_ms).is_ok_and(|limit| ms >= limit) {
            let event = if command.has(Flag::Fast) { "fast-command" } else { "command" };
            self.latency.note(event, Spike { at_s: self.clock.now_ms() / 1000, ms });
        }
    }

    fn note_slow(&self, client: &Handle, argv: Argv<'_>, us: u64) {
        let call = SlowCall {
            id: 0,
            at_s: self.clock.now_ms() / 1000,
            us,
            words: trimmed(argv),
            client_address: client.peer.address.as_str().into(),
            client_name: client.name.lock().clone(),
        };
        self.slowlog.note(call, self.config.size(Setting::SlowlogMaxLen));
    }
}
