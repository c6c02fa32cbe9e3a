//! A run of calls: the locks it holds from one call to the next, and what it hands over when it
//! lets go of them.

use std::cell::Cell;
use std::sync::atomic::Ordering;

use smallvec::SmallVec;

use super::Engine;
use super::ahead::{Known, Outlook};
use super::dependence::Dependence;
use super::wake::Delivery;
use crate::client::Client;
use crate::command::table::Command;
use crate::command::{CommandError, Flag, Mode};
use crate::observe::Tally;
use crate::resp::argv::Argv;
use crate::store::{Changes, Locked, ShardSet};
use crate::tracking::Invalidation;

/// Calls after which a batch lets go of its locks, so that others get their turn.
const CALLS_PER_HOLD: u32 = 64;
/// How long calls of one batch may take the same instant for now.
const INSTANT_NS: u64 = 100_000;
/// How long one client's requests run in a row while there are more of them.
const TURN_NS: u64 = 10_000_000;

thread_local! {
    /// Room for the next batch of this thread.
    static ROOM: Cell<Room> = Cell::default();
}

/// Bytes of effects above which their memory is given back.
const EFFECTS_ROOM_MAX: usize = 1 << 14;

/// Memory that batches hand on, so that not each has to ask for it.
#[derive(Debug, Default)]
struct Room {
    uncounted: Tally,
    outlook: Outlook,
    dependences: Vec<Dependence>,
    effects: Vec<u8>,
}

/// What a run of calls comes to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Finished {
    /// The log position that must be committed before its replies leave.
    pub(crate) position: u64,
    /// Did clients that waited get something?
    pub(crate) has_served: bool,
    /// Requests that were run.
    pub(crate) calls: u32,
    /// How long they took, in ns.
    pub(crate) took_ns: u64,
}

/// A run of calls, usually one client's pipelined requests.
pub(crate) struct Batch<'e> {
    pub(super) engine: &'e Engine,
    pub(super) locked: Option<Locked>,
    pub(super) changes: Changes,
    /// Replies for clients that waited, to be sent when the locks are released.
    pub(super) deliveries: SmallVec<[Delivery; 1]>,
    /// Word of changed keys to those who cache them, to be sent then too.
    pub(super) invalidations: Vec<Invalidation>,
    /// Calls that ran under the locks held and are not counted yet.
    pub(super) uncounted: Tally,
    /// The shards that the call which runs needs, of those that are locked.
    pub(super) need: ShardSet,
    /// The locked shards in which something was done that the log gets.
    written_shards: ShardSet,
    /// Bytes of effects that `written_shards` accounts for.
    noted_bytes: usize,
    /// Requests that were run.
    pub(super) calls: u32,
    /// What was foreseen of the requests to come.
    pub(super) outlook: Outlook,
    /// How many times locks were given back.
    pub(super) releases: u32,
    /// Calls until the locks are released.
    calls_left: u32,
    pub(super) now_ms: u64,
    /// The same instant in microseconds.
    pub(super) now_us: u64,
    /// Elapsed time at which the run began.
    started_ns: u64,
    /// Elapsed time at which the instant was read.
    read_ns: u64,
    /// Elapsed time at the end of the last call.
    pub(super) clock_ns: u64,
    pub(super) mode: Mode,
    /// Did the last request have keys evicted?
    pub(super) has_evicted: bool,
    /// Of the client whose requests run.
    pub(super) dependence: Dependence,
    /// Of those whose requests ran before, if several share the batch, in their order.
    dependences_before: Vec<Dependence>,
    /// How many of these were settled when locks were given back.
    settled: usize,
    /// Did clients that waited get something?
    has_served: bool,
}

impl<'e> Batch<'e> {
    pub(super) fn new(engine: &'e Engine) -> Self {
        let services = &engine.services;
        let elapsed_ns = services.clock.elapsed_ns();
        let now_us = services.clock.now_us();
        let Room { uncounted, mut outlook, dependences, effects } = ROOM.take();
        outlook.begin_client(engine, 0);
        Self {
            engine,
            locked: None,
            changes: Changes::new(services.aof.is_enabled(), effects),
            deliveries: SmallVec::new(),
            invalidations: Vec::new(),
            uncounted,
            need: ShardSet::EMPTY,
            written_shards: ShardSet::EMPTY,
            noted_bytes: 0,
            calls: 0,
            outlook,
            releases: 0,
            calls_left: 0,
            now_ms: now_us / 1000,
            now_us,
            started_ns: elapsed_ns,
            read_ns: elapsed_ns,
            clock_ns: elapsed_ns,
            mode: Mode::Direct,
            has_evicted: false,
            dependence: Dependence::default(),
            dependences_before: dependences,
            settled: 0,
            has_served: false,
        }
    }

