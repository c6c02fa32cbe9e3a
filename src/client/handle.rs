//! The part of a client that every thread may see: who it is, and ways to reach it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::{ClientId, Figures, Outbox, Peer, Wakeup};
use crate::acl::Account;
use crate::resp::Protocol;

/// How a waiting client is let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unblock {
    /// By CLIENT UNBLOCK, with the error `UNBLOCKED`.
    Error,
    /// From SHUTDOWN, as the last snapshot cannot be written.
    NoShutdown,
    /// As if its time were up.
    Timeout,
}

/// Is a client waiting in a blocking command?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Waiting {
    #[default]
    No,
    /// Someone asked to let it go; nobody may serve it any more.
    Released(Unblock),
    Yes,
}

/// What a client is there for; each kind has limits of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Normal,
    /// It has subscribed to something.
    PubSub,
}

/// What a client calls itself.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Of the connection.
    pub(crate) own: Box<[u8]>,
    /// Of the client library, and its version.
    pub(crate) library: Box<[u8]>,
    pub(crate) library_version: Box<[u8]>,
}

/// Who a client says that it is.
#[derive(Debug, Default)]
struct Identity {
    /// `None` until it is given one.
    names: Option<Box<Names>>,
    /// The user whom it speaks for; `None`: nobody has said so yet.
    account: Option<Arc<Account>>,
}

