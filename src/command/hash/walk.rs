//! Cursors and random choice.

use super::{Args, CommandResult, Context, Hash, Outcome};
use crate::command::choice::{Choice, OUT_OF_RANGE};
use crate::command::scan::{Scan, read_cursor, reply_step};
use crate::resp::{Protocol, Reply};

/// `HRANDFIELD key [count [WITHVALUES]]`
///
/// Replies a random field, or nil; with `count` an array of so many different fields, or, if it is
/// negative, of fields that may repeat; each followed by its value with `WITHVALUES` (RESP3: in
/// arrays of two). Errors: WRONGTYPE; ERR if `count` is no integer or out of range. O(count), or
/// O(fields) if `count` is near their number.
/// Differs from Redis: a negative count goes down to -16777216 only.
/// <https://redis.io/docs/latest/commands/hrandfield/>
pub(super) fn hrandfield(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let random = || context.services.random.next();
    if args.is_empty() {
        match context.db.read::<Hash>(key)?.and_then(|hash| hash.random(random)) {
            Some((field, _)) => context.reply.bulk(field),
            None => context.reply.nil(),
        }
        return Ok(Outcome::Done);
    }
    let choice = Choice::read(args)?;
    let values = args.keyword("WITHVALUES");
    args.finish()?;
    if let (true, Choice::Different(count)) = (values, choice)
        && i64::try_from(count).is_ok_and(|count| count > i64::MAX / 2)
    {
        return Err(OUT_OF_RANGE);
    }
    let Some(hash) = context.db.read::<Hash>(key)? else {
        context.reply.array(0);
        return Ok(Outcome::Done);
    };
    let mut writer = Pairs { reply: context.reply, values };
    match choice {
        Choice::Different(count) => {
            let sample = hash.sample(count, random);
            writer.begin(sample.len());
            for (field, value) in sample {
                writer.write(field, value);
            }
        }
        Choice::Repeated(count) => {
            writer.begin(count);
            hash.draw(count, random, |field, value| writer.write(field, value));
        }
    }
    Ok(Outcome::Done)
}

/// Writes fields, with their values if asked for.
struct Pairs<'r> {
    reply: &'r mut Reply,
    values: bool,
}

impl Pairs<'_> {
    fn in_pairs(&self) -> bool {
        self.values && self.reply.protocol() == Protocol::Resp3
    }

    fn begin(&mut self, len: usize) {
        let flat = self.values && !self.in_pairs();
        self.reply.array(if flat { 2 * len } else { len });
    }

    fn write(&mut self, field: &[u8], value: &[u8]) {
        if self.in_pairs() {
            self.reply.array(2);
        }
        self.reply.bulk(field);
        if self.values {
            self.reply.bulk(value);
        }
    }
}

/// `HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]`
///
/// Replies the next cursor (0: the end) and an array of fields, each followed by its value unless
/// `NOVALUES` is given. A field that is there during the whole walk comes exactly once. A small
/// hash comes as a whole. Options are not looked at if there is no hash.
/// Errors: WRONGTYPE; ERR on an invalid cursor or option. O(count).
/// <https://redis.io/docs/latest/commands/hscan/>
pub(super) fn hscan(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let cursor = read_cursor(args)?;
    let Some(hash) = context.db.read::<Hash>(key)? else {
        reply_step(context.reply, None, &[]);
        return Ok(Outcome::Done);
    };
    let scan = Scan::read(cursor, args)?;
    let mut found: Vec<&[u8]> = Vec::new();
    let next = hash.scan(scan.cursor, scan.count, |field, value| {
        if scan.matches(field) {
            found.push(field);
            found.extend((!scan.no_values).then_some(value));
        }
    });
    reply_step(context.reply, next, &found);
    Ok(Outcome::Done)
}
