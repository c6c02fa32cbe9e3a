//! HELP of the container commands, from their rows.

use super::table::table;
use super::{Args, CommandResult, Context, Outcome};

/// Replies what the subcommands of the container that was called are, and what they do.
pub(super) fn help(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let container = args.argv().get(0).and_then(|name| table().find(name));
    let Some(container) = container else { return Err(super::CommandError::Syntax) };
    let name = container.spec.name.to_uppercase();
    context.reply.array(1 + 2 * container.spec.subcommands.len());
    context
        .reply
        .status(&format!("{name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"));
    for row in container.spec.subcommands {
        let syntax = format!("{} {}", row.name.to_uppercase(), row.syntax);
        context.reply.status(syntax.trim_end());
        context.reply.status(&format!("    {}", row.summary));
    }
    Ok(Outcome::Done)
}
