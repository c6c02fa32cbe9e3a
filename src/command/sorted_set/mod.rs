//! The group `sorted-set`.
//!
//! Rows are in [`rows`]; handlers by what they do: [`add`], [`remove`] and [`pop`] change a sorted
//! set, [`read`], [`range`] and [`walk`] reply with parts of one, [`combine`] makes one of several.
//! What selects a part (ranks, scores, members) is in [`select`].

use super::{Args, CommandError, CommandResult, Context, Outcome, TimeoutReply};
use crate::config::{Config, Setting};
use crate::resp::{Protocol, Reply};
use crate::store::Class;
use crate::types::packed_map::Limits;
use crate::types::sorted_set::SortedSet;
use crate::types::value::Value;

pub(super) mod add;
mod combine;
mod pop;
mod range;
mod read;
mod remove;
mod rows;
mod select;
mod walk;

pub(crate) use rows::COMMANDS;

/// An end of a sorted set, and what is counted from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Max,
    Min,
}

/// How large a sorted set may be to count as a small one.
pub(super) fn limits(config: &Config) -> Limits {
    Limits {
        entries: config.size(Setting::ZsetMaxListpackEntries),
        value_bytes: config.size(Setting::ZsetMaxListpackValue),
    }
}

/// Writes the head of `len` members with their scores: flat in RESP2, pairs in RESP3.
fn scored_array(reply: &mut Reply, len: usize) {
    let values = if reply.protocol() == Protocol::Resp2 { 2 * len } else { len };
    reply.array(values);
}

/// Writes one of these.
fn scored_member(reply: &mut Reply, (member, score): (&[u8], f64)) {
    if reply.protocol() == Protocol::Resp3 {
        reply.array(2);
    }
    reply.bulk(member);
    reply.double(score);
}

/// Puts `set` in place of whatever `destination` holds; an empty one removes it. `event` is told.
/// Replies with its length.
pub(super) fn store(
    context: &mut Context<'_>,
    destination: &[u8],
    set: SortedSet,
    event: &'static str,
) {
    context.reply.count(set.len());
    if !set.is_empty() {
        context.db.set(destination, Value::SortedSet(Box::new(set)));
        context.modified(destination, Class::SortedSet, event);
    } else if context.db.remove(destination).is_some() {
        context.modified(destination, Class::Generic, "del");
    }
}
