//! The group `cluster`: a cluster of one node, which holds all slots (`cluster-enabled yes`).
//!
//! Clients that speak to clusters find their way here, and requests are held to the rules of
//! clusters: the keys of one request, or of one transaction, must share a slot (`engine/call.rs`),
//! and there is one database. What would change the cluster is refused.

use std::net::SocketAddr;

use super::help::help;
use super::row::{About, row};
use super::table::Command;
use super::{
    Args, Arity, Category, CommandError, CommandResult, CommandSpec, Context, Flag, Outcome,
    Services,
};
use crate::client::Peer;
use crate::config::Setting;
use crate::resp::Reply;
use crate::resp::argv::Argv;
use crate::slot;

/// Refusal of what has no sense outside of clusters.
const DISABLED: CommandError =
    CommandError::Plain("ERR This instance has cluster support disabled");
const INVALID_SLOT: CommandError = CommandError::Plain("ERR Invalid slot");
/// Refusal of what would change the cluster.
const FIXED: CommandError = CommandError::Plain(
    "ERR This cluster has one node, which holds all slots; that cannot be changed",
);

const LAST_SLOT: u16 = slot::COUNT - 1;

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
        count_failure_reports,
    ),
    row(
        "countkeysinslot",
        Arity::Exact(3),
        &[Flag::Stale, Flag::AllShards],
        ("3.0.0", "slot", "Replies with the number of keys in a slot."),
        countkeysinslot,
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
        getkeysinslot,
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
        info,
    ),
    row(
        "keyslot",
        Arity::Exact(3),
        &[Flag::Stale],
        ("3.0.0", "key", "Replies with the slot of a key."),
        keyslot,
    ),
    row(
        "links",
        Arity::Exact(2),
        &[Flag::Stale],
        ("7.0.0", "", "Replies with the connections to other nodes."),
        links,
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
        myid,
    ),
    row(
        "myshardid",
        Arity::Exact(2),
        &[Flag::Stale],
        ("7.2.0", "", "Replies with the id of the shard of this node."),
        myshardid,
    ),
    row(
        "nodes",
        Arity::Exact(2),
        &[Flag::Stale],
        ("3.0.0", "", "Replies with the nodes, one a line."),
        nodes,
    ),
    row(
        "replicas",
        Arity::Exact(3),
        &[Flag::Admin, Flag::Stale],
        ("5.0.0", "node-id", "Replies with the replicas of a node."),
        replicas,
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
        shards,
    ),
    row(
        "slaves",
        Arity::Exact(3),
        &[Flag::Admin, Flag::Stale],
        ("3.0.0", "node-id", "Replies with the replicas of a node."),
        replicas,
    ),
    row(
        "slots",
        Arity::Exact(2),
        &[Flag::Loading, Flag::Stale],
        ("3.0.0", "", "Replies with ranges of slots and their nodes."),
        slots,
    ),
];

/// The slot that keys share.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Slots(Option<u16>);

impl Slots {
    /// Is the key in the slot of those before it?
    pub(crate) fn add(&mut self, key: &[u8]) -> bool {
        let slot = slot::of(key);
        *self.0.get_or_insert(slot) == slot
    }

    /// Are all keys, or shard channels, of a request in the slot of those before them?
    pub(crate) fn add_keys(&mut self, command: &Command, argv: Argv<'_>) -> bool {
        let mut fits = true;
        match command.spec.name {
            "ssubscribe" | "sunsubscribe" => {
                argv.iter_from(1).for_each(|channel| fits &= self.add(channel));
            }
            "spublish" => fits = argv.get(1).is_none_or(|channel| self.add(channel)),
            _ => command.spec.keys.for_each(argv, |at| {
                fits &= argv.get(at).is_none_or(|key| self.add(key));
            }),
        }
        fits
    }
}

fn require_cluster(context: &Context<'_>) -> Result<(), CommandError> {
    if context.is_cluster() { Ok(()) } else { Err(DISABLED) }
}

/// How this node is reached.
struct Node {
    ip: String,
    port: i64,
    is_encrypted: bool,
}

