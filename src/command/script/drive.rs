//! A script under way: the commands it asks for, and its time.

use super::Rights;
use crate::command::access::{Asked, Origin};
use crate::command::one_slot::SharedSlot;
use crate::command::table::{Command, table};
use crate::command::{CommandError, CommandResult, Context, Flag, Mode, Outcome, Suspended};
use crate::config::Setting;
use crate::resp::argv::Argv;
use crate::resp::{Protocol, Reply};
use crate::script::running::FunctionCall;
use crate::script::{Answer, Ask, Failed, ReplyBytes, Returned, Run, Step};

const KILL: Answer = Answer::Kill("ERR Script killed by user with SCRIPT KILL.");

/// Runs a script from its start.
pub(crate) fn drive(
    context: &mut Context<'_>,
    run: Run,
    rights: Rights,
    function: Option<FunctionCall>,
) -> CommandResult {
    let services = context.services;
    services.scripts.running.start(function, services.clock.elapsed_ns());
    let threshold_ms = services.config.size(Setting::BusyReplyThreshold) as u64;
    let mut reply = Reply::new(Protocol::Resp2);
    reply.give(Vec::with_capacity(REPLY_BYTES));
    let script = Box::new(Driven {
        run,
        rights,
        protocol: Protocol::Resp2,
        reply,
        db: context.client.db,
        deadline_ms: if threshold_ms == 0 { u64::MAX } else { threshold_ms },
        logged: true,
        is_replayed: context.mode == Mode::Replay,
        calls: 0,
        answer: Answer::GoOn,
    });
    script.go_on(context)
}

/// Room made at first for the replies of the commands that a script calls.
const REPLY_BYTES: usize = 1024;
/// Replies from this length on are not copied, but given away with their buffer.
const LONG_BYTES: usize = 4096;

/// Commands between two looks at the clock. A script that the interpreter does not count, as it
/// seems to run straight through, may have found a function that calls others again and again.
const CALLS_PER_LOOK: u32 = 64;

/// A script under way.
struct Driven {
    run: Run,
    rights: Rights,
    /// The protocol in which the script wants replies.
    protocol: Protocol,
    /// Takes the replies of the commands it calls.
    reply: Reply,
    /// The database to return to.
    db: usize,
    /// How long it may run before others are told that it is busy.
    deadline_ms: u64,
    /// Are its effects logged?
    logged: bool,
    /// Does the log have it run?
    is_replayed: bool,
    /// Commands it has called.
    calls: u32,
    /// What it is told when others had their turn.
    answer: Answer,
}

impl std::fmt::Debug for Driven {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driven").field("rights", &self.rights).finish_non_exhaustive()
    }
}

impl Suspended for Driven {
    fn go_on(mut self: Box<Self>, context: &mut Context<'_>) -> CommandResult {
        let mode = std::mem::replace(&mut context.mode, Mode::Script);
        context.db.changes().effects.mute(!self.logged);
        let result = self.work(context);
        context.db.changes().effects.mute(false);
        context.mode = mode;
        context.propagated = true;
        let Some(result) = result else { return Ok(Outcome::Suspended(self)) };
        context.client.select(self.db);
        context.db.select(self.db);
        let running = &context.services.scripts.running;
        running.end();
        let value = result.map_err(failed)?;
        if let Some(error) = self.run.vm().returned_error(&value) {
            return Err(failed(error));
        }
        self.run.vm().write(&value, self.protocol, context.reply);
        Ok(Outcome::Done)
    }
}

impl Driven {
    /// Answers what the script asks until it ends, or until it is time for others.
    fn work(&mut self, context: &mut Context<'_>) -> Option<Result<Returned, Failed>> {
        let running = &context.services.scripts.running;
        let answer = std::mem::replace(&mut self.answer, Answer::GoOn);
        let mut answer = if running.is_killed() { KILL } else { answer };
        loop {
            let ask = match self.run.go_on(answer) {
                Step::Finished(result) => return Some(result),
                Step::Ask(ask) => ask,
            };
            answer = match ask {
                Ask::Call(argv) => {
                    let answer = self.call(context, argv.as_argv());
                    self.calls = self.calls.wrapping_add(1);
                    if self.calls.is_multiple_of(CALLS_PER_LOOK) && self.is_over(context) {
                        self.answer = answer;
                        return None;
                    }
                    answer
                }
                Ask::MayCall(argv) => may_call(context, argv.as_argv()),
                Ask::Log(level, text) => log(level, &text),
                Ask::SetLogged(logged) => {
                    self.logged = logged;
                    context.db.changes().effects.mute(!logged);
                    Answer::GoOn
                }
                Ask::SetProtocol(protocol) => {
                    self.protocol = protocol;
                    Answer::GoOn
                }
                Ask::Tick { .. } if running.is_killed() => KILL,
                Ask::Tick { is_over: true } => Answer::Kill("ERR not enough memory"),
                Ask::Tick { .. } if self.is_over(context) => return None,
                Ask::Tick { .. } => Answer::GoOn,
            };
        }
    }

