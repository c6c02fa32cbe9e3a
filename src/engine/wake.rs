//! Blocking commands: who waits, and how they are served.
//!
//! A blocking command that finds nothing leaves a [`Waiter`] behind. Its *ticket* stands in the
//! queue of each key it waits for, in the shard beside the key; the waiter itself is here. After
//! each call, transaction or script, and before its locks are released, the waiters of the keys
//! it changed are served in the order of their tickets, simply by running their command again. So
//! no wake-up is lost and nobody is overtaken. The locks that serving needs are known before the
//! call runs (`lock_set.rs`), as a waiter's other keys may lie in other shards. A key that
//! expires cannot be foreseen: if the locks do not suffice then, the waiter's own connection is
//! asked to run its command again.
//!
//! A waiter ends in one of two ways, both under the locks of all its keys: it is served, or
//! [`Engine::stop_waiting`] takes it out (time-out, CLIENT UNBLOCK, a lost connection).
//!
//! *Rivals* are waiters that ask for the same thing (the consumers of a group): once one of them
//! got nothing, the others are passed over. So a new entry costs no more than the consumers it
//! serves, however many wait. A command that time alone may serve (XREADGROUP with CLAIM) says
//! when to run it again ([`Engine::retry`]).
//!
//! To add a blocking command: return `context.wait(...)` where it finds nothing; that is all.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::call::write_error;
use super::{Batch, Engine};
use crate::acl::Account;
use crate::client::{Client, Handle, ReplyMode};
use crate::command::access::{Asked, Origin};
use crate::command::table::Command;
use crate::command::{Mode, Outcome, TimeoutReply, Wait};
use crate::resp::argv::{Argv, OwnedArgv};
use crate::resp::{Protocol, Reply};
use crate::store::changes::ReadyKey;
use crate::store::shard::{Place, Ticket};
use crate::store::{Locked, ShardSet};

/// When to look again if a script keeps the server busy.
const BUSY_PAUSE_MS: u64 = 20;

/// Room made for the reply of a command that waited.
const REPLY_BYTES: usize = 256;

/// A blocking command that waits.
#[derive(Debug)]
pub(crate) struct Waiter {
    ticket: Ticket,
    client: Arc<Handle>,
    command: &'static Command,
    argv: OwnedArgv,
    pub(super) db: usize,
    protocol: Protocol,
    /// Does the client want no reply (CLIENT REPLY)?
    silent: bool,
    wait: Box<Wait>,
    /// The shards of all keys of the command.
    shards: ShardSet,
}

impl Waiter {
    pub(super) fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// The keys it waits for.
    pub(super) fn keys(&self) -> &[Box<[u8]>] {
        &self.wait.keys
    }

    /// Does the client want no reply (CLIENT REPLY)?
    pub(crate) fn is_silent(&self) -> bool {
        self.silent
    }

    /// When its time is up: unix time in milliseconds; `None`: never.
    pub(crate) fn deadline_ms(&self) -> Option<u64> {
        self.wait.deadline_ms
    }

    /// When to call [`Engine::retry`], as time alone may bring something.
    pub(crate) fn retry_at_ms(&self) -> Option<u64> {
        self.wait.retry_at_ms
    }

    /// What to reply then.
    pub(crate) fn on_timeout(&self) -> TimeoutReply {
        self.wait.on_timeout
    }

    /// All keys of the command, those it does not wait for included.
    pub(super) fn keys_to_lock(&self) -> Vec<&[u8]> {
        let argv = self.argv.as_argv();
        let mut keys = Vec::new();
        self.command.spec.keys.for_each(argv, |at| keys.extend(argv.get(at)));
        keys
    }
}

/// A reply for a client that waited.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) client: Arc<Handle>,
    pub(super) reply: Vec<u8>,
    /// Must the log be on disk before it leaves, whatever the policy?
    pub(super) needs_durable: bool,
}

