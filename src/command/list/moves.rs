//! Moving an element from one list to another, and waiting for it.

use super::{
    Args, Class, CommandError, CommandResult, Context, End, List, Outcome, TimeoutReply, end_word,
    pop_event, push_event, read_end,
};

/// A move asked for.
struct Move<'a> {
    source: &'a [u8],
    destination: &'a [u8],
    from: End,
    to: End,
}

impl<'a> Move<'a> {
    fn read(args: &mut Args<'a>) -> Result<Self, CommandError> {
        let (source, destination) = (args.bytes()?, args.bytes()?);
        let (from, to) = (read_end(args)?, read_end(args)?);
        Ok(Self { source, destination, from, to })
    }

    fn tail_to_head(args: &mut Args<'a>) -> Result<Self, CommandError> {
        let (source, destination) = (args.bytes()?, args.bytes()?);
        Ok(Self { source, destination, from: End::Tail, to: End::Head })
    }

    /// Moves an element and replies with it; `false` if the source does not exist.
    fn run(&self, context: &mut Context<'_>) -> Result<bool, CommandError> {
        let Some(source) = context.db.write::<List>(self.source)? else { return Ok(false) };
        let element = source.peek(self.from).unwrap_or_default().to_vec();
        if context.db.write::<List>(self.destination)?.is_none() {
            context.db.create::<List>(self.destination)?;
        }
        if let Some(source) = context.db.write::<List>(self.source)? {
            source.pop(self.from);
        }
        context.db.create::<List>(self.destination)?.push(self.to, &element);
        context.modified(self.destination, Class::List, push_event(self.to));
        context.db.also_modified(self.source, Class::List, pop_event(self.from));
        context.reply.bulk(&element);
        Ok(true)
    }

    fn run_or_wait(&self, context: &mut Context<'_>, deadline_ms: Option<u64>) -> CommandResult {
        if self.run(context)? {
            let (from, to) = (end_word(self.from), end_word(self.to));
            context.propagate(&[b"LMOVE", self.source, self.destination, from, to]);
            return Ok(Outcome::Done);
        }
        if !context.may_wait() {
            context.reply.nil();
            return Ok(Outcome::Done);
        }
        // As Redis replies: another null than in EXEC, and than LMOVE's.
        context.wait(std::iter::once(self.source), "list", deadline_ms, TimeoutReply::NilArray)
    }
}

/// `LMOVE source destination LEFT|RIGHT LEFT|RIGHT`
///
/// Takes an element from an end of `source` and adds it at an end of `destination`, which may be
/// the same list. Replies the element, or nil if there is no source. Errors: WRONGTYPE. O(1).
/// <https://redis.io/docs/latest/commands/lmove/>
pub(super) fn lmove(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let request = Move::read(args)?;
    run_or_nil(context, &request)
}

/// `RPOPLPUSH source destination`
///
/// As `LMOVE source destination RIGHT LEFT`.
/// <https://redis.io/docs/latest/commands/rpoplpush/>
pub(super) fn rpoplpush(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let request = Move::tail_to_head(args)?;
    run_or_nil(context, &request)
}

fn run_or_nil(context: &mut Context<'_>, request: &Move<'_>) -> CommandResult {
    if !request.run(context)? {
        context.reply.nil();
    }
    Ok(Outcome::Done)
}

/// `BLMOVE source destination LEFT|RIGHT LEFT|RIGHT timeout`
///
/// As LMOVE; waits up to `timeout` seconds (decimal; 0 = for ever) for an element. Replies the
/// element, or nil at the time-out. Logged as LMOVE.
/// <https://redis.io/docs/latest/commands/blmove/>
pub(super) fn blmove(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let request = Move::read(args)?;
    let deadline_ms = args.deadline_ms(context.db.now_ms())?;
    request.run_or_wait(context, deadline_ms)
}

/// `BRPOPLPUSH source destination timeout`
///
/// As `BLMOVE source destination RIGHT LEFT timeout`.
/// <https://redis.io/docs/latest/commands/brpoplpush/>
pub(super) fn brpoplpush(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let request = Move::tail_to_head(args)?;
    let deadline_ms = args.deadline_ms(context.db.now_ms())?;
    request.run_or_wait(context, deadline_ms)
}
