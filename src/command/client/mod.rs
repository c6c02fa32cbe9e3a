//! The subcommands of CLIENT: what is known of the connections, and what can be done to them.

use std::sync::atomic::Ordering;

use super::row::row;
use super::{
    Args, Arity, Category, CommandError, CommandResult, CommandSpec, Context, Flag, Outcome,
};
use crate::client::{ClientId, Handle, ReplyMode, Unblock};
use crate::command::Mode;
use crate::config::Setting;
use crate::observe::Call;

mod kill;
mod list;
mod pause;
pub(super) mod tracking;

pub(super) use list::line;

/// Refusal of a name that CLIENT LIST could not show.
pub(super) const BAD_NAME: &str =
    "ERR Client names cannot contain spaces, newlines or special characters.";

const CONNECTION: &[Category] = &[Category::Connection];
/// Flags of the subcommands that anyone may use.
const OPEN: &[Flag] = &[Flag::NoScript, Flag::Loading, Flag::Stale];
/// Flags of the subcommands that concern other clients.
const ADMIN: &[Flag] = &[Flag::Admin, Flag::NoScript, Flag::Loading, Flag::Stale];

pub(crate) const COMMANDS: &[CommandSpec] = &[row(
    "client",
    Arity::AtLeast(2),
    &[],
    ("2.4.0", "", "A container for commands on connections."),
    super::help::help,
)
.containing(SUBCOMMANDS)];

const SUBCOMMANDS: &[CommandSpec] = &[
    row(
        "caching",
        Arity::Exact(3),
        OPEN,
        ("6.0.0", "<YES | NO>", "Chooses whether keys of the next command are remembered."),
        tracking::caching,
    )
    .in_categories(CONNECTION),
    row(
        "getname",
        Arity::Exact(2),
        OPEN,
        ("2.6.9", "", "Replies with the name of the connection."),
        getname,
    )
    .in_categories(CONNECTION),
    row(
        "getredir",
        Arity::Exact(2),
        OPEN,
        ("6.0.0", "", "Replies with the connection that is told of changed keys."),
        tracking::getredir,
    )
    .in_categories(CONNECTION),
    row(
        "help",
        Arity::Exact(2),
        &[Flag::Loading, Flag::Stale],
        ("5.0.0", "", "Replies with the subcommands."),
        super::help::help,
    )
    .in_categories(CONNECTION),
    row(
        "id",
        Arity::Exact(2),
        OPEN,
        ("5.0.0", "", "Replies with the number of the connection."),
        id,
    )
    .in_categories(CONNECTION),
    row(
        "info",
        Arity::Exact(2),
        OPEN,
        ("6.2.0", "", "Replies with what is known of this connection."),
        list::info,
    )
    .in_categories(CONNECTION),
    row(
        "kill",
        Arity::AtLeast(3),
        ADMIN,
        (
            "2.4.0",
            "<ip:port | <[ID client-id] | [TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] | [USER \
         username] | [ADDR ip:port] | [LADDR ip:port] | [SKIPME <YES | NO>] [...]>>",
            "Closes connections.",
        ),
        kill::kill,
    )
    .in_categories(CONNECTION),
    row(
        "list",
        Arity::AtLeast(2),
        ADMIN,
        (
            "2.4.0",
            "[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]",
            "Replies with what is known of the connections, one a line.",
        ),
        list::list,
    )
    .in_categories(CONNECTION),
    row(
        "no-evict",
        Arity::Exact(3),
        ADMIN,
        ("7.0.0", "<ON | OFF>", "Spares the connection when clients take too much memory."),
        no_evict,
    )
    .in_categories(CONNECTION),
    row(
        "no-touch",
        Arity::Exact(3),
        OPEN,
        ("7.2.0", "<ON | OFF>", "Leaves the time of the last access of keys as it is."),
        no_touch,
    )
    .in_categories(CONNECTION),
    row(
        "pause",
        Arity::AtLeast(3),
        ADMIN,
        (
            "3.0.0",
            "timeout [WRITE | ALL]",
            "Puts the commands of clients off for some milliseconds.",
        ),
        pause::pause,
    )
    .in_categories(CONNECTION),
    row(
        "reply",
        Arity::Exact(3),
        OPEN,
        ("3.2.0", "<ON | OFF | SKIP>", "Chooses whether the connection gets replies."),
        reply,
    )
    .in_categories(CONNECTION),
    row(
        "setinfo",
        Arity::Exact(4),
        OPEN,
        ("7.2.0", "<LIB-NAME libname | LIB-VER libver>", "Tells which client library this is."),
        setinfo,
    )
    .in_categories(CONNECTION),
    row(
        "setname",
        Arity::Exact(3),
        OPEN,
        ("2.6.9", "connection-name", "Gives the connection a name."),
        setname,
    )
    .in_categories(CONNECTION),
    row(
        "tracking",
        Arity::AtLeast(3),
        OPEN,
        (
            "6.0.0",
            "<ON | OFF> [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST] [OPTIN] \
         [OPTOUT] [NOLOOP]",
            "Chooses whether the connection is told of changed keys.",
        ),
        tracking::tracking,
    )
    .in_categories(CONNECTION),
    row(
        "trackinginfo",
        Arity::Exact(2),
        OPEN,
        ("6.2.0", "", "Replies with what CLIENT TRACKING has chosen."),
        tracking::trackinginfo,
    )
    .in_categories(CONNECTION),
    row(
        "unblock",
        Arity::AtLeast(3),
        ADMIN,
        (
            "5.0.0",
            "client-id [TIMEOUT | ERROR]",
            "Ends the blocking command of another connection.",
        ),
        unblock,
    )
    .in_categories(CONNECTION),
    row(
        "unpause",
        Arity::Exact(2),
        ADMIN,
        ("6.2.0", "", "Ends a pause before its time."),
        pause::unpause,
    )
    .in_categories(CONNECTION),
];

