//! Parts of the group `server`: what is asked of a primary. There are no replicas, and this server
//! follows no one; who asks for that is told so.

use super::row::row;
use super::{
    Args, Arity, Category, CommandError, CommandResult, CommandSpec, Context, Flag, Outcome,
};

const NOT_SUPPORTED: CommandError = CommandError::Plain("ERR replication is not supported");

const DANGEROUS: &[Category] = &[Category::Dangerous];
const STREAMING: &[Flag] = &[Flag::Admin, Flag::NoScript, Flag::NoMulti, Flag::NoAsyncLoading];
const FOLLOWING: &[Flag] = &[Flag::Admin, Flag::NoScript, Flag::Stale, Flag::NoAsyncLoading];

pub(crate) const COMMANDS: &[CommandSpec] = &[
    row(
        "failover",
        Arity::AtLeast(1),
        &[Flag::Admin, Flag::NoScript, Flag::Stale],
        (
            "6.2.0",
            "[TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]",
            "Would hand over to a replica.",
        ),
        failover,
    )
    .in_categories(DANGEROUS),
    row(
        "psync",
        Arity::AtLeast(3),
        STREAMING,
        ("2.8.0", "replicationid offset", "Would send all writes to a replica."),
        refuse,
    )
    .in_categories(DANGEROUS),
    row(
        "replconf",
        Arity::AtLeast(1),
        &[Flag::Admin, Flag::NoScript, Flag::Loading, Flag::Stale, Flag::AllowBusy],
        ("3.0.0", "", "Would take what a replica says about itself."),
        refuse,
    )
    .in_categories(DANGEROUS),
    row(
        "replicaof",
        Arity::Exact(3),
        FOLLOWING,
        ("5.0.0", "<host port | NO ONE>", "Makes this server a primary, which it is."),
        replicaof,
    )
    .in_categories(DANGEROUS),
    row(
        "role",
        Arity::Exact(1),
        &[Flag::NoScript, Flag::Loading, Flag::Stale, Flag::Fast],
        ("2.8.12", "", "Replies with the role of this server."),
        role,
    )
    .in_categories(&[Category::Admin, Category::Dangerous]),
    row(
        "slaveof",
        Arity::Exact(3),
        FOLLOWING,
        ("1.0.0", "<host port | NO ONE>", "Makes this server a primary, which it is."),
        replicaof,
    )
    .in_categories(DANGEROUS),
    row(
        "sync",
        Arity::Exact(1),
        STREAMING,
        ("1.0.0", "", "Would send all writes to a replica."),
        refuse,
    )
    .in_categories(DANGEROUS),
];

/// `FAILOVER [TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]`
///
/// An error: there is no replica to hand over to, and no failover to abort.
/// <https://redis.io/docs/latest/commands/failover/>
fn failover(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    if context.is_cluster() {
        return Err(CommandError::Plain(
            "ERR FAILOVER not allowed in cluster mode. Use CLUSTER FAILOVER command instead.",
        ));
    }
    if args.len() == 1 && args.keyword("ABORT") {
        return Err(CommandError::Plain("ERR No failover in progress."));
    }
    Err(CommandError::Plain("ERR FAILOVER requires connected replicas."))
}

/// `PSYNC replicationid offset`, `REPLCONF`, `SYNC`
///
/// Differs from Redis: refused, as there are no replicas.
/// <https://redis.io/docs/latest/commands/psync/>
fn refuse(_context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    Err(NOT_SUPPORTED)
}

/// `REPLICAOF <host port | NO ONE>`
///
/// With NO ONE replies OK, as this server is a primary. Errors: ERR in a cluster.
/// Differs from Redis: another server is not followed, but an error.
/// <https://redis.io/docs/latest/commands/replicaof/>
fn replicaof(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    if context.is_cluster() {
        return Err(CommandError::Plain("ERR REPLICAOF not allowed in cluster mode."));
    }
    if !args.keyword("NO") || !args.keyword("ONE") {
        return Err(NOT_SUPPORTED);
    }
    context.reply.ok();
    Ok(Outcome::Done)
}

/// `ROLE`
///
/// Replies `[master, offset, []]`: a primary without replicas, and the position of its log.
/// <https://redis.io/docs/latest/commands/role/>
fn role(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    context.reply.array(3);
    context.reply.bulk(b"master");
    context.reply.integer(i64::try_from(context.services.aof.appended()).unwrap_or(i64::MAX));
    context.reply.array(0);
    Ok(Outcome::Done)
}
