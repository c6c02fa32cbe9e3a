//! XCLAIM and XAUTOCLAIM.

use super::effects::{Delivery, Position};
use super::{GroupKey, has_group, no_group, write_entry, write_id};
use crate::command::{Args, CommandError, CommandResult, Context, Mode, Outcome};
use crate::types::stream::{Pending, Stream, StreamId, one_more};

/// Pending entries that XAUTOCLAIM looks at for each that it may claim.
const LOOKED_AT_PER_CLAIM: usize = 10;

/// The options of XCLAIM.
#[derive(Debug, Default)]
struct Options {
    /// When the entries shall count as delivered; `None`: now.
    delivered_ms: Option<u64>,
    delivery_count: Option<u64>,
    force: bool,
    justid: bool,
    last_id: StreamId,
}

impl Options {
    fn read(args: &mut Args<'_>, now_ms: u64) -> Result<Self, CommandError> {
        let mut options = Self::default();
        while let Some(word) = args.peek() {
            let several = args.len() >= 2;
            if args.keyword("FORCE") {
                options.force = true;
            } else if args.keyword("JUSTID") {
                options.justid = true;
            } else if several && args.keyword("IDLE") {
                let error = CommandError::Plain("ERR Invalid IDLE option argument for XCLAIM");
                let idle_ms = args.integer_from(i64::MIN, error)?;
                let time = i64::try_from(now_ms).unwrap_or(i64::MAX).checked_sub(idle_ms);
                options.delivered_ms = time.and_then(|time| u64::try_from(time).ok());
            } else if several && args.keyword("TIME") {
                let error = CommandError::Plain("ERR Invalid TIME option argument for XCLAIM");
                options.delivered_ms = u64::try_from(args.integer_from(i64::MIN, error)?).ok();
            } else if several && args.keyword("RETRYCOUNT") {
                let error =
                    CommandError::Plain("ERR Invalid RETRYCOUNT option argument for XCLAIM");
                options.delivery_count = u64::try_from(args.integer_from(i64::MIN, error)?).ok();
            } else if several && args.keyword("LASTID") {
                options.last_id = args.stream_id()?;
            } else {
                let word = String::from_utf8_lossy(word);
                let text = format!("ERR Unrecognized XCLAIM option '{word}'");
                return Err(CommandError::Text(text.into()));
            }
        }
        Ok(options)
    }
}

/// `XCLAIM key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-time-ms]
/// [RETRYCOUNT count] [FORCE] [JUSTID] [LASTID lastid]`
///
/// Hands pending entries over to a consumer if they have been idle for `min-idle-time`
/// milliseconds; with FORCE also entries that were not pending. IDLE and TIME say when they count
/// as delivered, RETRYCOUNT how often; else it is now, and once more than before. Pending entries
/// that are gone from the stream are forgotten. Replies the entries, or just their ids. Logged as
/// XCLAIM with all that was settled. O(ids * log N).
/// Errors: NOGROUP without the key or the group; WRONGTYPE on another type; ERR if the options are
/// wrong.
/// <https://redis.io/docs/latest/commands/xclaim/>
pub(super) fn xclaim(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, name, consumer) = (args.bytes()?, args.bytes()?, args.bytes()?);
    if !has_group(context, key, name)? {
        return Err(no_group(key, name));
    }
    let error = CommandError::Plain("ERR Invalid min-idle-time argument for XCLAIM");
    let idle_ms = u64::try_from(args.integer_from(i64::MIN, error)?).unwrap_or(0);
    let mut ids = Vec::new();
    while let Some(id) = args.peek().and_then(|word| StreamId::parse(word, 0)) {
        ids.push(id);
        args.bytes()?;
    }
    let now_ms = context.db.now_ms();
    let options = Options::read(args, now_ms)?;
    let claim = Claim {
        group: GroupKey { key, group: name },
        consumer,
        idle_ms,
        delivered_ms: options.delivered_ms.filter(|&time| time <= now_ms).unwrap_or(now_ms),
        delivery_count: options.delivery_count,
        force: options.force,
        justid: options.justid,
    };
    claim.group.make_consumer(context, consumer);
    let moved = claim.group.advance(context, options.last_id);
    let start = context.reply.len();
    let claimed = claim.run(context, &ids);
    context.reply.put_before(start, |reply| reply.array(claimed.delivered.len()));
    if let Some(position) = moved.filter(|_| claimed.delivered.is_empty()) {
        claim.group.log_position(context, position);
    }
    claim.log(context, &claimed);
    Ok(Outcome::Done)
}

