//! XREAD and XREADGROUP.
//!
//! Both serve what is there at once and else wait, if they were told to. Who waits is served by
//! running its command again, so `$` becomes the id that it stood for when the wait began. Whoever
//! waits in a group is woken by any change of the key, as the group may be gone.

use super::effects::{Delivery, Position};
use super::{GroupKey, INVALID_ID, write_entry, write_entry_parts, write_id};
use crate::command::{Args, CommandError, CommandResult, Context, Mode, Outcome, TimeoutReply};
use crate::resp::argv::OwnedArgv;
use crate::resp::{Protocol, Reply};
use crate::types::stream::{ConsumerId, Entries, Group, Pending, Stream, StreamId};
use crate::types::value::DataType;

/// A waiting XREADGROUP with CLAIM looks again no sooner than this.
const RETRY_MS_MIN: u64 = 20;

/// Is the client to wait if there is nothing?
#[derive(Clone, Copy, Debug)]
enum Block {
    No,
    /// Up to this instant (unix ms), or for ever.
    Until(Option<u64>),
}

/// What XREAD or XREADGROUP was asked.
#[derive(Debug)]
struct Request<'a> {
    /// Entries of each stream, at most.
    count: usize,
    block: Block,
    group: Option<(&'a [u8], &'a [u8])>,
    noack: bool,
    /// Take over what was idle for so many milliseconds.
    claim_idle_ms: Option<u64>,
    keys: Vec<&'a [u8]>,
    ids: Vec<&'a [u8]>,
}

impl<'a> Request<'a> {
    fn read(
        context: &Context<'_>,
        args: &mut Args<'a>,
        in_group: bool,
    ) -> Result<Self, CommandError> {
        let mut request = Self {
            count: usize::MAX,
            block: Block::No,
            group: None,
            noack: false,
            claim_idle_ms: None,
            keys: Vec::new(),
            ids: Vec::new(),
        };
        while !args.is_empty() {
            if args.len() >= 2 && args.keyword("STREAMS") {
                return request.read_streams(args, in_group);
            }
            request.read_option(context, args, in_group)?;
        }
        Err(CommandError::Syntax)
    }

    fn read_option(
        &mut self,
        context: &Context<'_>,
        args: &mut Args<'a>,
        in_group: bool,
    ) -> Result<(), CommandError> {
        let several = args.len() >= 2;
        if several && args.keyword("BLOCK") {
            if context.mode == Mode::Script {
                let command = if in_group { "xreadgroup" } else { "xread" };
                let text = "command is not allowed with BLOCK option from scripts";
                return Err(CommandError::Text(format!("ERR {command} {text}").into()));
            }
            self.block = Block::Until(deadline_from_ms(args, context.db.now_ms())?);
        } else if several && args.keyword("COUNT") {
            let count = usize::try_from(args.integer()?).unwrap_or(0);
            self.count = if count == 0 { usize::MAX } else { count };
        } else if args.len() >= 3 && args.keyword("GROUP") {
            if !in_group {
                return Err(CommandError::Plain(
                    "ERR The GROUP option is only supported by XREADGROUP. You called XREAD \
                     instead.",
                ));
            }
            self.group = Some((args.bytes()?, args.bytes()?));
        } else if args.keyword("NOACK") {
            if !in_group {
                return Err(CommandError::Plain(
                    "ERR The NOACK option is only supported by XREADGROUP. You called XREAD \
                     instead.",
                ));
            }
            self.noack = true;
        } else if in_group && several && args.keyword("CLAIM") {
            let error = CommandError::Plain("ERR min-idle-time must be a positive integer");
            self.claim_idle_ms = Some(args.integer_from(0, error)?.unsigned_abs());
        } else {
            return Err(CommandError::Syntax);
        }
        Ok(())
    }

    /// Reads what follows STREAMS: the keys, then an id for each.
    fn read_streams(mut self, args: &mut Args<'a>, in_group: bool) -> Result<Self, CommandError> {
        if !args.len().is_multiple_of(2) {
            return Err(CommandError::Plain(if in_group {
                "ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' \
                 must be specified."
            } else {
                "ERR Unbalanced 'xread' list of streams: for each stream key an ID or '$' must be \
                 specified."
            }));
        }
        let mut words: Vec<&[u8]> = args.rest().collect();
        self.ids = words.split_off(words.len() / 2);
        self.keys = words;
        if in_group && self.group.is_none() {
            return Err(CommandError::Plain("ERR Missing GROUP option for XREADGROUP"));
        }
        Ok(self)
    }
}

impl Request<'_> {
    /// When something may have become idle for long enough that is not yet.
    fn retry_at_ms(&self, context: &mut Context<'_>) -> Option<u64> {
        let (name, _) = self.group?;
        let idle_ms = self.claim_idle_ms?.max(RETRY_MS_MIN);
        let now_ms = context.db.now_ms();
        let oldest_ms = self.keys.iter().filter_map(|key| {
            let group = context.db.write::<Stream>(key).ok()??.group_mut(name)?;
            group.by_delivery().next().map(|(delivered_ms, _)| delivered_ms)
        });
        // What will be delivered from now on cannot be idle for long enough before this, too.
        let oldest_ms = oldest_ms.min().unwrap_or(now_ms).min(now_ms);
        Some(oldest_ms.saturating_add(idle_ms).max(now_ms + RETRY_MS_MIN))
    }
}