/// May these bytes stand in CLIENT LIST?
pub(super) fn is_printable(word: &[u8]) -> bool {
    word.iter().all(u8::is_ascii_graphic)
}

/// Gives the connection a name, which is printable; an empty one takes the name away.
pub(super) fn rename(context: &mut Context<'_>, name: &[u8]) {
    let handle = &context.client.handle;
    if !name.is_empty() || handle.with_names(|names| !names.own.is_empty()) {
        handle.change_names(|names| names.own = name.into());
    }
}

/// `CLIENT GETNAME`
///
/// Replies the name of the connection, or nil.
/// <https://redis.io/docs/latest/commands/client-getname/>
fn getname(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    let reply = &mut *context.reply;
    context.client.handle.with_names(|names| match &*names.own {
        [] => reply.nil(),
        name => reply.bulk(name),
    });
    Ok(Outcome::Done)
}

/// `CLIENT ID`
///
/// Replies the number of the connection; later ones have greater numbers.
/// <https://redis.io/docs/latest/commands/client-id/>
fn id(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    context.reply.integer(i64::try_from(context.client.handle.id).unwrap_or(i64::MAX));
    Ok(Outcome::Done)
}

/// Reads the last argument, ON or OFF.
fn on_or_off(args: &mut Args<'_>) -> Result<bool, CommandError> {
    let on = args.keyword("ON");
    if on || args.keyword("OFF") { Ok(on) } else { Err(CommandError::Syntax) }
}

/// `CLIENT NO-EVICT <ON | OFF>`
///
/// Replies OK. When clients take more memory than `maxmemory-clients` allows, this connection is
/// not closed, and its memory does not count.
/// <https://redis.io/docs/latest/commands/client-no-evict/>
fn no_evict(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let on = on_or_off(args)?;
    context.client.handle.figures.no_evict.store(on, Ordering::Relaxed);
    context.services.poster().count(&context.client.handle);
    context.reply.ok();
    Ok(Outcome::Done)
}

