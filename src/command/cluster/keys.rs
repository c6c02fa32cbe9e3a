//! Slots and the keys in them.

use super::require_cluster;
use crate::command::{Args, CommandError, CommandResult, Context, Outcome};
use crate::slot;

const INVALID_SLOT: CommandError = CommandError::Plain("ERR Invalid slot");

fn is_slot(number: i64) -> bool {
    (0..i64::from(slot::COUNT)).contains(&number)
}

/// Keys in a slot, as many as `count`.
fn keys_in(context: &mut Context<'_>, slot: i64, count: usize) -> Vec<Vec<u8>> {
    let now_ms = context.db.now_ms();
    let mut found = Vec::new();
    for shard in context.db.locked().iter_mut() {
        let keys = shard.db(0).keys.iter().filter(|entry| !entry.is_expired(now_ms));
        let hits = keys.filter(|entry| i64::from(slot::of(entry.key())) == slot);
        found.extend(hits.map(|entry| entry.key().to_vec()).take(count - found.len()));
    }
    found
}

/// `CLUSTER COUNTKEYSINSLOT slot`
///
/// Replies the number of keys in a slot. Errors: ERR if there is no such slot.
/// Differs from Redis: O(all keys), as slots are not kept.
/// <https://redis.io/docs/latest/commands/cluster-countkeysinslot/>
pub(super) fn countkeysinslot(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    require_cluster(context)?;
    let slot = args.integer()?;
    if !is_slot(slot) {
        return Err(INVALID_SLOT);
    }
    let count = keys_in(context, slot, usize::MAX).len();
    context.reply.count(count);
    Ok(Outcome::Done)
}

/// `CLUSTER GETKEYSINSLOT slot count`
///
/// Replies up to `count` keys in a slot. Errors: ERR if there is no such slot, or the count is
/// negative.
/// Differs from Redis: O(all keys), as slots are not kept.
/// <https://redis.io/docs/latest/commands/cluster-getkeysinslot/>
pub(super) fn getkeysinslot(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    require_cluster(context)?;
    let (slot, count) = (args.integer()?, args.integer()?);
    let count = usize::try_from(count).ok().filter(|_| is_slot(slot));
    let count = count.ok_or(CommandError::Plain("ERR Invalid slot or number of keys"))?;
    let keys = keys_in(context, slot, count);
    context.reply.array(keys.len());
    for key in keys {
        context.reply.bulk(&key);
    }
    Ok(Outcome::Done)
}

/// `CLUSTER KEYSLOT key`
///
/// Replies the slot of a key.
/// <https://redis.io/docs/latest/commands/cluster-keyslot/>
pub(super) fn keyslot(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    require_cluster(context)?;
    context.reply.integer(slot::of(args.bytes()?).into());
    Ok(Outcome::Done)
}