    /// Has it used up its time? Then others are told from now on.
    fn is_over(&self, context: &Context<'_>) -> bool {
        let running = &context.services.scripts.running;
        let is_over = running.elapsed_ms(context.services.clock.elapsed_ns()) >= self.deadline_ms;
        if is_over {
            running.note_busy();
        }
        is_over
    }

    /// Why a command is not run for the script. One that has written is not stopped half-way.
    fn refusal(
        &self,
        context: &Context<'_>,
        command: &'static Command,
        argv: Argv<'_>,
    ) -> Option<CommandError> {
        let services = context.services;
        let writes = command.has(Flag::Write);
        let refused = |text| Some(CommandError::Plain(text));
        if !command.spec.arity.allows(argv.len()) {
            return refused("ERR Wrong number of args calling Redis command from script");
        }
        if command.has(Flag::NoScript) {
            return refused("ERR This Redis command is not allowed from script");
        }
        if !context.client.is_unlimited() {
            let asked = Asked { command, argv, origin: Origin::Script };
            if let Err(error) = services.check_access(context.client, asked) {
                return Some(error);
            }
        }
        if self.rights.read_only && (writes || command.has(Flag::MayReplicate)) {
            return refused("ERR Write commands are not allowed from read-only scripts.");
        }
        if services.scripts.running.wrote() {
            return None;
        }
        if writes
            && !self.is_replayed
            && let Some(error) = services.refuses_writes()
        {
            return Some(error);
        }
        let lacks_memory = command.has(Flag::DenyOom) && !self.rights.may_grow;
        lacks_memory.then_some(CommandError::OutOfMemory)
    }

    /// In a cluster: why a command is not run for the script, as its keys lie elsewhere.
    fn leaves_slot(&mut self, command: &Command, argv: Argv<'_>) -> Option<&'static str> {
        if !SharedSlot::default().add_keys(command, argv) {
            return Some("ERR Script attempted to access a non local key in a cluster node");
        }
        let shared = self.rights.shared_slot.as_mut()?;
        let text = "ERR Script attempted to access keys that do not hash to the same slot";
        (!shared.add_keys(command, argv)).then_some(text)
    }

    /// Runs a command for the script.
    fn call(&mut self, context: &mut Context<'_>, argv: Argv<'_>) -> Answer {
        let command =
            table().resolve(argv).filter(|command| !command.is_container() || argv.len() == 1);
        let Some(command) = command else {
            return Answer::Error("ERR Unknown Redis command called from script".into());
        };
        if let Some(error) = self.refusal(context, command, argv) {
            let text = error.to_string();
            let stats = &context.services.stats;
            stats.error(&text);
            stats.rejected(command.index);
            return Answer::Error(text.into());
        }
        if context.services.is_cluster()
            && !self.is_replayed
            && let Some(text) = self.leaves_slot(command, argv)
        {
            context.services.stats.error(text);
            return Answer::Error(text.into());
        }
        let running = &context.services.scripts.running;
        if command.has(Flag::Write) && !running.wrote() && !running.note_write() {
            return KILL;
        }
        self.reply.switch(self.protocol);
        std::mem::swap(context.reply, &mut self.reply);
        let host = context.host;
        let suspended = host.run(context, command, argv);
        debug_assert!(suspended.is_none(), "scripts call no scripts");
        std::mem::swap(context.reply, &mut self.reply);
        let answer = self.answer();
        self.reply.truncate(0);
        answer
    }

    /// What the script is told of the reply.
    fn answer(&mut self) -> Answer {
        if let Some(number) = self.reply.as_integer() {
            return Answer::Integer(number);
        }
        if self.reply.len() > LONG_BYTES {
            return Answer::Reply(ReplyBytes::from_vec(self.reply.take()));
        }
        match self.reply.as_bulk() {
            Some(text) => Answer::Text(text.to_vec()),
            None => Answer::Reply(ReplyBytes::from_slice(self.reply.bytes())),
        }
    }
}

/// May the client run this command?
fn may_call(context: &Context<'_>, argv: Argv<'_>) -> Answer {
    match table().resolve(argv) {
        Some(command) => {
            let request = Asked { command, argv, origin: Origin::Script }.request();
            let rights = context.client.account.rights();
            Answer::Flag(rights.is_none_or(|rights| rights.check(&request).is_ok()))
        }
        None => Answer::Error("ERR Invalid command passed to redis.acl_check_cmd()".into()),
    }
}

fn log(level: u8, text: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(text);
    match level {
        0 => tracing::debug!(script = true, "{text}"),
        1 | 2 => tracing::info!(script = true, "{text}"),
        _ => tracing::warn!(script = true, "{text}"),
    }
    Answer::GoOn
}

fn failed(failed: Failed) -> CommandError {
    let text = failed.text.into();
    if failed.is_counted { CommandError::Counted(text) } else { CommandError::Script(text) }
}
