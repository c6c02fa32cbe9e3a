//! CLIENT KILL.

use std::sync::Arc;

use super::super::{Args, CommandError, CommandResult, Context, Outcome};
use super::list::client_kind;
use crate::acl::Account;
use crate::client::{ClientId, Handle, Kind};

/// Which connections to close.
#[derive(Debug, Default)]
struct Filter<'a> {
    id: Option<ClientId>,
    kind: Option<Kind>,
    /// A kind was asked for of which there are none.
    nobody: bool,
    address: Option<&'a [u8]>,
    local_address: Option<&'a [u8]>,
    user: Option<Arc<Account>>,
    also_me: bool,
}

impl Filter<'_> {
    fn matches(&self, client: &Handle) -> bool {
        self.id.is_none_or(|id| client.id == id)
            && self.kind.is_none_or(|kind| kind == client.kind())
            && !self.nobody
            && self.address.is_none_or(|address| client.peer.address().as_bytes() == address)
            && self
                .local_address
                .is_none_or(|address| client.peer.local_address().as_bytes() == address)
            && self.user.as_ref().is_none_or(|user| client.speaks_for(user))
    }
}

/// `CLIENT KILL <ip:port | <[ID client-id] | [TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] |
/// [USER username] | [ADDR ip:port] | [LADDR ip:port] | [SKIPME <YES | NO>] [...]>>`
///
/// Closes the connections that all filters let pass; replies their number. With an address alone,
/// replies OK, or an error if there is no such client. The caller's own connection is closed after
/// the reply, and with filters only if `SKIPME NO` says so. O(connections).
/// <https://redis.io/docs/latest/commands/client-kill/>
pub(super) fn kill(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    if args.len() == 1 {
        let address = args.bytes()?;
        let filter = Filter { address: Some(address), also_me: true, ..Filter::default() };
        if close(context, &filter) == 0 {
            return Err(CommandError::Plain("ERR No such client"));
        }
        context.reply.ok();
        return Ok(Outcome::Done);
    }
    let filter = parse(context, args)?;
    let closed = close(context, &filter);
    context.reply.count(closed);
    Ok(Outcome::Done)
}

fn parse<'a>(context: &Context<'_>, args: &mut Args<'a>) -> Result<Filter<'a>, CommandError> {
    let mut filter = Filter::default();
    while !args.is_empty() {
        if args.keyword("ID") {
            let wrong = CommandError::Plain("ERR client-id should be greater than 0");
            let id = args.bytes().map(crate::number::parse_i64)?.filter(|&id| id > 0);
            filter.id = Some(id.and_then(|id| ClientId::try_from(id).ok()).ok_or(wrong)?);
        } else if args.keyword("TYPE") {
            filter.kind = client_kind(args.bytes()?)?;
            filter.nobody = filter.kind.is_none();
        } else if args.keyword("ADDR") {
            filter.address = Some(args.bytes()?);
        } else if args.keyword("LADDR") {
            filter.local_address = Some(args.bytes()?);
        } else if args.keyword("USER") {
            let user = args.bytes()?;
            filter.user = context.services.acl.find(user);
            if filter.user.is_none() {
                let user = String::from_utf8_lossy(user);
                return Err(CommandError::Text(format!("ERR No such user '{user}'").into()));
            }
        } else if args.keyword("SKIPME") {
            filter.also_me = args.keyword("NO");
            if !filter.also_me && !args.keyword("YES") {
                return Err(CommandError::Syntax);
            }
        } else {
            return Err(CommandError::Syntax);
        }
    }
    Ok(filter)
}

/// Closes the clients that match; returns their number.
fn close(context: &mut Context<'_>, filter: &Filter<'_>) -> usize {
    let me = context.client.handle.id;
    let mut closed = 0;
    for client in context.services.clients.all() {
        if !filter.matches(&client) || (client.id == me && !filter.also_me) {
            continue;
        }
        closed += 1;
        if client.id == me {
            context.client.closing = true;
        } else {
            client.kill();
            context.services.clients.remove(client.id);
        }
    }
    closed
}
