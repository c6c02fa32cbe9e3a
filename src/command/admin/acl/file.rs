//! ACL LOAD and ACL SAVE: the file that the setting `aclfile` names.

use std::path::PathBuf;

use super::connections::{close_subscribers, close_users};
use super::{Args, CommandError, CommandResult, Context, Outcome};
use crate::acl::file;
use crate::command::access::basis;

const NO_FILE: &str = "ERR This Redis instance is not configured to use an ACL file. You may want \
    to specify users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you \
    have a Redis configuration file set) in order to store users in the Redis configuration.";

fn path(context: &Context<'_>) -> Result<PathBuf, CommandError> {
    context.services.config.acl_file().ok_or(CommandError::Plain(NO_FILE))
}

/// `ACL LOAD`
///
/// Takes all users from the file of users, or changes nothing if anything is wrong with it. The
/// connections of all users but `default` are closed. Replies OK.
/// Errors: ERR without such a file; ERR with all that is wrong with it.
/// <https://redis.io/docs/latest/commands/acl-load/>
pub(super) fn load(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    let path = path(context)?;
    let services = context.services;
    let basis = basis(&services.config);
    let users = file::read(basis, &path)
        .map_err(|errors| CommandError::Text(format!("ERR {}", errors.trim_end()).into()))?;
    let default = services.acl.default_account();
    let before = default.rights();
    let gone = services.acl.replace(basis, users);
    close_users(context, &gone);
    if let Some(rights) = default.rights() {
        close_subscribers(context, &default, (&rights, before.as_deref()));
    }
    context.reply.ok();
    Ok(Outcome::Done)
}

/// `ACL SAVE`
///
/// Writes all users into the file of users. Replies OK.
/// Errors: ERR without such a file, or if it cannot be written.
/// <https://redis.io/docs/latest/commands/acl-save/>
pub(super) fn save(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    let path = path(context)?;
    if let Err(error) = file::write(&path, &context.services.acl.lines()) {
        tracing::warn!(%error, file = %path.display(), "cannot write the file of users");
        return Err(CommandError::Plain(
            "ERR There was an error trying to save the ACLs. Please check the server logs for \
             more information",
        ));
    }
    context.reply.ok();
    Ok(Outcome::Done)
}
