//! XADD, XTRIM, XSETID.

use smallvec::SmallVec;

use super::delete::References;
use super::{INVALID_ID, block_limits};
use crate::command::{Args, CommandError, CommandResult, Context, Mode, Outcome};
use crate::config::Setting;
use crate::store::Class;
use crate::types::stream::{BLOCK_BYTES_MAX, Entries, Stream, StreamId, Trim, TrimTo};

/// Entries that one approximate trimming removes at most, unless LIMIT says otherwise: so many
/// full blocks.
const TRIMMED_BLOCKS_MAX: usize = 100;

/// The id that XADD was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NewId {
    /// `*`
    Next,
    /// `ms-*`
    NextWithin(u64),
    Given(StreamId),
}

impl NewId {
    fn parse(word: &[u8]) -> Result<Self, CommandError> {
        if word == b"*" {
            return Ok(Self::Next);
        }
        if let Some(ms) = word.strip_suffix(b"-*") {
            // A second dash makes it no number.
            let id = StreamId::parse(ms, 0).filter(|_| !ms.contains(&b'-'));
            return id.map(|id| Self::NextWithin(id.ms)).ok_or(INVALID_ID);
        }
        StreamId::parse(word, 0).map(Self::Given).ok_or(INVALID_ID)
    }

    /// The id behind `last`; `None` if there is none.
    fn behind(self, last: StreamId, now_ms: u64) -> Option<StreamId> {
        let id = match self {
            Self::Next if now_ms > last.ms => StreamId::new(now_ms, 0),
            Self::Next => last.next()?,
            Self::NextWithin(ms) if ms == last.ms => StreamId::new(ms, last.seq.checked_add(1)?),
            Self::NextWithin(ms) => StreamId::new(ms, 0),
            Self::Given(id) => id,
        };
        (id > last).then_some(id)
    }
}

/// The options of XADD and XTRIM.
#[derive(Debug)]
struct Options {
    create: bool,
    trim: Option<Trim>,
    references: References,
    limit: Option<usize>,
}

impl Options {
    fn new() -> Self {
        Self { create: true, trim: None, references: References::Keep, limit: None }
    }