impl Node {
    /// As the settings `cluster-announce-…` say, else as the client has reached it.
    fn of(services: &Services, peer: &Peer) -> Self {
        let config = &services.config;
        let reached = peer.local_address.parse::<SocketAddr>().ok();
        let [plain, tls] = [Setting::Port, Setting::TlsPort].map(|port| config.number(port));
        let port = reached.map_or(if plain == 0 { tls } else { plain }, |at| at.port().into());
        let is_encrypted = port == tls;
        let announced = config.number(if is_encrypted {
            Setting::ClusterAnnounceTlsPort
        } else {
            Setting::ClusterAnnouncePort
        });
        let mut ip = config.text(Setting::ClusterAnnounceIp);
        if ip.is_empty() {
            ip = reached.map(|at| at.ip().to_string()).unwrap_or_default();
        }
        Self { ip, port: if announced == 0 { port } else { announced }, is_encrypted }
    }
}

fn node(context: &Context<'_>) -> Node {
    Node::of(context.services, &context.client.handle.peer)
}

/// Reads the id of a node, which must be this one.
fn require_myself(context: &Context<'_>, args: &mut Args<'_>) -> Result<(), CommandError> {
    require_cluster(context)?;
    let id = args.bytes()?;
    if id == context.services.identity.node().node_id.as_bytes() {
        return Ok(());
    }
    Err(CommandError::Text(format!("ERR Unknown node {}", String::from_utf8_lossy(id)).into()))
}

fn read_slot(args: &mut Args<'_>) -> Result<i64, CommandError> {
    args.integer()
}

fn is_slot(number: i64) -> bool {
    (0..i64::from(slot::COUNT)).contains(&number)
}

