//! The group `cluster`: a cluster of one node, which holds all slots (`cluster-enabled yes`).
//!
//! Clients that speak to clusters find their way here, and requests are held to the rules of
//! clusters: the keys of one request, or of one transaction, must share a slot (`engine/slots.rs`),
//! and there is one database. What would change the cluster is refused.

use super::help::help;
use super::row::{About, row};
use super::{
    Args, Arity, Category, CommandError, CommandResult, CommandSpec, Context, Flag, Outcome,
};

mod keys;
mod node;

/// Refusal of what has no sense outside of clusters.
const DISABLED: CommandError =
    CommandError::Plain("ERR This instance has cluster support disabled");
/// Refusal of what would change the cluster.
const FIXED: CommandError = CommandError::Plain(
    "ERR This cluster has one node, which holds all slots; that cannot be changed",
);

const OPERATING: &[Flag] = &[Flag::Admin, Flag::Stale, Flag::NoAsyncLoading];
const SWITCHING: &[Flag] = &[Flag::Fast, Flag::Loading, Flag::Stale];

/// A row of a subcommand that would change the cluster.
const fn fixed(name: &'static str, arity: Arity, about: About) -> CommandSpec {
    row(name, arity, OPERATING, about, |context, _| {
        require_cluster(context)?;
        Err(FIXED)
    })
}

pub(crate) const COMMANDS: &[CommandSpec] = &[
    row(
        "asking",
        Arity::Exact(1),
        &[Flag::Fast],
        ("3.0.0", "", "Says that the client was sent here for its next request."),
        switch,
    )
    .in_categories(&[Category::Connection]),
    row(
        "cluster",
        Arity::AtLeast(2),
        &[],
        ("3.0.0", "", "A container for commands on the cluster."),
        help,
    )
    .containing(SUBCOMMANDS),
    row(
        "readonly",
        Arity::Exact(1),
        SWITCHING,
        ("3.0.0", "", "Allows replicas to answer reads."),
        switch,
    )
    .in_categories(&[Category::Connection]),
    row("readwrite", Arity::Exact(1), SWITCHING, ("3.0.0", "", "Takes READONLY back."), switch)
        .in_categories(&[Category::Connection]),
];