/// A hand-over of pending entries.
#[derive(Debug)]
struct Claim<'a> {
    group: GroupKey<'a>,
    consumer: &'a [u8],
    /// Entries must have been idle for so long.
    idle_ms: u64,
    /// When they count as delivered from now on.
    delivered_ms: u64,
    /// How often; `None`: once more, or as often as before if just ids are replied.
    delivery_count: Option<u64>,
    force: bool,
    justid: bool,
}

/// What a hand-over came to.
#[derive(Debug, Default)]
struct Claimed {
    /// With the number of deliveries.
    delivered: Vec<(StreamId, u64)>,
    /// Pending entries that are gone from the stream and were forgotten.
    gone: Vec<StreamId>,
}

impl Claim<'_> {
    /// Hands entries over, as far as they fit, and writes each.
    fn run(&self, context: &mut Context<'_>, ids: &[StreamId]) -> Claimed {
        let now_ms = context.db.now_ms();
        let mut claimed = Claimed::default();
        let stream = context.db.write::<Stream>(self.group.key).ok().flatten();
        let parts = stream.and_then(|stream| stream.with_group(self.group.group));
        let Some((entries, group)) = parts else { return claimed };
        let Some(consumer) = group.find_consumer(self.consumer) else { return claimed };
        // The base of the log names all that is pending, also what is gone from the stream.
        let takes_gone = self.force && context.mode == Mode::Replay;
        for &id in ids {
            let pending = group.pending(id);
            let entry = entries.find(id);
            if entry.is_none() && !takes_gone {
                if group.ack(id) {
                    claimed.gone.push(id);
                }
                continue;
            }
            let count = match pending {
                None if !self.force => continue,
                None => 1,
                Some(pending) if now_ms.saturating_sub(pending.delivered_ms) < self.idle_ms => {
                    continue;
                }
                Some(pending) => pending.delivery_count,
            };
            let again = if self.justid { count } else { one_more(count) };
            let count = self.delivery_count.unwrap_or(again);
            let delivered_ms = self.delivered_ms;
            group.assign(id, Pending { delivered_ms, delivery_count: count, consumer });
            claimed.delivered.push((id, count));
            match entry {
                Some(entry) if !self.justid => write_entry(context.reply, &entry),
                _ => write_id(context.reply, id),
            }
        }
        if !claimed.delivered.is_empty() {
            group.consumer_mut(consumer).active_ms = Some(now_ms);
        }
        if context.mode == Mode::Replay {
            // The consumer was seen when this was logged, not now.
            let consumer = group.consumer_mut(consumer);
            consumer.seen_ms = self.delivered_ms;
            consumer.active_ms = consumer.active_ms.map(|_| self.delivered_ms);
        }
        claimed
    }

    fn log(&self, context: &mut Context<'_>, claimed: &Claimed) {
        let stream = context.db.write::<Stream>(self.group.key).ok().flatten();
        let group = stream.and_then(|stream| stream.group(self.group.group));
        let last_id = group.map_or(StreamId::ZERO, |group| group.last_delivered_id);
        context.db.changes().dirty += (claimed.delivered.len() + claimed.gone.len()) as u64;
        self.group.log_ack(context, &claimed.gone);
        for run in claimed.delivered.chunk_by(|(_, one), (_, next)| one == next) {
            let ids: Vec<StreamId> = run.iter().map(|&(id, _)| id).collect();
            let delivery = Delivery {
                consumer: self.consumer,
                ids: &ids,
                delivered_ms: self.delivered_ms,
                count: run[0].1,
                last_id,
            };
            self.group.log_delivery(context, &delivery);
        }
    }
}