/// Reads a time-out in milliseconds (0: for ever); replies the instant at which it ends.
fn deadline_from_ms(args: &mut Args<'_>, now_ms: u64) -> Result<Option<u64>, CommandError> {
    let error = CommandError::Plain("ERR timeout is not an integer or out of range");
    let ms = args.integer_from(i64::MIN, error)?;
    let ms = u64::try_from(ms).map_err(|_| CommandError::Plain("ERR timeout is negative"))?;
    let deadline = now_ms.checked_add(ms).filter(|&deadline| i64::try_from(deadline).is_ok());
    let deadline = deadline.ok_or(CommandError::Plain("ERR timeout is out of range"))?;
    Ok((ms > 0).then_some(deadline))
}

/// Writes the head of the reply in front of the streams that stand from `start` on.
fn close_streams(reply: &mut Reply, start: usize, streams: usize) {
    reply.put_before(start, |reply| match reply.protocol() {
        Protocol::Resp2 => reply.array(streams),
        Protocol::Resp3 => reply.map(streams),
    });
}

/// Writes what stands in front of a stream's entries.
fn open_stream(reply: &mut Reply, key: &[u8]) {
    if reply.protocol() == Protocol::Resp2 {
        reply.array(2);
    }
    reply.bulk(key);
}

/// `XREAD [COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]`
///
/// Replies for each stream that has some the entries behind `id`, at most `count`: an array of
/// `[key, entries]`, in RESP3 a map. `$` is the last id there is, `+` stands for the last entry.
/// If there are none, waits up to `milliseconds` (0: for ever), or replies a nil array.
/// O(log N + entries replied).
/// Errors: WRONGTYPE on another type; ERR if an id is none or the options are wrong.
/// <https://redis.io/docs/latest/commands/xread/>
pub(super) fn xread(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let request = Request::read(context, args, false)?;
    let mut after = Vec::with_capacity(request.ids.len());
    for (key, id) in request.keys.iter().zip(&request.ids) {
        let stream = context.db.read::<Stream>(key)?;
        after.push(start_of_read(stream, id)?);
    }
    let start = context.reply.len();
    let mut served = 0;
    for (key, after) in request.keys.iter().zip(&after) {
        let entry = context.db.peek(key);
        let stream = entry.and_then(|entry| Stream::of(&entry.value));
        let Some((stream, from)) = stream.zip(after.next()) else { continue };
        let mut entries = stream.entries.range(from, StreamId::MAX).take(request.count).peekable();
        if entries.peek().is_none() {
            continue;
        }
        open_stream(context.reply, key);
        context
            .reply
            .counted_array(|reply| entries.map(|entry| write_entry(reply, &entry)).count());
        served += 1;
    }
    if served > 0 {
        close_streams(context.reply, start, served);
        return Ok(Outcome::Done);
    }
    let argv = resolved(args, &request, &after);
    let outcome = wait(context, &request)?;
    Ok(outcome.waiting(|wait| wait.argv = argv))
}

/// The id behind which XREAD reads.
fn start_of_read(stream: Option<&Stream>, id: &[u8]) -> Result<StreamId, CommandError> {
    let entries = stream.map(|stream| &stream.entries);
    match id {
        b"$" => Ok(entries.map_or(StreamId::ZERO, |entries| entries.last_id)),
        b"+" => {
            let last =
                entries.map_or(StreamId::ZERO, |entries| match entries.top_id().previous() {
                    Some(before_top) => before_top,
                    None => entries.last_id,
                });
            Ok(last)
        }
        b">" => Err(CommandError::Plain(
            "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> \
             <consumer> option.",
        )),
        id => StreamId::parse(id, 0).ok_or(INVALID_ID),
    }
}

/// The words of the request with ids in place of `$` and `+`; `None` if there are none of these.
fn resolved(args: &Args<'_>, request: &Request<'_>, after: &[StreamId]) -> Option<OwnedArgv> {
    if !request.ids.iter().any(|&id| id == b"$" || id == b"+") {
        return None;
    }
    let argv = args.argv();
    let mut resolved = OwnedArgv::new(argv.iter().take(argv.len() - after.len()));
    for id in after {
        resolved.push(&id.text());
    }
    Some(resolved)
}

/// Waits, if the request says so; else replies as at the time-out.
fn wait(context: &mut Context<'_>, request: &Request<'_>) -> CommandResult {
    let Block::Until(deadline_ms) = request.block else {
        context.reply.nil_array();
        return Ok(Outcome::Done);
    };
    let keys = request.keys.iter().copied();
    context.wait(keys, "stream", deadline_ms, TimeoutReply::NilArray)
}

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
        let stream = context.db.write::<Stream>(key)?;
        if stream.is_none_or(|stream| stream.group(group).is_none()) {
            return Err(no_group_to_read(key, group));
        }
        sources.push(Source::parse(id)?);
    }
    let start = context.reply.len();
    let mut served = 0;
    for (&key, source) in request.keys.iter().zip(sources) {
        let reader = Reader { group: GroupKey { key, group }, consumer, request: &request };
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
                let delivery_count = pending.delivery_count + 1;
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

    /// Gives the consumer up to `count` entries; replies how many there were.
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
    /// replies how many there were.
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
            let delivery_count = pending.delivery_count + 1;
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
