//! What CLUSTER replies about the node, and about a cluster that has no other.

use super::require_cluster;
use crate::client::Peer;
use crate::command::{Args, CommandError, CommandResult, Context, Outcome, Services};
use crate::config::Setting;
use crate::resp::Reply;
use crate::slot;

const LAST_SLOT: u16 = slot::COUNT - 1;

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
        let reached = peer.local_ip();
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

/// `CLUSTER COUNT-FAILURE-REPORTS node-id`
///
/// Replies 0, as there are no others who could report. Errors: ERR on an unknown node.
/// <https://redis.io/docs/latest/commands/cluster-count-failure-reports/>
pub(super) fn count_failure_reports(
    context: &mut Context<'_>,
    args: &mut Args<'_>,
) -> CommandResult {
    require_myself(context, args)?;
    context.reply.integer(0);
    Ok(Outcome::Done)
}

/// `CLUSTER INFO`
///
/// Replies the state of the cluster: well, with one node that holds all slots.
/// <https://redis.io/docs/latest/commands/cluster-info/>
pub(super) fn info(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
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

/// `CLUSTER LINKS`
///
/// Replies an empty array, as there are no other nodes.
/// <https://redis.io/docs/latest/commands/cluster-links/>
pub(super) fn links(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    require_cluster(context)?;
    context.reply.array(0);
    Ok(Outcome::Done)
}

/// `CLUSTER MYID`
///
/// Replies the id of this node, which it keeps in the file that `cluster-config-file` names.
/// <https://redis.io/docs/latest/commands/cluster-myid/>
pub(super) fn myid(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    require_cluster(context)?;
    context.reply.bulk(context.services.identity.node().node_id.as_bytes());
    Ok(Outcome::Done)
}

/// `CLUSTER MYSHARDID`
///
/// Replies the id of the shard of this node.
/// <https://redis.io/docs/latest/commands/cluster-myshardid/>
pub(super) fn myshardid(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    require_cluster(context)?;
    context.reply.bulk(context.services.identity.node().shard_id.as_bytes());
    Ok(Outcome::Done)
}

/// `CLUSTER NODES`
///
/// Replies the nodes, one a line: this one. Its port for other nodes is 0, as there are none.
/// <https://redis.io/docs/latest/commands/cluster-nodes/>
pub(super) fn nodes(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
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
pub(super) fn replicas(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    require_myself(context, args)?;
    context.reply.array(0);
    Ok(Outcome::Done)
}

/// `CLUSTER SHARDS`
///
/// Replies for each shard a map of its slots and nodes: one shard, with this node.
/// <https://redis.io/docs/latest/commands/cluster-shards/>
pub(super) fn shards(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
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
pub(super) fn slots(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
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
