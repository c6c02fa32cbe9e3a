//! XREAD, and what it shares with XREADGROUP ([`super::read_group`]).
//!
//! Both serve what is there at once and else wait, if they were told to. Who waits is served by
//! running its command again, so `$` becomes the id that it stood for when the wait began. Whoever
//! waits in a group is woken by any change of the key, as the group may be gone.

use super::{INVALID_ID, write_entry};
use crate::command::{Args, CommandError, CommandResult, Context, Mode, Outcome, TimeoutReply};
use crate::resp::argv::OwnedArgv;
use crate::resp::{Protocol, Reply};
use crate::types::stream::{Stream, StreamId};
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
pub(super) struct Request<'a> {
    /// Entries of each stream, at most.
    pub(super) count: usize,
    block: Block,
    pub(super) group: Option<(&'a [u8], &'a [u8])>,
    pub(super) noack: bool,
    /// Take over what was idle for so many milliseconds.
    pub(super) claim_idle_ms: Option<u64>,
    pub(super) keys: Vec<&'a [u8]>,
    pub(super) ids: Vec<&'a [u8]>,
}

impl<'a> Request<'a> {
    pub(super) fn read(
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
    pub(super) fn retry_at_ms(&self, context: &mut Context<'_>) -> Option<u64> {
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

/// Reads a time-out in milliseconds (0: for ever); returns the instant at which it ends.
fn deadline_from_ms(args: &mut Args<'_>, now_ms: u64) -> Result<Option<u64>, CommandError> {
    let error = CommandError::Plain("ERR timeout is not an integer or out of range");
    let ms = args.integer_from(i64::MIN, error)?;
    let ms = u64::try_from(ms).map_err(|_| CommandError::Plain("ERR timeout is negative"))?;
    let deadline = now_ms.checked_add(ms).filter(|&deadline| i64::try_from(deadline).is_ok());
    let deadline = deadline.ok_or(CommandError::Plain("ERR timeout is out of range"))?;
    Ok((ms > 0).then_some(deadline))
}

/// Writes the head of the reply in front of the streams that stand from `start` on.
pub(super) fn close_streams(reply: &mut Reply, start: usize, streams: usize) {
    reply.put_before(start, |reply| match reply.protocol() {
        Protocol::Resp2 => reply.array(streams),
        Protocol::Resp3 => reply.map(streams),
    });
}

/// Writes what stands in front of a stream's entries.
pub(super) fn open_stream(reply: &mut Reply, key: &[u8]) {
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
        let entry = context.db.look(key);
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
pub(super) fn wait(context: &mut Context<'_>, request: &Request<'_>) -> CommandResult {
    let Block::Until(deadline_ms) = request.block else {
        context.reply.nil_array();
        return Ok(Outcome::Done);
    };
    let keys = request.keys.iter().copied();
    context.wait(keys, "stream", deadline_ms, TimeoutReply::NilArray)
}
