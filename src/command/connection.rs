//! The group `connection`, without CLIENT: who the client is, what it speaks, which database.

use std::sync::atomic::Ordering;

use super::access::Origin;
use super::client::{is_printable, rename};
use super::row::row;
use super::transaction::forget_watches;
use super::{
    Args, Arity, Category, CommandError, CommandResult, CommandSpec, Context, Flag, Mode, Outcome,
};
use crate::acl::Reason;
use crate::acl::accounts::DEFAULT;
use crate::client::ReplyMode;
use crate::resp::Protocol;

/// The version of Redis that clients may take this server for.
pub(crate) const REDIS_VERSION: &str = "7.2.4";

pub(crate) const COMMANDS: &[CommandSpec] = &[
    row(
        "auth",
        Arity::AtLeast(2),
        &[Flag::NoScript, Flag::Loading, Flag::Stale, Flag::Fast, Flag::NoAuth, Flag::AllowBusy],
        ("1.0.0", "[username] password", "Tells who the client is."),
        auth,
    )
    .in_categories(&[Category::Connection]),
    row(
        "echo",
        Arity::Exact(2),
        &[Flag::Loading, Flag::Stale, Flag::Fast],
        ("1.0.0", "message", "Replies with the message."),
        echo,
    )
    .in_categories(&[Category::Connection]),
    row(
        "hello",
        Arity::AtLeast(1),
        &[
            Flag::NoScript,
            Flag::Loading,
            Flag::Stale,
            Flag::Fast,
            Flag::NoAuth,
            Flag::AllowBusy,
            Flag::OutboxFirst,
        ],
        (
            "6.0.0",
            "[protover [AUTH username password] [SETNAME clientname]]",
            "Chooses the protocol, and replies what the server is.",
        ),
        hello,
    )
    .in_categories(&[Category::Connection]),
    row(
        "ping",
        Arity::AtLeast(1),
        &[Flag::Fast],
        ("1.0.0", "[message]", "Replies PONG, or the message."),
        ping,
    )
    .in_categories(&[Category::Connection]),
    row(
        "quit",
        Arity::AtLeast(1),
        &[
            Flag::NoScript,
            Flag::Loading,
            Flag::Stale,
            Flag::Fast,
            Flag::NoAuth,
            Flag::AllowBusy,
            Flag::Unqueued,
        ],
        ("1.0.0", "", "Replies OK and closes the connection."),
        quit,
    )
    .in_categories(&[Category::Connection]),
    row(
        "reset",
        Arity::Exact(1),
        &[
            Flag::NoScript,
            Flag::Loading,
            Flag::Stale,
            Flag::Fast,
            Flag::NoAuth,
            Flag::AllowBusy,
            Flag::Unqueued,
            Flag::WholeTransaction,
            Flag::OutboxFirst,
        ],
        ("6.2.0", "", "Brings the connection back to the state of a new one."),
        reset,
    )
    .in_categories(&[Category::Connection]),
    row(
        "select",
        Arity::Exact(2),
        &[Flag::Loading, Flag::Stale, Flag::Fast],
        ("1.0.0", "index", "Selects the database for the commands that follow."),
        select,
    )
    .in_categories(&[Category::Connection]),
];

/// `AUTH [username] password`
///
/// Tells who the client is: a user of ACL SETUSER, or `default` if none is named. Replies OK.
/// Errors: WRONGPASS; ERR if `default` needs no password and no user is named.
/// <https://redis.io/docs/latest/commands/auth/>
fn auth(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let first = args.bytes()?;
    let second = args.bytes().ok();
    args.finish()?;
    let (user, password) = match second {
        Some(password) => (first, password),
        None if context.services.acl.needs_no_password() => {
            return Err(CommandError::Plain(
                "ERR AUTH <password> called without any password configured for the default \
                 user. Are you sure your configuration is correct?",
            ));
        }
        None => (DEFAULT, first),
    };
    log_in(context, (user, password), args.argv().get(0).unwrap_or_default())?;
    context.reply.ok();
    Ok(Outcome::Done)
}

/// Makes the client speak for a user; `word` is the command that asks for it.
fn log_in(
    context: &mut Context<'_>,
    (user, password): (&[u8], &[u8]),
    word: &[u8],
) -> Result<(), CommandError> {
    let services = context.services;
    if let Some(account) = services.acl.log_in(user, password) {
        context.client.speak_for(account, true);
        return Ok(());
    }
    let in_transaction = context.mode == Mode::Transaction;
    let origin = if in_transaction { Origin::Transaction } else { Origin::of(context.client) };
    services.note_denial(&context.client.handle, Reason::Auth, origin, (user, word));
    Err(CommandError::Plain("WRONGPASS invalid username-password pair or user is disabled."))
}

/// `ECHO message`
///
/// Replies the message as a bulk string.
/// <https://redis.io/docs/latest/commands/echo/>
fn echo(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    context.reply.bulk(args.bytes()?);
    Ok(Outcome::Done)
}

