//! What a client has between MULTI and EXEC, and the keys that it watches.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Client;
use crate::resp::argv::{Argv, OwnedArgv};

/// Commands queued between MULTI and EXEC.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    pub(crate) commands: Vec<OwnedArgv>,
    /// Was a command refused while queueing? Then EXEC refuses all.
    pub(crate) aborted: bool,
}

/// A key that a client watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WatchedKey {
    pub(crate) db: usize,
    pub(crate) key: Box<[u8]>,
}

/// The state of MULTI and WATCH, which a client has since the first of them.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    queue: Queue,
    watched: Vec<WatchedKey>,
    /// Keys whose watches have no effect any more, but stand in the keyspace still.
    let_go: Vec<WatchedKey>,
    /// Set by others when a watched key changes.
    dirty: Arc<AtomicBool>,
}

impl Client {
    /// Is a transaction open?
    pub(crate) fn is_in_transaction(&self) -> bool {
        self.in_transaction
    }

    /// The commands of the transaction that is open.
    pub(crate) fn queued(&self) -> &[OwnedArgv] {
        self.transaction.as_deref().map_or(&[], |transaction| &transaction.queue.commands)
    }

    /// Opens a transaction.
    pub(crate) fn open_transaction(&mut self) {
        self.in_transaction = true;
        self.handle.figures.queued.set(1);
    }

    /// Queues a command if a transaction is open; `false` if none is.
    #[inline(never)]
    pub(crate) fn queue(&mut self, argv: Argv<'_>) -> bool {
        if !self.in_transaction {
            return false;
        }
        let argv = argv.to_owned();
        let figures = &self.handle.figures;
        figures.queued_bytes.fetch_add(argv.bytes(), Ordering::Relaxed);
        let commands = &mut self.transaction.get_or_insert_default().queue.commands;
        commands.push(argv);
        figures.queued.set(commands.len() + 1);
        true
    }

    /// A command was refused: an open transaction can no longer be run.
    pub(crate) fn abort_transaction(&mut self) {
        if self.in_transaction {
            self.transaction.get_or_insert_default().queue.aborted = true;
        }
    }

    /// Closes the transaction, if one is open, and takes what was queued.
    pub(crate) fn close_transaction(&mut self) -> Option<Queue> {
        self.handle.figures.queued.set(0);
        self.handle.figures.queued_bytes.store(0, Ordering::Relaxed);
        if !std::mem::take(&mut self.in_transaction) {
            return None;
        }
        let transaction = self.transaction.as_deref_mut();
        Some(
            transaction
                .map(|transaction| std::mem::take(&mut transaction.queue))
                .unwrap_or_default(),
        )
    }

    /// Watches a key, if it does not yet; returns what the keyspace is to set when it changes.
    pub(crate) fn watch(&mut self, key: WatchedKey) -> Option<&Arc<AtomicBool>> {
        let transaction = self.transaction.get_or_insert_default();
        if transaction.watched.contains(&key) {
            return None;
        }
        transaction.watched.push(key);
        self.handle.figures.watched.set(transaction.watched.len());
        Some(&transaction.dirty)
    }

    /// The keys that the client watches.
    pub(crate) fn watched(&self) -> &[WatchedKey] {
        self.transaction.as_deref().map_or(&[], |transaction| &transaction.watched)
    }

    /// The keys with watches of this client, those without effect included.
    pub(crate) fn watches(&self) -> impl Iterator<Item = &WatchedKey> {
        let transaction = self.transaction.iter();
        transaction.flat_map(|transaction| transaction.watched.iter().chain(&transaction.let_go))
    }

    /// Has a watched key changed?
    pub(crate) fn is_dirty(&self) -> bool {
        let transaction = self.transaction.as_deref();
        transaction.is_some_and(|transaction| transaction.dirty.load(Ordering::Acquire))
    }

    /// The client watches nothing from now on, though its shards cannot be told now.
    pub(crate) fn let_go_of_watches(&mut self) {
        self.handle.figures.watched.set(0);
        if let Some(transaction) = &mut self.transaction {
            transaction.let_go.append(&mut transaction.watched);
            transaction.dirty = Arc::default();
        }
    }

    /// Takes the keys with watches of this client, those without effect included.
    pub(crate) fn take_watches(&mut self) -> impl Iterator<Item = WatchedKey> + use<> {
        self.handle.figures.watched.set(0);
        let taken = self.transaction.as_deref_mut().map(|transaction| {
            transaction.dirty.store(false, Ordering::Release);
            [&mut transaction.watched, &mut transaction.let_go].map(std::mem::take)
        });
        taken.into_iter().flatten().flatten()
    }
}
