//! CLIENT PAUSE: which requests are put off.

use std::time::Duration;

use super::Engine;
use crate::client::{Client, Paused};
use crate::command::Flag;
use crate::command::table::{Command, table};
use crate::resp::argv::Argv;
use crate::script::shebang::{self, Flags};
use crate::script::vm;

/// How long a virtual machine is waited for to ask about a script.
const PATIENCE: Duration = Duration::from_millis(1);

impl Engine {
    /// Does CLIENT PAUSE put this request off?
    #[cold]
    pub(super) fn is_postponed(&self, client: &Client, command: &Command, argv: Argv<'_>) -> bool {
        let services = &self.services;
        match services.pause.current(services.clock.now_ms()) {
            None => false,
            Some(_) if client.is_internal() => false,
            Some((Paused::All, _)) => command.full_name != "client|unpause",
            Some((Paused::Writes, _)) if command.spec.name == "exec" => {
                let queued = client.queued().iter();
                queued.map(|argv| argv.as_argv()).any(|argv| {
                    table().resolve(argv).is_some_and(|command| self.may_write(command, argv))
                })
            }
            Some((Paused::Writes, _)) => self.may_write(command, argv),
        }
    }

    fn may_write(&self, command: &Command, argv: Argv<'_>) -> bool {
        if command.of_scripts && command.has(Flag::MayReplicate) {
            return !self
                .script_flags(command, argv)
                .is_some_and(|flags| flags.contains(Flags::NO_WRITES));
        }
        command.has(Flag::Write) || command.has(Flag::MayReplicate)
    }

    /// What the script or function that a request runs says about itself, if that can be told.
    fn script_flags(&self, command: &Command, argv: Argv<'_>) -> Option<Flags> {
        let scripts = &self.services.scripts;
        let word = argv.get(1)?;
        match command.spec.name {
            "eval" => Some(shebang::of_script(word).ok()?.0),
            "evalsha" => {
                let vm = scripts.vm.try_lock_for(PATIENCE)?;
                Some(vm.script(vm::parse_sha(word)?)?.flags)
            }
            "fcall" => {
                let vm = scripts.functions.try_lock_for(PATIENCE)?;
                Some(vm.function(word)?.flags)
            }
            _ => None,
        }
    }
}