impl Engine {
    /// Queues a command that waits, under the locks of its keys.
    pub(super) fn park(
        &self,
        locked: &mut Locked,
        client: &Client,
        protocol: Protocol,
        (command, argv): (&'static Command, Argv<'_>),
        mut wait: Box<Wait>,
    ) -> Arc<Waiter> {
        let ticket = self.next_ticket.fetch_add(1, Ordering::Relaxed);
        let shards = self.key_shards(command, argv);
        let mut keys_count = 0;
        command.spec.keys.for_each(argv, |_| keys_count += 1);
        let place = Place {
            shards,
            has_other_keys: keys_count > 1,
            on_any_change: wait.on_any_change,
            rivals: wait.rivals.take(),
        };
        for key in &wait.keys {
            locked.shard_of(key).db(client.db).wait(key, ticket, place.clone());
        }
        let waiter = Arc::new(Waiter {
            ticket,
            client: Arc::clone(&client.handle),
            command,
            argv: wait.argv.take().unwrap_or_else(|| argv.to_owned()),
            db: client.db,
            protocol,
            silent: client.reply_mode != ReplyMode::On,
            wait,
            shards,
        });
        client.handle.start_waiting();
        self.services.clients.count_blocked(waiter.deadline_ms().is_some());
        self.waiters.insert(ticket, Arc::clone(&waiter));
        self.waiters_count.fetch_add(1, Ordering::Relaxed);
        waiter
    }

    /// Takes a waiter out of its queues; `false` if it was served before, `None` if that cannot be
    /// done now as a script keeps the server busy.
    pub(crate) fn stop_waiting(&self, waiter: &Waiter) -> Option<bool> {
        let is_busy = || self.services.scripts.running.is_busy();
        let mut locked = self.services.keyspace.lock_unless(waiter.shards, is_busy)?;
        let waited = self.remove_waiter(&mut locked, waiter);
        // CLIENT UNBLOCK has counted the call.
        if waited && waiter.client.released().is_none() {
            self.services.count_call(waiter.command, 0, false);
        }
        Some(waited)
    }

    /// Runs a waiter's command again although no key has changed; returns when to do so next.
    pub(crate) fn retry(&self, waiter: &Waiter) -> Option<u64> {
        let mut batch = self.batch();
        if batch.lock(waiter.shards).is_err() {
            return Some(batch.now_ms + BUSY_PAUSE_MS);
        }
        if !self.waiters.contains_key(&waiter.ticket) {
            return None;
        }
        let retry_at_ms = batch.serve(waiter).and_then(|wait| wait.retry_at_ms);
        batch.serve_ready();
        batch.tell_touched();
        retry_at_ms
    }

    fn remove_waiter(&self, locked: &mut Locked, waiter: &Waiter) -> bool {
        if self.waiters.remove(&waiter.ticket).is_none() {
            return false;
        }
        self.waiters_count.fetch_sub(1, Ordering::Relaxed);
        for key in &waiter.wait.keys {
            locked.shard_of(key).db(waiter.db).stop_waiting(key, waiter.ticket);
        }
        self.services.clients.count_unblocked(waiter.deadline_ms().is_some());
        true
    }
}