/// Keys in a slot, as many as `count`.
fn keys_in(context: &mut Context<'_>, slot: i64, count: usize) -> Vec<Vec<u8>> {
    let now_ms = context.db.now_ms();
    let mut found = Vec::new();
    for shard in context.db.locked().iter_mut() {
        let keys = shard.db(0).keys.iter().filter(|entry| !entry.is_expired(now_ms));
        let hits = keys.filter(|entry| i64::from(slot::of(entry.key())) == slot);
        found.extend(hits.map(|entry| entry.key().to_vec()).take(count - found.len()));
    }
    found
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

/// `CLUSTER COUNT-FAILURE-REPORTS node-id`
///
/// Replies 0, as there are no others who could report. Errors: ERR on an unknown node.
/// <https://redis.io/docs/latest/commands/cluster-count-failure-reports/>
fn count_failure_reports(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    require_myself(context, args)?;
    context.reply.integer(0);
    Ok(Outcome::Done)
}

/// `CLUSTER COUNTKEYSINSLOT slot`
///
/// Replies the number of keys in a slot. Errors: ERR if there is no such slot.
/// Differs from Redis: O(all keys), as slots are not kept.
/// <https://redis.io/docs/latest/commands/cluster-countkeysinslot/>
fn countkeysinslot(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    require_cluster(context)?;
    let slot = read_slot(args)?;
    if !is_slot(slot) {
        return Err(INVALID_SLOT);
    }
    let count = keys_in(context, slot, usize::MAX).len();
    context.reply.count(count);
    Ok(Outcome::Done)
}

/// `CLUSTER GETKEYSINSLOT slot count`
///
/// Replies up to `count` keys in a slot. Errors: ERR if there is no such slot, or the count is
/// negative.
/// Differs from Redis: O(all keys), as slots are not kept.
/// <https://redis.io/docs/latest/commands/cluster-getkeysinslot/>
fn getkeysinslot(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    require_cluster(context)?;
    let (slot, count) = (read_slot(args)?, args.integer()?);
    let count = usize::try_from(count).ok().filter(|_| is_slot(slot));
    let count = count.ok_or(CommandError::Plain("ERR Invalid slot or number of keys"))?;
    let keys = keys_in(context, slot, count);
    context.reply.array(keys.len());
    for key in keys {
        context.reply.bulk(&key);
    }
    Ok(Outcome::Done)
}

/// `CLUSTER INFO`
///
/// Replies the state of the cluster: well, with one node that holds all slots.
/// <https://redis.io/docs/latest/commands/cluster-info/>
fn info(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    require_cluster(context)?;
    let count = slot::COUNT.to_string();
    let fields = [
        ("cluster_state", "ok"),
        ("cluster_slots_assigned", &count),
        ("cluster_slots_ok", &count),
        ("cluster_slots_pfail", "0"),
        ("cluster_slots_fail", "0"),
        ("cluster_known_nodes", "1"),
        ("cluster_size", "1"),
        ("cluster_current_epoch", "0"),
        ("cluster_my_epoch", "0"),
        ("cluster_stats_messages_sent", "0"),
        ("cluster_stats_messages_received", "0"),
        ("total_cluster_links_buffer_limit_exceeded", "0"),
    ];
    context.reply.fields(&fields);
    Ok(Outcome::Done)
}

/// `CLUSTER KEYSLOT key`
///
/// Replies the slot of a key.
/// <https://redis.io/docs/latest/commands/cluster-keyslot/>
fn keyslot(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    require_cluster(context)?;
    context.reply.integer(slot::of(args.bytes()?).into());
    Ok(Outcome::Done)
}

/// `CLUSTER LINKS`
///
/// Replies an empty array, as there are no other nodes.
/// <https://redis.io/docs/latest/commands/cluster-links/>
fn links(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    require_cluster(context)?;
    context.reply.array(0);
    Ok(Outcome::Done)
}

/// `CLUSTER MYID`
///
/// Replies the id of this node, which it keeps in the file that `cluster-config-file` names.
/// <https://redis.io/docs/latest/commands/cluster-myid/>
fn myid(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    require_cluster(context)?;
    context.reply.bulk(context.services.identity.node().node_id.as_bytes());
    Ok(Outcome::Done)
}

/// `CLUSTER MYSHARDID`
///
/// Replies the id of the shard of this node.
/// <https://redis.io/docs/latest/commands/cluster-myshardid/>
fn myshardid(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    require_cluster(context)?;
    context.reply.bulk(context.services.identity.node().shard_id.as_bytes());
    Ok(Outcome::Done)
}

/// `CLUSTER NODES`
///
/// Replies the nodes, one a line: this one. Its port for other nodes is 0, as there are none.
/// <https://redis.io/docs/latest/commands/cluster-nodes/>
fn nodes(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    require_cluster(context)?;
    let (node, id) = (node(context), context.services.identity.node().node_id);
    let line =
        format!("{id} {}:{}@0 myself,master - 0 0 0 connected 0-{LAST_SLOT}\n", node.ip, node.port);
    context.reply.verbatim(*b"txt", line.as_bytes());
    Ok(Outcome::Done)
}

/// `CLUSTER REPLICAS node-id`
///
/// Replies an empty array, as nobody has replicas. Errors: ERR on an unknown node.
/// <https://redis.io/docs/latest/commands/cluster-replicas/>
fn replicas(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    require_myself(context, args)?;
    context.reply.array(0);
    Ok(Outcome::Done)
}

/// `CLUSTER SHARDS`
///
/// Replies for each shard a map of its slots and nodes: one shard, with this node.
/// <https://redis.io/docs/latest/commands/cluster-shards/>
fn shards(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    require_cluster(context)?;
    let (node, services) = (node(context), context.services);
    let offset = i64::try_from(services.aof.appended()).unwrap_or(i64::MAX);
    let reply = &mut *context.reply;
    reply.array(1);
    reply.map(2);
    reply.bulk(b"slots");
    write_range(reply, 2);
    reply.bulk(b"nodes");
    reply.array(1);
    reply.map(7);
    reply.bulk(b"id");
    reply.bulk(services.identity.node().node_id.as_bytes());
    reply.bulk(if node.is_encrypted { b"tls-port" } else { b"port" });
    reply.integer(node.port);
    for (name, value) in
        [("ip", node.ip.as_str()), ("endpoint", &node.ip), ("role", "master"), ("health", "online")]
    {
        reply.bulk(name.as_bytes());
        reply.bulk(value.as_bytes());
    }
    reply.bulk(b"replication-offset");
    reply.integer(offset);
    Ok(Outcome::Done)
}

/// Opens an array of `len` elements, and writes the first two: the first and the last slot.
fn write_range(reply: &mut Reply, len: usize) {
    reply.array(len);
    reply.integer(0);
    reply.integer(LAST_SLOT.into());
}

/// `CLUSTER SLOTS`
///
/// Replies the ranges of slots, each with its nodes: one range, and this node.
/// <https://redis.io/docs/latest/commands/cluster-slots/>
fn slots(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    require_cluster(context)?;
    let (node, services) = (node(context), context.services);
    let reply = &mut *context.reply;
    reply.array(1);
    write_range(reply, 3);
    reply.array(4);
    reply.bulk(node.ip.as_bytes());
    reply.integer(node.port);
    reply.bulk(services.identity.node().node_id.as_bytes());
    reply.map(0);
    Ok(Outcome::Done)
}
