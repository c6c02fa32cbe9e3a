//! Taking elements from the ends, and waiting for them.

use super::{
    Args, Class, CommandError, CommandResult, Context, End, List, Outcome, TimeoutReply, pop_event,
    pop_name, read_end,
};

/// `LPOP key [count]` and `RPOP`
///
/// Removes the element at an end and replies with it, or nil if there is no list. With `count`:
/// up to so many, as an array, or a nil array. Errors: WRONGTYPE; ERR if `count` is negative.
/// O(count).
/// <https://redis.io/docs/latest/commands/lpop/>
/// <https://redis.io/docs/latest/commands/rpop/>
pub(super) fn pop(context: &mut Context<'_>, args: &mut Args<'_>, end: End) -> CommandResult {
    if args.len() > 2 {
        return Err(CommandError::WrongArity(pop_event(end).into()));
    }
    let key = args.bytes()?;
    if args.is_empty() {
        return pop_one(context, key, end);
    }
    let count = args.count(CommandError::Plain("ERR value is out of range, must be positive"))?;
    match context.db.write::<List>(key)? {
        None => context.reply.nil_array(),
        Some(_) if count == 0 => context.reply.array(0),
        Some(_) => pop_many(context, key, end, count)?,
    }
    Ok(Outcome::Done)
}

fn pop_one(context: &mut Context<'_>, key: &[u8], end: End) -> CommandResult {
    let Some(list) = context.db.write::<List>(key)? else {
        context.reply.nil();
        return Ok(Outcome::Done);
    };
    context.reply.bulk(list.peek(end).unwrap_or_default());
    list.pop(end);
    context.modified(key, Class::List, pop_event(end));
    Ok(Outcome::Done)
}

/// Removes up to `count` elements, at least one, and replies with an array of them.
fn pop_many(
    context: &mut Context<'_>,
    key: &[u8],
    end: End,
    count: usize,
) -> Result<(), CommandError> {
    let Some(list) = context.db.write::<List>(key)? else { return Ok(()) };
    let count = count.min(list.len());
    context.reply.array(count);
    for _ in 0..count {
        context.reply.bulk(list.peek(end).unwrap_or_default());
        list.pop(end);
    }
    context.modified(key, Class::List, pop_event(end));
    Ok(())
}

/// `BLPOP key [key ...] timeout` and `BRPOP`
///
/// Pops from the first non-empty list; waits up to `timeout` seconds (decimal; 0 = for ever).
/// Replies `[key, element]`, or a nil array at the time-out. Logged as `LPOP key` or `RPOP key`.
/// O(keys). Errors: WRONGTYPE on another type; ERR if `timeout` is negative or not a number.
/// <https://redis.io/docs/latest/commands/blpop/>
/// <https://redis.io/docs/latest/commands/brpop/>
pub(super) fn blocking_pop(
    context: &mut Context<'_>,
    args: &mut Args<'_>,
    end: End,
) -> CommandResult {
    let argv = args.argv();
    let keys = || argv.iter_from(1).take(argv.len() - 2);
    let deadline_ms = Args::new(argv, argv.len() - 1).deadline_ms(context.db.now_ms())?;
    for key in keys() {
        if context.db.write::<List>(key)?.is_none() {
            continue;
        }
        context.reply.array(2);
        context.reply.bulk(key);
        pop_one(context, key, end)?;
        context.propagate(&[pop_name(end), key]);
        return Ok(Outcome::Done);
    }
    context.wait(keys(), "list", deadline_ms, TimeoutReply::NilArray)
}

/// `LMPOP numkeys key [key ...] LEFT|RIGHT [COUNT count]`
///
/// Pops up to `count` (1 unless told) elements from the first non-empty list. Replies
/// `[key, [element ...]]`, or a nil array. Logged as `LPOP key count` or `RPOP key count`.
/// O(keys + count). Errors: WRONGTYPE; ERR if a count is not positive.
/// <https://redis.io/docs/latest/commands/lmpop/>
pub(super) fn lmpop(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let request = MultiPop::read(args)?;
    if !request.run(context)? {
        context.reply.nil_array();
    }
    Ok(Outcome::Done)
}

/// `BLMPOP timeout numkeys key [key ...] LEFT|RIGHT [COUNT count]`
///
/// As LMPOP; waits up to `timeout` seconds (decimal; 0 = for ever) for one of the lists.
/// <https://redis.io/docs/latest/commands/blmpop/>
pub(super) fn blmpop(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    // The time-out comes first, but is looked at last.
    args.bytes()?;
    let request = MultiPop::read(args)?;
    let deadline_ms = Args::new(args.argv(), 1).deadline_ms(context.db.now_ms())?;
    if request.run(context)? {
        return Ok(Outcome::Done);
    }
    context.wait(request.keys.into_iter(), "list", deadline_ms, TimeoutReply::NilArray)
}

/// What LMPOP and BLMPOP ask for.
struct MultiPop<'a> {
    keys: Vec<&'a [u8]>,
    end: End,
    count: usize,
}

impl<'a> MultiPop<'a> {
    fn read(args: &mut Args<'a>) -> Result<Self, CommandError> {
        let keys = args.counted_keys()?;
        let end = read_end(args)?;
        let count = args.pop_count()?;
        args.finish()?;
        Ok(Self { keys, end, count })
    }

    /// Pops from the first list that is there; `false` if none is.
    fn run(&self, context: &mut Context<'_>) -> Result<bool, CommandError> {
        for key in &self.keys {
            let Some(list) = context.db.write::<List>(key)? else { continue };
            let count = self.count.min(list.len());
            context.reply.array(2);
            context.reply.bulk(key);
            pop_many(context, key, self.end, count)?;
            let digits = count.to_string();
            context.propagate(&[pop_name(self.end), key, digits.as_bytes()]);
            return Ok(true);
        }
        Ok(false)
    }
}
