//! All users by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;

use super::rule::RulesError;
use super::{Account, Basis, Log, Rights};

/// The user that a connection speaks for before it says who it is.
pub(crate) const DEFAULT: &[u8] = b"default";

/// All users, and what was denied to them.
#[derive(Debug)]
pub(crate) struct Accounts {
    users: RwLock<BTreeMap<Box<[u8]>, Arc<Account>>>,
    default: Arc<Account>,
    pub(crate) log: Log,
}

/// A user that is to be: the name, and the rights.
pub(crate) type NewUser = (Box<[u8]>, Rights);

/// A user whose rights have changed.
#[derive(Debug)]
pub(crate) struct Changed {
    pub(crate) account: Arc<Account>,
    /// The rights of now, and those of before if it was there.
    pub(crate) rights: Arc<Rights>,
    pub(crate) before: Option<Arc<Rights>>,
}

impl Accounts {
    /// The user `default` alone, who may do everything; with a password if one is given.
    pub(crate) fn new(basis: Basis<'_>, password: Option<&[u8]>) -> Self {
        let rights = Rights::unlimited(basis).with_password(password);
        let default = Arc::new(Account::new(DEFAULT, Arc::new(rights)));
        let users = BTreeMap::from([(DEFAULT.into(), Arc::clone(&default))]);
        Self { users: RwLock::new(users), default, log: Log::default() }
    }

    /// The user `default`, whom every new connection speaks for.
    pub(crate) fn default_account(&self) -> Arc<Account> {
        Arc::clone(&self.default)
    }

    /// May everyone speak for the user `default`, without a password?
    pub(crate) fn is_open(&self) -> bool {
        self.default.rights().is_some_and(|rights| rights.is_on() && rights.needs_no_password())
    }

    /// Does the user `default` take any password?
    pub(crate) fn needs_no_password(&self) -> bool {
        self.default.rights().is_some_and(|rights| rights.needs_no_password())
    }

    /// The user whom one may log in as with this password.
    pub(crate) fn log_in(&self, name: &[u8], password: &[u8]) -> Option<Arc<Account>> {
        let account = self.find(name)?;
        account.rights().filter(|rights| rights.accept(password)).map(|_| account)
    }

    pub(crate) fn find(&self, name: &[u8]) -> Option<Arc<Account>> {
        self.users.read().get(name).map(Arc::clone)
    }

    /// All users in the order of their names, with their rights.
    pub(crate) fn all(&self) -> Vec<(Box<[u8]>, Arc<Rights>)> {
        let users = self.users.read();
        let rights = |account: &Arc<Account>| account.rights();
        users.iter().filter_map(|(name, user)| Some((name.clone(), rights(user)?))).collect()
    }

    /// The lines that bring back all users, in the order of their names: `user name rules`.
    pub(crate) fn lines(&self) -> Vec<Vec<u8>> {
        let line = |(name, rights): &(Box<[u8]>, Arc<Rights>)| {
            [b"user ", &**name, b" ", &rights.describe()].concat()
        };
        self.all().iter().map(line).collect()
    }

    /// Makes a user, or changes its rights; all rules are followed, or none.
    pub(crate) fn change<'a>(
        &self,
        basis: Basis<'_>,
        name: &[u8],
        rules: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Changed, RulesError> {
        let mut users = self.users.write();
        let old = users.get(name).and_then(|account| account.rights());
        let new = Rights::new(basis);
        let rights = Arc::new(old.as_deref().unwrap_or(&new).apply_all(basis, rules)?);
        let account = users
            .entry(name.into())
            .or_insert_with(|| Arc::new(Account::new(name, Arc::clone(&rights))));
        account.set_rights(Arc::clone(&rights));
        Ok(Changed { account: Arc::clone(account), rights, before: old })
    }

    /// Adds users; `default` is among them already, and gets other rights.
    pub(crate) fn add(&self, new: Vec<NewUser>) {
        let mut users = self.users.write();
        for (name, rights) in new {
            let rights = Arc::new(rights);
            if let Some(account) = users.get(&name) {
                account.set_rights(rights);
            } else {
                let account = Account::new(&name, rights);
                users.insert(name, Arc::new(account));
            }
        }
    }

    /// Gives the user `default` this password and no other, or lets it do without.
    pub(crate) fn set_default_password(&self, password: Option<&[u8]>) {
        let _users = self.users.write();
        if let Some(rights) = self.default.rights() {
            self.default.set_rights(Arc::new((*rights).clone().with_password(password)));
        }
    }

    /// Removes a user, who is not `default`.
    pub(crate) fn remove(&self, name: &[u8]) -> Option<Arc<Account>> {
        debug_assert_ne!(name, DEFAULT, "that user stays");
        let account = self.users.write().remove(name)?;
        account.remove();
        Some(account)
    }

    /// Has these users and no others from now on; `default` stays as it is or becomes unlimited
    /// if it is not among them. Returns the users that were there before: they are all gone.
    pub(crate) fn replace(&self, basis: Basis<'_>, new: Vec<NewUser>) -> Vec<Arc<Account>> {
        let mut users = self.users.write();
        let mut old = std::mem::take(&mut *users);
        old.remove(DEFAULT);
        let mut default = None;
        for (name, rights) in new {
            if &*name == DEFAULT {
                default = Some(rights);
            } else {
                let account = Account::new(&name, Arc::new(rights));
                users.insert(name, Arc::new(account));
            }
        }
        self.default.set_rights(Arc::new(default.unwrap_or_else(|| Rights::unlimited(basis))));
        users.insert(DEFAULT.into(), Arc::clone(&self.default));
        for account in old.values() {
            account.remove();
        }
        old.into_values().collect()
    }
}
