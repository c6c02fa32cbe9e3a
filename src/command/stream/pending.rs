//! XPENDING.

use super::{no_group, write_id};
use crate::command::{Args, CommandError, CommandResult, Context, Outcome};
use crate::resp::Reply;
use crate::types::stream::{Group, Pending, Stream, StreamId};

/// The filters of the long form.
#[derive(Debug)]
struct Filter<'a> {
    idle_ms: u64,
    start: StreamId,
    end: StreamId,
    count: usize,
    consumer: Option<&'a [u8]>,
}

impl<'a> Filter<'a> {
    /// Reads `[IDLE min-idle-time] start end count [consumer]`.
    fn read(args: &mut Args<'a>) -> Result<Self, CommandError> {
        let idle_ms = if args.keyword("IDLE") { args.integer()? } else { 0 };
        if args.len() < 3 {
            return Err(CommandError::Syntax);
        }
        let mut ends = args.clone();
        args.bytes()?;
        args.bytes()?;
        let count = args.integer()?;
        Ok(Self {
            idle_ms: u64::try_from(idle_ms).unwrap_or(0),
            start: ends.range_start()?,
            end: ends.range_end()?,
            count: usize::try_from(count).unwrap_or(0),
            consumer: args.peek(),
        })
    }
}

/// `XPENDING key group [[IDLE min-idle-time] start end count [consumer]]`
///
/// The short form replies `[number, first id, last id, [[consumer, number] ...]]` of the entries
/// pending in the group; the long form `[id, consumer, idle time, deliveries]` for each in a range
/// of ids, of one consumer if one is given, and idle for long enough. O(log N + entries looked at).
/// Errors: NOGROUP without the key or the group; WRONGTYPE on another type; ERR if an id is none.
/// <https://redis.io/docs/latest/commands/xpending/>
pub(super) fn xpending(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, name) = (args.bytes()?, args.bytes()?);
    let filter = match args.len() {
        0 => None,
        3..=6 => Some(Filter::read(args)?),
        _ => return Err(CommandError::Syntax),
    };
    let now_ms = context.db.now_ms();
    let stream = context.db.read::<Stream>(key)?;
    let group = stream.and_then(|stream| stream.group(name));
    let group = group.ok_or_else(|| no_group(key, name))?;
    match filter {
        None => write_summary(context.reply, group),
        Some(filter) => write_pending(context.reply, group, &filter, now_ms),
    }
    Ok(Outcome::Done)
}

fn write_summary(reply: &mut Reply, group: &Group) {
    reply.array(4);
    reply.count(group.pending_len());
    let Some((first, last)) = group.pending_ends() else {
        reply.nil();
        reply.nil();
        return reply.nil_array();
    };
    write_id(reply, first);
    write_id(reply, last);
    reply.counted_array(|reply| {
        let consumers = group.consumers().filter(|(_, consumer)| consumer.pending_len() > 0);
        let written = consumers.map(|(_, consumer)| {
            reply.array(2);
            reply.bulk(&consumer.name);
            reply.bulk(consumer.pending_len().to_string().as_bytes());
        });
        written.count()
    });
}

fn write_pending(reply: &mut Reply, group: &Group, filter: &Filter<'_>, now_ms: u64) {
    let fits = |&(_, pending): &(StreamId, Pending)| {
        now_ms.saturating_sub(pending.delivered_ms) >= filter.idle_ms
    };
    let mut write = |pending: &mut dyn Iterator<Item = (StreamId, Pending)>| {
        let pending = pending.take_while(|&(id, _)| id <= filter.end).filter(fits);
        reply.counted_array(|reply| {
            let written = pending.take(filter.count).map(|(id, pending)| {
                reply.array(4);
                write_id(reply, id);
                reply.bulk(&group.consumer(pending.consumer).name);
                let idle_ms = now_ms.saturating_sub(pending.delivered_ms);
                reply.integer(i64::try_from(idle_ms).unwrap_or(i64::MAX));
                reply.integer(pending.delivery_count.cast_signed());
            });
            written.count()
        });
    };
    match filter.consumer.map(|name| group.find_consumer(name)) {
        None => write(&mut group.pending_from(filter.start)),
        Some(Some(consumer)) => write(&mut group.pending_of(consumer, filter.start)),
        Some(None) => write(&mut std::iter::empty()),
    }
}
