//! Who may run what: the table's commands as access control knows them, and the check of each
//! request of a user who may not do everything.
//!
//! Requests are checked when they come (or are queued), again when EXEC runs them, when a script
//! makes them, and when a blocking command is served. What is denied goes into ACL LOG.

use std::sync::OnceLock;

use smallvec::SmallVec;

use super::table::{Command, table};
use super::{CommandError, Flag, Services};
use crate::acl::{Basis, Catalog, Channel, Denial, Denied, Key, Need, Reason, Request};
use crate::client::{Client, Handle};
use crate::config::{Config, Setting};
use crate::resp::argv::Argv;

pub(super) mod categories;
pub(super) mod keys;

/// What ACL rules build upon.
pub(crate) fn basis(config: &Config) -> Basis<'static> {
    static CATALOG: OnceLock<Catalog> = OnceLock::new();
    let catalog = CATALOG.get_or_init(|| {
        let all = table().all().iter();
        Catalog::new(all.map(|command| (command.full_name.clone(), categories::bits(command))))
    });
    Basis { catalog, all_channels: config.number(Setting::AclPubsubDefault) == 0 }
}

/// Where a request is made, in the words of ACL LOG.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Script,
    TopLevel,
    Transaction,
}

impl Origin {
    fn name(self) -> &'static str {
        match self {
            Self::Script => "lua",
            Self::TopLevel => "toplevel",
            Self::Transaction => "multi",
        }
    }

    /// Where a client's own requests are made now.
    pub(crate) fn of(client: &Client) -> Self {
        if client.is_in_transaction() { Self::Transaction } else { Self::TopLevel }
    }
}

/// A request that is to be checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) command: &'static Command,
    pub(crate) argv: Argv<'a>,
    pub(crate) origin: Origin,
}

impl<'a> Asked<'a> {
    /// The request as rights see it.
    pub(crate) fn request(&self) -> Request<'a> {
        let (command, argv) = (self.command, self.argv);
        let mut keys = SmallVec::new();
        let mut nth = 0;
        command.spec.keys.for_each(argv, |place| {
            if let Some(name) = argv.get(place) {
                let need = need(keys::of_key(command, Some(argv), nth));
                keys.push(Key { place, name, need });
            }
            nth += 1;
        });
        Request {
            command: command.index,
            is_open: command.has(Flag::NoAuth),
            first_argument: argv.get(command.name_words()),
            keys,
            channels: channels(command, argv),
        }
    }
}

/// What access to a key needs. What is learnt without the words `access` needs no right to read.
fn need(words: &[&str]) -> Need {
    Need {
        read: words.contains(&"access"),
        write: words.iter().any(|word| ["insert", "update", "delete"].contains(word)),
    }
}

/// The channels to which a request publishes or subscribes.
fn channels<'a>(command: &Command, argv: Argv<'a>) -> SmallVec<[Channel<'a>; 2]> {
    let (count, is_pattern) = match command.spec.name {
        "publish" | "spublish" => (1, false),
        "subscribe" | "ssubscribe" => (usize::MAX, false),
        "psubscribe" => (usize::MAX, true),
        _ => return SmallVec::new(),
    };
    let names = argv.iter_from(1).take(count).enumerate();
    names.map(|(nth, name)| Channel { place: nth + 1, name, is_pattern }).collect()
}

impl Services {
    /// May a client that cannot do everything run this? The error if not, which is logged.
    #[inline(never)]
    pub(crate) fn check_access(
        &self,
        client: &Client,
        asked: Asked<'_>,
    ) -> Result<(), CommandError> {
        let is_known = client.authenticated || self.acl.is_open();
        if (!is_known || client.account.is_gone()) && !asked.command.has(Flag::NoAuth) {
            return Err(CommandError::NoAuth);
        }
        let Some(rights) = client.account.rights() else { return Ok(()) };
        rights.check(&asked.request()).map_err(|denied| {
            if asked.origin != Origin::Script {
                // ACL LOG is to show the command as the client's last one.
                client.handle.figures.set_last_command(asked.command.index);
            }
            self.log_denied(client, asked, denied);
            let why = why(&client.account, asked, denied, Detail::None);
            let text = match asked.origin {
                Origin::Script => format!("ERR ACL failure in script: {why}"),
                Origin::TopLevel | Origin::Transaction => format!("NOPERM {why}"),
            };
            CommandError::Text(text.into())
        })
    }

    /// As [`Services::check_access`], for a command that was queued before EXEC.
    pub(crate) fn check_queued(
        &self,
        client: &Client,
        asked: Asked<'_>,
    ) -> Result<(), CommandError> {
        let Some(rights) = client.account.rights() else { return Ok(()) };
        rights.check(&asked.request()).map_err(|denied| {
            self.log_denied(client, asked, denied);
            let reason = match denied.reason {
                Reason::Command => "no permission to execute the command or subcommand",
                Reason::Key => "no permission to touch the specified keys",
                Reason::Channel => "no permission to access one of the channels used as arguments",
                Reason::Auth => "no permission",
            };
            let text = format!(
                "NOPERM ACLs rules changed between the moment the transaction was accumulated and \
                 the EXEC call. This command is no longer allowed for the following reason: \
                 {reason}"
            );
            CommandError::Text(text.into())
        })
    }

    fn log_denied(&self, client: &Client, asked: Asked<'_>, denied: Denied) {
        let object = match denied.reason {
            Reason::Command => asked.command.full_name.as_bytes(),
            Reason::Auth | Reason::Channel | Reason::Key => {
                asked.argv.get(denied.place).unwrap_or_default()
            }
        };
        let user = client.account.name();
        self.note_denial(&client.handle, denied.reason, asked.origin, (user, object));
    }

    /// Puts something that was denied to a user into ACL LOG.
    pub(crate) fn note_denial(
        &self,
        client: &Handle,
        reason: Reason,
        origin: Origin,
        (user, object): (&[u8], &[u8]),
    ) {
        let now_ms = self.clock.now_ms();
        let denial = Denial {
            reason,
            context: origin.name(),
            object: object.into(),
            user: user.into(),
            client: super::client::line(client, now_ms).into(),
        };
        self.acl.log.note(denial, now_ms, self.config.size(Setting::AclLogMaxLen));
    }
}

/// Is the key or channel named?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    Named,
    None,
}

/// Why a request is denied, for people.
pub(super) fn why(
    account: &crate::acl::Account,
    asked: Asked<'_>,
    denied: Denied,
    detail: Detail,
) -> String {
    let user = String::from_utf8_lossy(account.name());
    let object = String::from_utf8_lossy(asked.argv.get(denied.place).unwrap_or_default());
    let kind = match denied.reason {
        Reason::Command | Reason::Auth => {
            let name = &asked.command.full_name;
            return format!("User {user} has no permissions to run the '{name}' command");
        }
        Reason::Key => "key",
        Reason::Channel => "channel",
    };
    match detail {
        Detail::Named => format!("User {user} has no permissions to access the '{object}' {kind}"),
        Detail::None => format!("No permissions to access a {kind}"),
    }
}