    /// Reads an option of trimming, if the next argument is one.
    fn read_trim(&mut self, args: &mut Args<'_>) -> Result<bool, CommandError> {
        if args.len() < 2 {
            return Ok(false);
        }
        if args.keyword("MAXLEN") {
            self.read_threshold(args, |args| {
                let error = CommandError::Plain("ERR The MAXLEN argument must be >= 0.");
                let len_max = usize::try_from(args.integer()?).map_err(|_| error)?;
                Ok(TrimTo::MaxLen(len_max))
            })?;
        } else if args.keyword("MINID") {
            self.read_threshold(args, |args| args.stream_id().map(TrimTo::MinId))?;
        } else if args.keyword("LIMIT") {
            let error = CommandError::Plain("ERR The LIMIT argument must be >= 0.");
            self.limit = Some(usize::try_from(args.integer()?).map_err(|_| error)?);
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn read_threshold(
        &mut self,
        args: &mut Args<'_>,
        read: impl FnOnce(&mut Args<'_>) -> Result<TrimTo, CommandError>,
    ) -> Result<(), CommandError> {
        if self.trim.is_some() {
            return Err(CommandError::Plain(
                "ERR syntax error, MAXLEN and MINID options at the same time are not compatible",
            ));
        }
        let several = args.len() >= 2;
        let approximate = several && args.keyword("~");
        if several && !approximate {
            args.keyword("=");
        }
        self.trim = Some(Trim { to: read(args)?, approximate, limit: 0 });
        Ok(())
    }

    /// Checks the options together and settles the limit.
    fn finish(&mut self, context: &Context<'_>) -> Result<(), CommandError> {
        let Some(trim) = &mut self.trim else {
            return match self.limit {
                None | Some(0) => Ok(()),
                Some(_) => Err(CommandError::Plain(
                    "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy",
                )),
            };
        };
        if context.mode == Mode::Replay {
            return Ok(());
        }
        trim.limit = match self.limit {
            Some(_) if !trim.approximate => {
                return Err(CommandError::Plain(
                    "ERR syntax error, LIMIT cannot be used without the special ~ option",
                ));
            }
            Some(limit) => limit,
            None if trim.approximate => {
                let of_block = context.services.config.size(Setting::StreamNodeMaxEntries);
                match of_block.saturating_mul(TRIMMED_BLOCKS_MAX) {
                    0 => 10_000,
                    limit => limit.min(1_000_000),
                }
            }
            None => 0,
        };
        Ok(())
    }
}

/// `XADD key [NOMKSTREAM] [KEEPREF | DELREF | ACKED]
/// [<MAXLEN | MINID> [= | ~] threshold [LIMIT count]] <* | id> field value [field value ...]`
///
/// Adds an entry; `*` gives it the next id at this time, `ms-*` the next one within that
/// millisecond. Then trims as XTRIM does. Replies the id, or nil if there is no such key and
/// NOMKSTREAM is given. Logged with the id and the exact outcome of trimming. O(1), and O(entries)
/// trimmed.
/// Errors: WRONGTYPE on another type; ERR if the id is not larger than the last one.
/// <https://redis.io/docs/latest/commands/xadd/>
pub(super) fn xadd(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let mut options = Options::new();
    let new_id = loop {
        if options.read_trim(args)? || options.references.read(args) {
            continue;
        }
        if args.keyword("NOMKSTREAM") {
            options.create = false;
            continue;
        }
        break NewId::parse(args.bytes().map_err(|_| wrong_arity("xadd"))?)?;
    };
    options.finish(context)?;
    let fields = args.rest();
    check_fields(fields.clone())?;
    if new_id == NewId::Given(StreamId::ZERO) {
        return Err(CommandError::Plain("ERR The ID specified in XADD must be greater than 0-0"));
    }
    let (now_ms, limits) = (context.db.now_ms(), block_limits(context));
    let entries = match context.db.write::<Stream>(key)? {
        Some(stream) => &mut stream.entries,
        None if options.create => &mut context.db.create::<Stream>(key)?.entries,
        None => {
            context.reply.nil();
            return Ok(Outcome::Done);
        }
    };
    let id = next_id(entries, new_id, now_ms)?;
    entries.append(id, fields.clone(), limits);
    context.reply.bulk(&id.text());
    context.modified(key, Class::Stream, "xadd");
    log_append(context, key, id, fields, &options)
}

/// The id of the entry to add. A new stream takes any id but 0-0.
fn next_id(entries: &Entries, new_id: NewId, now_ms: u64) -> Result<StreamId, CommandError> {
    if entries.last_id == StreamId::MAX {
        return Err(CommandError::Plain(
            "ERR The stream has exhausted the last possible ID, unable to add more items",
        ));
    }
    new_id.behind(entries.last_id, now_ms).ok_or(CommandError::Plain(
        "ERR The ID specified in XADD is equal or smaller than the target stream top item",
    ))
}

fn check_fields<'a>(fields: impl ExactSizeIterator<Item = &'a [u8]>) -> Result<(), CommandError> {
    if fields.len() == 0 || !fields.len().is_multiple_of(2) {
        return Err(wrong_arity("xadd"));
    }
    if fields.map(<[u8]>::len).sum::<usize>() > BLOCK_BYTES_MAX {
        return Err(CommandError::Plain("ERR Elements are too large to be stored"));
    }
    Ok(())
}

fn wrong_arity(name: &str) -> CommandError {
    CommandError::WrongArity(name.into())
}

/// Logs an added entry with its id, and what trimming came to.
fn log_append<'a>(
    context: &mut Context<'_>,
    key: &[u8],
    id: StreamId,
    fields: impl Iterator<Item = &'a [u8]>,
    options: &Options,
) -> CommandResult {
    let id = id.text();
    let trimmed = match options.trim {
        Some(trim) => Trimmed::run(context, key, trim, options.references)?,
        None => Trimmed::default(),
    };
    let mut words: SmallVec<[&[u8]; 16]> = SmallVec::new();
    words.extend([&b"XADD"[..], key]);
    words.extend(trimmed.words());
    words.push(&id);
    for field in fields {
        words.push(field);
    }
    context.propagate(&words);
    if trimmed.count > 0 {
        context.db.notify(key, Class::Stream, "xtrim");
    }
    trimmed.log_references(context, key);
    Ok(Outcome::Done)
}

/// `XTRIM key <MAXLEN | MINID> [= | ~] threshold [LIMIT count] [KEEPREF | DELREF | ACKED]`
///
/// Removes the oldest entries until at most `threshold` are left, or those with smaller ids; with
/// `~` whole blocks only, and at most `count` entries. DELREF makes groups forget them as pending;
/// ACKED spares those that a group still needs. Replies how many were removed. Logged as what it
/// came to. O(entries removed).
/// Errors: WRONGTYPE on another type; ERR if the options make no sense together.
/// <https://redis.io/docs/latest/commands/xtrim/>
pub(super) fn xtrim(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let mut options = Options::new();
    while !args.is_empty() {
        if !options.read_trim(args)? && !options.references.read(args) {
            return Err(CommandError::Syntax);
        }
    }
    options.finish(context)?;
    let trim = options.trim.ok_or(CommandError::Plain(
        "ERR syntax error, XTRIM must be called with a trimming strategy",
    ))?;
    let trimmed = Trimmed::run(context, key, trim, options.references)?;
    if trimmed.count > 0 {
        context.modified(key, Class::Stream, "xtrim");
        let mut words: SmallVec<[&[u8]; 16]> = SmallVec::new();
        words.extend([&b"XTRIM"[..], key]);
        words.extend(trimmed.words());
        if !trimmed.spared {
            context.propagate(&words);
        }
        trimmed.log_references(context, key);
    }
    context.reply.count(trimmed.count);
    Ok(Outcome::Done)
}

/// What trimming came to.
#[derive(Debug, Default)]
struct Trimmed {
    count: usize,
    /// The threshold that gives the same outcome when trimming exactly.
    threshold: Option<(&'static [u8], Vec<u8>)>,
    /// Were entries spared, so that no threshold gives the same outcome? Then `removed` has all.
    spared: bool,
    /// The removed entries, where references to them matter.
    removed: Vec<StreamId>,
    /// The groups where a removed entry was pending.
    references: Vec<(Vec<u8>, StreamId)>,
}

impl Trimmed {
    /// Trims the stream at `key`, if there is one.
    fn run(
        context: &mut Context<'_>,
        key: &[u8],
        trim: Trim,
        references: References,
    ) -> Result<Self, CommandError> {
        let mut trimmed = Self::default();
        let Some(stream) = context.db.write::<Stream>(key)? else { return Ok(trimmed) };
        match references {
            References::Keep => trimmed.count = stream.entries.trim(trim),
            References::Delete => {
                trimmed.removed = stream.entries.to_trim(trim);
                trimmed.count = stream.entries.trim(trim);
                for &id in &trimmed.removed {
                    let groups = stream.ack_everywhere(id);
                    let names = groups.iter().map(|name| (name.to_vec(), id));
                    trimmed.references.extend(names);
                }
            }
            References::Acked => {
                let ids = stream.entries.to_trim(trim);
                let done = |id: &StreamId| stream.is_done_everywhere(*id);
                trimmed.removed = ids.iter().copied().filter(done).collect();
                trimmed.count = trimmed.removed.len();
                trimmed.spared = trimmed.count < ids.len();
                if trimmed.spared {
                    // Holes: for the counters it is as if XDEL had removed them.
                    for &id in &trimmed.removed {
                        stream.entries.remove(id);
                    }
                } else {
                    stream.entries.trim(trim);
                }
            }
        }
        let entries = &stream.entries;
        trimmed.threshold = (!trimmed.spared).then(|| match trim.to {
            TrimTo::MaxLen(_) if trim.approximate => {
                (&b"MAXLEN"[..], entries.len().to_string().into_bytes())
            }
            TrimTo::MaxLen(len) => (&b"MAXLEN"[..], len.to_string().into_bytes()),
            TrimTo::MinId(_) if trim.approximate => {
                let first = if entries.is_empty() { StreamId::MAX } else { entries.first_id() };
                (&b"MINID"[..], first.text().to_vec())
            }
            TrimTo::MinId(id) => (&b"MINID"[..], id.text().to_vec()),
        });
        Ok(trimmed)
    }

