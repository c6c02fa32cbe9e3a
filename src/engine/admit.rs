//! May a request run? What it must pass before, and what it is told if it does not.

use super::batch::Batch;
use super::call::write_error;
use super::evict::Room;
use super::slots::require_one_slot;
use crate::client::Client;
use crate::command::access::{Asked, Origin};
use crate::command::admin::check_protected;
use crate::command::error::{SHOWN_BYTES_MAX, shown};
use crate::command::table::{Command, table};
use crate::command::{CommandError, Flag, Mode};
use crate::resp::Reply;
use crate::resp::argv::Argv;

/// What becomes of a request.
pub(super) enum Admitted {
    /// It is of another protocol: the connection is closed.
    CutOff,
    Postpone,
    Queue,
    Run(&'static Command),
}

impl Batch<'_> {
    /// May this request run now, or be queued?
    pub(super) fn admit(
        &mut self,
        client: &mut Client,
        argv: Argv<'_>,
    ) -> Result<Admitted, CommandError> {
        let Some(command) = self.resolve(client, argv) else {
            let is_foreign = self.mode != Mode::Replay && is_of_http(argv);
            return if is_foreign { Ok(Admitted::CutOff) } else { Err(unknown(argv)) };
        };
        if command.is_container() && argv.len() > 1 {
            let name = shown(argv.get(1).unwrap_or_default()).into();
            return Err(CommandError::UnknownSubcommand { container: command.spec.name, name });
        }
        if !command.spec.arity.allows(argv.len()) {
            return Err(CommandError::WrongArity(command.full_name.as_str().into()));
        }
        if command.has(Flag::Protected) && self.mode != Mode::Replay {
            check_protected(&self.engine.services, client)?;
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
        if client.is_in_transaction() && !command.has(Flag::Unqueued) {
            if command.has(Flag::NoMulti) {
                return Err(CommandError::Plain("ERR Command not allowed inside a transaction"));
            }
            return Ok(Admitted::Queue);
        }
        Ok(Admitted::Run(command))
    }

    /// The command that a request names: often the client's last one did the same.
    fn resolve(&self, client: &Client, argv: Argv<'_>) -> Option<&'static Command> {
        let last = client.handle.figures.last_command();
        let last = last.and_then(|index| table().all().get(index));
        let of_log = || if self.mode == Mode::Replay { table().resolve_logged(argv) } else { None };
        table().resolve_again(last, argv).or_else(of_log)
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

    /// Makes room for data, if there is not enough; returns whether that failed.
    #[inline(never)]
    fn lacks_memory(&mut self, limit: u64) -> bool {
        if !self.engine.is_above_limit(limit) {
            return false;
        }
        self.release();
        self.has_evicted = true;
        let room = self.engine.make_room(limit);
        self.dependence.position = self.engine.services.aof.appended();
        room == Room::None
    }

    /// Answers a request that was not admitted.
    #[cold]
    pub(super) fn refuse(
        &mut self,
        client: &mut Client,
        argv: Argv<'_>,
        error: &CommandError,
        reply: &mut Reply,
    ) {
        let services = &self.engine.services;
        let command = table().resolve(argv);
        if let Some(command) = command {
            services.stats.rejected(command.index);
        }
        let is_busy = matches!(error, CommandError::BusyScript | CommandError::BusyFunction);
        // DISCARD and RESET end it even if the watched keys are out of reach.
        let ends = command.is_some_and(|command| {
            let is_end = is_busy && command.has(Flag::WholeTransaction);
            command.spec.name == "exec" || (is_end && client.is_in_transaction())
        });
        let mut aborted = None;
        if ends {
            if !matches!(error, CommandError::CrossSlot) {
                let text = error.to_string();
                let reason = text.strip_prefix("ERR ").unwrap_or(&text);
                let text = format!("EXECABORT Transaction discarded because of: {reason}");
                aborted = Some(CommandError::Text(text.into()));
            }
            self.release();
            self.engine.discard_transaction(client);
        }
        client.abort_transaction();
        write_error(services, aborted.as_ref().unwrap_or(error), reply);
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
    client.handle.speaks_resp3()
        || (command.container.is_none() && ALLOWED.contains(&command.spec.name))
}

/// Does the command, or one that it runs as a transaction, take more memory? Whatever is queued
/// does.
fn needs_memory(command: &Command, client: &Client) -> bool {
    if !command.has(Flag::WholeTransaction) {
        let is_queued = client.is_in_transaction() && !command.has(Flag::Unqueued);
        return is_queued || command.has(Flag::DenyOom);
    }
    let queued = client.queued().iter();
    queued
        .filter_map(|argv| table().resolve(argv.as_argv()))
        .any(|command| command.has(Flag::DenyOom))
}

/// Is it a writing command, or EXEC with one in its queue?
fn is_write(command: &Command, client: &Client) -> bool {
    let mut queued = client.queued().iter().filter_map(|argv| table().resolve(argv.as_argv()));
    command.has(Flag::Write)
        || (command.spec.name == "exec" && queued.any(|queued| queued.has(Flag::Write)))
}

/// Is it a line of HTTP? A web page can have a browser post what it likes to any port, and with it
/// commands in the lines that follow.
fn is_of_http(argv: Argv<'_>) -> bool {
    let name = argv.get(0).unwrap_or_default();
    name.eq_ignore_ascii_case(b"post") || name.eq_ignore_ascii_case(b"host:")
}

fn unknown(argv: Argv<'_>) -> CommandError {
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