/// A client as others see it. Every idle connection has one: what most never need is in boxes.
pub(crate) struct Handle {
    pub(crate) id: ClientId,
    pub(crate) peer: Peer,
    pub(crate) created_ms: u64,
    pub(crate) figures: Figures,
    identity: Mutex<Identity>,
    /// Its part in what the registry counts.
    pub(super) counted_bytes: AtomicUsize,
    /// `None` until something is written for it for the first time.
    outbox: Mutex<Option<Box<Outbox>>>,
    has_outbox_bytes: AtomicBool,
    /// Was the client's blocking command answered?
    served: AtomicBool,
    /// Is its blocking command to be run again?
    to_retry: AtomicBool,
    /// Since when (unix ms) too much waits for the client; 0: it does not.
    above_soft_limit_ms: AtomicU64,
    waiting: Mutex<Waiting>,
    killed: AtomicBool,
    /// Of the task that serves it.
    pub(crate) wakeup: Wakeup,
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("id", &self.id)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

impl Handle {
    /// A client that connected at `now_ms`.
    pub(crate) fn new(id: ClientId, peer: Peer, now_ms: u64) -> Self {
        let figures = Figures::default();
        figures.last_active_ms.store(now_ms, Ordering::Relaxed);
        figures.protocol.store(2, Ordering::Relaxed);
        Self {
            id,
            peer,
            created_ms: now_ms,
            figures,
            identity: Mutex::default(),
            counted_bytes: AtomicUsize::new(0),
            outbox: Mutex::default(),
            has_outbox_bytes: AtomicBool::new(false),
            served: AtomicBool::new(false),
            to_retry: AtomicBool::new(false),
            above_soft_limit_ms: AtomicU64::new(0),
            waiting: Mutex::default(),
            killed: AtomicBool::new(false),
            wakeup: Wakeup::default(),
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        let figures = &self.figures;
        let counts = [&figures.channels, &figures.patterns, &figures.shard_channels];
        let subscribed = counts.iter().any(|count| count.get() > 0);
        if subscribed { Kind::PubSub } else { Kind::Normal }
    }

    /// Looks at the client's names.
    pub(crate) fn with_names<T>(&self, look: impl FnOnce(&Names) -> T) -> T {
        match &self.identity.lock().names {
            Some(names) => look(names),
            None => look(&Names::default()),
        }
    }

    /// Gives the client names or takes them away.
    pub(crate) fn change_names(&self, change: impl FnOnce(&mut Names)) {
        change(self.identity.lock().names.get_or_insert_default());
    }

    /// The user whom the client speaks for.
    pub(crate) fn account(&self) -> Option<Arc<Account>> {
        self.identity.lock().account.clone()
    }

    pub(super) fn set_account(&self, account: Arc<Account>) {
        self.identity.lock().account = Some(account);
    }

    /// Does the client speak for this user, the very one and not one of the same name?
    pub(crate) fn speaks_for(&self, account: &Arc<Account>) -> bool {
        self.identity.lock().account.as_ref().is_some_and(|own| Arc::ptr_eq(own, account))
    }

    /// Bytes that the client has not taken yet.
    pub(crate) fn pending_bytes(&self) -> usize {
        let sending = self.figures.output_bytes.load(Ordering::Relaxed);
        sending + self.outbox.lock().as_ref().map_or(0, |outbox| outbox.bytes.len())
    }

    /// Bytes that hold what others wrote for the client.
    pub(super) fn outbox_capacity(&self) -> usize {
        self.outbox.lock().as_ref().map_or(0, |outbox| outbox.bytes.capacity())
    }

    /// The client speaks this protocol from now on.
    pub(crate) fn set_protocol(&self, protocol: Protocol) {
        let number = if protocol == Protocol::Resp2 { 2 } else { 3 };
        self.figures.protocol.store(number, Ordering::Relaxed);
    }

    /// Answers the blocking command of the client; the bytes may leave when the log is safe up
    /// to `log_position`, or on disk if `needs_durable`.
    pub(crate) fn serve(&self, bytes: Vec<u8>, log_position: u64, needs_durable: bool) {
        let mut guard = self.outbox.lock();
        let outbox = guard.get_or_insert_default();
        outbox.put(bytes.into(), log_position);
        outbox.needs_durable |= needs_durable;
        drop(guard);
        // Who sees that the client was served finds the answer, too.
        self.has_outbox_bytes.store(true, Ordering::Release);
        self.served.store(true, Ordering::Release);
        self.wake();
    }

    /// Adds bytes that may leave when the log is safe up to `log_position`; returns how much
    /// waits for the client now.
    pub(super) fn post(&self, bytes: &[u8], log_position: u64) -> usize {
        if self.is_killed() {
            return 0;
        }
        let waiting = self.outbox.lock().get_or_insert_default().put(bytes.into(), log_position);
        if !self.has_outbox_bytes.swap(true, Ordering::AcqRel) {
            self.wake();
        }
        waiting + self.figures.output_bytes.load(Ordering::Relaxed)
    }

    /// Makes the connection look at this handle.
    pub(crate) fn wake(&self) {
        self.wakeup.wake();
    }

    /// Was the client's blocking command answered since the last look?
    pub(crate) fn take_served(&self) -> bool {
        self.served.load(Ordering::Acquire) && self.served.swap(false, Ordering::AcqRel)
    }

    /// Makes the client's connection run its blocking command again.
    pub(crate) fn ask_to_retry(&self) {
        self.to_retry.store(true, Ordering::Release);
        self.wake();
    }

    /// Was that asked for since the last look?
    pub(crate) fn take_to_retry(&self) -> bool {
        self.to_retry.load(Ordering::Acquire) && self.to_retry.swap(false, Ordering::AcqRel)
    }

    /// Notes whether too much waits for the client; returns since when.
    pub(super) fn track_soft_limit(&self, is_above: bool, now_ms: impl Fn() -> u64) -> Option<u64> {
        let since_ms = self.above_soft_limit_ms.load(Ordering::Relaxed);
        match (is_above, since_ms) {
            (false, 0) => None,
            (false, _) => {
                self.above_soft_limit_ms.store(0, Ordering::Relaxed);
                None
            }
            (true, 0) => {
                let since_ms = now_ms();
                self.above_soft_limit_ms.store(since_ms, Ordering::Relaxed);
                Some(since_ms)
            }
            (true, since_ms) => Some(since_ms),
        }
    }

    /// Drops what others wrote, for a client that is being disconnected.
    pub(super) fn clear_outbox(&self) {
        if let Some(outbox) = &mut *self.outbox.lock() {
            outbox.bytes = Vec::new();
        }
    }

    /// Is there something in the outbox?
    pub(crate) fn has_outbox_bytes(&self) -> bool {
        self.has_outbox_bytes.load(Ordering::Relaxed)
    }

    /// The protocol the client speaks.
    pub(crate) fn protocol(&self) -> Protocol {
        if self.speaks_resp3() { Protocol::Resp3 } else { Protocol::Resp2 }
    }

    /// The client that is told of changed keys in place of this one; 0: this one, -1: none.
    pub(crate) fn redirect(&self) -> i64 {
        i64::try_from(self.figures.redirect.load(Ordering::Relaxed)).unwrap_or(i64::MAX) - 1
    }

    /// Does the client speak RESP3?
    pub(crate) fn speaks_resp3(&self) -> bool {
        self.figures.protocol.load(Ordering::Relaxed) == 3
    }

    /// Takes what others wrote for the client, if anything.
    pub(crate) fn take_outbox(&self) -> Option<Outbox> {
        if !self.has_outbox_bytes() || !self.has_outbox_bytes.swap(false, Ordering::AcqRel) {
            return None;
        }
        self.outbox.lock().as_deref_mut().map(std::mem::take)
    }

    /// The client waits from now on.
    pub(crate) fn start_waiting(&self) {
        self.to_retry.store(false, Ordering::Release);
        *self.waiting.lock() = Waiting::Yes;
    }

    /// The client waits no more; returns how it was let go, if it was.
    pub(crate) fn stop_waiting(&self) -> Option<Unblock> {
        match std::mem::take(&mut *self.waiting.lock()) {
            Waiting::Released(how) => Some(how),
            Waiting::No | Waiting::Yes => None,
        }
    }

    /// May the client's blocking command be served? Not once it was let go or killed.
    pub(crate) fn may_be_served(&self) -> bool {
        !self.is_killed() && *self.waiting.lock() == Waiting::Yes
    }

    /// Is the client in a blocking command?
    pub(crate) fn is_waiting(&self) -> bool {
        *self.waiting.lock() != Waiting::No
    }

    /// Does the client wait in a blocking command, or for the end of CLIENT PAUSE?
    pub(crate) fn is_blocked(&self) -> bool {
        self.is_waiting() || self.figures.paused.load(Ordering::Relaxed)
    }

    /// How the client is to be let go from its blocking command, if it is.
    pub(crate) fn released(&self) -> Option<Unblock> {
        match *self.waiting.lock() {
            Waiting::Released(how) => Some(how),
            Waiting::No | Waiting::Yes => None,
        }
    }

    /// Lets a waiting client go; `false` if it does not wait.
    pub(crate) fn unblock(&self, how: Unblock) -> bool {
        let mut waiting = self.waiting.lock();
        if *waiting != Waiting::Yes {
            return false;
        }
        *waiting = Waiting::Released(how);
        drop(waiting);
        self.wake();
        true
    }

    /// Closes the connection as soon as its task looks.
    pub(crate) fn kill(&self) {
        self.killed.store(true, Ordering::Release);
        self.wake();
    }

    pub(crate) fn is_killed(&self) -> bool {
        self.killed.load(Ordering::Acquire)
    }
}
