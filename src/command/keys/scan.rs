//! Walks over the keyspace.
//!
//! A cursor of SCAN is the number of a shard and a position in its table:
//!
//! ```text
//! [ shard ][ position: 40 bits ]        0: the start, and the end
//! ```
//!
//! Shards are walked in ascending order, each as [`Table::scan`] does: a key that is there all the
//! time is returned just once.
//!
//! [`Table::scan`]: crate::types::table::Table::scan

use super::{Args, CommandError, CommandResult, Context, Outcome};
use crate::command::scan::{read_cursor, reply_step};
use crate::glob;
use crate::hash::POSITION_BITS;
use crate::store::shard::Entry;

/// Keys that RANDOMKEY draws before it takes any; those that have expired cost a draw.
const RANDOM_TRIES: usize = 100;
/// Keys looked at by one SCAN, unless COUNT says otherwise.
const COUNT_DEFAULT: usize = 10;

/// `KEYS pattern`
///
/// Replies all keys that match. O(keys).
/// <https://redis.io/docs/latest/commands/keys/>
pub(super) fn keys(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let pattern = args.bytes()?;
    let (db, now_ms) = (context.db.index(), context.db.now_ms());
    let locked = context.db.locked();
    context.reply.counted_array(|reply| {
        let mut count = 0;
        for shard in locked.iter_mut() {
            let entries = shard.db(db).keys.iter().filter(|entry| !entry.is_expired(now_ms));
            for entry in entries.filter(|entry| glob::matches(pattern, entry.key())) {
                reply.bulk(entry.key());
                count += 1;
            }
        }
        count
    });
    Ok(Outcome::Done)
}

/// `RANDOMKEY`
///
/// Replies a key, or nil if there is none. O(1) but for keys that have expired unseen.
/// <https://redis.io/docs/latest/commands/randomkey/>
pub(super) fn randomkey(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    for _ in 0..RANDOM_TRIES {
        let Some(key) = random_key(context) else { break };
        if context.db.exists(&key) {
            context.reply.bulk(&key);
            return Ok(Outcome::Done);
        }
    }
    match any_key(context) {
        Some(key) => context.reply.bulk(&key),
        None => context.reply.nil(),
    }
    Ok(Outcome::Done)
}

/// The first key that has not expired.
fn any_key(context: &mut Context<'_>) -> Option<Vec<u8>> {
    let (db, now_ms) = (context.db.index(), context.db.now_ms());
    context.db.locked().iter_mut().find_map(|shard| {
        let entry = shard.db(db).keys.iter().find(|entry| !entry.is_expired(now_ms));
        entry.map(|entry| entry.key().to_vec())
    })
}

/// A key with equal chances, expired or not.
fn random_key(context: &mut Context<'_>) -> Option<Vec<u8>> {
    let total = context.db.len();
    if total == 0 {
        return None;
    }
    let random = &context.services.random;
    let mut place = random.below(total);
    let db = context.db.index();
    for shard in context.db.locked().iter_mut() {
        let keys = &shard.db(db).keys;
        if place < keys.len() {
            return keys.random(|| random.next()).map(|entry| entry.key().to_vec());
        }
        place -= keys.len();
    }
    None
}

/// Which keys SCAN returns.
#[derive(Clone, Copy, Debug, Default)]
struct Filter<'a> {
    pattern: Option<&'a [u8]>,
    type_name: Option<&'a [u8]>,
}

impl Filter<'_> {
    fn fits(&self, entry: &Entry) -> bool {
        let fits_type = self
            .type_name
            .is_none_or(|name| name.eq_ignore_ascii_case(entry.value.type_name().as_bytes()));
        fits_type && self.pattern.is_none_or(|pattern| glob::matches(pattern, entry.key()))
    }
}

/// `SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]`
///
/// Looks at about `count` keys and replies those that match, with the cursor to go on from, 0 at
/// the end. A key that is there during the whole walk is replied just once.
/// Errors: ERR on a bad cursor, number or option. O(count).
/// <https://redis.io/docs/latest/commands/scan/>
pub(super) fn scan(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let cursor = read_cursor(args)?;
    let mut filter = Filter::default();
    let mut count = COUNT_DEFAULT;
    while !args.is_empty() {
        if args.keyword("COUNT") {
            count = usize::try_from(args.integer()?).unwrap_or(0);
            if count == 0 {
                return Err(CommandError::Syntax);
            }
        } else if args.keyword("MATCH") {
            filter.pattern = Some(args.bytes()?);
        } else if args.keyword("TYPE") {
            filter.type_name = Some(args.bytes()?);
        } else {
            return Err(CommandError::Syntax);
        }
    }
    let (found, next) = walk(context, cursor, count, filter);
    let found: Vec<&[u8]> = found.iter().map(Vec::as_slice).collect();
    reply_step(context.reply, next, &found);
    Ok(Outcome::Done)
}

/// The keys from a cursor on, and the next cursor. Keys whose time is up are removed on the way.
fn walk(
    context: &mut Context<'_>,
    cursor: u64,
    count: usize,
    filter: Filter<'_>,
) -> (Vec<Vec<u8>>, Option<u64>) {
    let (db, now_ms) = (context.db.index(), context.db.now_ms());
    let mut shard = usize::try_from(cursor >> POSITION_BITS).unwrap_or(usize::MAX);
    let mut position = cursor & ((1 << POSITION_BITS) - 1);
    let (mut found, mut expired, mut seen) = (Vec::new(), Vec::new(), 0);
    while let Some(part) = context.db.locked().shard(shard) {
        let after = part.db(db).keys.scan(position, count - seen, |entry| {
            seen += 1;
            if entry.is_expired(now_ms) {
                expired.push(entry.key().to_vec());
            } else if filter.fits(entry) {
                found.push(entry.key().to_vec());
            }
        });
        (shard, position) = after.map_or((shard + 1, 0), |position| (shard, position));
        if seen >= count {
            break;
        }
    }
    for key in &expired {
        // A look removes what has expired.
        context.db.exists(key);
    }
    let more = shard < context.services.keyspace.shards();
    (found, more.then_some(((shard as u64) << POSITION_BITS) | position))
}
