//! What took long: the slow log and the latency monitor.

use super::Engine;
use crate::client::Handle;
use crate::client::monitor::secrets;
use crate::command::table::Command;
use crate::command::{Flag, Services};
use crate::config::Setting;
use crate::observe::latency::Spike;
use crate::observe::slowlog::{SlowCall, trimmed};
use crate::observe::{Call, Tally};
use crate::resp::argv::{Argv, OwnedArgv};

/// What stands in the log for a secret.
const REDACTED: &[u8] = b"(redacted)";

impl Services {
    /// Counts a call of a command.
    pub(super) fn count_call(&self, command: &Command, ns: u64, failed: bool) {
        self.stats.called_once(self.to_count(command, ns, failed));
    }

    /// Counts calls that ran; to be called before a command that may show the counts.
    pub(super) fn count_calls(&self, calls: &mut Tally) {
        if !calls.is_empty() {
            self.stats.called(calls);
            calls.clear();
        }
    }

    /// A call of a command, to be counted.
    pub(super) fn to_count(&self, command: &Command, ns: u64, failed: bool) -> Call {
        let tracked = self.config.flag(Setting::LatencyTracking);
        Call { command: command.index, ns, failed, tracked }
    }

    /// Notes a call in the slow log and the latency monitor, if it took as long as they want.
    #[inline]
    pub(super) fn note_if_slow(&self, command: &Command, client: &Handle, argv: Argv<'_>, ns: u64) {
        let us = ns / 1000;
        if us >= self.config.slow_us() {
            self.note_long(command, client, argv, us);
        }
    }

    #[cold]
    fn note_long(&self, command: &Command, client: &Handle, argv: Argv<'_>, us: u64) {
        let limit_us = self.config.number(Setting::SlowlogLogSlowerThan);
        if u64::try_from(limit_us).is_ok_and(|limit| us >= limit) && !command.has(Flag::SkipSlowlog)
        {
            self.note_slow(command, client, argv, us);
        }
        let event = if command.has(Flag::Fast) { "fast-command" } else { "command" };
        self.note_latency(event, us / 1000);
    }

    /// Notes that an event took so long, if that is as long as the latency monitor wants.
    fn note_latency(&self, event: &'static str, ms: u64) {
        let threshold_ms = self.config.size(Setting::LatencyMonitorThreshold) as u64;
        if threshold_ms > 0 && ms >= threshold_ms {
            self.latency.note(event, Spike { at_s: self.clock.now_ms() / 1000, ms });
        }
    }

    /// Notes how long keys were evicted at a time.
    pub(super) fn note_eviction_time(&self, ns: u64) {
        self.note_latency("eviction-cycle", ns / 1_000_000);
    }

    fn note_slow(&self, command: &Command, client: &Handle, argv: Argv<'_>, us: u64) {
        let call = SlowCall {
            id: 0,
            at_s: self.clock.now_ms() / 1000,
            us,
            words: trimmed(without_secrets(command, argv).as_argv()),
            client_address: client.peer.address().into(),
            client_name: client.with_names(|names| names.own.clone()),
        };
        self.slowlog.note(call, self.config.size(Setting::SlowlogMaxLen));
    }
}

impl Engine {
    /// Does some work of the server's own, and notes it as a latency event if it takes long.
    pub(crate) fn note_time(&self, event: &'static str, work: impl FnOnce(&Self)) {
        let clock = &self.services.clock;
        let start_ns = clock.elapsed_ns();
        work(self);
        let ms = clock.elapsed_ns().saturating_sub(start_ns) / 1_000_000;
        self.services.note_latency(event, ms);
    }
}

/// The words of a command, passwords left out.
fn without_secrets(command: &Command, argv: Argv<'_>) -> OwnedArgv {
    let hidden = secrets(&command.full_name, argv);
    let words = argv.iter().enumerate();
    OwnedArgv::new(words.map(|(at, word)| if hidden.contains(&at) { REDACTED } else { word }))
}
