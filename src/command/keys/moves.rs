//! Values that go from one key to another.

use super::{Args, Class, CommandError, CommandResult, Context, Outcome};

const SAME_OBJECT: CommandError =
    CommandError::Plain("ERR source and destination objects are the same");

/// `RENAME key newkey`
///
/// Gives the key another name, in place of any key of that name; its time to live stays.
/// Replies OK. Errors: ERR if there is no such key. O(1).
/// <https://redis.io/docs/latest/commands/rename/>
pub(super) fn rename(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, new_key) = (args.bytes()?, args.bytes()?);
    if !context.db.exists(key) {
        return Err(CommandError::NoSuchKey);
    }
    if key != new_key {
        give_name(context, key, new_key);
    }
    context.reply.ok();
    Ok(Outcome::Done)
}

/// `RENAMENX key newkey`
///
/// Gives the key another name, unless there is a key of that name. Replies 1 if so, else 0.
/// Errors: ERR if there is no such key. O(1).
/// <https://redis.io/docs/latest/commands/renamenx/>
pub(super) fn renamenx(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, new_key) = (args.bytes()?, args.bytes()?);
    if !context.db.exists(key) {
        return Err(CommandError::NoSuchKey);
    }
    let free = !context.db.exists(new_key);
    if free {
        give_name(context, key, new_key);
    }
    context.reply.integer(i64::from(free));
    Ok(Outcome::Done)
}

fn give_name(context: &mut Context<'_>, key: &[u8], new_key: &[u8]) {
    let expires_at_ms = context.db.expires_at_ms(key);
    let Some(value) = context.db.remove(key) else { return };
    // As in Redis, another key of that name goes, and this one counts as new.
    context.db.delete(new_key);
    context.db.set(new_key, value);
    context.db.set_expiry(new_key, expires_at_ms);
    context.modified(key, Class::Generic, "rename_from");
    context.modified(new_key, Class::Generic, "rename_to");
}

/// `COPY source destination [DB destination-db] [REPLACE]`
///
/// Copies the value and the time to live. Replies 1; 0 if there is no such key, or if the
/// destination exists and REPLACE is not given. Errors: ERR on a bad database, or if source and
/// destination are the same. O(elements).
/// <https://redis.io/docs/latest/commands/copy/>
pub(super) fn copy(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (source, destination) = (args.bytes()?, args.bytes()?);
    let mut db = context.db.index();
    let mut replace = false;
    while !args.is_empty() {
        if args.keyword("REPLACE") {
            replace = true;
        } else if args.keyword("DB") {
            db = database(context, args)?;
        } else {
            return Err(CommandError::Syntax);
        }
    }
    if db != 0 && context.is_cluster() {
        let text = "ERR Copying to another database is not allowed in cluster mode";
        return Err(CommandError::Plain(text));
    }
    if db == context.db.index() && source == destination {
        return Err(SAME_OBJECT);
    }
    let copied = context.db.look(source).map(|entry| (entry.value.clone(), entry.expires_at_ms()));
    let mut target = context.db.other(db);
    let done = match copied {
        Some((value, expires_at_ms)) if replace || !target.exists(destination) => {
            target.delete(destination);
            target.set(destination, value);
            target.set_expiry(destination, expires_at_ms);
            target.modified(destination, Class::Generic, "copy_to");
            true
        }
        _ => false,
    };
    context.reply.integer(i64::from(done));
    Ok(Outcome::Done)
}

/// `MOVE key db`
///
/// Moves the key with its time to live. Replies 1; 0 if there is no such key here, or there is one
/// there. Errors: ERR on a bad database, or if it is the selected one. O(1).
/// <https://redis.io/docs/latest/commands/move/>
pub(super) fn move_key(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    if context.is_cluster() {
        return Err(CommandError::Plain("ERR MOVE is not allowed in cluster mode"));
    }
    let key = args.bytes()?;
    let db = database(context, args)?;
    if db == context.db.index() {
        return Err(SAME_OBJECT);
    }
    let free = !context.db.other(db).exists(key);
    let expires_at_ms = context.db.expires_at_ms(key);
    let moved = if free { context.db.remove(key) } else { None };
    context.reply.integer(i64::from(moved.is_some()));
    if let Some(value) = moved {
        let mut target = context.db.other(db);
        target.set(key, value);
        target.set_expiry(key, expires_at_ms);
        context.modified(key, Class::Generic, "move_from");
        context.db.other(db).modified(key, Class::Generic, "move_to");
    }
    Ok(Outcome::Done)
}

/// Reads the number of a database.
fn database(context: &Context<'_>, args: &mut Args<'_>) -> Result<usize, CommandError> {
    let index = usize::try_from(args.integer_of_32_bits()?).unwrap_or(usize::MAX);
    if index < context.services.keyspace.databases() {
        Ok(index)
    } else {
        Err(CommandError::Plain("ERR DB index is out of range"))
    }
}
