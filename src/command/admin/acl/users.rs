//! ACL SETUSER, DELUSER, GETUSER, LIST, USERS, WHOAMI.

use super::connections::{close_subscribers, close_users};
use super::{Args, CommandError, CommandResult, Context, Outcome};
use crate::acl::accounts::DEFAULT;
use crate::acl::rule::has_spaces;
use crate::acl::selector::Selector;
use crate::command::access::basis;
use crate::resp::Reply;

/// `ACL SETUSER username [rule [rule ...]]`
///
/// Makes a user, who has no rights at first, or changes one: follows all rules in order, or none
/// if one is wrong. Connections of the user go on with the new rights at once; those that have
/// subscribed to what is no longer allowed are closed. Replies OK.
/// Errors: ERR on a name with spaces, and on a rule that is wrong.
/// <https://redis.io/docs/latest/commands/acl-setuser/>
pub(super) fn setuser(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let name = args.bytes()?;
    if has_spaces(name) {
        return Err(CommandError::Plain("ERR Usernames can't contain spaces or null characters"));
    }
    let services = context.services;
    let changed = services
        .acl
        .change(basis(&services.config), name, args.rest())
        .map_err(|error| CommandError::Text(format!("ERR {error}").into()))?;
    let rights = (&*changed.rights, changed.before.as_deref());
    close_subscribers(context, &changed.account, rights);
    context.reply.ok();
    Ok(Outcome::Done)
}

/// `ACL DELUSER username [username ...]`
///
/// Removes users and closes their connections. Replies how many there were.
/// Errors: ERR if `default` is among them.
/// <https://redis.io/docs/latest/commands/acl-deluser/>
pub(super) fn deluser(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let names = args.rest();
    if names.clone().any(|name| name == DEFAULT) {
        return Err(CommandError::Plain("ERR The 'default' user cannot be removed"));
    }
    let acl = &context.services.acl;
    let removed: Vec<_> = names.filter_map(|name| acl.remove(name)).collect();
    close_users(context, &removed);
    context.reply.count(removed.len());
    Ok(Outcome::Done)
}

/// `ACL GETUSER username`
///
/// Replies a map of what the user may do, or nil if there is no such user: flags, digests of
/// passwords, the rules on commands, keys and channels, and the same rules of each selector.
/// <https://redis.io/docs/latest/commands/acl-getuser/>
pub(super) fn getuser(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let account = context.services.acl.find(args.bytes()?);
    let reply = &mut *context.reply;
    let Some(rights) = account.and_then(|account| account.rights()) else {
        reply.nil();
        return Ok(Outcome::Done);
    };
    reply.map(6);
    reply.bulk(b"flags");
    let flags = rights.flags();
    reply.set(flags.len());
    for flag in flags {
        reply.bulk(flag.as_bytes());
    }
    reply.bulk(b"passwords");
    reply.array(rights.passwords().len());
    for password in rights.passwords() {
        reply.bulk(password.to_string().as_bytes());
    }
    write_selector(reply, rights.root());
    reply.bulk(b"selectors");
    reply.array(rights.selectors().len());
    for selector in rights.selectors() {
        reply.map(3);
        write_selector(reply, selector);
    }
    Ok(Outcome::Done)
}

fn write_selector(reply: &mut Reply, selector: &Selector) {
    for (name, words) in [
        ("commands", selector.command_words()),
        ("keys", selector.key_words()),
        ("channels", selector.channel_words()),
    ] {
        reply.bulk(name.as_bytes());
        reply.bulk(&words.join(&b' '));
    }
}

/// `ACL LIST`
///
/// Replies a line for each user, as the file of users has it: `user name rules`. Differs from
/// Redis: the line always makes the same user again, so `%RW~*` among other patterns stays as it
/// is, and inside of selectors a word with quotes stands in quotes.
/// <https://redis.io/docs/latest/commands/acl-list/>
pub(super) fn list(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    let lines = context.services.acl.lines();
    context.reply.array(lines.len());
    for line in &lines {
        context.reply.bulk(line);
    }
    Ok(Outcome::Done)
}

/// `ACL USERS`
///
/// Replies the names of all users.
/// <https://redis.io/docs/latest/commands/acl-users/>
pub(super) fn users(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    let users = context.services.acl.all();
    context.reply.array(users.len());
    for (name, _) in &users {
        context.reply.bulk(name);
    }
    Ok(Outcome::Done)
}

/// `ACL WHOAMI`
///
/// Replies the name of the user whom the connection speaks for.
/// <https://redis.io/docs/latest/commands/acl-whoami/>
pub(super) fn whoami(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    context.reply.bulk(context.client.account.name());
    Ok(Outcome::Done)
}
