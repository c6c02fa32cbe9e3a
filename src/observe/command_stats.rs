//! How often each command was called, and how long its calls took.

use hdrhistogram::Histogram;
use parking_lot::{Mutex, MutexGuard};

use super::counter::{Padded, SLOTS, slot};

/// Longer times count as this one.
const TIME_NS_MAX: u64 = 1_000_000_000;

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

/// Calls of one command.
#[derive(Clone, Debug, Default)]
pub(crate) struct CommandStats {
    pub(crate) calls: u64,
    pub(crate) ns: u64,
    /// Calls refused before they ran.
    pub(crate) rejected: u64,
    /// Calls that failed.
    pub(crate) failed: u64,
    /// How many nanoseconds they took, to two digits.
    pub(crate) times: Option<Box<Histogram<u32>>>,
}

impl CommandStats {
    fn count(&mut self, call: Call) {
        self.calls += 1;
        self.ns += call.ns;
        self.failed += u64::from(call.failed);
        if call.tracked {
            if self.times.is_none() {
                self.times = Histogram::new(2).ok().map(Box::new);
            }
            if let Some(times) = &mut self.times {
                let recorded = times.record(call.ns.clamp(1, TIME_NS_MAX));
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
    pub(super) fn called(&self, calls: &[Call]) {
        let mut commands = self.of_thread();
        for call in calls {
            if let Some(stats) = commands.get_mut(call.command) {
                stats.count(*call);
            }
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
