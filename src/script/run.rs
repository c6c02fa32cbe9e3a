//! A run of a script, on a stack of its own, and what it asks of whoever drives it.

use std::borrow::Cow;
use std::cell::Cell;

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};
use mlua::{BString, Value};
use parking_lot::RawMutex;
use parking_lot::lock_api::ArcMutexGuard;
use scoped_tls::scoped_thread_local;
use smallvec::SmallVec;

use super::vm::Vm;
use crate::resp::Protocol;
use crate::resp::argv::OwnedArgv;

/// Room for what Lua nests at most: 200 calls through functions that keep buffers on the stack.
const STACK_BYTES: usize = 4 << 20;

/// How much `redis.log` and `redis.set_repl` speak of.
#[derive(Debug)]
pub(crate) enum Ask {
    /// Run a command.
    Call(OwnedArgv),
    /// May the client run this command? Answered by [`Answer::Flag`].
    MayCall(OwnedArgv),
    /// Write to the server's log, at a level from 0 (debug) to 3 (warning).
    Log(u8, Vec<u8>),
    /// Log the effects of what follows, or not.
    SetLogged(bool),
    /// Replies in this protocol from now on.
    SetProtocol(Protocol),
    /// Some time has passed. Does the script hold more memory than it may?
    Tick { is_over: bool },
}

/// Most replies are short.
pub(crate) type ReplyBytes = SmallVec<[u8; 32]>;

/// What the driver says.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The command was refused, with this text.
    Error(Cow<'static, str>),
    Flag(bool),
    /// Go on.
    GoOn,
    /// The command replied this number.
    Integer(i64),
    /// End with this error. The script is not asked: it may be in a loop that catches errors, and
    /// errors must not pass through Rust's frames, so its stack and its state are given up.
    Kill(&'static str),
    /// The reply of the command, as bytes of the wire.
    Reply(ReplyBytes),
    /// The command replied this bulk string, which is not long.
    Text(Vec<u8>),
}

scoped_thread_local!(static ASKING: Yielder<Answer, Ask>);

thread_local! {
    /// Does a script run on this thread right now? One that was given up may still stand above.
    static RUNS: Cell<bool> = const { Cell::new(false) };
}

/// Asks the driver of the script that runs on this thread. Without one (a library that is being
/// loaded) there is nobody to ask.
pub(super) fn ask(ask: Ask) -> Option<Answer> {
    if !RUNS.get() {
        return None;
    }
    Some(ASKING.with(|yielder| yielder.suspend(ask)))
}

/// Runs `body` on a stack of its own, for so many ticks at most; `None` if that did not do, and
/// the state of Lua is spoiled.
pub(super) fn bounded<R: 'static>(
    ticks_max: u32,
    body: impl FnOnce() -> mlua::Result<R> + 'static,
) -> Option<mlua::Result<R>> {
    let stack = match DefaultStack::new(STACK_BYTES) {
        Ok(stack) => stack,
        Err(error) => return Some(Err(mlua::Error::runtime(error))),
    };
    let mut body =
        Coroutine::with_stack(stack, move |yielder, _: Answer| ASKING.set(yielder, body));
    for _ in 0..ticks_max {
        RUNS.set(true);
        let result = body.resume(Answer::GoOn);
        RUNS.set(false);
        if let CoroutineResult::Return(result) = result {
            return Some(result);
        }
    }
    std::mem::forget(body);
    None
}

/// What a script returned.
#[derive(Debug)]
pub(crate) struct Returned {
    /// Nil for a string, which is packed.
    pub(super) value: Value,
    /// As [`super::packed`] has it, if it can be.
    pub(super) packed: Option<BString>,
}

/// Why a script failed.
#[derive(Debug)]
pub(crate) struct Failed {
    /// The error reply.
    pub(crate) text: String,
    /// Is it the error of a command, which was counted when that failed?
    pub(crate) is_counted: bool,
}

impl From<String> for Failed {
    fn from(text: String) -> Self {
        Self { text, is_counted: false }
    }
}

/// What came of a step.
pub(crate) enum Step {
    Ask(Ask),
    /// What the script returned, or its error.
    Finished(Result<Returned, Failed>),
}

type Body = Coroutine<Answer, Ask, Result<Returned, Failed>, DefaultStack>;

/// A script under way. It holds the virtual machine until it is dropped.
pub(crate) struct Run {
    vm: ArcMutexGuard<RawMutex, Vm>,
    body: Option<Body>,
}

impl Run {
    /// Starts a run of `body`, which gets going with [`Run::go_on`].
    pub(super) fn new(
        mut vm: ArcMutexGuard<RawMutex, Vm>,
        body: impl FnOnce() -> Result<Returned, Failed> + 'static,
    ) -> Result<Self, String> {
        let stack = match vm.take_stack() {
            Some(stack) => stack,
            None => DefaultStack::new(STACK_BYTES)
                .map_err(|error| format!("ERR no memory for the script's stack: {error}"))?,
        };
        let body =
            Coroutine::with_stack(stack, move |yielder, _: Answer| ASKING.set(yielder, body));
        Ok(Self { vm, body: Some(body) })
    }

    /// Runs the script until it asks or ends.
    pub(crate) fn go_on(&mut self, answer: Answer) -> Step {
        let Some(body) = &mut self.body else {
            return Step::Finished(Err("ERR the script has ended".to_owned().into()));
        };
        if let Answer::Kill(text) = answer {
            self.give_up();
            return Step::Finished(Err(text.to_owned().into()));
        }
        RUNS.set(true);
        let result = body.resume(answer);
        RUNS.set(false);
        match result {
            CoroutineResult::Yield(ask) => Step::Ask(ask),
            CoroutineResult::Return(result) => {
                if let Some(body) = self.body.take() {
                    self.vm.keep_stack(body.into_stack());
                }
                Step::Finished(result)
            }
        }
    }

    /// Leaves the stack as it is, for ever, and starts afresh with a new state.
    fn give_up(&mut self) {
        if let Some(body) = self.body.take() {
            std::mem::forget(body);
            self.vm.renew();
        }
    }

    /// The virtual machine, for conversions.
    pub(crate) fn vm(&self) -> &Vm {
        &self.vm
    }
}

impl Drop for Run {
    /// A stack cannot be thrown away half-way.
    fn drop(&mut self) {
        self.give_up();
    }
}
