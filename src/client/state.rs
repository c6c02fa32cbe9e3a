//! The state of a client that its connection owns.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Caching, Handle, Peer, Subscriptions};
use crate::acl::Account;
use crate::resp::Reply;
use crate::resp::argv::{Argv, OwnedArgv};

/// Commands queued between MULTI and EXEC.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    pub(crate) queue: Vec<OwnedArgv>,
    /// Was a command refused while queueing? Then EXEC refuses all.
    pub(crate) aborted: bool,
}

/// Which replies a client wants to see (CLIENT REPLY).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ReplyMode {
    Off,
    #[default]
    On,
    /// Not the next one.
    SkipNext,
    /// Not that of the command that runs.
    Skipping,
}

/// A key that a client watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WatchedKey {
    pub(crate) db: usize,
    pub(crate) key: Box<[u8]>,
}

/// A client, as the one who runs its commands knows it.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Client {
    pub(crate) handle: Arc<Handle>,
    /// The user whom the client speaks for.
    pub(crate) account: Arc<Account>,
    /// Has the client said who it is, or had it no need to?
    pub(crate) authenticated: bool,
    /// The selected database.
    pub(crate) db: usize,
    pub(crate) transaction: Option<Transaction>,
    pub(crate) watched: Vec<WatchedKey>,
    /// Keys whose watches have no effect any more, but stand in the keyspace still.
    pub(crate) let_go: Vec<WatchedKey>,
    /// Set by others when a watched key changes.
    pub(crate) dirty: Arc<AtomicBool>,
    pub(crate) reply_mode: ReplyMode,
    /// `None` until the first subscription.
    pub(crate) subscriptions: Option<Box<Subscriptions>>,
    /// What CLIENT TRACKING has switched on.
    pub(crate) caching: Option<Box<Caching>>,
    /// Did the command that runs write pushes, which CLIENT REPLY does not hold back?
    pub(crate) pushed: bool,
    /// Must all that it has seen be on disk before its next replies leave, whatever `appendfsync`
    /// says (WAITAOF)?
    pub(crate) needs_durable: bool,
    /// The log position that the mail among its replies depends on.
    pub(crate) mail_position: u64,
    /// Was there not enough memory when its last request came, and nothing that could go? Kept up
    /// to date only while memory is limited.
    pub(crate) lacks_memory: bool,
    /// Close the connection once the replies are sent.
    pub(crate) closing: bool,
}

impl Client {
    pub(crate) fn new(handle: Arc<Handle>, account: Arc<Account>, authenticated: bool) -> Self {
        Self {
            handle,
            account,
            authenticated,
            db: 0,
            transaction: None,
            watched: Vec::new(),
            let_go: Vec::new(),
            dirty: Arc::default(),
            reply_mode: ReplyMode::On,
            subscriptions: None,
            caching: None,
            pushed: false,
            needs_durable: false,
            mail_position: 0,
            lacks_memory: false,
            closing: false,
        }
    }

    /// A client of the server's own, without a connection: replay and tests.
    pub(crate) fn internal() -> Self {
        let handle = Handle::new(0, Peer::default(), 0);
        Self::new(Arc::new(handle), Account::of_server(), true)
    }

    /// Writes what others sent to it, so that it comes before what is written next.
    pub(crate) fn write_mail(&mut self, reply: &mut Reply) {
        if let Some(outbox) = self.handle.take_outbox() {
            reply.raw(&outbox.bytes);
            self.mail_position = self.mail_position.max(outbox.log_position);
        }
    }

    /// May the client do everything? If not, each request is checked.
    pub(crate) fn is_unlimited(&self) -> bool {
        self.authenticated && self.account.is_unlimited()
    }

    /// The client speaks for this user from now on.
    pub(crate) fn speak_for(&mut self, account: Arc<Account>, authenticated: bool) {
        self.handle.set_account(Arc::clone(&account));
        self.account = account;
        self.authenticated = authenticated;
    }

    /// Is this a client of the server's own?
    pub(crate) fn is_internal(&self) -> bool {
        self.handle.id == 0
    }

    /// Has the client subscribed to something?
    pub(crate) fn is_subscribed(&self) -> bool {
        self.subscriptions.as_ref().is_some_and(|subscriptions| !subscriptions.is_empty())
    }

    /// Selects a database, which exists.
    pub(crate) fn select(&mut self, db: usize) {
        self.db = db;
        self.handle.figures.db.set(db);
    }

    /// Queues a command if a transaction is open; `false` if none is.
    pub(crate) fn queue(&mut self, argv: Argv<'_>) -> bool {
        let Some(transaction) = &mut self.transaction else { return false };
        let argv = argv.to_owned();
        let figures = &self.handle.figures;
        figures.queued_bytes.fetch_add(argv.bytes(), Ordering::Relaxed);
        transaction.queue.push(argv);
        figures.queued.set(transaction.queue.len() + 1);
        true
    }

    /// Opens a transaction.
    pub(crate) fn open_transaction(&mut self) {
        self.transaction = Some(Transaction::default());
        self.handle.figures.queued.set(1);
    }

    /// Closes the transaction, if one is open, and takes it.
    pub(crate) fn close_transaction(&mut self) -> Option<Transaction> {
        self.handle.figures.queued.set(0);
        self.handle.figures.queued_bytes.store(0, Ordering::Relaxed);
        self.transaction.take()
    }

    /// The client watches nothing from now on, though its shards cannot be told now.
    pub(crate) fn let_go_of_watches(&mut self) {
        self.let_go.append(&mut self.watched);
        self.dirty = Arc::default();
        self.handle.figures.watched.set(0);
    }

    /// Takes the keys with watches of this client, those without effect included.
    pub(crate) fn take_watches(&mut self) -> impl Iterator<Item = WatchedKey> + use<> {
        self.dirty.store(false, Ordering::Release);
        self.handle.figures.watched.set(0);
        std::mem::take(&mut self.watched).into_iter().chain(std::mem::take(&mut self.let_go))
    }

    /// The keys with watches of this client, those without effect included.
    pub(crate) fn watches(&self) -> impl Iterator<Item = &WatchedKey> {
        self.watched.iter().chain(&self.let_go)
    }

    /// A command was refused: an open transaction can no longer be run.
    pub(crate) fn abort_transaction(&mut self) {
        if let Some(transaction) = &mut self.transaction {
            transaction.aborted = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::Protocol;

    #[test]
    fn mail_among_replies_depends_on_the_log() {
        let mut client = Client::internal();
        let mut reply = Reply::new(Protocol::Resp2);
        client.handle.serve(b"+one\r\n".to_vec(), 7);
        client.handle.serve(b"+two\r\n".to_vec(), 5);
        client.write_mail(&mut reply);
        client.write_mail(&mut reply);
        assert_eq!((reply.bytes(), client.mail_position), (&b"+one\r\n+two\r\n"[..], 7));
    }
}