    /// What comes next is of the client in this place of those that share the batch.
    pub(crate) fn begin_client(&mut self, place: usize) {
        if place > 0 {
            self.note_written();
            self.dependences_before.push(std::mem::take(&mut self.dependence));
        }
        self.outlook.begin_client(self.engine, place);
    }

    /// The log positions that must be committed before the replies leave of each client that shared
    /// the batch, in their order, once it is finished.
    pub(crate) fn positions(&self) -> impl Iterator<Item = u64> {
        let all = self.dependences_before.iter().chain([&self.dependence]);
        all.map(|dependence| dependence.position)
    }

    /// As [`Batch::positions`], of those clients of whom that is known before the end.
    pub(crate) fn settled_positions(&self) -> impl Iterator<Item = u64> {
        self.dependences_before[..self.settled].iter().map(|dependence| dependence.position)
    }

    /// Requests that were run.
    pub(crate) fn calls(&self) -> u32 {
        self.calls
    }

    /// How long the calls have taken, in ns.
    pub(crate) fn took_ns(&self) -> u64 {
        self.clock_ns.saturating_sub(self.started_ns)
    }

    /// Lets go of the locks once enough requests have come under them, whatever became of these.
    pub(super) fn count_down(&mut self) {
        match self.calls_left.checked_sub(1) {
            Some(left) => self.calls_left = left,
            None => self.release(),
        }
    }

    /// Locks what a call needs, going on with the locks held if they suffice.
    pub(super) fn lock_for(
        &mut self,
        command: &Command,
        argv: Argv<'_>,
        client: &Client,
        foreseen: Option<Known>,
    ) -> Result<(), CommandError> {
        let known = foreseen.map(|foreseen| foreseen.shard);
        let mut need = match known.or_else(|| self.shard_of_last(command, argv, client)) {
            Some(shard) => ShardSet::of(shard),
            None => self.engine.lock_set(command, argv, client),
        };
        loop {
            self.lock(need)?;
            let is_exec = command.has(Flag::WholeTransaction) && command.spec.name == "exec";
            if (!command.has(Flag::Write) && !is_exec) || !self.engine.has_waiters() {
                return Ok(());
            }
            let Some(locked) = &mut self.locked else { return Ok(()) };
            let all = self.engine.with_waiters(need, locked, command, argv, client);
            if all == need {
                return Ok(());
            }
            need = all;
        }
    }

    /// The shard that a call needs which goes to the same key as the one before.
    fn shard_of_last(&self, command: &Command, argv: Argv<'_>, client: &Client) -> Option<usize> {
        let key = argv.get(command.only_key?)?;
        self.locked.as_ref()?.shard_of_last(client.db, key)
    }

    /// Locks at least `need`, for a call; gives up while a script keeps the server busy.
    pub(super) fn lock(&mut self, need: ShardSet) -> Result<(), CommandError> {
        self.note_written();
        let suffices = match &self.locked {
            Some(locked) => locked.set().contains(need),
            None => false,
        };
        // What needs no shard may change settings, which are looked up once for all that is held.
        if !suffices || need == ShardSet::EMPTY {
            self.release();
            self.locked = self.engine.services.keyspace.try_lock(need);
            if self.locked.is_none() {
                self.locked = Some(self.lock_in_turn(need)?);
            }
            self.hold()?;
        }
        self.need = need;
        if let Some(locked) = &mut self.locked {
            locked.narrow(need);
        }
        if self.clock_ns - self.read_ns >= INSTANT_NS {
            self.read_ns = self.clock_ns;
            self.now_us = self.engine.services.clock.now_us();
            self.now_ms = self.now_us / 1000;
        }
        Ok(())
    }

    /// Holds what was just locked, until [`Batch::release`].
    pub(super) fn hold(&mut self) -> Result<(), CommandError> {
        let services = &self.engine.services;
        if services.is_over.load(Ordering::Relaxed) {
            self.locked = None;
            return Err(CommandError::Plain("ERR the server is stopping"));
        }
        self.changes.effects.enable(services.aof.is_enabled());
        self.calls_left = CALLS_PER_HOLD;
        services.guide(&mut self.changes);
        Ok(())
    }

