//! The one call path: everything that runs a command comes through here.
//!
//! A connection opens a [`Batch`], calls its pipelined requests one by one, and finishes it. The
//! batch keeps the shards of one call locked for the next as long as they suffice, so that a hot
//! queue is not a fight for a lock per message.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use dashmap::DashMap;
use foldhash::fast::RandomState;

use crate::acl::{Account, Accounts};
use crate::aof::saver::Saver;
use crate::aof::{Aof, FsyncPolicy};
use crate::client::{Client, Handle, Monitors, Pause, Peer, Registry, Wakeup};
use crate::clock::Clock;
use crate::command::table::table;
use crate::command::{CommandError, Services, access};
use crate::config::{Config, Setting};
use crate::observe::{Identity, LatencyMonitor, Loading, SlowLog, Stats};
use crate::pubsub::PubSub;
use crate::random::Random;
use crate::script::Scripts;
use crate::store::shard::Ticket;
use crate::store::{Keyspace, Reclaim};
use crate::tls::Tls;
use crate::tracking::Tracking;

mod admit;
mod ahead;
mod batch;
mod call;
mod dependence;
mod embed;
mod evict;
mod expire;
mod load;
mod lock_set;
mod node;
mod pause;
mod replay;
mod rewrite;
mod session;
mod slots;
mod slow;
mod tracking;
mod users;
mod wake;
mod watches;

pub(crate) use batch::{Batch, Finished};
pub(crate) use call::{Flow, SuspendedCall};
pub use embed::commands;
pub use session::Session;
pub(crate) use wake::Waiter;

/// How often clients that speak HTTP are warned of.
const WARNED_EVERY_MS: u64 = 60_000;

/// The data and everything that works on them, without any socket.
#[derive(Debug)]
pub struct Engine {
    pub(crate) services: Services,
    /// Blocking commands that wait, by their ticket.
    waiters: DashMap<Ticket, Arc<Waiter>, RandomState>,
    /// How many they are: the map itself would lock all its parts to say.
    waiters_count: AtomicUsize,
    next_ticket: AtomicU64,
    evictor: evict::Evictor,
    /// Does a batch lock ahead what its requests need?
    looks_ahead: AtomicBool,
    /// When a client that speaks HTTP was last warned of (unix ms).
    warned_ms: AtomicU64,
}

impl Engine {
    /// An engine without data.
    pub fn new(config: Config, clock: Clock) -> Self {
        let saver = Saver::new(clock.now_ms());
        let policy = FsyncPolicy::from_number(config.number(Setting::AppendFsync));
        let random = Random::from_system();
        let password = config.text(Setting::RequirePass);
        let password = Some(password.as_bytes()).filter(|password| !password.is_empty());
        let services = Services {
            acl: Accounts::new(access::basis(&config), password),
            aof: Aof::new(policy, clock.clone()),
            clients: Registry::default(),
            keyspace: Keyspace::new(config.size(Setting::Shards), config.size(Setting::Databases)),
            config,
            monitors: Monitors::default(),
            pause: Pause::default(),
            pubsub: PubSub::default(),
            loading: Loading::default(),
            reclaim: Reclaim::default(),
            latency: LatencyMonitor::default(),
            identity: Identity::new(&random),
            random,
            scripts: Scripts::default(),
            slowlog: SlowLog::default(),
            started_ms: clock.now_ms(),
            clock,
            saver,
            stats: Stats::new(table().all().len()),
            tls: Tls::default(),
            tracking: Tracking::default(),
            cron_rests: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            shutdown_called: Wakeup::default(),
            is_over: AtomicBool::new(false),
        };
        services.aof.note_times(services.config.flag(Setting::AofTimestampEnabled));
        Self {
            services,
            waiters: DashMap::default(),
            waiters_count: AtomicUsize::new(0),
            next_ticket: AtomicU64::new(1),
            evictor: evict::Evictor::default(),
            looks_ahead: AtomicBool::new(true),
            warned_ms: AtomicU64::new(0),
        }
    }

    /// Starts a run of calls.
    pub(crate) fn batch(&self) -> Batch<'_> {
        Batch::new(self)
    }

    /// A client has connected.
    pub(crate) fn connect(&self, peer: Peer) -> Client {
        let services = &self.services;
        services.stats.connections.add(1);
        let handle: Arc<Handle> = services.clients.add(peer, services.clock.now_ms());
        handle.set_protocol(services.default_protocol());
        let mut client = Client::new(handle, Account::of_server(), false);
        client.speak_for(services.acl.default_account(), services.acl.is_open());
        client
    }

    /// A client is gone; its waiting command and its watches, if any, were ended before.
    pub(crate) fn disconnect(&self, mut client: Client) {
        if let Some(subscriptions) = client.subscriptions.take() {
            self.services.pubsub.leave(*subscriptions, &client.handle);
        }
        self.services.monitors.remove(client.handle.id);
        self.services.tracking.stop(client.handle.id);
        self.services.clients.remove(client.handle.id);
    }

    /// Has the connection of a client closed that speaks HTTP; warns of it, if that was not done
    /// just before.
    #[cold]
    fn cut_off(&self, client: &mut Client) {
        client.closing = true;
        let now_ms = self.services.clock.now_ms();
        let warned_ms = self.warned_ms.load(Ordering::Relaxed);
        if now_ms.abs_diff(warned_ms) > WARNED_EVERY_MS {
            self.warned_ms.store(now_ms, Ordering::Relaxed);
            tracing::warn!(
                from = %client.handle.peer.address(),
                "closed a connection on which POST or Host: came: perhaps a web page has a browser \
                 send commands to this server"
            );
        }
    }

    /// What others are told while a script keeps the server busy.
    fn busy(&self) -> CommandError {
        if self.services.scripts.running.is_eval() {
            CommandError::BusyScript
        } else {
            CommandError::BusyFunction
        }
    }

    /// May locks be held for long, by a script that keeps the server busy or by the load of the
    /// data?
    fn is_occupied(&self) -> bool {
        self.services.scripts.running.is_busy() || self.services.loading.is_active()
    }

    /// What is told who gave up waiting for a lock then.
    fn occupied(&self) -> CommandError {
        if self.services.scripts.running.is_busy() { self.busy() } else { CommandError::Loading }
    }

    /// The server is asked to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        self.services.stopping.load(Ordering::Acquire)
    }
}
