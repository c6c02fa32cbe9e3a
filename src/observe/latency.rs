//! LATENCY: events that took longer than `latency-monitor-threshold`.
//!
//! An event has a name, such as `command`, and the last spikes of it: the second it happened in,
//! and the longest time in that second.

use std::collections::{BTreeMap, VecDeque};

use parking_lot::Mutex;

/// Spikes that are kept of an event.
const SPIKES_MAX: usize = 160;

/// The longest an event took in one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spike {
    /// Unix time in seconds.
    pub(crate) at_s: u64,
    pub(crate) ms: u64,
}

/// An event and its spikes, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) spikes: VecDeque<Spike>,
    /// The longest of all since it was reset.
    pub(crate) max_ms: u64,
}

/// All events that were noted.
#[derive(Debug, Default)]
pub(crate) struct LatencyMonitor {
    events: Mutex<BTreeMap<&'static str, Event>>,
}

impl LatencyMonitor {
    /// Notes that `event` took so long.
    pub(crate) fn note(&self, name: &'static str, spike: Spike) {
        let mut events = self.events.lock();
        let event = events.entry(name).or_default();
        event.max_ms = event.max_ms.max(spike.ms);
        match event.spikes.back_mut() {
            Some(last) if last.at_s == spike.at_s => last.ms = last.ms.max(spike.ms),
            _ => {
                if event.spikes.len() == SPIKES_MAX {
                    event.spikes.pop_front();
                }
                event.spikes.push_back(spike);
            }
        }
    }

    /// All events by their names.
    pub(crate) fn all(&self) -> Vec<(&'static str, Event)> {
        self.events.lock().iter().map(|(name, event)| (*name, event.clone())).collect()
    }

    /// The event of this name.
    pub(crate) fn find(&self, name: &[u8]) -> Option<Event> {
        let name = std::str::from_utf8(name).ok()?;
        self.events.lock().get(name).cloned()
    }

    /// Forgets an event; `false` if there was none.
    pub(crate) fn reset(&self, name: &[u8]) -> bool {
        let Ok(name) = std::str::from_utf8(name) else { return false };
        self.events.lock().remove(name).is_some()
    }

    /// Forgets all events; returns how many there were.
    pub(crate) fn reset_all(&self) -> usize {
        std::mem::take(&mut *self.events.lock()).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_keeps_its_longest() {
        let monitor = LatencyMonitor::default();
        for (at_s, ms) in [(1, 10), (1, 30), (1, 20), (2, 5)] {
            monitor.note("command", Spike { at_s, ms });
        }
        let event = monitor.find(b"command").expect("noted");
        assert_eq!(event.max_ms, 30);
        assert_eq!(event.spikes, [Spike { at_s: 1, ms: 30 }, Spike { at_s: 2, ms: 5 }]);
        assert!(monitor.reset(b"command") && !monitor.reset(b"command"));
    }
}