/// `CLIENT NO-TOUCH <ON | OFF>`
///
/// Replies OK. Commands of this connection, other than TOUCH, leave the keys' time of last access
/// as it is.
/// <https://redis.io/docs/latest/commands/client-no-touch/>
fn no_touch(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let on = on_or_off(args)?;
    context.client.handle.figures.no_touch.store(on, Ordering::Relaxed);
    context.reply.ok();
    Ok(Outcome::Done)
}

/// `CLIENT REPLY <ON | OFF | SKIP>`
///
/// ON replies OK; OFF and SKIP reply nothing, SKIP nor to the next command. Differs from Redis: in
/// a transaction they reply OK, as EXEC has said how many replies there are.
/// <https://redis.io/docs/latest/commands/client-reply/>
fn reply(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    context.client.pushed = false;
    if args.keyword("ON") {
        context.client.reply_mode = ReplyMode::On;
        context.reply.ok();
    } else if args.keyword("OFF") {
        context.client.reply_mode = ReplyMode::Off;
    } else if args.keyword("SKIP") {
        if context.client.reply_mode != ReplyMode::Off {
            context.client.reply_mode = ReplyMode::SkipNext;
        }
    } else {
        return Err(CommandError::Syntax);
    }
    if context.client.reply_mode != ReplyMode::On && context.mode == Mode::Transaction {
        context.reply.ok();
    }
    Ok(Outcome::Done)
}

/// `CLIENT SETINFO <LIB-NAME libname | LIB-VER libver>`
///
/// Replies OK. Errors: ERR on other attributes, and on values with spaces.
/// <https://redis.io/docs/latest/commands/client-setinfo/>
fn setinfo(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (attribute, value) = (args.bytes()?, args.bytes()?);
    let is_name = attribute.eq_ignore_ascii_case(b"LIB-NAME");
    let shown = String::from_utf8_lossy(attribute);
    if !is_name && !attribute.eq_ignore_ascii_case(b"LIB-VER") {
        return Err(CommandError::Text(format!("ERR Unrecognized option '{shown}'").into()));
    }
    if !is_printable(value) {
        let rule = "cannot contain spaces, newlines or special characters.";
        return Err(CommandError::Text(format!("ERR {shown} {rule}").into()));
    }
    context.client.handle.change_names(|names| {
        let changed = if is_name { &mut names.library } else { &mut names.library_version };
        *changed = value.into();
    });
    context.reply.ok();
    Ok(Outcome::Done)
}

/// `CLIENT SETNAME connection-name`
///
/// Replies OK; an empty name takes the name away. Errors: ERR on a name with spaces.
/// <https://redis.io/docs/latest/commands/client-setname/>
fn setname(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let name = args.bytes()?;
    if !is_printable(name) {
        return Err(CommandError::Plain(BAD_NAME));
    }
    rename(context, name);
    context.reply.ok();
    Ok(Outcome::Done)
}

/// `CLIENT UNBLOCK client-id [TIMEOUT | ERROR]`
///
/// Ends the blocking command of another connection as if its time were up, or with an error.
/// Replies 1, or 0 if it does not wait.
/// <https://redis.io/docs/latest/commands/client-unblock/>
fn unblock(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    if args.len() > 2 {
        return Err(args.miscounted());
    }
    let id = args.integer();
    let how = if args.keyword("ERROR") {
        Unblock::Error
    } else if args.is_empty() || args.keyword("TIMEOUT") {
        Unblock::Timeout
    } else {
        return Err(CommandError::Plain("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"));
    };
    let client = ClientId::try_from(id?).ok().and_then(|id| context.services.clients.find(id));
    let let_go = client.filter(|client| client.unblock(how));
    if let Some(client) = &let_go {
        count_let_go(context, client, how);
    }
    context.reply.integer(i64::from(let_go.is_some()));
    Ok(Outcome::Done)
}

/// Counts the blocking command that a client was let go from.
fn count_let_go(context: &Context<'_>, client: &Handle, how: Unblock) {
    let command = client.figures.last_command();
    let tracked = context.services.config.flag(Setting::LatencyTracking);
    if let Some(command) = command {
        let failed = how == Unblock::Error;
        context.services.stats.called_once(Call { command, ns: 0, failed, tracked });
    }
}
