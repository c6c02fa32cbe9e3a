//! XREADGROUP.

use super::effects::{Delivery, Position};
use super::read::{Request, close_streams, open_stream, wait};
use super::{GroupKey, INVALID_ID, has_group, write_entry, write_entry_parts, write_id};
use crate::command::{Args, CommandError, CommandResult, Context, Outcome};
use crate::types::stream::{ConsumerId, Entries, Group, Pending, Stream, StreamId, one_more};

/// `XREADGROUP GROUP group consumer [COUNT count] [BLOCK milliseconds] [CLAIM min-idle-time]
/// [NOACK] STREAMS key [key ...] id [id ...]`
///
/// With `>` as id: gives the consumer the entries that nobody in the group was given yet; they are
/// pending with it until it acknowledges them, unless NOACK is given. With any other id: replies
/// those pending with the consumer from there on, and counts them as delivered once more.
/// CLAIM first takes over entries that have been pending for long, with anyone; each of these
/// stands in the reply as `[id, fields, idle time, deliveries before]`. Replies and waits as XREAD.
/// Logged as XCLAIM, XGROUP CREATECONSUMER and XGROUP SETID. O(log N + entries replied).
/// Errors: NOGROUP without the key or the group; WRONGTYPE on another type; ERR if an id is none or
/// the options are wrong.
/// <https://redis.io/docs/latest/commands/xreadgroup/>
pub(super) fn xreadgroup(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let request = Request::read(context, args, true)?;
    let (group, consumer) = request.group.ok_or(CommandError::Syntax)?;
    let mut sources = Vec::with_capacity(request.ids.len());
    for (key, id) in request.keys.iter().zip(&request.ids) {
        if !has_group(context, key, group)? {
            return Err(no_group_to_read(key, group));
        }
        sources.push(Source::parse(id)?);
    }
    let start = context.reply.len();
    let mut served = 0;
    for (&key, source) in request.keys.iter().zip(sources) {
        let reader = Reader { group: GroupKey { key, group }, consumer, request: &request };
        context.db.count_look(key, true);
        reader.group.make_consumer(context, consumer);
        served += usize::from(match source {
            Source::History(after) => reader.serve_history(context, after),
            Source::New => reader.serve_new(context),
        });
    }
    if served > 0 {
        close_streams(context.reply, start, served);
        return Ok(Outcome::Done);
    }
    let retry_at_ms = request.retry_at_ms(context);
    let outcome = wait(context, &request)?;
    Ok(outcome.waiting(|wait| {
        wait.on_any_change = true;
        wait.rivals = Some(group.into());
        wait.retry_at_ms = retry_at_ms;
    }))
}

fn no_group_to_read(key: &[u8], group: &[u8]) -> CommandError {
    let (key, group) = (String::from_utf8_lossy(key), String::from_utf8_lossy(group));
    let text = format!(
        "NOGROUP No such key '{key}' or consumer group '{group}' in XREADGROUP with GROUP option"
    );
    CommandError::Text(text.into())
}

/// Where XREADGROUP reads.
#[derive(Clone, Copy, Debug)]
enum Source {
    /// What is pending with the consumer, behind this id.
    History(StreamId),
    /// What the group was not given yet.
    New,
}

impl Source {
    fn parse(id: &[u8]) -> Result<Self, CommandError> {
        match id {
            b">" => Ok(Self::New),
            b"$" => Err(CommandError::Plain(
                "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the \
                 history of this consumer by specifying a proper ID, or use the > ID to get new \
                 messages. The $ ID would just return an empty result set.",
            )),
            id => match StreamId::parse(id, 0).ok_or(INVALID_ID)? {
                // Redis keeps `>` as this id and takes one for the other.
                StreamId::MAX => Ok(Self::New),
                after => Ok(Self::History(after)),
            },
        }
    }
}

/// A consumer that reads one stream.
#[derive(Clone, Copy, Debug)]
struct Reader<'a> {
    group: GroupKey<'a>,
    consumer: &'a [u8],
    request: &'a Request<'a>,
}

/// The entries, the group and the consumer, which were all found before.
struct Parts<'a> {
    entries: &'a Entries,
    group: &'a mut Group,
    consumer: ConsumerId,
}