impl GroupKey<'_> {
    /// Moves the group on to `last_id`, if that lies behind; returns where it is then.
    fn advance(&self, context: &mut Context<'_>, last_id: StreamId) -> Option<Position> {
        let stream = context.db.write::<Stream>(self.key).ok().flatten()?;
        let group = stream.group_mut(self.group)?;
        if last_id <= group.last_delivered_id {
            return None;
        }
        group.last_delivered_id = last_id;
        let position = Position::of(group);
        context.db.changes().dirty += 1;
        Some(position)
    }
}

/// `XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID]`
///
/// Hands up to `count` (100) pending entries over to a consumer that have ids from `start` on and
/// have been idle for `min-idle-time` milliseconds; looks at ten times as many at most. Replies
/// `[where to go on, the entries or their ids, ids that are gone from the stream]`; the last are
/// forgotten. Logged as XCLAIM and XACK. O(pending entries looked at * log N).
/// Errors: NOGROUP without the key or the group; WRONGTYPE on another type; ERR if the options are
/// wrong.
/// <https://redis.io/docs/latest/commands/xautoclaim/>
pub(super) fn xautoclaim(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, name, consumer) = (args.bytes()?, args.bytes()?, args.bytes()?);
    let error = CommandError::Plain("ERR Invalid min-idle-time argument for XAUTOCLAIM");
    let idle_ms = u64::try_from(args.integer_from(i64::MIN, error)?).unwrap_or(0);
    let start = args.range_start()?;
    let (mut count, mut justid) = (100, false);
    while !args.is_empty() {
        if args.len() >= 2 && args.keyword("COUNT") {
            let error = CommandError::Plain("ERR COUNT must be > 0");
            let read = args.integer_from(1, error.clone())?;
            count = usize::try_from(read).ok().filter(|&count| count <= MAX_COUNT).ok_or(error)?;
        } else if args.keyword("JUSTID") {
            justid = true;
        } else {
            return Err(CommandError::Syntax);
        }
    }
    if !has_group(context, key, name)? {
        return Err(no_group(key, name));
    }
    let claim = Claim {
        group: GroupKey { key, group: name },
        consumer,
        idle_ms,
        delivered_ms: context.db.now_ms(),
        delivery_count: None,
        force: false,
        justid,
    };
    claim.group.make_consumer(context, consumer);
    let (ids, next) = claim.candidates(context, start, count);
    context.reply.array(3);
    write_id(context.reply, next);
    let before = context.reply.len();
    let claimed = claim.run(context, &ids);
    context.reply.put_before(before, |reply| reply.array(claimed.delivered.len()));
    context.reply.array(claimed.gone.len());
    claimed.gone.iter().for_each(|&id| write_id(context.reply, id));
    claim.log(context, &claimed);
    Ok(Outcome::Done)
}

/// Largest COUNT of XAUTOCLAIM.
const MAX_COUNT: usize = usize::MAX / 32;

impl Claim<'_> {
    /// Up to `count` pending entries from `start` on that have been idle for long enough, or are
    /// gone from the stream; and where the next one stands, if there is one.
    fn candidates(
        &self,
        context: &mut Context<'_>,
        start: StreamId,
        count: usize,
    ) -> (Vec<StreamId>, StreamId) {
        let now_ms = context.db.now_ms();
        let mut ids = Vec::new();
        let stream = context.db.write::<Stream>(self.group.key).ok().flatten();
        let parts = stream.and_then(|stream| stream.with_group(self.group.group));
        let Some((entries, group)) = parts else { return (ids, StreamId::ZERO) };
        let mut pending = group.pending_from(start);
        for _ in 0..count.saturating_mul(LOOKED_AT_PER_CLAIM) {
            if ids.len() == count {
                break;
            }
            let Some((id, pending)) = pending.next() else { break };
            let idle_ms = now_ms.saturating_sub(pending.delivered_ms);
            if idle_ms >= self.idle_ms || !entries.contains(id) {
                ids.push(id);
            }
        }
        (ids, pending.next().map_or(StreamId::ZERO, |(id, _)| id))
    }
}
