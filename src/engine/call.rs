//! A call, step by step.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::admit::Admitted;
use super::batch::Batch;
use super::tracking::remember_keys;
use super::{Engine, Waiter};
use crate::client::{Client, ReplyMode};
use crate::command::table::Command;
use crate::command::{
    Args, CommandError, Context, Flag, Host, Mode, Outcome, Services, Suspended, Wait,
};
use crate::resp::Reply;
use crate::resp::argv::{Argv, OwnedArgv};
use crate::store::Db;

/// Places that calls of scripts and transactions take before they are counted.
const UNCOUNTED_MAX: usize = 64;

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

impl Batch<'_> {
    /// Runs one request of a client and writes its reply.
    pub(crate) fn call(&mut self, client: &mut Client, reply: &mut Reply, argv: Argv<'_>) -> Flow {
        let mode = client.reply_mode;
        if mode == ReplyMode::SkipNext {
            client.reply_mode = ReplyMode::Skipping;
        }
        self.calls = self.calls.wrapping_add(1);
        self.count_down();
        let admitted = self.admit(client, argv);
        if std::mem::take(&mut self.has_evicted) {
            // Word of keys that went comes before the reply.
            client.write_outbox(reply);
        }
        if let Ok(Admitted::Run(command)) = &admitted
            && command.has(Flag::OutboxFirst)
        {
            self.release();
            client.write_outbox(reply);
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
            Ok(Admitted::CutOff) => {
                self.engine.cut_off(client);
                Flow::Next
            }
            Ok(Admitted::Postpone) => {
                client.reply_mode = mode;
                return Flow::Postponed;
            }
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
        self.engine.services.count_calls(&mut self.uncounted);
        if let Ok(Outcome::Suspended(call)) = outcome {
            return Flow::Suspended(SuspendedCall { call, command, argv, start, reply_mode });
        }
        self.changes.effects.end();
        if let Err(error) = &outcome {
            reply.truncate(start);
            write_error(&self.engine.services, error, reply);
        }
        self.conclude(command, client, argv.as_argv(), Some(outcome.is_err()));
        withhold(client, reply, start, reply_mode);
        Flow::Next
    }

    fn run(
        &mut self,
        command: &'static Command,
        client: &mut Client,
        reply: &mut Reply,
        argv: Argv<'_>,
    ) -> Flow {
        client.handle.figures.set_last_command(command.index);
        if command.may_tell_of_calls() {
            self.engine.services.count_calls(&mut self.uncounted);
        }
        // Whoever monitors sees what a script or function does after the call of it.
        let runs_others = command.of_scripts;
        if runs_others {
            self.show_to_monitors(command, client, argv);
        }
        let foreseen = self.foreseen(command, argv);
        let may_run = self.lock_for(command, argv, client, foreseen);
        if let Err(error) = may_run.and_then(|()| self.depend_on_log(command)) {
            self.refuse(client, argv, &error, reply);
            return Flow::Next;
        }
        self.start_where_foreseen(foreseen);
        let outcome = self.execute(command, client, reply, argv);
        if !runs_others {
            self.show_to_monitors(command, client, argv);
        }
        // One that waits is counted when it is served, or stops waiting.
        let (flow, failed) = match outcome {
            Ok(Outcome::Suspended(call)) => {
                self.engine.services.count_calls(&mut self.uncounted);
                let (argv, reply_mode) = (argv.to_owned(), client.reply_mode);
                let call = SuspendedCall { call, command, argv, start: 0, reply_mode };
                return Flow::Suspended(call);
            }
            Ok(Outcome::Wait(wait)) => {
                (Flow::Blocked(self.block(client, reply, (command, argv), wait)), None)
            }
            Ok(Outcome::Done) => (Flow::Next, Some(false)),
            Err(()) => (Flow::Next, Some(true)),
        };
        self.conclude(command, client, argv, failed);
        if command.of_scripts && !self.engine.looks_ahead() {
            // It has all shards, which other threads wait for.
            self.release();
        }
        flow
    }

    fn show_to_monitors(&self, command: &Command, client: &Client, argv: Argv<'_>) {
        let services = &self.engine.services;
        if !services.monitors.is_empty() {
            services.show_to_monitors(command, client.db, &client.handle.peer.origin(), argv);
        }
    }

    /// Notes which part of the log the reply will depend on. While the log fails, what might tell
    /// of something that a crash would undo is refused.
    fn depend_on_log(&mut self, command: &Command) -> Result<(), CommandError> {
        let services = &self.engine.services;
        // Libraries of functions are in no shard.
        let tells_of_all = command.of_scripts && !command.has(Flag::AllowBusy);
        let before = self.dependence.position;
        let position = if tells_of_all { services.aof.appended() } else { before };
        if services.aof.is_failing() && self.shows_uncommitted(command, position) {
            return Err(services.unwritable());
        }
        self.dependence.position = position;
        if tells_of_all {
            self.dependence.depend_on_all();
        } else if command.tells {
            self.dependence.tell_of(self.need);
        }
        Ok(())
    }

    /// Might the reply of this command show something that a crash would undo?
    #[cold]
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
        if !self.changes.ready.is_empty() {
            self.serve_ready();
        }
        self.note_touched(client, command);
        match failed {
            None => self.clock_ns = self.engine.services.clock.elapsed_ns(),
            Some(failed) => self.account(command, client, argv, failed),
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
        // While data are loaded, the log may yet say that a key lives longer.
        if self.mode == Mode::Replay || self.engine.services.loading.is_active() {
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
            now_us: self.now_us,
            mode: self.mode,
            propagated: false,
            uncounted: &mut self.uncounted,
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
        self.uncounted.push(services.to_count(command, ns, failed));
        if self.mode != Mode::Replay {
            services.note_if_slow(command, &client.handle, argv, ns);
        }
    }

    #[inline(never)]
    fn block(
        &mut self,
        client: &Client,
        reply: &Reply,
        request: (&'static Command, Argv<'_>),
        wait: Box<Wait>,
    ) -> Arc<Waiter> {
        let locked = self.locked.as_mut().expect("a call that waits holds the locks of its keys");
        self.engine.park(locked, client, reply.protocol(), request, wait)
    }
}

impl Host for Engine {
    fn run(
        &self,
        context: &mut Context<'_>,
        command: &'static Command,
        argv: Argv<'_>,
    ) -> Option<Box<dyn Suspended>> {
        if command.may_tell_of_calls() || context.uncounted.len() >= UNCOUNTED_MAX {
            self.services.count_calls(context.uncounted);
        }
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
            let origin =
                if of_client { context.client.handle.peer.origin() } else { "lua".to_owned() };
            self.services.show_to_monitors(command, context.db.index(), &origin, argv);
        }
        let ns = self.services.clock.elapsed_ns().saturating_sub(start_ns);
        context.uncounted.push(self.services.to_count(command, ns, failed));
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
    if client.reply_mode == ReplyMode::Skipping {
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
        context.reply.truncate(start);
        write_error(context.services, &error, context.reply);
    })
}

/// Writes an error, and counts it unless that was done where it came about.
pub(super) fn write_error(services: &Services, error: &CommandError, reply: &mut Reply) {
    let text = error.to_string();
    if !matches!(error, CommandError::Counted(_)) {
        services.stats.error(&text);
    }
    reply.error(&text);
}
