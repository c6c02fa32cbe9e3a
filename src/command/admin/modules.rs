//! The subcommands of MODULE: there are no modules.

use super::{Args, Arity, CommandError, CommandResult, CommandSpec, Context, Flag, Outcome};
use super::{TELLING, help, row};

const LOADING: &[Flag] = &[Flag::Admin, Flag::NoScript, Flag::NoAsyncLoading];

pub(super) const SUBCOMMANDS: &[CommandSpec] = &[
    row("help", Arity::Exact(2), TELLING, ("5.0.0", "", "Replies with the subcommands."), help),
    row(
        "list",
        Arity::Exact(2),
        &[Flag::Admin, Flag::NoScript],
        ("4.0.0", "", "Replies with the modules."),
        list,
    ),
    row(
        "load",
        Arity::AtLeast(3),
        LOADING,
        ("4.0.0", "path [arg [arg ...]]", "Would load a module."),
        refuse,
    ),
    row(
        "loadex",
        Arity::AtLeast(3),
        LOADING,
        (
            "7.0.0",
            "path [CONFIG name value [CONFIG name value ...]] [ARGS args [args ...]]",
            "Would load a module with settings.",
        ),
        refuse,
    ),
    row("unload", Arity::Exact(3), LOADING, ("4.0.0", "name", "Would unload a module."), refuse),
];

/// `MODULE LIST`
///
/// Replies an empty array.
/// <https://redis.io/docs/latest/commands/module-list/>
fn list(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    context.reply.array(0);
    Ok(Outcome::Done)
}

/// `MODULE LOAD path [arg [arg ...]]`, `MODULE LOADEX`, `MODULE UNLOAD name`
///
/// Differs from Redis: refused, as there are no modules.
/// <https://redis.io/docs/latest/commands/module-load/>
fn refuse(_context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    Err(CommandError::Plain("ERR modules are not supported"))
}