/// `HELLO [protover [AUTH username password] [SETNAME clientname]]`
///
/// Speaks version 2 or 3 of the protocol from now on; replies a map of what the server is.
/// Errors: NOPROTO for other versions; WRONGPASS; NOAUTH if the client has still to say who it
/// is; ERR on a name with spaces.
/// <https://redis.io/docs/latest/commands/hello/>
fn hello(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let mut protocol = None;
    if !args.is_empty() {
        let not_a_number = "ERR Protocol version is not an integer or out of range";
        protocol = match args.integer().map_err(|_| CommandError::Plain(not_a_number))? {
            2 => Some(Protocol::Resp2),
            3 => Some(Protocol::Resp3),
            _ => return Err(CommandError::Plain("NOPROTO unsupported protocol version")),
        };
    }
    let (mut credentials, mut name) = (None, None);
    while let Some(option) = args.peek() {
        if args.len() >= 3 && args.keyword("AUTH") {
            credentials = Some((args.bytes()?, args.bytes()?));
        } else if args.len() >= 2 && args.keyword("SETNAME") {
            name = Some(args.bytes()?);
        } else {
            let option = String::from_utf8_lossy(option);
            let text = format!("ERR Syntax error in HELLO option '{option}'");
            return Err(CommandError::Text(text.into()));
        }
    }
    if name.is_some_and(|name| !is_printable(name)) {
        return Err(CommandError::Plain(super::client::BAD_NAME));
    }
    if let Some(credentials) = credentials {
        log_in(context, credentials, args.argv().get(0).unwrap_or_default())?;
    } else if !context.is_authenticated() {
        return Err(CommandError::Plain(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the \
             HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and \
             select the RESP protocol version at the same time",
        ));
    }
    if let Some(name) = name {
        rename(context, name);
    }
    if let Some(protocol) = protocol {
        context.reply.switch(protocol);
        context.client.handle.set_protocol(protocol);
    }
    write_greeting(context);
    Ok(Outcome::Done)
}

fn write_greeting(context: &mut Context<'_>) {
    let id = i64::try_from(context.client.handle.id).unwrap_or(i64::MAX);
    let mode = if context.is_cluster() { "cluster" } else { "standalone" };
    let reply = &mut *context.reply;
    reply.map(7);
    reply.bulk(b"server");
    reply.bulk(b"redis");
    reply.bulk(b"version");
    reply.bulk(REDIS_VERSION.as_bytes());
    reply.bulk(b"proto");
    reply.integer(if reply.protocol() == Protocol::Resp2 { 2 } else { 3 });
    reply.bulk(b"id");
    reply.integer(id);
    reply.bulk(b"mode");
    reply.bulk(mode.as_bytes());
    reply.bulk(b"role");
    reply.bulk(b"master");
    reply.bulk(b"modules");
    reply.array(0);
}

/// `PING [message]`
///
/// Replies PONG, or the message as a bulk string. A RESP2 client that has subscribed gets
/// `["pong", message]`, in the shape of the messages among which it must find it.
/// <https://redis.io/docs/latest/commands/ping/>
fn ping(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    if args.len() > 1 {
        return Err(CommandError::WrongArity("ping".into()));
    }
    let message = args.bytes().ok();
    let is_told_messages =
        context.client.is_subscribed() && context.reply.protocol() == Protocol::Resp2;
    if is_told_messages && context.mode != Mode::Script {
        context.reply.array(2);
        context.reply.bulk(b"pong");
        context.reply.bulk(message.unwrap_or_default());
        return Ok(Outcome::Done);
    }
    match message {
        None => context.reply.status("PONG"),
        Some(message) => context.reply.bulk(message),
    }
    Ok(Outcome::Done)
}

/// `QUIT`
///
/// Replies OK; the connection is closed once that is sent.
/// <https://redis.io/docs/latest/commands/quit/>
fn quit(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    context.client.closing = true;
    context.reply.ok();
    Ok(Outcome::Done)
}

/// `RESET`
///
/// Drops the transaction, watches, subscriptions and name; back to database 0, RESP2 and all
/// replies; the user is `default`, and a password must be given again. Replies the status RESET.
/// <https://redis.io/docs/latest/commands/reset/>
fn reset(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    context.client.close_transaction();
    super::pubsub::end_all(context);
    super::monitor::end(context);
    super::client::tracking::stop(context);
    forget_watches(context);
    let acl = &context.services.acl;
    context.client.speak_for(acl.default_account(), acl.is_open());
    context.client.reply_mode = ReplyMode::On;
    context.client.handle.figures.no_evict.store(false, Ordering::Relaxed);
    context.client.handle.figures.no_touch.store(false, Ordering::Relaxed);
    context.client.select(0);
    context.db.select(0);
    rename(context, b"");
    let protocol = context.services.default_protocol();
    context.reply.switch(protocol);
    context.client.handle.set_protocol(protocol);
    context.reply.status("RESET");
    Ok(Outcome::Done)
}

/// `SELECT index`
///
/// Replies OK. Errors: ERR if there is no such database; in a cluster there is but 0.
/// <https://redis.io/docs/latest/commands/select/>
fn select(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let index = args.integer_of_32_bits()?;
    if index != 0 && context.is_cluster() {
        return Err(CommandError::Plain("ERR SELECT is not allowed in cluster mode"));
    }
    let databases = context.services.keyspace.databases();
    let index = usize::try_from(index).ok().filter(|&index| index < databases);
    let index = index.ok_or(CommandError::Plain("ERR DB index is out of range"))?;
    context.client.select(index);
    context.db.select(index);
    context.reply.ok();
    Ok(Outcome::Done)
}
