//! ACL DRYRUN and ACL LOG: what is allowed, and what was denied.

use super::{Args, CommandError, CommandResult, Context, Outcome, at_most_one};
use crate::acl::Reason;
use crate::acl::log::Entry;
use crate::command::access::{Asked, Detail, Origin, why};
use crate::command::table::table;
use crate::resp::Reply;

/// Entries that ACL LOG shows if it is not told how many.
const SHOWN: usize = 10;

/// `ACL DRYRUN username command [arg [arg ...]]`
///
/// Replies OK if the user may run the request, or else, as a bulk string, why not; runs nothing.
/// Errors: ERR if there is no such user or command, or it takes another number of words.
/// <https://redis.io/docs/latest/commands/acl-dryrun/>
pub(super) fn dryrun(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let text = |text: String| CommandError::Text(text.into());
    let name = args.bytes()?;
    let argv = args.argv().tail(3);
    let account = context.services.acl.find(name);
    let account = account
        .ok_or_else(|| text(format!("ERR User '{}' not found", String::from_utf8_lossy(name))))?;
    let command = table().resolve(argv).filter(|found| !found.is_container() || argv.len() == 1);
    let command = command.ok_or_else(|| {
        let name = String::from_utf8_lossy(argv.get(0).unwrap_or_default());
        text(format!("ERR Command '{name}' not found"))
    })?;
    if !command.spec.arity.allows(argv.len()) {
        return Err(CommandError::WrongArity(command.full_name.as_str().into()));
    }
    let asked = Asked { command, argv, origin: Origin::TopLevel };
    let Some(rights) = account.rights() else { return Err(CommandError::Syntax) };
    match rights.check(&asked.request()) {
        Ok(()) => context.reply.ok(),
        Err(denied) => {
            let why = why(&account, asked, denied, Detail::Named);
            context.reply.bulk(why.as_bytes());
        }
    }
    Ok(Outcome::Done)
}

/// `ACL LOG [count | RESET]`
///
/// Replies what was denied lately, the last first, 10 entries or `count`: why and where, what,
/// and to whom; what repeats itself within a minute is one entry with a count. RESET empties the
/// log and replies OK. Errors: ERR if `count` is not a number.
/// <https://redis.io/docs/latest/commands/acl-log/>
pub(super) fn log(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    at_most_one(args)?;
    let log = &context.services.acl.log;
    if args.keyword("RESET") {
        log.clear();
        context.reply.ok();
        return Ok(Outcome::Done);
    }
    let count = if args.is_empty() { SHOWN } else { usize::try_from(args.integer()?).unwrap_or(0) };
    let entries = log.latest(count);
    let now_ms = context.services.clock.now_ms();
    context.reply.array(entries.len());
    for entry in &entries {
        write_entry(context.reply, entry, now_ms);
    }
    Ok(Outcome::Done)
}

fn write_entry(reply: &mut Reply, entry: &Entry, now_ms: u64) {
    let integer = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let denial = &entry.denial;
    let reason: &[u8] = match denial.reason {
        Reason::Auth => b"auth",
        Reason::Channel => b"channel",
        Reason::Command => b"command",
        Reason::Key => b"key",
    };
    reply.map(10);
    reply.bulk(b"count");
    reply.integer(integer(entry.count));
    for (name, value) in [
        ("reason", reason),
        ("context", denial.context.as_bytes()),
        ("object", &denial.object),
        ("username", &denial.user),
    ] {
        reply.bulk(name.as_bytes());
        reply.bulk(value);
    }
    reply.bulk(b"age-seconds");
    #[expect(clippy::cast_precision_loss, reason = "an age for people")]
    reply.double(now_ms.saturating_sub(entry.updated_ms) as f64 / 1000.0);
    reply.bulk(b"client-info");
    reply.bulk(&denial.client);
    for (name, number) in [
        ("entry-id", entry.id),
        ("timestamp-created", entry.created_ms),
        ("timestamp-last-updated", entry.updated_ms),
    ] {
        reply.bulk(name.as_bytes());
        reply.integer(integer(number));
    }
}
