//! The subcommands of ACL, as far as they make sense with one user, `default`, who may do
//! everything once authenticated.
//!
//! Rules cannot be changed: SETUSER, DELUSER, LOAD, SAVE, LOG and DRYRUN do not exist here.

use std::io::Read;

use super::command_info::{CATEGORY_NAMES, categories};
use super::{ADMIN, Args, Arity, CommandError, CommandResult, CommandSpec, Context, Flag, Outcome};
use super::{TELLING, help, row};
use crate::command::table::table;
use crate::config::Setting;
use crate::number::write_hex;

const USER: &str = "default";
/// Most bits of ACL GENPASS.
const BITS_MAX: i64 = 4096;
/// Flags of the subcommands for everyone.
const OPEN: &[Flag] = &[Flag::NoScript, Flag::Loading, Flag::Stale];

pub(super) const SUBCOMMANDS: &[CommandSpec] = &[
    row(
        "cat",
        Arity::AtLeast(2),
        OPEN,
        ("6.0.0", "[category]", "Replies with the categories, or the commands in one."),
        cat,
    ),
    row(
        "genpass",
        Arity::AtLeast(2),
        OPEN,
        ("6.0.0", "[bits]", "Replies with a random password."),
        genpass,
    ),
    row(
        "getuser",
        Arity::Exact(3),
        ADMIN,
        ("6.0.0", "username", "Replies with what a user may do."),
        getuser,
    ),
    row("help", Arity::Exact(2), TELLING, ("6.0.0", "", "Replies with the subcommands."), help),
    row(
        "list",
        Arity::Exact(2),
        ADMIN,
        ("6.0.0", "", "Replies with the rules of all users."),
        list,
    ),
    row(
        "users",
        Arity::Exact(2),
        ADMIN,
        ("6.0.0", "", "Replies with the names of all users."),
        users,
    ),
    row(
        "whoami",
        Arity::Exact(2),
        OPEN,
        ("6.0.0", "", "Replies with the user of the connection."),
        whoami,
    ),
];

/// `ACL CAT [category]`
///
/// Replies the names of all categories, or of the commands and subcommands in one.
/// Errors: ERR on an unknown category.
/// <https://redis.io/docs/latest/commands/acl-cat/>
fn cat(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let names: Vec<&str> = if args.is_empty() {
        CATEGORY_NAMES.to_vec()
    } else {
        let word = String::from_utf8_lossy(args.bytes()?).into_owned();
        args.finish()?;
        let category = word.to_ascii_lowercase();
        if !CATEGORY_NAMES.contains(&category.as_str()) {
            return Err(CommandError::Text(format!("ERR Unknown category '{word}'").into()));
        }
        let is_in = |command: &&_| categories(command).contains(&category.as_str());
        table().all().iter().filter(is_in).map(|command| command.full_name.as_str()).collect()
    };
    context.reply.array(names.len());
    for name in &names {
        context.reply.bulk(name.as_bytes());
    }
    Ok(Outcome::Done)
}

/// `ACL GENPASS [bits]`
///
/// Replies a password of 256 or `bits` random bits from the operating system, in hexadecimal.
/// Errors: ERR if `bits` is not a number from 1 to 4096.
/// <https://redis.io/docs/latest/commands/acl-genpass/>
fn genpass(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let mut bits = 256;
    if !args.is_empty() {
        bits = args.integer()?;
        args.finish()?;
        if !(1..=BITS_MAX).contains(&bits) {
            return Err(CommandError::Plain(
                "ERR ACL GENPASS argument must be the number of bits for the output password, a \
                 positive number up to 4096",
            ));
        }
    }
    let digits = usize::try_from(bits).unwrap_or(0).div_ceil(4);
    let mut bytes = vec![0; digits.div_ceil(2)];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .map_err(|_| CommandError::Plain("ERR the system has no random bits to give"))?;
    let mut password = String::new();
    for byte in bytes {
        write_hex(&mut password, u64::from(byte), 2);
    }
    password.truncate(digits);
    context.reply.bulk(password.as_bytes());
    Ok(Outcome::Done)
}

/// `ACL GETUSER username`
///
/// Replies a map of what the user may do, or nil if there is no such user. Differs from Redis:
/// passwords are not shown, not even as hashes.
/// <https://redis.io/docs/latest/commands/acl-getuser/>
fn getuser(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    if args.bytes()? != USER.as_bytes() {
        context.reply.nil();
        return Ok(Outcome::Done);
    }
    let flags: &[&str] = if has_password(context) { &["on"] } else { &["on", "nopass"] };
    let reply = &mut *context.reply;
    reply.map(6);
    reply.bulk(b"flags");
    reply.set(flags.len());
    for flag in flags {
        reply.bulk(flag.as_bytes());
    }
    reply.bulk(b"passwords");
    reply.array(0);
    for (name, rule) in [("commands", "+@all"), ("keys", "~*"), ("channels", "&*")] {
        reply.bulk(name.as_bytes());
        reply.bulk(rule.as_bytes());
    }
    reply.bulk(b"selectors");
    reply.array(0);
    Ok(Outcome::Done)
}

fn has_password(context: &Context<'_>) -> bool {
    !context.services.config.text(Setting::RequirePass).is_empty()
}

/// `ACL LIST`
///
/// Replies the rules of the only user. Differs from Redis as ACL GETUSER does.
/// <https://redis.io/docs/latest/commands/acl-list/>
fn list(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    let password = if has_password(context) { "" } else { "nopass " };
    context.reply.array(1);
    context.reply.bulk(format!("user {USER} on {password}~* &* +@all").as_bytes());
    Ok(Outcome::Done)
}

/// `ACL USERS`
///
/// Replies the name of the only user.
/// <https://redis.io/docs/latest/commands/acl-users/>
fn users(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    context.reply.array(1);
    context.reply.bulk(USER.as_bytes());
    Ok(Outcome::Done)
}

/// `ACL WHOAMI`
///
/// Replies the name of the only user.
/// <https://redis.io/docs/latest/commands/acl-whoami/>
fn whoami(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    context.reply.bulk(USER.as_bytes());
    Ok(Outcome::Done)
}
