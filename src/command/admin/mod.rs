//! The group `server`: what operators ask of the server as a whole.

use super::{
    Args, Arity, Category, CommandError, CommandResult, CommandSpec, Context, Flag, KeySpec,
    Outcome, Services,
};

mod acl;
mod command_docs;
mod command_info;
mod config;
mod debug;
mod flush;
mod info;
mod latency;
mod memory;
mod modules;
mod shutdown;
mod slowlog;

use super::help::help;
use super::row::row;
use crate::client::Client;
use crate::config::Setting;

/// Flags of the commands that only operators need.
const ADMIN: &[Flag] = &[Flag::Admin, Flag::NoScript, Flag::Loading, Flag::Stale];
/// Flags of the commands that tell about the server.
const TELLING: &[Flag] = &[Flag::Loading, Flag::Stale];
const DANGEROUS: &[Category] = &[Category::Dangerous];

pub(crate) const COMMANDS: &[CommandSpec] = &[
    row(
        "acl",
        Arity::AtLeast(2),
        &[],
        ("6.0.0", "", "A container for commands on users and what they may do."),
        help,
    )
    .containing(acl::SUBCOMMANDS),
    row(
        "command",
        Arity::AtLeast(1),
        TELLING,
        ("2.8.13", "", "Replies with what is known of all commands."),
        command_info::command,
    )
    .in_categories(&[Category::Connection])
    .containing(command_info::SUBCOMMANDS),
    row(
        "config",
        Arity::AtLeast(2),
        &[],
        ("2.0.0", "", "A container for commands on settings."),
        help,
    )
    .containing(config::SUBCOMMANDS),
    row(
        "dbsize",
        Arity::Exact(1),
        &[Flag::ReadOnly, Flag::Fast, Flag::AllShards],
        ("1.0.0", "", "Replies with the number of keys in the selected database."),
        dbsize,
    )
    .in_categories(&[Category::Keyspace]),
    row(
        "debug",
        Arity::AtLeast(2),
        &[
            Flag::Admin,
            Flag::NoScript,
            Flag::Loading,
            Flag::Stale,
            Flag::AllShards,
            Flag::Protected,
        ],
        ("1.0.0", "subcommand [argument ...]", "Helps to test the server."),
        debug::debug,
    ),
    row(
        "flushall",
        Arity::AtLeast(1),
        &[Flag::Write, Flag::AllShards],
        ("1.0.0", "[ASYNC | SYNC]", "Removes all keys of all databases."),
        flush::flushall,
    )
    .in_categories(&[Category::Keyspace, Category::Dangerous]),
    row(
        "flushdb",
        Arity::AtLeast(1),
        &[Flag::Write, Flag::AllShards],
        ("1.0.0", "[ASYNC | SYNC]", "Removes all keys of the selected database."),
        flush::flushdb,
    )
    .in_categories(&[Category::Keyspace, Category::Dangerous]),
    row(
        "info",
        Arity::AtLeast(1),
        &[Flag::Loading, Flag::Stale, Flag::AllShards],
        ("1.0.0", "[section [section ...]]", "Replies with figures about the server."),
        info::info,
    )
    .in_categories(DANGEROUS),
    row(
        "latency",
        Arity::AtLeast(2),
        &[],
        ("2.8.13", "", "A container for commands on what took long."),
        help,
    )
    .containing(latency::SUBCOMMANDS),
    row(
        "lolwut",
        Arity::AtLeast(1),
        &[Flag::ReadOnly, Flag::Fast],
        ("5.0.0", "[VERSION version]", "Draws something, and tells the version."),
        lolwut,
    ),
    row(
        "memory",
        Arity::AtLeast(2),
        &[],
        ("4.0.0", "", "A container for commands on memory."),
        help,
    )
    .containing(memory::SUBCOMMANDS),
    row(
        "module",
        Arity::AtLeast(2),
        &[],
        ("4.0.0", "", "A container for commands on modules."),
        help,
    )
    .containing(modules::SUBCOMMANDS),
    row(
        "shutdown",
        Arity::AtLeast(1),
        &[Flag::Admin, Flag::NoScript, Flag::Loading, Flag::Stale, Flag::NoMulti, Flag::AllowBusy],
        ("1.0.0", "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]", "Stops the server."),
        shutdown::shutdown,
    ),
    row(
        "slowlog",
        Arity::AtLeast(2),
        &[],
        ("2.2.12", "", "A container for commands on the log of slow commands."),
        help,
    )
    .containing(slowlog::SUBCOMMANDS),
    row(
        "swapdb",
        Arity::Exact(3),
        &[Flag::Write, Flag::Fast, Flag::AllShards],
        ("4.0.0", "index1 index2", "Exchanges the keys of two databases."),
        flush::swapdb,
    )
    .in_categories(&[Category::Keyspace, Category::Dangerous]),
    row(
        "time",
        Arity::Exact(1),
        &[Flag::Loading, Flag::Stale, Flag::Fast],
        ("2.6.0", "", "Replies with the time of the server."),
        time,
    ),
];

/// `DBSIZE`
///
/// Replies the number of keys in the selected database. O(shards).
/// <https://redis.io/docs/latest/commands/dbsize/>
fn dbsize(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    let len = context.db.len();
    context.reply.count(len);
    Ok(Outcome::Done)
}

/// `LOLWUT [VERSION version]`
///
/// Replies a small drawing of a queue, another one each time, and the version.
/// <https://redis.io/docs/latest/commands/lolwut/>
fn lolwut(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    const WIDTH: usize = 40;
    let mut text = String::new();
    for _ in 0..4 {
        let filled = context.services.random.below(WIDTH + 1);
        let (filled, free) = ("#".repeat(filled), ".".repeat(WIDTH - filled));
        text.extend(["> ", &filled, &free, " >\n"]);
    }
    text.extend(["\nrespq ver. ", env!("CARGO_PKG_VERSION"), "\n"]);
    context.reply.verbatim(*b"txt", text.as_bytes());
    Ok(Outcome::Done)
}

/// `TIME`
///
/// Replies `[seconds, microseconds]` of unix time: the instant that other commands go by, which
/// stands still in a script or a transaction.
/// <https://redis.io/docs/latest/commands/time/>
fn time(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    let us = context.now_us;
    context.reply.array(2);
    for part in [us / 1_000_000, us % 1_000_000] {
        context.reply.bulk(part.to_string().as_bytes());
    }
    Ok(Outcome::Done)
}

/// The error of a protected command, unless the settings allow it to this client.
pub(crate) fn check_protected(services: &Services, client: &Client) -> Result<(), CommandError> {
    if permits(services, client, Setting::EnableDebugCommand) {
        return Ok(());
    }
    Err(CommandError::Plain(debug::NOT_ALLOWED))
}

/// May this client do what one of the settings `enable-…` guards?
fn is_permitted(context: &Context<'_>, setting: Setting) -> bool {
    permits(context.services, context.client, setting)
}

fn permits(services: &Services, client: &Client, setting: Setting) -> bool {
    match services.config.text(setting).as_str() {
        "yes" => true,
        "local" => {
            let peer = &client.handle.peer;
            let address = peer.address();
            let is_loopback = address.starts_with("127.") || address.starts_with("[::1]");
            is_loopback || peer.is_local_socket() || address.is_empty()
        }
        _ => false,
    }
}
