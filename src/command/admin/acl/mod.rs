//! The subcommands of ACL: users, what they may do, and what was denied to them.
//!
//! `users.rs` changes and shows users, `inspect.rs` asks what is allowed and was denied; the file
//! of users is in `file.rs`, and what a change means for connections in `connections.rs`.

use std::io::Read;

use super::{ADMIN, Args, Arity, CommandError, CommandResult, CommandSpec, Context, Flag, Outcome};
use super::{TELLING, help, row};
use crate::acl::CATEGORIES;
use crate::command::access::categories;
use crate::command::error::shown;
use crate::command::table::table;
use crate::number::write_hex;

mod connections;
mod file;
mod inspect;
mod users;

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
        "deluser",
        Arity::AtLeast(3),
        ADMIN,
        ("6.0.0", "username [username ...]", "Removes users, and closes their connections."),
        users::deluser,
    ),
    row(
        "dryrun",
        Arity::AtLeast(4),
        ADMIN,
        ("7.0.0", "username command [arg [arg ...]]", "Tells whether a user may run a request."),
        inspect::dryrun,
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
        users::getuser,
    ),
    row("help", Arity::Exact(2), TELLING, ("6.0.0", "", "Replies with the subcommands."), help),
    row(
        "list",
        Arity::Exact(2),
        ADMIN,
        ("6.0.0", "", "Replies with the rules of all users."),
        users::list,
    ),
    row(
        "load",
        Arity::Exact(2),
        ADMIN,
        ("6.0.0", "", "Takes the users from the file of users."),
        file::load,
    ),
    row(
        "log",
        Arity::AtLeast(2),
        ADMIN,
        ("6.0.0", "[count | RESET]", "Replies with what was denied lately."),
        inspect::log,
    ),
    row(
        "save",
        Arity::Exact(2),
        ADMIN,
        ("6.0.0", "", "Writes the users into the file of users."),
        file::save,
    ),
    row(
        "setuser",
        Arity::AtLeast(3),
        ADMIN,
        ("6.0.0", "username [rule [rule ...]]", "Makes a user, or changes what it may do."),
        users::setuser,
    ),
    row(
        "users",
        Arity::Exact(2),
        ADMIN,
        ("6.0.0", "", "Replies with the names of all users."),
        users::users,
    ),
    row(
        "whoami",
        Arity::Exact(2),
        OPEN,
        ("6.0.0", "", "Replies with the user of the connection."),
        users::whoami,
    ),
];

/// Where Redis itself counts the words: the error for one too many.
fn at_most_one(args: &Args<'_>) -> Result<(), CommandError> {
    if args.len() <= 1 { Ok(()) } else { Err(args.miscounted()) }
}

/// `ACL CAT [category]`
///
/// Replies the names of all categories, or of the commands and subcommands in one.
/// Errors: ERR on an unknown category.
/// <https://redis.io/docs/latest/commands/acl-cat/>
fn cat(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    at_most_one(args)?;
    let names: Vec<&str> = if args.is_empty() {
        CATEGORIES.to_vec()
    } else {
        let word = args.bytes()?;
        let category = String::from_utf8_lossy(word).to_ascii_lowercase();
        if !CATEGORIES.contains(&category.as_str()) {
            let word = shown(word);
            return Err(CommandError::Text(format!("ERR Unknown category '{word}'").into()));
        }
        let is_in = |command: &&_| categories::names(command).contains(&category.as_str());
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
    at_most_one(args)?;
    let mut bits = 256;
    if !args.is_empty() {
        bits = args.integer()?;
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
