//! Freeing large values away from the threads that serve clients.
//!
//! A value of many elements takes long to free, so whoever removes one hands it over here; a
//! thread of its own, started with the first one, drops it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};

use super::shard::Entry;
use crate::types::table::Table;
use crate::types::value::Value;

/// Values of more elements than this are not freed at once.
const ELEMENTS_MAX: usize = 64;

/// Something to free.
#[derive(Debug)]
pub(crate) enum Garbage {
    /// All keys of a shard's part of a database.
    Keys(Table<Entry>),
    Value(Value),
}

impl Garbage {
    /// The value, if it is large enough to be handed over; else it is freed here.
    pub(super) fn of(value: Value) -> Option<Self> {
        (value.elements() > ELEMENTS_MAX).then_some(Self::Value(value))
    }

    /// Number of keys or values in it.
    fn objects(&self) -> u64 {
        match self {
            Self::Keys(keys) => keys.len() as u64,
            Self::Value(_) => 1,
        }
    }
}

/// The way to the thread that frees.
#[derive(Debug, Default)]
pub(crate) struct Reclaim {
    /// `None` inside: the thread could not be started.
    sender: OnceLock<Option<Sender<Garbage>>>,
    counts: Arc<Counts>,
}

/// Objects handed over and not freed yet, and those freed.
#[derive(Debug, Default)]
struct Counts {
    pending: AtomicU64,
    freed: AtomicU64,
}

impl Reclaim {
    /// Frees something soon.
    pub(crate) fn free(&self, garbage: Garbage) {
        self.counts.pending.fetch_add(garbage.objects(), Ordering::Relaxed);
        let left = match self.sender.get_or_init(|| start(Arc::clone(&self.counts))) {
            Some(sender) => sender.send(garbage).map_err(|unsent| unsent.0).err(),
            None => Some(garbage),
        };
        if let Some(garbage) = left {
            free_now(garbage, &self.counts);
        }
    }

    /// Objects that wait to be freed.
    pub(crate) fn pending(&self) -> u64 {
        self.counts.pending.load(Ordering::Relaxed)
    }

    /// Objects freed since the start or [`Reclaim::reset`].
    pub(crate) fn freed(&self) -> u64 {
        self.counts.freed.load(Ordering::Relaxed)
    }

    /// Starts counting anew.
    pub(crate) fn reset(&self) {
        self.counts.freed.store(0, Ordering::Relaxed);
    }
}

fn start(counts: Arc<Counts>) -> Option<Sender<Garbage>> {
    let (sender, receiver): (_, Receiver<Garbage>) = channel();
    let work = move || {
        for garbage in receiver {
            free_now(garbage, &counts);
        }
    };
    let thread = std::thread::Builder::new().name("reclaim".to_owned()).spawn(work);
    thread.ok().map(|_| sender)
}

fn free_now(garbage: Garbage, counts: &Counts) {
    let objects = garbage.objects();
    match garbage {
        Garbage::Keys(keys) => drop(keys),
        Garbage::Value(value) => drop(value),
    }
    counts.pending.fetch_sub(objects, Ordering::Relaxed);
    counts.freed.fetch_add(objects, Ordering::Relaxed);
}
