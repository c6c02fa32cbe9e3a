//! A call, step by step, and the run of calls it is part of.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::evict::Room;
use super::slots::require_one_slot;
use super::tracking::remember_keys;
use super::wake::Delivery;
use super::{Engine, Waiter};
use crate::client::{Client, ReplyMode};
use crate::command::access::{Asked, Origin};
use crate::command::table::{Command, table};
use crate::command::{
    Args, CommandError, Context, Flag, Host, Mode, Outcome, Services, Suspended, Wait,
};
use crate::config::Setting;
use crate::resp::Reply;
use crate::resp::request::{Argv, OwnedArgv};
use crate::store::{Changes, Db, Locked, ShardSet, Usage};
use crate::tracking::Invalidation;

/// Calls after which a batch lets go of its locks, so that others get their turn.
const CALLS_PER_HOLD: u32 = 64;
/// How long calls of one batch may take the same instant for now.
const INSTANT_NS: u64 = 100_000;
/// Words and bytes of an unknown command's arguments that its error shows.
const SHOWN_BYTES_MAX: usize = 128;

/// How the client's connection goes on after a call.
#[derive(Debug)]
pub(crate) enum Flow {
    /// The command waits: nothing more of this client is run until it was answered.
    Blocked(Arc<Waiter>),
    /// With the next request.
    Next,
    /// CLIENT PAUSE puts the request off: it was not run, and is to be called again.
    Postponed,
    /// A script has used up its time: when others had their turn, [`Batch::go_on`].
    Suspended(SuspendedCall),
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
}

/// A call that was put aside. Its batch keeps the locks.
#[derive(Debug)]
pub(crate) struct SuspendedCall {
    call: Box<dyn Suspended>,
    command: &'static Command,
    argv: OwnedArgv,
    /// Where its reply starts.
    start: usize,
    reply_mode: ReplyMode,
}

/// A run of calls, usually one client's pipelined requests.
pub(crate) struct Batch<'e> {
    pub(super) engine: &'e Engine,
    pub(super) locked: Option<Locked>,
    pub(super) changes: Changes,
    /// Replies for clients that waited, to be sent when the locks are released.
    pub(super) deliveries: Vec<Delivery>,
    /// Word of changed keys to those who cache them, to be sent then too.
    pub(super) invalidations: Vec<Invalidation>,
    /// The shards that the call which runs needs, of those that are locked.
    pub(super) need: ShardSet,
    /// The locked shards in which something was done that the log gets.
    written: ShardSet,
    /// Bytes of effects that `written` accounts for.
    noted_bytes: usize,
    /// Requests that were run.
    calls: u32,
    /// Requests until the next look ahead.
    pub(super) foreseen: usize,
    /// The command of the last request, if its name tells it.
    last_command: Option<&'static Command>,
    /// Calls until the locks are released.
    calls_left: u32,
    pub(super) now_ms: u64,
    /// Elapsed time at which `now_ms` was read.
    read_ns: u64,
    /// Elapsed time at the end of the last call.
    clock_ns: u64,
    pub(super) mode: Mode,
    /// Did the last request have keys evicted?
    has_evicted: bool,
    /// The log position that its replies depend on.
    position: u64,
    /// The locked shards of whose data a reply tells.
    told: ShardSet,
    /// Did clients that waited get something?
    has_served: bool,
}

impl<'e> Batch<'e> {
    pub(super) fn new(engine: &'e Engine) -> Self {
        let services = &engine.services;
        let elapsed_ns = services.clock.elapsed_ns();
        Self {
            engine,
            locked: None,
            changes: Changes::new(services.aof.is_enabled()),
            deliveries: Vec::new(),
            invalidations: Vec::new(),
            need: ShardSet::EMPTY,
            written: ShardSet::EMPTY,
            noted_bytes: 0,
            calls: 0,
            foreseen: 1,
            last_command: None,
            calls_left: 0,
            now_ms: services.clock.now_ms(),
            read_ns: elapsed_ns,
            clock_ns: elapsed_ns,
            mode: Mode::Direct,
            has_evicted: false,
            position: 0,
            told: ShardSet::EMPTY,
            has_served: false,
        }
    }

