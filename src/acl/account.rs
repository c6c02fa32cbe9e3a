//! A user as the connections that speak for it hold it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;

use super::Rights;

/// A user. Its rights can change while connections hold it.
pub(crate) struct Account {
    name: Box<[u8]>,
    /// `None` for the server itself, which may do everything.
    rights: RwLock<Option<Arc<Rights>>>,
    /// Is everything allowed? Read by every request.
    unlimited: AtomicBool,
    /// Was the user removed? Then nothing is allowed.
    gone: AtomicBool,
}

impl Account {
    pub(super) fn new(name: &[u8], rights: Arc<Rights>) -> Self {
        let unlimited = AtomicBool::new(rights.is_unlimited());
        let rights = RwLock::new(Some(rights));
        Self { name: name.into(), rights, unlimited, gone: AtomicBool::new(false) }
    }

    /// The server itself.
    pub(crate) fn of_server() -> Arc<Self> {
        Arc::new(Self {
            name: (*b"default").into(),
            rights: RwLock::new(None),
            unlimited: AtomicBool::new(true),
            gone: AtomicBool::new(false),
        })
    }

    pub(crate) fn name(&self) -> &[u8] {
        &self.name
    }

    /// May everything be done, without a look at the request?
    pub(crate) fn is_unlimited(&self) -> bool {
        self.unlimited.load(Ordering::Acquire)
    }

    /// Was the user removed?
    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// The rights of now; `None`: any.
    pub(crate) fn rights(&self) -> Option<Arc<Rights>> {
        self.rights.read().clone()
    }

    pub(super) fn set_rights(&self, rights: Arc<Rights>) {
        let unlimited = rights.is_unlimited();
        let mut kept = self.rights.write();
        *kept = Some(rights);
        self.unlimited.store(unlimited, Ordering::Release);
    }

    /// The user is removed: whoever still speaks for it may do nothing more.
    pub(super) fn remove(&self) {
        let _kept = self.rights.write();
        self.gone.store(true, Ordering::Release);
        self.unlimited.store(false, Ordering::Release);
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("name", &String::from_utf8_lossy(&self.name))
            .field("unlimited", &self.unlimited)
            .finish_non_exhaustive()
    }
}