    /// If the call that ran has effects, the log gets them from the shards that it needed.
    fn note_written(&mut self) {
        let bytes = self.changes.effects.bytes().len();
        if bytes != self.noted_bytes {
            self.noted_bytes = bytes;
            self.written_shards = self.written_shards.union(self.need);
            self.dependence.depend_on_all();
        }
    }

    /// Waits for locks that others hold. That time is not the call's.
    #[cold]
    fn lock_in_turn(&mut self, need: ShardSet) -> Result<Locked, CommandError> {
        let services = &self.engine.services;
        // What loads the data waits for clients, not they for it.
        let gives_up = || match self.mode {
            Mode::Replay => services.scripts.running.is_busy(),
            _ => self.engine.is_occupied(),
        };
        let locked = services.keyspace.lock_unless(need, gives_up);
        self.clock_ns = services.clock.elapsed_ns();
        locked.ok_or_else(|| self.engine.occupied())
    }

    /// Hands the effects to the log, delivers what waiting clients got, and lets go of the locks.
    pub(super) fn release(&mut self) {
        self.note_written();
        if self.locked.is_none() {
            return;
        }
        let position = self.append_effects();
        self.hand_out(position);
        if self.changes.kept_bytes > 0 {
            let kept_bytes = std::mem::take(&mut self.changes.kept_bytes);
            self.engine.services.saver.progress.keeps(kept_bytes);
        }
        self.locked = None;
        self.releases = self.releases.wrapping_add(1);
        if !self.changes.garbage.is_empty() {
            let garbage = self.changes.garbage.drain(..);
            garbage.for_each(|garbage| self.engine.services.reclaim.free(garbage));
        }
        self.count_changes();
        self.engine.services.count_calls(&mut self.uncounted);
    }

    /// Gives the log what the calls did; returns the position up to which it goes.
    fn append_effects(&mut self) -> u64 {
        let Some(locked) = &mut self.locked else { return 0 };
        let position = self.engine.services.aof.append(&self.changes.effects, self.now_ms);
        if self.changes.effects.databases().is_some() {
            locked.log_reaches(std::mem::take(&mut self.written_shards), position);
        }
        self.dependence.settle(locked, position);
        for before in &mut self.dependences_before[self.settled..] {
            before.settle(locked, position);
        }
        self.settled = self.dependences_before.len();
        self.changes.effects.clear();
        self.noted_bytes = 0;
        position
    }

    /// Hands out what others get of the calls, once the log is committed up to `position`.
    fn hand_out(&mut self, position: u64) {
        let services = &self.engine.services;
        if !self.deliveries.is_empty() {
            self.has_served = true;
            let deliveries = self.deliveries.drain(..);
            deliveries.for_each(|Delivery { client, reply, needs_durable }| {
                client.serve(reply, position, needs_durable);
            });
        }
        if !self.changes.messages.is_empty() {
            services.pubsub.deliver(&self.changes.messages, position, &services.poster());
            self.changes.messages.clear();
        }
        if !self.invalidations.is_empty() {
            let invalidations = self.invalidations.drain(..);
            invalidations.for_each(|told| {
                services.poster().post(&told.client, &told.bytes, position);
            });
        }
    }

    fn count_changes(&mut self) {
        let stats = &self.engine.services.stats;
        for (counter, count) in [
            (&stats.changes, &mut self.changes.dirty),
            (&stats.expired_keys, &mut self.changes.expired),
            (&stats.evicted_keys, &mut self.changes.evicted),
            (&stats.keyspace_hits, &mut self.changes.hits),
            (&stats.keyspace_misses, &mut self.changes.misses),
        ] {
            if *count > 0 {
                counter.add(std::mem::take(count));
            }
        }
    }

    /// Is it time that others on this thread had their turn?
    pub(crate) fn has_run_long(&self) -> bool {
        self.took_ns() >= TURN_NS
    }

    /// Ends the run. The batch stays where it is: it is large.
    pub(crate) fn finish(&mut self) -> Finished {
        self.release();
        Finished {
            position: self.positions().max().unwrap_or(0),
            has_served: self.has_served,
            calls: self.calls,
            took_ns: self.took_ns(),
        }
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        self.release();
        debug_assert!(
            self.uncounted.is_empty(),
            "calls run under locks, whose release counts them"
        );
        self.outlook.clear();
        self.dependences_before.clear();
        ROOM.set(Room {
            uncounted: std::mem::take(&mut self.uncounted),
            outlook: std::mem::take(&mut self.outlook),
            dependences: std::mem::take(&mut self.dependences_before),
            effects: self.changes.effects.take_room(EFFECTS_ROOM_MAX),
        });
    }
}
