//! XACK, XACKDEL, XDEL, XDELEX.

use super::{has_group, no_group};
use crate::command::{Args, CommandError, CommandResult, Context, Outcome};
use crate::store::Class;
use crate::types::stream::{Stream, StreamId};

/// What happens to the pending entries of groups when entries are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum References {
    /// Entries that a group still needs are not removed.
    Acked,
    /// They are forgotten too.
    Delete,
    /// They stay, without content.
    Keep,
}

impl References {
    /// Reads `KEEPREF`, `DELREF` or `ACKED`, if that is the next argument.
    pub(super) fn read(&mut self, args: &mut Args<'_>) -> bool {
        let words = [("KEEPREF", Self::Keep), ("DELREF", Self::Delete), ("ACKED", Self::Acked)];
        let Some((_, references)) = words.into_iter().find(|(word, _)| args.keyword(word)) else {
            return false;
        };
        *self = references;
        true
    }
}

/// `XACK key group id [id ...]`
///
/// Acknowledges entries: they are no longer pending in the group. Replies how many were; 0 if there
/// is no such key or group. O(ids).
/// Errors: WRONGTYPE on another type; ERR if an id is none.
/// <https://redis.io/docs/latest/commands/xack/>
pub(super) fn xack(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, group) = (args.bytes()?, args.bytes()?);
    if !has_group(context, key, group)? {
        context.reply.integer(0);
        return Ok(Outcome::Done);
    }
    let ids = read_ids(args)?;
    let stream = context.db.write::<Stream>(key)?;
    let group = stream.and_then(|stream| stream.group_mut(group)).ok_or(CommandError::Syntax)?;
    let acknowledged = ids.iter().filter(|&&id| group.ack(id)).count();
    context.db.changes().dirty += acknowledged as u64;
    context.reply.count(acknowledged);
    Ok(Outcome::Done)
}

/// Reads all arguments that are left as ids.
fn read_ids(args: &mut Args<'_>) -> Result<Vec<StreamId>, CommandError> {
    let mut ids = Vec::with_capacity(args.len());
    while !args.is_empty() {
        ids.push(args.stream_id()?);
    }
    Ok(ids)
}

/// `XDEL key id [id ...]`
///
/// Removes entries; groups keep those that are pending, without content. Replies how many there
/// were. O(ids * log N).
/// Errors: WRONGTYPE on another type; ERR if an id is none.
/// <https://redis.io/docs/latest/commands/xdel/>
pub(super) fn xdel(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    if context.db.write::<Stream>(key)?.is_none() {
        context.reply.integer(0);
        return Ok(Outcome::Done);
    }
    let ids = read_ids(args)?;
    let entries = context.db.write::<Stream>(key)?.map(|stream| &mut stream.entries);
    let removed = entries.map_or(0, |entries| ids.iter().filter(|&&id| entries.remove(id)).count());
    if removed > 0 {
        context.modified(key, Class::Stream, "xdel");
    }
    context.reply.count(removed);
    Ok(Outcome::Done)
}

/// `XDELEX key [KEEPREF | DELREF | ACKED] IDS numids id [id ...]`
///
/// Removes entries. With KEEPREF groups keep those that are pending, without content; with DELREF
/// they forget them; with ACKED only entries are removed that every group was given and has
/// acknowledged. Replies for each id 1 if it was removed, 2 if it stays, -1 if there is none.
/// Logged as XDEL and XACK. O(ids * (log N + groups)).
/// Errors: WRONGTYPE on another type; ERR if an id is none or `numids` does not fit.
/// <https://redis.io/docs/latest/commands/xdelex/>
pub(super) fn xdelex(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let (references, ids) = read_references_and_ids(args)?;
    let mut removal = Removal::default();
    let stream = context.db.write::<Stream>(key)?;
    let replies: Vec<i64> = match stream {
        None => vec![-1; ids.len()],
        Some(stream) => {
            ids.iter().map(|&id| removal.remove(stream, id, references) as i64).collect()
        }
    };
    removal.finish(context, key);
    write_replies(context, &replies);
    Ok(Outcome::Done)
}