    /// Runs one request of a client and writes its reply.
    pub(crate) fn call(&mut self, client: &mut Client, reply: &mut Reply, argv: Argv<'_>) -> Flow {
        let mode = client.reply_mode;
        self.calls = self.calls.wrapping_add(1);
        let admitted = self.admit(client, argv);
        if std::mem::take(&mut self.has_evicted)
            && let Some(outbox) = client.handle.take_outbox()
        {
            // Word of keys that went comes before the reply.
            reply.raw(&outbox.bytes);
        }
        let start = reply.len();
        let mut flow = match admitted {
            Err(error) => {
                self.refuse(client, argv, &error, reply);
                Flow::Next
            }
            Ok(Admitted::Queue) => {
                client.queue(argv);
                reply.status("QUEUED");
                Flow::Next
            }
            Ok(Admitted::Postpone) => return Flow::Postponed,
            Ok(Admitted::Run(command)) => self.run(command, client, reply, argv),
        };
        if let Flow::Suspended(suspended) = &mut flow {
            suspended.start = start;
        } else {
            withhold(client, reply, start, mode);
        }
        flow
    }

    /// Goes on with a call that was put aside.
    pub(crate) fn go_on(
        &mut self,
        suspended: SuspendedCall,
        client: &mut Client,
        reply: &mut Reply,
    ) -> Flow {
        let SuspendedCall { call, command, argv, start, reply_mode } = suspended;
        let outcome = self.in_context(command, client, reply, |context| call.go_on(context));
        if let Ok(Outcome::Suspended(call)) = outcome {
            return Flow::Suspended(SuspendedCall { call, command, argv, start, reply_mode });
        }
        self.changes.effects.end();
        if let Err(error) = &outcome {
            reply.truncate(start);
            let text = error.to_string();
            count_error(&self.engine.services, error, &text);
            reply.error(&text);
        }
        self.conclude(command, client, argv.as_argv(), Some(outcome.is_err()));
        withhold(client, reply, start, reply_mode);
        Flow::Next
    }

    /// May this request run now, or be queued?
    fn admit(&mut self, client: &mut Client, argv: Argv<'_>) -> Result<Admitted, CommandError> {
        let command = self.resolve(argv).ok_or_else(|| unknown(argv))?;
        if command.is_container() && argv.len() > 1 {
            let name = String::from_utf8_lossy(argv.get(1).unwrap_or_default()).into();
            return Err(CommandError::UnknownSubcommand { container: command.spec.name, name });
        }
        if !command.spec.arity.allows(argv.len()) {
            return Err(CommandError::WrongArity(command.full_name.as_str().into()));
        }
        if !client.is_unlimited() {
            let asked = Asked { command, argv, origin: Origin::of(client) };
            self.engine.services.check_access(client, asked)?;
        }
        if self.engine.services.scripts.running.is_busy() && !command.has(Flag::AllowBusy) {
            return Err(self.engine.busy());
        }
        if client.is_subscribed() && !allowed_when_subscribed(client, command) {
            return Err(CommandError::Subscribed(&command.full_name));
        }
        if self.engine.services.is_cluster() && self.mode == Mode::Direct {
            require_one_slot(command, argv, client)?;
        }
        if self.mode != Mode::Replay {
            self.admit_to_data(command, client)?;
        }
        if self.engine.services.pause.is_set() && self.engine.is_postponed(client, command, argv) {
            return Ok(Admitted::Postpone);
        }
        if client.transaction.is_some() && !command.has(Flag::Unqueued) {
            if command.has(Flag::NoMulti) {
                return Err(CommandError::Plain("ERR Command not allowed inside a transaction"));
            }
            return Ok(Admitted::Queue);
        }
        Ok(Admitted::Run(command))
    }