impl Batch<'_> {
    /// Serves who waits for the keys that were changed, in order, while there is something to get.
    #[inline(never)]
    pub(super) fn serve_ready(&mut self) {
        while let Some(ready) = self.changes.ready.pop_front() {
            let mut after = 0;
            let mut empty_handed: Vec<Box<[u8]>> = Vec::new();
            while let Some(ticket) = self.next_to_serve(&ready, after, &empty_handed) {
                after = ticket;
                let waiter = self.engine.waiters.get(&ticket).map(|entry| Arc::clone(&entry));
                let Some(waiter) = waiter.filter(|waiter| self.fits(waiter, &ready.key)) else {
                    continue;
                };
                if !self.locks(&waiter) {
                    waiter.client.ask_to_retry();
                    continue;
                }
                if let Some(wait) = self.serve(&waiter) {
                    empty_handed.extend(wait.rivals);
                }
            }
        }
    }

    /// The next in the queue of a key, leaving out the rivals of those who got nothing. Once the
    /// last element is taken there is none, however many wait.
    fn next_to_serve(
        &mut self,
        ready: &ReadyKey,
        after: Ticket,
        empty_handed: &[Box<[u8]>],
    ) -> Option<Ticket> {
        let locked = self.locked.as_mut()?;
        let shard_db = locked.shard_of(&ready.key).db(ready.db);
        if !shard_db.may_serve(&ready.key) {
            return None;
        }
        shard_db.next_waiting(&ready.key, after, |place| {
            place.rivals.as_ref().is_none_or(|rivals| !empty_handed.contains(rivals))
        })
    }

    /// Are all keys of a waiter's command locked for this call? They may not be where a key has
    /// changed that the call did not mean to change: it has expired.
    fn locks(&self, waiter: &Waiter) -> bool {
        self.locked.is_some() && self.need.contains(waiter.shards)
    }

    /// Does `key` now hold what a waiter waits for?
    fn fits(&mut self, waiter: &Waiter, key: &[u8]) -> bool {
        let Some(locked) = self.locked.as_mut() else { return false };
        let entry = locked.shard_of(key).db(waiter.db).entry(key);
        let fits = entry.is_some_and(|entry| entry.value.type_name() == waiter.wait.type_name);
        fits || waiter.wait.on_any_change
    }

    /// Runs a waiter's command again; returns how it goes on to wait, if it does.
    fn serve(&mut self, waiter: &Waiter) -> Option<Box<Wait>> {
        if !waiter.client.may_be_served() {
            return None;
        }
        let account = waiter.client.account().unwrap_or_else(Account::of_server);
        let mut client = Client::new(Arc::clone(&waiter.client), account, true);
        client.db = waiter.db;
        let mut reply = Reply::new(waiter.protocol);
        reply.give(Vec::with_capacity(REPLY_BYTES));
        if !client.is_unlimited() && self.may_not(waiter, &client, &mut reply) {
            self.deliver(waiter, reply, false);
            return None;
        }
        let services = &self.engine.services;
        let start_ns = services.clock.elapsed_ns();
        let mode = std::mem::replace(&mut self.mode, Mode::Wake);
        let argv = waiter.argv.as_argv();
        let outcome = self.execute(waiter.command, &mut client, &mut reply, argv);
        self.mode = mode;
        if let Ok(Outcome::Wait(wait)) = outcome {
            return Some(wait);
        }
        let ns = services.clock.elapsed_ns().saturating_sub(start_ns);
        services.count_call(waiter.command, ns, outcome.is_err());
        services.note_if_slow(waiter.command, &waiter.client, argv, ns);
        self.deliver(waiter, reply, client.needs_durable);
        None
    }

    /// Writes the error if the waiter has lost the right to its command.
    fn may_not(&self, waiter: &Waiter, client: &Client, reply: &mut Reply) -> bool {
        let (command, argv) = (waiter.command, waiter.argv.as_argv());
        let services = &self.engine.services;
        let asked = Asked { command, argv, origin: Origin::TopLevel };
        let Err(error) = services.check_access(client, asked) else { return false };
        services.stats.rejected(command.index);
        write_error(services, &error, reply);
        true
    }

    /// Ends a waiter with this reply.
    fn deliver(&mut self, waiter: &Waiter, mut reply: Reply, needs_durable: bool) {
        if let Some(locked) = self.locked.as_mut() {
            self.engine.remove_waiter(locked, waiter);
        }
        let client = Arc::clone(&waiter.client);
        let reply = if waiter.silent { Vec::new() } else { reply.take() };
        self.deliveries.push(Delivery { client, reply, needs_durable });
    }
}