impl Reader<'_> {
    fn parts<'a>(&self, stream: Option<&'a mut Stream>) -> Option<Parts<'a>> {
        let (entries, group) = stream?.with_group(self.group.group)?;
        let consumer = group.find_consumer(self.consumer)?;
        Some(Parts { entries, group, consumer })
    }

    /// Serves what is pending with the consumer, be it nothing.
    fn serve_history(&self, context: &mut Context<'_>, after: StreamId) -> bool {
        let now_ms = context.db.now_ms();
        let stream = context.db.write::<Stream>(self.group.key).ok().flatten();
        let Some(Parts { entries, group, consumer }) = self.parts(stream) else { return false };
        let from = after.next();
        let pending = from.into_iter().flat_map(|from| group.pending_of(consumer, from));
        let pending: Vec<_> = pending.take(self.request.count).collect();
        let mut delivered = Vec::new();
        open_stream(context.reply, self.group.key);
        context.reply.array(pending.len());
        for (id, pending) in pending {
            if let Some(entry) = entries.find(id) {
                write_entry(context.reply, &entry);
                let delivery_count = one_more(pending.delivery_count);
                group.assign(id, Pending { delivered_ms: now_ms, delivery_count, ..pending });
                delivered.push((id, delivery_count));
            } else {
                context.reply.array(2);
                write_id(context.reply, id);
                context.reply.nil_array();
            }
        }
        let last_id = group.last_delivered_id;
        self.log_deliveries(context, &delivered, last_id);
        true
    }

    /// Serves what the group was not given yet, and before that what CLAIM asks for; `false` if
    /// there is nothing.
    fn serve_new(&self, context: &mut Context<'_>) -> bool {
        let start = context.reply.len();
        open_stream(context.reply, self.group.key);
        let entries_start = context.reply.len();
        let claimed = self.claim(context);
        let given = self.give(context, self.request.count - claimed);
        if claimed + given == 0 {
            context.reply.truncate(start);
            return false;
        }
        context.reply.put_before(entries_start, |reply| reply.array(claimed + given));
        true
    }

    /// Gives the consumer up to `count` entries; returns how many there were.
    fn give(&self, context: &mut Context<'_>, count: usize) -> usize {
        let delivered_ms = context.db.now_ms();
        let stream = context.db.write::<Stream>(self.group.key).ok().flatten();
        let Some(Parts { entries, group, consumer }) = self.parts(stream) else { return 0 };
        let Some(from) = group.last_delivered_id.next() else { return 0 };
        let mut ids = Vec::new();
        for entry in entries.range(from, StreamId::MAX).take(count) {
            entries.count_read(group, entry.id);
            write_entry(context.reply, &entry);
            ids.push(entry.id);
        }
        if ids.is_empty() {
            return 0;
        }
        if !self.request.noack {
            for &id in &ids {
                group.assign(id, Pending { delivered_ms, delivery_count: 1, consumer });
            }
            group.consumer_mut(consumer).active_ms = Some(delivered_ms);
        }
        let position = Position::of(group);
        if self.request.noack {
            context.db.changes().dirty += 1;
        } else {
            let deliveries: Vec<_> = ids.iter().map(|&id| (id, 1)).collect();
            self.log_deliveries(context, &deliveries, position.last_delivered_id);
        }
        self.group.log_position(context, position);
        ids.len()
    }

    /// Takes over entries that have been pending for as long as CLAIM says, the longest first;
    /// returns how many there were.
    fn claim(&self, context: &mut Context<'_>) -> usize {
        let Some(idle_ms) = self.request.claim_idle_ms else { return 0 };
        let now_ms = context.db.now_ms();
        let stream = context.db.write::<Stream>(self.group.key).ok().flatten();
        let Some(Parts { entries, group, consumer }) = self.parts(stream) else { return 0 };
        let mut gone = Vec::new();
        let idle = group.by_delivery().take_while(|&(ms, _)| ms.saturating_add(idle_ms) <= now_ms);
        let idle = idle.map(|(_, id)| id);
        let there = idle.filter(|&id| {
            let is_there = entries.contains(id);
            if !is_there {
                gone.push(id);
            }
            is_there
        });
        let claimed: Vec<StreamId> = there.take(self.request.count).collect();
        for &id in &gone {
            group.ack(id);
        }
        let mut delivered = Vec::new();
        for id in claimed {
            let (Some(entry), Some(pending)) = (entries.find(id), group.pending(id)) else {
                continue;
            };
            context.reply.array(4);
            write_entry_parts(context.reply, &entry);
            let idle_ms = now_ms.saturating_sub(pending.delivered_ms);
            context.reply.integer(i64::try_from(idle_ms).unwrap_or(i64::MAX));
            context.reply.integer(pending.delivery_count.cast_signed());
            let delivery_count = one_more(pending.delivery_count);
            group.assign(id, Pending { delivered_ms: now_ms, delivery_count, consumer });
            delivered.push((id, delivery_count));
        }
        if !delivered.is_empty() {
            group.consumer_mut(consumer).active_ms = Some(now_ms);
        }
        let last_id = group.last_delivered_id;
        context.db.changes().dirty += gone.len() as u64;
        self.group.log_ack(context, &gone);
        self.log_deliveries(context, &delivered, last_id);
        delivered.len()
    }

    /// Logs entries that are pending with the consumer since now, with their delivery counts.
    fn log_deliveries(
        &self,
        context: &mut Context<'_>,
        delivered: &[(StreamId, u64)],
        last_id: StreamId,
    ) {
        let delivered_ms = context.db.now_ms();
        context.db.changes().dirty += delivered.len() as u64;
        for run in delivered.chunk_by(|(_, one), (_, next)| one == next) {
            let ids: Vec<StreamId> = run.iter().map(|&(id, _)| id).collect();
            let delivery = Delivery {
                consumer: self.consumer,
                ids: &ids,
                delivered_ms,
                count: run[0].1,
                last_id,
            };
            self.group.log_delivery(context, &delivery);
        }
    }
}
