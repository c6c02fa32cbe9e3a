//! How often each command was called, and how long its calls took.

use hdrhistogram::Histogram;
use parking_lot::{Mutex, MutexGuard};

use super::counter::{Padded, SLOTS, slot};

/// Longer times count as this one.
const TIME_NS_MAX: u64 = 1_000_000_000;

/// Calls in a row that took about the same time, to so many nanoseconds, share their average.
const STEP_NS: u64 = 128;

/// A call that ran.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    /// [`crate::command::table::Command::index`].
    pub(crate) command: usize,
    pub(crate) ns: u64,
    pub(crate) failed: bool,
    /// Is its time to be kept for percentiles?
    pub(crate) tracked: bool,
}

/// Calls in a row that are alike: as this one, and this many.
#[derive(Clone, Copy, Debug)]
struct Alike {
    first: Call,
    count: u64,
    /// Of all of them.
    ns: u64,
}

/// Calls that ran and are not counted yet, in their order.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    runs: Vec<Alike>,
}

impl Tally {
    /// Adds a call.
    #[inline]
    pub(crate) fn push(&mut self, call: Call) {
        match self.runs.last_mut() {
            Some(last) if last.first.is_like(call) => {
                last.count += 1;
                last.ns += call.ns;
            }
            _ => self.runs.push(Alike { first: call, count: 1, ns: call.ns }),
        }
    }

    /// How many places the calls take.
    pub(crate) fn len(&self) -> usize {
        self.runs.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.runs.clear();
    }
}

impl Call {
    #[inline]
    fn is_like(self, other: Self) -> bool {
        self.command == other.command
            && self.ns / STEP_NS == other.ns / STEP_NS
            && (self.failed, self.tracked) == (other.failed, other.tracked)
    }
}

/// Calls of one command.
#[derive(Clone, Debug, Default)]
pub(crate) struct CommandStats {
    pub(crate) calls: u64,
    pub(crate) ns: u64,
    /// Calls refused before they ran.
    pub(crate) rejected: u64,
    /// Calls that failed.
    pub(crate) failed: u64,
    /// How many nanoseconds they took, to two digits; of calls that were counted together, about
    /// the average, to [`STEP_NS`].
    pub(crate) times: Option<Box<Histogram<u32>>>,
}

impl CommandStats {
    fn count(&mut self, Alike { first, count, ns }: Alike) {
        self.calls += count;
        self.ns += ns;
        self.failed += if first.failed { count } else { 0 };
        if first.tracked {
            if self.times.is_none() {
                self.times = Histogram::new(2).ok().map(Box::new);
            }
            if let Some(times) = &mut self.times {
                let each = (ns / count).clamp(1, TIME_NS_MAX);
                let recorded = times.record_n(each, u32::try_from(count).unwrap_or(u32::MAX));
                debug_assert!(recorded.is_ok(), "the histogram grows by itself");
            }
        }
    }

    fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.ns += other.ns;
        self.rejected += other.rejected;
        self.failed += other.failed;
        match (&mut self.times, &other.times) {
            (Some(times), Some(more)) => {
                let added = times.add(&**more);
                debug_assert!(added.is_ok(), "the histogram grows by itself");
            }
            (times @ None, Some(more)) => *times = Some(more.clone()),
            (_, None) => {}
        }
    }
}

/// The calls of all commands.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// Number of commands and subcommands.
    commands: usize,
    /// Per slot, by [`crate::command::table::Command::index`]; empty until the slot is used.
    slots: [Padded<Mutex<Vec<CommandStats>>>; SLOTS],
}

impl Calls {
    /// Calls of so many commands.
    pub(super) fn of(commands: usize) -> Self {
        Self { commands, slots: Default::default() }
    }

    /// The commands of this thread's slot.
    fn of_thread(&self) -> MutexGuard<'_, Vec<CommandStats>> {
        let mut commands = self.slots[slot()].0.lock();
        if commands.is_empty() {
            commands.resize_with(self.commands, CommandStats::default);
        }
        commands
    }

    /// Counts calls that ran.
    pub(super) fn called(&self, tally: &Tally) {
        let mut commands = self.of_thread();
        for alike in &tally.runs {
            if let Some(stats) = commands.get_mut(alike.first.command) {
                stats.count(*alike);
            }
        }
    }

    /// Counts a call that ran.
    pub(super) fn called_once(&self, call: Call) {
        if let Some(stats) = self.of_thread().get_mut(call.command) {
            stats.count(Alike { first: call, count: 1, ns: call.ns });
        }
    }

    /// Counts a call that was refused before it ran.
    pub(super) fn rejected(&self, command: usize) {
        if let Some(stats) = self.of_thread().get_mut(command) {
            stats.rejected += 1;
        }
    }

    /// The calls of each command.
    pub(super) fn by_command(&self) -> Vec<CommandStats> {
        let mut all = vec![CommandStats::default(); self.commands];
        for slot in &self.slots {
            all.iter_mut().zip(slot.0.lock().iter()).for_each(|(sum, stats)| sum.add(stats));
        }
        all
    }

    /// Number of calls that ran.
    pub(super) fn total(&self) -> u64 {
        let of = |slot: &Padded<Mutex<Vec<CommandStats>>>| {
            slot.0.lock().iter().map(|stats| stats.calls).sum::<u64>()
        };
        self.slots.iter().map(of).sum()
    }

    pub(super) fn reset(&self) {
        self.slots.iter().for_each(|slot| slot.0.lock().clear());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_alike_are_counted_as_one_by_one() {
        let call = |command, ns, failed| Call { command, ns, failed, tracked: ns != 102 };
        let calls = [
            [call(0, 100, false), call(0, 101, false), call(0, 102, false)],
            [call(0, 127, false), call(0, 120, false), call(0, 128, false)],
            [call(0, 130, true), call(1, 130, true), call(1, 131, true)],
            [call(1, 5_000_000, false), call(0, 0, false), call(0, 1, false)],
        ];
        let (together, apart) = (Calls::of(2), Calls::of(2));
        let mut tally = Tally::default();
        for call in calls.into_iter().flatten() {
            tally.push(call);
            apart.called_once(call);
        }
        together.called(&tally);
        assert_eq!(tally.len(), 8);
        for (one, other) in together.by_command().iter().zip(apart.by_command()) {
            assert_eq!((one.calls, one.ns, one.failed), (other.calls, other.ns, other.failed));
            let (Some(one), Some(other)) = (&one.times, &other.times) else { panic!("no times") };
            assert_eq!(one.len(), other.len());
            for share in [0.1, 0.5, 0.9, 1.0] {
                let times = [one, other].map(|times| times.value_at_quantile(share));
                assert!(times[0].abs_diff(times[1]) < STEP_NS, "{share}: {times:?}");
            }
        }
    }
}
