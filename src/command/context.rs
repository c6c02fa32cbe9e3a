//! What a handler may use: the keys of its client's database, the client, the reply to write, and
//! handles to the rest of the server.

use std::sync::atomic::AtomicBool;

use super::connection::REDIS_VERSION;
use super::error::CommandError;
use super::table::Command;
use super::{Flag, Outcome, Suspended, TimeoutReply, Wait};
use crate::acl::Accounts;
use crate::aof::Aof;
use crate::aof::saver::{Ending, Saver};
use crate::client::{Client, Monitors, Pause, Poster, Registry, Wakeup};
use crate::clock::Clock;
use crate::config::{Config, Setting};
use crate::observe::{Identity, LatencyMonitor, Loading, SlowLog, Stats, Tally};
use crate::pubsub::PubSub;
use crate::random::Random;
use crate::rdb;
use crate::resp::argv::Argv;
use crate::resp::{Protocol, Reply};
use crate::script::Scripts;
use crate::store::{Changes, Class, Db, Keyspace, Reclaim, Usage};
use crate::tls::Tls;
use crate::tracking::Tracking;
use crate::types::packed_map;
use crate::types::set::SetLimits;
use crate::types::stream::BlockLimits;

/// The parts of the server that commands reach beyond the keyspace.
#[derive(Debug)]
pub(crate) struct Services {
    pub(crate) acl: Accounts,
    pub(crate) aof: Aof,
    pub(crate) clients: Registry,
    pub(crate) clock: Clock,
    pub(crate) config: Config,
    pub(crate) identity: Identity,
    pub(crate) keyspace: Keyspace,
    pub(crate) loading: Loading,
    pub(crate) monitors: Monitors,
    pub(crate) pause: Pause,
    pub(crate) pubsub: PubSub,
    pub(crate) latency: LatencyMonitor,
    pub(crate) random: Random,
    pub(crate) reclaim: Reclaim,
    pub(crate) scripts: Scripts,
    pub(crate) slowlog: SlowLog,
    /// When the server started: unix time in milliseconds.
    pub(crate) started_ms: u64,
    pub(crate) saver: Saver,
    pub(crate) stats: Stats,
    pub(crate) tls: Tls,
    pub(crate) tracking: Tracking,
    /// DEBUG PAUSE-CRON: the periodic work is not done.
    pub(crate) cron_rests: AtomicBool,
    /// Set when the server is to stop.
    pub(crate) stopping: AtomicBool,
    /// Wakes who looks for the end when SHUTDOWN was called.
    pub(crate) shutdown_called: Wakeup,
    /// Set under the locks of all shards when the last snapshot is written: no call gets a lock.
    pub(crate) is_over: AtomicBool,
}

impl Services {
    /// Is this server a cluster, of one node?
    pub(crate) fn is_cluster(&self) -> bool {
        self.config.flag(Setting::ClusterEnabled)
    }

    /// The protocol that clients speak until they choose one.
    pub(crate) fn default_protocol(&self) -> Protocol {
        match self.config.number(Setting::ClientDefaultResp) {
            3 => Protocol::Resp3,
            _ => Protocol::Resp2,
        }
    }

    /// Posts into clients' outboxes.
    pub(crate) fn poster(&self) -> Poster<'_> {
        let Self { clients, config, clock, stats, .. } = self;
        Poster { clients, config, clock, stats }
    }

    /// What is noted of accesses to keys.
    pub(crate) fn usage(&self) -> Usage {
        match self.config.access_counts() {
            Some((log_factor, decay_minutes)) => Usage::Frequency { log_factor, decay_minutes },
            None => Usage::Recency,
        }
    }

    /// Has changes of the data follow the settings as they are now.
    pub(crate) fn guide(&self, changes: &mut Changes) {
        changes.events = self.config.events();
        changes.tracks = self.tracking.is_used();
        changes.list_limit = self.config.number(Setting::ListMaxListpackSize);
        changes.usage = self.usage();
        if changes.usage != Usage::Recency && changes.chance == 0 {
            changes.chance = self.random.next();
        }
    }

    /// Shows a command that `origin` runs to those who monitor.
    pub(crate) fn show_to_monitors(
        &self,
        command: &Command,
        db: usize,
        origin: &str,
        argv: Argv<'_>,
    ) {
        let is_hidden = command.has(Flag::SkipMonitor) && !command.of_scripts;
        if !command.has(Flag::Admin) && (!is_hidden || command.spec.name == "exec") {
            let request = (command.full_name.as_str(), argv);
            self.monitors.show((db, origin), request, &self.poster());
        }
    }

    /// How large values that are restored may get before they leave their packed form.
    pub(crate) fn rdb_limits(&self) -> rdb::Limits {
        let size = |setting| self.config.size(setting);
        let packed = |entries, value_bytes| packed_map::Limits {
            entries: size(entries),
            value_bytes: size(value_bytes),
        };
        rdb::Limits {
            hash: packed(Setting::HashMaxListpackEntries, Setting::HashMaxListpackValue),
            set: SetLimits {
                integers: size(Setting::SetMaxIntsetEntries),
                packed: packed(Setting::SetMaxListpackEntries, Setting::SetMaxListpackValue),
            },
            sorted_set: packed(Setting::ZsetMaxListpackEntries, Setting::ZsetMaxListpackValue),
            stream: BlockLimits {
                bytes_max: size(Setting::StreamNodeMaxBytes),
                entries_max: size(Setting::StreamNodeMaxEntries),
            },
        }
    }

    /// How RDB files are written; `is_base`: as the base of the log.
    pub(crate) fn rdb_options(&self, is_base: bool) -> rdb::Options {
        let mut fields = vec![
            ("redis-ver", REDIS_VERSION.to_owned()),
            ("redis-bits", "64".to_owned()),
            ("ctime", (self.clock.now_ms() / 1000).to_string()),
        ];
        if is_base {
            fields.push(("aof-base", "1".to_owned()));
        }
        rdb::Options {
            compresses: self.config.flag(Setting::RdbCompression),
            has_checksum: self.config.flag(Setting::RdbChecksum),
            fields,
        }
    }

    /// Is a last snapshot written? Never while the data are loaded, as that would be half of them.
    pub(crate) fn saves_at_the_end(&self, ending: Ending) -> bool {
        let saves = ending.saves.unwrap_or_else(|| !self.config.save_points().is_empty());
        saves && !self.loading.is_active()
    }

    /// The error for writes while nothing can be kept: the log is failing, or the snapshots that
    /// the settings ask for are.
    pub(crate) fn refuses_writes(&self) -> Option<CommandError> {
        if self.aof.is_failing() {
            return Some(self.unwritable());
        }
        let minds = self.saver.has_failed() && self.config.flag(Setting::StopWritesOnBgsaveError);
        (minds && !self.config.save_points().is_empty()).then_some(CommandError::NoSnapshots)
    }

    /// The error for what shows or changes data while the log is failing.
    pub(crate) fn unwritable(&self) -> CommandError {
        let failure = self.aof.failure().map(|(_, text)| text);
        CommandError::Misconfigured(failure.unwrap_or_default().into())
    }
}