/// `XACKDEL key group [KEEPREF | DELREF | ACKED] IDS numids id [id ...]`
///
/// Acknowledges entries as XACK does and removes them as XDELEX does. Replies for each id 1 if it
/// was acknowledged and removed, 2 if it was acknowledged but stays, -1 if it was not pending in
/// the group. Logged as XACK and XDEL. O(ids * (log N + groups)).
/// Errors: NOGROUP if the stream has no such group; WRONGTYPE on another type; ERR if an id is none
/// or `numids` does not fit.
/// <https://redis.io/docs/latest/commands/xackdel/>
pub(super) fn xackdel(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, name) = (args.bytes()?, args.bytes()?);
    let (references, ids) = read_references_and_ids(args)?;
    let Some(stream) = context.db.write::<Stream>(key)? else {
        write_replies(context, &vec![-1; ids.len()]);
        return Ok(Outcome::Done);
    };
    if stream.group(name).is_none() {
        return Err(no_group(key, name));
    }
    let mut removal = Removal::default();
    let mut replies = Vec::with_capacity(ids.len());
    for id in ids {
        if !stream.group_mut(name).is_some_and(|group| group.ack(id)) {
            replies.push(-1);
            continue;
        }
        removal.acknowledged.push((name.to_vec(), id));
        let fate = removal.remove(stream, id, references);
        replies.push(if fate == Fate::Missing { Fate::Removed } else { fate } as i64);
    }
    removal.finish(context, key);
    write_replies(context, &replies);
    Ok(Outcome::Done)
}

fn write_replies(context: &mut Context<'_>, replies: &[i64]) {
    context.reply.array(replies.len());
    for &reply in replies {
        context.reply.integer(reply);
    }
}

/// Reads `[KEEPREF | DELREF | ACKED] IDS numids id [id ...]`, in either order.
fn read_references_and_ids(
    args: &mut Args<'_>,
) -> Result<(References, Vec<StreamId>), CommandError> {
    let mut references = References::Keep;
    let mut ids = None;
    while !args.is_empty() {
        if references.read(args) {
            continue;
        }
        if ids.is_some() || !args.keyword("IDS") {
            return Err(CommandError::Syntax);
        }
        let error = CommandError::Plain("ERR Number of IDs must be a positive integer");
        let count = usize::try_from(args.integer_from(1, error)?).unwrap_or(usize::MAX);
        if count > args.len() {
            return Err(CommandError::Plain(
                "ERR The `numids` parameter must match the number of arguments",
            ));
        }
        ids = Some((0..count).map(|_| args.stream_id()).collect::<Result<Vec<_>, _>>()?);
    }
    Ok((references, ids.ok_or(CommandError::Syntax)?))
}

/// What became of an entry, by the number that stands for it in replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Kept = 2,
    Missing = -1,
    Removed = 1,
}

/// Entries that were removed or acknowledged, to be logged.
#[derive(Debug, Default)]
struct Removal {
    removed: Vec<StreamId>,
    acknowledged: Vec<(Vec<u8>, StreamId)>,
}

impl Removal {
    fn remove(&mut self, stream: &mut Stream, id: StreamId, references: References) -> Fate {
        if references == References::Delete {
            let groups = stream.ack_everywhere(id);
            self.acknowledged.extend(groups.iter().map(|name| (name.to_vec(), id)));
        }
        if references == References::Acked
            && stream.entries.contains(id)
            && !stream.is_done_everywhere(id)
        {
            return Fate::Kept;
        }
        if !stream.entries.remove(id) {
            return Fate::Missing;
        }
        self.removed.push(id);
        Fate::Removed
    }

    /// Says what has changed, and logs it.
    fn finish(self, context: &mut Context<'_>, key: &[u8]) {
        for (group, id) in &self.acknowledged {
            context.db.changes().dirty += 1;
            context.propagate(&[b"XACK", key, group, &id.text()]);
        }
        if self.removed.is_empty() {
            return;
        }
        context.modified(key, Class::Stream, "xdel");
        let ids: Vec<_> = self.removed.iter().map(|id| id.text()).collect();
        let mut words: Vec<&[u8]> = vec![b"XDEL", key];
        words.extend(ids.iter().map(|id| &**id));
        context.propagate(&words);
    }
}