    /// `MAXLEN = 5`, or nothing.
    fn words(&self) -> impl Iterator<Item = &[u8]> {
        self.threshold.iter().flat_map(|(name, value)| [name, &b"="[..], value])
    }

    /// Logs what the threshold does not say.
    fn log_references(&self, context: &mut Context<'_>, key: &[u8]) {
        for (group, id) in &self.references {
            context.propagate(&[b"XACK", key, group, &id.text()]);
        }
        if self.spared && !self.removed.is_empty() {
            let ids: Vec<_> = self.removed.iter().map(|id| id.text()).collect();
            let mut words: Vec<&[u8]> = vec![b"XDEL", key];
            words.extend(ids.iter().map(|id| &**id));
            context.propagate(&words);
        }
    }
}

/// `XSETID key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]`
///
/// Sets the id behind which new ones are given, and what was counted so far. Replies OK. O(1).
/// Errors: ERR if there is no such key, or if the stream has larger ids or more entries; WRONGTYPE
/// on another type.
/// <https://redis.io/docs/latest/commands/xsetid/>
pub(super) fn xsetid(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, id) = (args.bytes()?, args.stream_id()?);
    let (mut added, mut max_deleted) = (None, StreamId::ZERO);
    while args.len() >= 2 {
        if args.keyword("ENTRIESADDED") {
            let error = CommandError::Plain("ERR entries_added must be positive");
            added = Some(u64::try_from(args.integer()?).map_err(|_| error)?);
        } else if args.keyword("MAXDELETEDID") {
            max_deleted = args.stream_id()?;
            if id < max_deleted {
                return Err(CommandError::Plain(
                    "ERR The ID specified in XSETID is smaller than the provided \
                     max_deleted_entry_id",
                ));
            }
        } else {
            return Err(CommandError::Syntax);
        }
    }
    args.finish()?;
    let stream = context.db.write::<Stream>(key)?;
    let entries = &mut stream.ok_or(CommandError::Plain("ERR no such key"))?.entries;
    let refused = if id < entries.max_deleted_id {
        Some("ERR The ID specified in XSETID is smaller than current max_deleted_entry_id")
    } else if id < entries.top_id() {
        Some("ERR The ID specified in XSETID is smaller than the target stream top item")
    } else if added.is_some_and(|added| (entries.len() as u64) > added) {
        Some("ERR The entries_added specified in XSETID is smaller than the target stream length")
    } else {
        None
    };
    if let Some(text) = refused {
        return Err(CommandError::Plain(text));
    }
    entries.last_id = id;
    entries.added = added.unwrap_or(entries.added);
    if max_deleted != StreamId::ZERO {
        entries.max_deleted_id = max_deleted;
    }
    context.modified(key, Class::Stream, "xsetid");
    context.reply.ok();
    Ok(Outcome::Done)
}
