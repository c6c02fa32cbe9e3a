//! The state of a client that its connection owns.

use std::sync::Arc;

use super::transaction::Transaction;
use super::{Caching, Handle, Peer, Subscriptions};
use crate::acl::Account;
use crate::resp::Reply;

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
    /// `None` until the first MULTI or WATCH with something behind it.
    pub(super) transaction: Option<Box<Transaction>>,
    pub(super) in_transaction: bool,
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
    /// The log position that what its outbox added to the replies depends on.
    pub(crate) outbox_position: u64,
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
            in_transaction: false,
            reply_mode: ReplyMode::On,
            subscriptions: None,
            caching: None,
            pushed: false,
            needs_durable: false,
            outbox_position: 0,
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
    #[inline(never)]
    pub(crate) fn write_outbox(&mut self, reply: &mut Reply) {
        if let Some(outbox) = self.handle.take_outbox() {
            reply.raw(&outbox.bytes);
            self.outbox_position = self.outbox_position.max(outbox.log_position);
            self.needs_durable |= outbox.needs_durable;
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::Protocol;

    #[test]
    fn what_the_outbox_added_depends_on_the_log() {
        let mut client = Client::internal();
        let mut reply = Reply::new(Protocol::Resp2);
        client.handle.serve(b"+one\r\n".to_vec(), 7, false);
        client.handle.serve(b"+two\r\n".to_vec(), 5, false);
        client.write_outbox(&mut reply);
        client.write_outbox(&mut reply);
        assert_eq!((reply.bytes(), client.outbox_position), (&b"+one\r\n+two\r\n"[..], 7));
    }
}
