//! Semantics: what each command does. One file per Redis command group.
//!
//! A command is a row of its group's table ([`CommandSpec`]) and a handler: a plain function from
//! arguments to a reply. Everything else follows from the row: dispatch, arity errors, locks,
//! COMMAND's replies.

use crate::resp::argv::{Argv, OwnedArgv};

pub(crate) mod access;
pub(crate) mod admin;
pub(crate) mod args;
pub(crate) mod bitmap;
pub(crate) mod choice;
pub(crate) mod client;
pub(crate) mod cluster;
pub(crate) mod connection;
pub(crate) mod context;
pub(crate) mod error;
pub(crate) mod function;
pub(crate) mod geo;
pub(crate) mod hash;
mod help;
pub(crate) mod hyperloglog;
pub(crate) mod keys;
pub(crate) mod list;
pub(crate) mod monitor;
mod names;
pub(crate) mod one_slot;
pub(crate) mod persistence;
pub(crate) mod pubsub;
pub(crate) mod replication;
mod row;
pub(crate) mod scan;
pub(crate) mod script;
pub(crate) mod set;
pub(crate) mod sorted_set;
pub(crate) mod stream;
pub(crate) mod string;
pub(crate) mod table;
pub(crate) mod transaction;

pub(crate) use args::Args;
pub(crate) use context::{Context, Host, Mode, Services};
pub(crate) use error::CommandError;

/// How many words a command takes, its name included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arity {
    AtLeast(usize),
    Exact(usize),
}

impl Arity {
    pub(crate) fn allows(self, words: usize) -> bool {
        match self {
            Self::AtLeast(least) => words >= least,
            Self::Exact(exact) => words == exact,
        }
    }
}

/// Which words of a request are keys.
#[derive(Clone, Copy, Debug)]
pub(crate) enum KeySpec {
    /// A function that finds the indexes of the keys; nothing if the request makes no sense.
    Find(fn(Argv<'_>) -> Vec<usize>),
    None,
    /// From word `first` to word `last` (negative: from the end, -1 is the last), every `step`.
    Range {
        first: usize,
        last: i32,
        step: usize,
    },
}

/// The spec of a command whose only key is its first argument.
pub(crate) const FIRST_KEY: KeySpec = KeySpec::Range { first: 1, last: 1, step: 1 };

/// The spec of a subcommand whose only key is its first argument.
pub(crate) const SECOND_KEY: KeySpec = KeySpec::Range { first: 2, last: 2, step: 1 };

impl KeySpec {
    /// Calls `visit` with the index of each key among the words of a request.
    pub(crate) fn for_each(self, argv: Argv<'_>, mut visit: impl FnMut(usize)) {
        match self {
            Self::None => {}
            Self::Find(find) => find(argv).into_iter().for_each(visit),
            Self::Range { first, last, step } => {
                let last = match usize::try_from(last) {
                    Ok(last) => last.min(argv.len().saturating_sub(1)),
                    Err(_) => argv.len().saturating_sub(last.unsigned_abs() as usize),
                };
                let mut at = first;
                while at <= last {
                    visit(at);
                    at += step;
                }
            }
        }
    }
}

/// Finds keys behind a count: `numkeys` is word `at`, the keys follow; none if the words do not
/// suffice, which the handler refuses.
pub(crate) fn counted_keys(argv: Argv<'_>, at: usize) -> Vec<usize> {
    let count = argv.get(at).and_then(crate::number::parse_i64).unwrap_or(0);
    let count = usize::try_from(count).unwrap_or(0);
    let left = argv.len().saturating_sub(at + 1);
    if count > left { Vec::new() } else { (at + 1..=at + count).collect() }
}

/// What a command is and may do; names as COMMAND INFO shows them, where it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flag {
    /// For operators, not for applications.
    Admin,
    /// Not shown: needs every shard, not just those of its keys.
    AllShards,
    /// Not shown: may change keys in other databases than the selected one.
    AnyDatabase,
    /// Runs while a script keeps the server busy.
    AllowBusy,
    /// May wait for a key.
    Blocking,
    /// Refused when memory is full.
    DenyOom,
    /// O(1) or O(log N).
    Fast,
    /// Not shown: needs every shard if an argument is a pattern of keys, with a `*`.
    KeyPatterns,
    /// Runs while the data are being loaded.
    Loading,
    /// May publish or otherwise be passed on without being a write.
    MayReplicate,
    /// Runs before AUTH.
    NoAuth,
    /// Not while the data are being loaded in the background.
    NoAsyncLoading,
    /// Its keys may be missing (EVAL with `numkeys` 0).
    NoMandatoryKeys,
    /// Not inside MULTI.
    NoMulti,
    /// Not in scripts.
    NoScript,
    /// Not shown: what was sent to the client before comes before the reply, as it changes what the
    /// client gets, or how.
    OutboxFirst,
    /// Not shown: refused unless a setting allows it.
    Protected,
    /// Has to do with publishing and subscribing.
    PubSub,
    /// Changes no data.
    ReadOnly,
    /// Not shown: the settings left it no name.
    Removed,
    /// Not shown: the settings gave it another name; the log has the old one.
    Renamed,
    /// Not shown to MONITOR.
    SkipMonitor,
    /// Not noted in the slow log.
    SkipSlowlog,
    /// Runs on a replica whose primary is out of reach.
    Stale,
    /// Not shown: inside MULTI it runs at once and is not queued.
    Unqueued,
    /// Not shown: needs the shards of the transaction's commands and watched keys.
    WholeTransaction,
    /// May change data, and is logged if it does.
    Write,
}

impl Flag {
    /// This flag's bit in [`table::Command::flags`].
    pub(crate) const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// ACL categories; the ones that follow from flags (read, write, fast, slow, …) are derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Category {
    Admin,
    Bitmap,
    Connection,
    Dangerous,
    Geo,
    Hash,
    HyperLogLog,
    Keyspace,
    List,
    PubSub,
    Scripting,
    Set,
    SortedSet,
    Stream,
    String,
    Transaction,
}

/// What a handler came to.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The reply is written.
    Done,
    /// A script has used up its time: others get their turn, then it goes on under the same locks.
    Suspended(Box<dyn Suspended>),
    /// Nothing to give yet: wait for one of these keys. Nothing was written or changed.
    Wait(Box<Wait>),
}