/// Who runs the command, and hence whether it may wait or be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A client, directly.
    Direct,
    /// The log, at start-up.
    Replay,
    /// A script.
    Script,
    /// EXEC.
    Transaction,
    /// The engine, for a client that waits.
    Wake,
}

/// The way back into the engine, for commands that run others (EXEC).
pub(crate) trait Host {
    /// Runs one command under the locks that `context` holds, and writes its reply.
    /// A script may have to be put aside; then the caller goes on with it later.
    fn run(
        &self,
        context: &mut Context<'_>,
        command: &'static Command,
        argv: Argv<'_>,
    ) -> Option<Box<dyn Suspended>>;
}

/// The surroundings of one call.
pub(crate) struct Context<'a> {
    pub(crate) db: Db<'a>,
    pub(crate) client: &'a mut Client,
    pub(crate) reply: &'a mut Reply,
    pub(crate) services: &'a Services,
    pub(crate) host: &'a dyn Host,
    /// The instant of [`Db::now_ms`] in microseconds.
    pub(crate) now_us: u64,
    pub(crate) mode: Mode,
    /// Did the handler say itself what to log?
    pub(crate) propagated: bool,
    /// Calls that ran and are not counted yet.
    pub(crate) uncounted: &'a mut Tally,
}

impl Context<'_> {
    /// Do the rules of clusters hold? Not for effects in the log, which may be older than the
    /// setting.
    pub(crate) fn is_cluster(&self) -> bool {
        self.services.is_cluster() && self.mode != Mode::Replay
    }

    /// Has the client said who it is, or need it not?
    pub(crate) fn is_authenticated(&self) -> bool {
        self.client.authenticated || self.services.acl.is_open()
    }

    /// Logs this effect instead of the command as it was sent. Several calls add up.
    pub(crate) fn propagate(&mut self, words: &[&[u8]]) {
        self.propagated = true;
        let db = self.db.index();
        self.db.changes().effects.push(db, words.iter().copied());
    }

    /// Is there nobody to read what is propagated? Then this counts as having propagated it.
    pub(crate) fn propagates_nothing(&mut self) -> bool {
        self.propagated = true;
        !self.db.changes().effects.are_read()
    }

    /// `key` was changed: see [`Db::modified`].
    pub(crate) fn modified(&mut self, key: &[u8], class: Class, event: &'static str) {
        self.db.modified(key, class, event);
    }

    /// Can the caller wait? In EXEC, a script and the replay nobody can.
    pub(crate) fn may_wait(&self) -> bool {
        !matches!(self.mode, Mode::Replay | Mode::Script | Mode::Transaction)
    }

    /// The end of a blocking command that found nothing: waits for a value of type `type_name`
    /// in one of `keys`, or, where nobody can wait (EXEC, replay), replies as at the time-out.
    pub(crate) fn wait<'k>(
        &mut self,
        keys: impl Iterator<Item = &'k [u8]>,
        type_name: &'static str,
        deadline_ms: Option<u64>,
        on_timeout: TimeoutReply,
    ) -> Result<Outcome, CommandError> {
        if !self.may_wait() {
            on_timeout.write(self.reply);
            return Ok(Outcome::Done);
        }
        let keys = keys.map(Into::into).collect();
        Ok(Outcome::Wait(Box::new(Wait {
            keys,
            type_name,
            deadline_ms,
            on_timeout,
            on_any_change: false,
            rivals: None,
            retry_at_ms: None,
            argv: None,
        })))
    }
}

impl TimeoutReply {
    /// Writes the null of its shape.
    pub(crate) fn write(self, reply: &mut Reply) {
        match self {
            Self::Nil => reply.nil(),
            Self::NilArray => reply.nil_array(),
            Self::NoReplica => reply.integer(0),
            Self::NoReplicaSynced { local } => {
                reply.array(2);
                reply.integer(i64::from(local));
                reply.integer(0);
            }
        }
    }
}
