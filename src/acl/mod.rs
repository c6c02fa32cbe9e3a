//! Access control: who may run which commands on which keys and channels.
//!
//! ```text
//! Accounts            the users by name, and the log of what was denied
//! └ Account           a user as connections hold it: a name, and the rights of now
//!   └ Rights          on or off, passwords, selectors; changed by rules, shown as rules
//!     └ Selector      commands, key patterns, channel patterns that go together
//! Catalog             the names and categories of commands, which rules speak of
//! Request             a command with its keys and channels: what is checked
//! ```
//!
//! A request is allowed if one of the user's selectors allows all of it. An account that allows
//! everything says so by one flag ([`Account::is_unlimited`]); its requests are not looked at.
//!
//! Nothing here knows commands, clients or sockets: `command/access.rs` makes the catalog from the
//! table and the request from the words that a client sent.

pub(crate) mod account;
pub(crate) mod accounts;
pub(crate) mod catalog;
mod commands;
pub(crate) mod file;
pub(crate) mod log;
pub(crate) mod password;
pub(crate) mod request;
pub(crate) mod rights;
pub(crate) mod rule;
pub(crate) mod selector;

#[cfg(test)]
mod tests;

pub(crate) use account::Account;
pub(crate) use accounts::Accounts;
pub(crate) use catalog::{CATEGORIES, Catalog};
pub(crate) use log::{Denial, Log};
pub(crate) use request::{Channel, Denied, Key, Need, Reason, Request};
pub(crate) use rights::Rights;
pub(crate) use rule::{Basis, RuleError};