    /// The command that a request names: often the one before it did the same.
    fn resolve(&mut self, argv: Argv<'_>) -> Option<&'static Command> {
        if let Some(last) = self.last_command
            && last.is_called(argv.get(0)?)
        {
            return Some(last);
        }
        let of_log = || if self.mode == Mode::Replay { table().resolve_logged(argv) } else { None };
        let command = table().resolve(argv).or_else(of_log)?;
        self.last_command = command.has_own_name().then_some(command);
        Some(command)
    }

    /// Are the data in a state in which this command can run?
    fn admit_to_data(
        &mut self,
        command: &Command,
        client: &mut Client,
    ) -> Result<(), CommandError> {
        let services = &self.engine.services;
        if services.loading.is_active() && !command.has(Flag::Loading) {
            return Err(CommandError::Loading);
        }
        if (services.aof.is_failing() || services.saver.has_failed())
            && (is_write(command, client) || command.spec.name == "ping")
            && let Some(error) = services.refuses_writes()
        {
            return Err(error);
        }
        let limit = services.memory_limit();
        if limit > 0 {
            client.lacks_memory = self.lacks_memory(limit);
            if client.lacks_memory && needs_memory(command, client) {
                return Err(CommandError::OutOfMemory);
            }
        }
        Ok(())
    }

    /// Makes room for data, if there is not enough; replies whether that failed.
    fn lacks_memory(&mut self, limit: u64) -> bool {
        if !self.engine.is_above_limit(limit) {
            return false;
        }
        self.release();
        self.has_evicted = true;
        let room = self.engine.make_room(limit);
        self.position = self.engine.services.aof.appended();
        room == Room::None
    }

    /// Answers a request that was not admitted.
    fn refuse(
        &mut self,
        client: &mut Client,
        argv: Argv<'_>,
        error: &CommandError,
        reply: &mut Reply,
    ) {
        let stats = &self.engine.services.stats;
        let mut text = error.to_string();
        let command = table().resolve(argv);
        if let Some(command) = command {
            stats.rejected(command.index);
        }
        let is_busy = matches!(error, CommandError::BusyScript | CommandError::BusyFunction);
        // DISCARD and RESET end it even if the watched keys are out of reach.
        let ends = command.is_some_and(|command| {
            command.spec.name == "exec" || (is_busy && command.has(Flag::WholeTransaction))
        });
        if ends && client.transaction.is_some() {
            if !matches!(error, CommandError::CrossSlot) {
                let reason = text.strip_prefix("ERR ").unwrap_or(&text);
                text = format!("EXECABORT Transaction discarded because of: {reason}");
            }
            self.release();
            self.engine.discard_transaction(client);
        }
        stats.error(&text);
        client.abort_transaction();
        reply.error(&text);
    }

    fn run(
        &mut self,
        command: &'static Command,
        client: &mut Client,
        reply: &mut Reply,
        argv: Argv<'_>,
    ) -> Flow {
        client.handle.figures.last_command.store(command.index + 1, Ordering::Relaxed);
        let subscribes = command.has(Flag::PubSub) && !command.has(Flag::MayReplicate);
        if subscribes && !self.changes.messages.is_empty() {
            // A subscription that changes now has no part in earlier messages.
            self.release();
        }
        let services = &self.engine.services;
        let runs_others = command.group == "scripting";
        if !services.monitors.is_empty() && runs_others {
            services.show_to_monitors(command, client.db, &client.handle.peer.origin(), argv);
        }
        if let Err(error) = self.lock_for(command, argv, client) {
            self.refuse(client, argv, &error, reply);
            return Flow::Next;
        }
        // Libraries of functions are in no shard.
        let tells_of_all = runs_others && !command.has(Flag::AllowBusy);
        let position = if tells_of_all { services.aof.appended() } else { self.position };
        if services.aof.is_failing() && self.shows_uncommitted(command, position) {
            self.refuse(client, argv, &services.unwritable(), reply);
            return Flow::Next;
        }
        self.position = position;
        if command.tells {
            self.told = self.told.union(self.need);
        }
        let outcome = self.execute(command, client, reply, argv);
        if !services.monitors.is_empty() && !runs_others {
            services.show_to_monitors(command, client.db, &client.handle.peer.origin(), argv);
        }
        let failed = outcome.is_err();
        let flow = match outcome {
            Ok(Outcome::Suspended(call)) => {
                let (argv, reply_mode) = (argv.to_owned(), client.reply_mode);
                return Flow::Suspended(SuspendedCall {
                    call,
                    command,
                    argv,
                    start: 0,
                    reply_mode,
                });
            }
            Ok(Outcome::Wait(wait)) => Flow::Blocked(self.block(client, reply, argv, wait)),
            Ok(Outcome::Done) | Err(()) => Flow::Next,
        };
        // One that waits is counted when it is served, or stops waiting.
        let failed = matches!(flow, Flow::Next).then_some(failed);
        self.conclude(command, client, argv, failed);
        flow
    }

    /// Might this command tell of something that a crash would undo?
    fn shows_uncommitted(&self, command: &Command, position: u64) -> bool {
        let of_shards = self.locked.as_ref().map_or(0, |locked| locked.log_position(self.need));
        let aof = &self.engine.services.aof;
        self.mode != Mode::Replay && command.tells && !aof.is_committed(position.max(of_shards))
    }

    /// The end of a call: serves who waited for what it changed. `failed` is `None` if it waits.
    fn conclude(
        &mut self,
        command: &Command,
        client: &mut Client,
        argv: Argv<'_>,
        failed: Option<bool>,
    ) {
        self.serve_ready();
        self.note_touched(client, command);
        match failed {
            None => self.clock_ns = self.engine.services.clock.elapsed_ns(),
            Some(failed) => self.account(command, client, argv, failed),
        }
        self.calls_left = self.calls_left.saturating_sub(1);
    }

    /// Locks what a call needs, going on with the locks held if they suffice.
    fn lock_for(
        &mut self,
        command: &Command,
        argv: Argv<'_>,
        client: &Client,
    ) -> Result<(), CommandError> {
        let mut need = self.engine.lock_set(command, argv, client);
        loop {
            self.lock(need)?;
            let is_exec = command.has(Flag::WholeTransaction) && command.spec.name == "exec";
            if !command.has(Flag::Write) && !is_exec {
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

    /// Locks at least `need`, for a call; gives up while a script keeps the server busy.
    pub(super) fn lock(&mut self, need: ShardSet) -> Result<(), CommandError> {
        self.note_written();
        let suffices = match &self.locked {
            Some(locked) => locked.set().contains(need) && self.calls_left > 0,
            None => false,
        };
        // What needs no shard may change settings, which are looked up once for all that is held.
        if !suffices || need == ShardSet::EMPTY {
            self.release();
            let locked = match self.engine.services.keyspace.try_lock(need) {
                Some(locked) => locked,
                None => self.lock_in_turn(need)?,
            };
            self.hold(locked)?;
        }
        self.need = need;
        if let Some(locked) = &mut self.locked {
            locked.narrow(need);
        }
        Ok(())
    }

    /// Takes over locks, until [`Batch::release`].
    pub(super) fn hold(&mut self, locked: Locked) -> Result<(), CommandError> {
        let services = &self.engine.services;
        if services.is_over.load(Ordering::Relaxed) {
            return Err(CommandError::Plain("ERR the server is stopping"));
        }
        self.locked = Some(locked);
        self.changes.effects.enable(services.aof.is_enabled());
        self.calls_left = CALLS_PER_HOLD;
        self.changes.events = services.config.events();
        self.changes.tracks = services.tracking.is_used();
        self.changes.list_limit = services.config.number(Setting::ListMaxListpackSize);
        self.note_usage();
        if self.clock_ns - self.read_ns >= INSTANT_NS {
            self.read_ns = self.clock_ns;
            self.now_ms = services.clock.now_ms();
        }
        Ok(())
    }

    /// If the call that ran has effects, the log gets them from the shards that it needed.
    fn note_written(&mut self) {
        let bytes = self.changes.effects.bytes().len();
        if bytes != self.noted_bytes {
            self.noted_bytes = bytes;
            self.written = self.written.union(self.need);
        }
    }

    /// Waits for locks that others hold. That time is not the call's.
    fn lock_in_turn(&mut self, need: ShardSet) -> Result<Locked, CommandError> {
        let services = &self.engine.services;
        let is_busy = || services.scripts.running.is_busy();
        let locked = services.keyspace.lock_unless(need, is_busy);
        self.clock_ns = services.clock.elapsed_ns();
        locked.ok_or_else(|| self.engine.busy())
    }

    /// What of accesses to keys is noted under the locks held.
    fn note_usage(&mut self) {
        let services = &self.engine.services;
        self.changes.usage = services.usage();
        if self.changes.usage != Usage::Recency && self.changes.chance == 0 {
            self.changes.chance = services.random.next();
        }
    }

    /// Runs the handler under the locks held, and gathers its effects.
    pub(super) fn execute(
        &mut self,
        command: &Command,
        client: &mut Client,
        reply: &mut Reply,
        argv: Argv<'_>,
    ) -> Result<Outcome, ()> {
        self.changes.effects.begin();
        let outcome =
            self.in_context(command, client, reply, |context| handle(context, command, argv));
        if !matches!(outcome, Ok(Outcome::Suspended(_))) {
            self.changes.effects.end();
        }
        outcome
    }

    /// Does `work` under the locks held.
    fn in_context<T>(
        &mut self,
        command: &Command,
        client: &mut Client,
        reply: &mut Reply,
        work: impl FnOnce(&mut Context<'_>) -> T,
    ) -> T {
        let locked = self.locked.as_mut().expect("a call runs under the locks it needs");
        let mut db = Db::new(locked, &mut self.changes, client.db, self.now_ms);
        if self.mode == Mode::Replay {
            db = db.keeping_expired();
        }
        let no_touch = client.handle.figures.no_touch.load(Ordering::Relaxed);
        if no_touch && command.spec.name != "touch" {
            db = db.without_touching();
        }
        if self.engine.services.pause.is_set() && command.has(Flag::ReadOnly) {
            db = db.with_expiry_paused();
        }
        let mut context = Context {
            db,
            client,
            reply,
            services: &self.engine.services,
            host: self.engine,
            mode: self.mode,
            propagated: false,
        };
        context.db.changes().client = context.client.handle.id;
        work(&mut context)
    }

    /// Counts a call and the time it took, and notes it if that was long.
    fn account(&mut self, command: &Command, client: &Client, argv: Argv<'_>, failed: bool) {
        let services = &self.engine.services;
        let now_ns = services.clock.elapsed_ns();
        let ns = now_ns.saturating_sub(self.clock_ns);
        self.clock_ns = now_ns;
        services.count_call(command, ns, failed);
        if self.mode != Mode::Replay {
            services.note_if_slow(command, &client.handle, argv, ns);
        }
    }

    /// Hands the effects to the log, delivers what waiting clients got, and lets go of the locks.
    pub(super) fn release(&mut self) {
        self.note_written();
        let Some(mut locked) = self.locked.take() else { return };
        let services = &self.engine.services;
        let position = services.aof.append(&self.changes.effects, self.now_ms);
        if self.changes.effects.databases().is_some() {
            locked.log_reaches(std::mem::take(&mut self.written), position);
            self.position = position;
        }
        let told = std::mem::take(&mut self.told);
        self.position = self.position.max(locked.log_position(told));
        self.changes.effects.clear();
        self.noted_bytes = 0;
        if !self.deliveries.is_empty() {
            self.has_served = true;
            let deliveries = self.deliveries.drain(..);
            deliveries.for_each(|delivery| delivery.client.serve(&delivery.reply, position));
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
        if self.changes.kept_bytes > 0 {
            let kept_bytes = std::mem::take(&mut self.changes.kept_bytes);
            self.engine.evictor.snapshot_keeps(kept_bytes);
        }
        drop(locked);
        if !self.changes.garbage.is_empty() {
            let garbage = self.changes.garbage.drain(..);
            garbage.for_each(|garbage| services.reclaim.free(garbage));
        }
        let stats = &services.stats;
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

    /// Ends the run.
    pub(crate) fn finish(mut self) -> Finished {
        self.release();
        Finished { position: self.position, has_served: self.has_served, calls: self.calls }
    }

    fn block(
        &mut self,
        client: &Client,
        reply: &Reply,
        argv: Argv<'_>,
        wait: Box<Wait>,
    ) -> Arc<Waiter> {
        let locked = self.locked.as_mut().expect("a call that waits holds the locks of its keys");
        self.engine.park(locked, client, reply.protocol(), argv, wait)
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        self.release();
    }
}

/// What becomes of a request.
enum Admitted {
    Postpone,
    Queue,
    Run(&'static Command),
}

impl Host for Engine {
    fn run(
        &self,
        context: &mut Context<'_>,
        command: &'static Command,
        argv: Argv<'_>,
    ) -> Option<Box<dyn Suspended>> {
        let propagated = std::mem::take(&mut context.propagated);
        let outer_reply = context.reply.len();
        let start_ns = self.services.clock.elapsed_ns();
        let outcome = handle(context, command, argv);
        let failed = outcome.is_err();
        context.propagated = propagated;
        if let Ok(Outcome::Suspended(call)) = outcome {
            return Some(call);
        }
        if !self.services.monitors.is_empty() {
            let of_client = context.mode == Mode::Transaction;
            let origin = if of_client { context.client.handle.peer.origin() } else { "lua".into() };
            self.services.show_to_monitors(command, context.db.index(), &origin, argv);
        }
        let ns = self.services.clock.elapsed_ns().saturating_sub(start_ns);
        self.services.count_call(command, ns, failed);
        if context.mode == Mode::Transaction {
            self.services.note_if_slow(command, &context.client.handle, argv, ns);
        }
        debug_assert!(context.reply.len() > outer_reply, "every command replies");
        None
    }
}

/// Takes back a reply that the client does not want (CLIENT REPLY).
fn withhold(client: &mut Client, reply: &mut Reply, start: usize, mode: ReplyMode) {
    if mode != ReplyMode::On && client.reply_mode != ReplyMode::On {
        let pushed = std::mem::take(&mut client.pushed);
        reply.truncate(if pushed { reply.len() } else { start });
    }
    if mode == ReplyMode::SkipNext && client.reply_mode == ReplyMode::SkipNext {
        client.reply_mode = ReplyMode::On;
    }
}

/// Calls the handler; writes its error, if any; and logs the command if it changed something.
fn handle(context: &mut Context<'_>, command: &Command, argv: Argv<'_>) -> Result<Outcome, ()> {
    let start = context.reply.len();
    let dirty = context.db.changes().dirty;
    let db = context.db.index();
    let mut args = Args::new(argv, command.name_words());
    let outcome = (command.spec.handler)(context, &mut args);
    if context.db.changes().dirty != dirty && !context.propagated {
        let effects = &mut context.db.changes().effects;
        if command.has(Flag::Renamed) {
            effects.push(db, command.words_to_log(argv));
        } else {
            effects.push(db, argv.iter());
        }
    }
    if context.client.caching.is_some() {
        remember_keys(context, command, argv);
    }
    outcome.map_err(|error| {
        let text = error.to_string();
        count_error(context.services, &error, &text);
        context.reply.truncate(start);
        context.reply.error(&text);
    })
}

fn count_error(services: &Services, error: &CommandError, text: &str) {
    if !matches!(error, CommandError::Counted(_)) {
        services.stats.error(text);
    }
}

/// A RESP2 client that has subscribed reads messages, among which few replies can be told.
fn allowed_when_subscribed(client: &Client, command: &Command) -> bool {
    const ALLOWED: [&str; 9] = [
        "ping",
        "psubscribe",
        "punsubscribe",
        "quit",
        "reset",
        "ssubscribe",
        "subscribe",
        "sunsubscribe",
        "unsubscribe",
    ];
    client.handle.speaks_resp3() || ALLOWED.contains(&command.spec.name)
}

/// Does the command, or one that it runs as a transaction, take more memory? Whatever is queued
/// does.
fn needs_memory(command: &Command, client: &Client) -> bool {
    if !command.has(Flag::WholeTransaction) {
        let is_queued = client.transaction.is_some() && !command.has(Flag::Unqueued);
        return is_queued || command.has(Flag::DenyOom);
    }
    let queued = client.transaction.iter().flat_map(|transaction| &transaction.queue);
    queued
        .filter_map(|argv| table().resolve(argv.as_argv()))
        .any(|command| command.has(Flag::DenyOom))
}

/// Is it a writing command, or EXEC with one in its queue?
fn is_write(command: &Command, client: &Client) -> bool {
    let queued = client.transaction.iter().flat_map(|transaction| &transaction.queue);
    let mut queued = queued.filter_map(|argv| table().resolve(argv.as_argv()));
    command.has(Flag::Write)
        || (command.spec.name == "exec" && queued.any(|queued| queued.has(Flag::Write)))
}

fn unknown(argv: Argv<'_>) -> CommandError {
    let shown = |word: &[u8]| {
        let word = &word[..word.len().min(SHOWN_BYTES_MAX)];
        String::from_utf8_lossy(word).into_owned()
    };
    let mut args = String::new();
    for word in argv.iter_from(1) {
        if args.len() >= SHOWN_BYTES_MAX {
            break;
        }
        args.extend(["'", &shown(word), "' "]);
    }
    let name = shown(argv.get(0).unwrap_or_default());
    CommandError::UnknownCommand { name: name.into(), args: args.into() }
}