const SUBCOMMANDS: &[CommandSpec] = &[
    fixed("addslots", Arity::AtLeast(3), ("3.0.0", "slot [slot ...]", "Would assign slots.")),
    fixed(
        "addslotsrange",
        Arity::AtLeast(4),
        ("7.0.0", "start-slot end-slot [start-slot end-slot ...]", "Would assign ranges of slots."),
    ),
    fixed("bumpepoch", Arity::Exact(2), ("3.0.0", "", "Would advance the epoch.")),
    row(
        "count-failure-reports",
        Arity::Exact(3),
        &[Flag::Admin, Flag::Stale],
        ("3.0.0", "node-id", "Replies how many nodes report that this one has failed."),
        node::count_failure_reports,
    ),
    row(
        "countkeysinslot",
        Arity::Exact(3),
        &[Flag::Stale, Flag::AllShards],
        ("3.0.0", "slot", "Replies with the number of keys in a slot."),
        keys::countkeysinslot,
    ),
    fixed("delslots", Arity::AtLeast(3), ("3.0.0", "slot [slot ...]", "Would give slots up.")),
    fixed(
        "delslotsrange",
        Arity::AtLeast(4),
        ("7.0.0", "start-slot end-slot [start-slot end-slot ...]", "Would give ranges up."),
    ),
    fixed("failover", Arity::AtLeast(2), ("3.0.0", "[FORCE | TAKEOVER]", "Would promote this.")),
    fixed("flushslots", Arity::Exact(2), ("3.0.0", "", "Would give all slots up.")),
    fixed("forget", Arity::Exact(3), ("3.0.0", "node-id", "Would remove a node.")),
    row(
        "getkeysinslot",
        Arity::Exact(4),
        &[Flag::Stale, Flag::AllShards],
        ("3.0.0", "slot count", "Replies with keys in a slot."),
        keys::getkeysinslot,
    ),
    row(
        "help",
        Arity::Exact(2),
        &[Flag::Loading, Flag::Stale],
        ("5.0.0", "", "Replies with the subcommands."),
        |context, args| {
            require_cluster(context)?;
            help(context, args)
        },
    ),
    row(
        "info",
        Arity::Exact(2),
        &[Flag::Stale],
        ("3.0.0", "", "Replies with the state of the cluster."),
        node::info,
    ),
    row(
        "keyslot",
        Arity::Exact(3),
        &[Flag::Stale],
        ("3.0.0", "key", "Replies with the slot of a key."),
        keys::keyslot,
    ),
    row(
        "links",
        Arity::Exact(2),
        &[Flag::Stale],
        ("7.0.0", "", "Replies with the connections to other nodes."),
        node::links,
    ),
    fixed(
        "meet",
        Arity::AtLeast(4),
        ("3.0.0", "ip port [cluster-bus-port]", "Would bring nodes together."),
    ),
    row(
        "myid",
        Arity::Exact(2),
        &[Flag::Stale],
        ("3.0.0", "", "Replies with the id of this node."),
        node::myid,
    ),
    row(
        "myshardid",
        Arity::Exact(2),
        &[Flag::Stale],
        ("7.2.0", "", "Replies with the id of the shard of this node."),
        node::myshardid,
    ),
    row(
        "nodes",
        Arity::Exact(2),
        &[Flag::Stale],
        ("3.0.0", "", "Replies with the nodes, one a line."),
        node::nodes,
    ),
    row(
        "replicas",
        Arity::Exact(3),
        &[Flag::Admin, Flag::Stale],
        ("5.0.0", "node-id", "Replies with the replicas of a node."),
        node::replicas,
    ),
    fixed("replicate", Arity::Exact(3), ("3.0.0", "node-id", "Would make this a replica.")),
    CommandSpec {
        flags: &[Flag::Admin, Flag::Stale, Flag::NoScript],
        ..fixed("reset", Arity::AtLeast(2), ("3.0.0", "[HARD | SOFT]", "Would leave the cluster."))
    },
    fixed("saveconfig", Arity::Exact(2), ("3.0.0", "", "Would write the nodes to a file.")),
    fixed("set-config-epoch", Arity::Exact(3), ("3.0.0", "config-epoch", "Would set the epoch.")),
    fixed(
        "setslot",
        Arity::AtLeast(4),
        (
            "3.0.0",
            "slot <IMPORTING node-id | MIGRATING node-id | NODE node-id | STABLE>",
            "Would move a slot.",
        ),
    ),
    row(
        "shards",
        Arity::Exact(2),
        &[Flag::Loading, Flag::Stale],
        ("7.0.0", "", "Replies with the slots and the nodes of each shard."),
        node::shards,
    ),
    row(
        "slaves",
        Arity::Exact(3),
        &[Flag::Admin, Flag::Stale],
        ("3.0.0", "node-id", "Replies with the replicas of a node."),
        node::replicas,
    ),
    row(
        "slots",
        Arity::Exact(2),
        &[Flag::Loading, Flag::Stale],
        ("3.0.0", "", "Replies with ranges of slots and their nodes."),
        node::slots,
    ),
];

fn require_cluster(context: &Context<'_>) -> Result<(), CommandError> {
    if context.is_cluster() { Ok(()) } else { Err(DISABLED) }
}

/// `ASKING`, `READONLY`, `READWRITE`
///
/// Reply OK and change nothing, as this node holds all slots itself and has no replicas.
/// Errors: ERR outside of clusters.
/// <https://redis.io/docs/latest/commands/readonly/>
fn switch(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    require_cluster(context)?;
    context.reply.ok();
    Ok(Outcome::Done)
}
