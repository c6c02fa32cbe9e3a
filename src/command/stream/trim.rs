//! XTRIM, and what XADD trims.

use smallvec::SmallVec;

use super::delete::References;
use crate::command::{Args, CommandError, CommandResult, Context, Mode, Outcome};
use crate::config::Setting;
use crate::store::Class;
use crate::types::stream::{Entries, Stream, StreamId, Trim, TrimTo};

/// Entries that one approximate trimming removes at most, unless LIMIT says otherwise: so many
/// full blocks.
const TRIMMED_BLOCKS_MAX: usize = 100;

/// What XADD and XTRIM are to trim.
#[derive(Debug)]
pub(super) struct Options {
    trim: Option<Trim>,
    references: References,
    limit: Option<usize>,
}

impl Options {
    pub(super) fn new() -> Self {
        Self { trim: None, references: References::Keep, limit: None }
    }

    /// Reads an option, if the next argument is one.
    pub(super) fn read(&mut self, args: &mut Args<'_>) -> Result<bool, CommandError> {
        Ok(self.read_trim(args)? || self.references.read(args))
    }

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
    pub(super) fn finish(&mut self, context: &Context<'_>) -> Result<(), CommandError> {
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
        if !options.read(args)? {
            return Err(CommandError::Syntax);
        }
    }
    options.finish(context)?;
    if options.trim.is_none() {
        return Err(CommandError::Plain(
            "ERR syntax error, XTRIM must be called with a trimming strategy",
        ));
    }
    let trimmed = Trimmed::run(context, key, &options)?;
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
pub(super) struct Trimmed {
    pub(super) count: usize,
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
    /// Trims the stream at `key`, if there is one and the options say so.
    pub(super) fn run(
        context: &mut Context<'_>,
        key: &[u8],
        options: &Options,
    ) -> Result<Self, CommandError> {
        let mut trimmed = Self::default();
        let Some(trim) = options.trim else { return Ok(trimmed) };
        let Some(stream) = context.db.write::<Stream>(key)? else { return Ok(trimmed) };
        match options.references {
            References::Keep => trimmed.count = stream.entries.trim(trim),
            References::Delete => trimmed.trim_with_references(stream, trim),
            References::Acked => trimmed.trim_acked(stream, trim),
        }
        trimmed.threshold = (!trimmed.spared).then(|| threshold(&stream.entries, trim));
        Ok(trimmed)
    }

    fn trim_with_references(&mut self, stream: &mut Stream, trim: Trim) {
        self.removed = stream.entries.to_trim(trim);
        self.count = stream.entries.trim(trim);
        for &id in &self.removed {
            let groups = stream.ack_everywhere(id);
            self.references.extend(groups.iter().map(|name| (name.to_vec(), id)));
        }
    }

    /// Spares what some group has still to read or to acknowledge.
    fn trim_acked(&mut self, stream: &mut Stream, trim: Trim) {
        let ids = stream.entries.to_trim(trim);
        let done = |id: &StreamId| stream.is_done_everywhere(*id);
        self.removed = ids.iter().copied().filter(done).collect();
        self.count = self.removed.len();
        self.spared = self.count < ids.len();
        if self.spared {
            // Holes: for the counters it is as if XDEL had removed them.
            for &id in &self.removed {
                stream.entries.remove(id);
            }
        } else {
            stream.entries.trim(trim);
        }
    }

    /// `MAXLEN = 5`, or nothing.
    pub(super) fn words(&self) -> impl Iterator<Item = &[u8]> {
        self.threshold.iter().flat_map(|(name, value)| [name, &b"="[..], value])
    }

    /// Logs what the threshold does not say.
    pub(super) fn log_references(&self, context: &mut Context<'_>, key: &[u8]) {
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

/// The threshold by which exact trimming leaves just these entries.
fn threshold(entries: &Entries, trim: Trim) -> (&'static [u8], Vec<u8>) {
    match trim.to {
        TrimTo::MaxLen(_) if trim.approximate => {
            (&b"MAXLEN"[..], entries.len().to_string().into_bytes())
        }
        TrimTo::MaxLen(len) => (&b"MAXLEN"[..], len.to_string().into_bytes()),
        TrimTo::MinId(_) if trim.approximate => {
            let first = if entries.is_empty() { StreamId::MAX } else { entries.first_id() };
            (&b"MINID"[..], first.text().to_vec())
        }
        TrimTo::MinId(id) => (&b"MINID"[..], id.text().to_vec()),
    }
}