/// A call that was put aside in the middle.
pub(crate) trait Suspended: std::fmt::Debug {
    /// Goes on with it.
    fn go_on(self: Box<Self>, context: &mut Context<'_>) -> CommandResult;
}

/// What a blocking command waits for.
#[derive(Debug)]
pub(crate) struct Wait {
    pub(crate) keys: Vec<Box<[u8]>>,
    /// The type of value that can serve it.
    pub(crate) type_name: &'static str,
    /// Unix time in milliseconds; `None`: for ever.
    pub(crate) deadline_ms: Option<u64>,
    /// What to reply when the time is up.
    pub(crate) on_timeout: TimeoutReply,
    /// Is the command run again whenever a key changes, even if that leaves no such value?
    pub(crate) on_any_change: bool,
    /// Where one of those who have this in common got nothing, the others get nothing either.
    pub(crate) rivals: Option<Box<[u8]>>,
    /// When to run the command again even if no key changes.
    pub(crate) retry_at_ms: Option<u64>,
    /// The request to run again, if not the one that was made.
    pub(crate) argv: Option<OwnedArgv>,
}

impl Outcome {
    /// Changes how to wait, if that is the outcome.
    pub(crate) fn waiting(mut self, change: impl FnOnce(&mut Wait)) -> Self {
        if let Self::Wait(wait) = &mut self {
            change(wait);
        }
        self
    }
}

/// The null that a blocking command replies with at its time-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeoutReply {
    Nil,
    NilArray,
    /// WAIT: no replica has got it.
    NoReplica,
    /// WAITAOF: no replica has it on disk; this server has, or has not.
    NoReplicaSynced {
        local: bool,
    },
}

pub(crate) type CommandResult = Result<Outcome, CommandError>;

/// A handler runs to its end without waiting for anything.
pub(crate) type Handler = fn(&mut Context<'_>, &mut Args<'_>) -> CommandResult;

/// A row of the command table.
#[derive(Debug)]
pub(crate) struct CommandSpec {
    /// Lower case.
    pub(crate) name: &'static str,
    pub(crate) arity: Arity,
    pub(crate) keys: KeySpec,
    pub(crate) flags: &'static [Flag],
    pub(crate) acl: &'static [Category],
    /// The version of Redis that brought it.
    pub(crate) since: &'static str,
    /// The arguments, as the command's page writes them.
    pub(crate) syntax: &'static str,
    pub(crate) summary: &'static str,
    /// Rows of subcommands; their arity and keys count from the container's name on.
    pub(crate) subcommands: &'static [CommandSpec],
    pub(crate) handler: Handler,
}
