//! The subcommands of CONFIG.

use super::{ADMIN, Args, Arity, CommandError, CommandResult, CommandSpec, Context, Outcome};
use super::{TELLING, help, row};
use crate::acl::Rights;
use crate::acl::accounts::DEFAULT;
use crate::aof::FsyncPolicy;
use crate::aof::saver::Job;
use crate::command::Services;
use crate::command::access::basis;
use crate::config::{Change, Setting, find, rows};
use crate::glob;
use crate::observe::process;
use crate::tls;

pub(super) const SUBCOMMANDS: &[CommandSpec] = &[
    row(
        "get",
        Arity::AtLeast(3),
        ADMIN,
        ("2.0.0", "parameter [parameter ...]", "Replies with settings by name or pattern."),
        get,
    ),
    row("help", Arity::Exact(2), TELLING, ("5.0.0", "", "Replies with the subcommands."), help),
    row(
        "resetstat",
        Arity::Exact(2),
        ADMIN,
        ("2.0.0", "", "Sets the counters that INFO shows to zero."),
        resetstat,
    ),
    row(
        "rewrite",
        Arity::Exact(2),
        ADMIN,
        ("2.8.0", "", "Brings the configuration file up to date."),
        rewrite,
    ),
    row(
        "set",
        Arity::AtLeast(4),
        ADMIN,
        ("2.0.0", "parameter value [parameter value ...]", "Changes settings, all or none."),
        set,
    ),
];

/// `CONFIG GET parameter [parameter ...]`
///
/// Replies a map of the settings whose names, old ones included, fit one of the patterns.
/// O(settings times patterns).
/// <https://redis.io/docs/latest/commands/config-get/>
fn get(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let patterns: Vec<&[u8]> = args.rest().collect();
    let mut found: Vec<(&str, usize)> = Vec::new();
    for (place, row) in rows().iter().enumerate() {
        for name in std::iter::once(&row.name).chain(row.aliases) {
            let is_asked_for = |pattern: &&[u8]| {
                let is_pattern = pattern.iter().any(|byte| b"*?[".contains(byte));
                if is_pattern {
                    !row.hidden && glob::matches_ignore_case(pattern, name.as_bytes())
                } else {
                    pattern.eq_ignore_ascii_case(name.as_bytes())
                }
            };
            if patterns.iter().any(is_asked_for) {
                found.push((name, place));
            }
        }
    }
    context.reply.map(found.len());
    for (name, place) in found {
        context.reply.bulk(name.as_bytes());
        context.reply.bulk(context.services.config.text_at(place).as_bytes());
    }
    Ok(Outcome::Done)
}

/// `CONFIG RESETSTAT`
///
/// Sets the counters that INFO shows to zero; those of denials (`acl_access_denied_*`) stay, as
/// in Redis. Replies OK.
/// <https://redis.io/docs/latest/commands/config-resetstat/>
fn resetstat(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    context.services.stats.reset();
    context.services.saver.reset_counts();
    context.services.reclaim.reset();
    context.reply.ok();
    Ok(Outcome::Done)
}

/// `CONFIG REWRITE`
///
/// Brings the configuration file up to date; its comments and its order stay. Replies OK.
/// Errors: ERR if the server has no such file, or it cannot be written.
/// <https://redis.io/docs/latest/commands/config-rewrite/>
fn rewrite(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    let config = &context.services.config;
    let path = config
        .file()
        .ok_or(CommandError::Plain("ERR The server is running without a config file"))?;
    let users = users_to_write(context)?;
    if let Err(error) = config.rewrite(&path, &users) {
        tracing::warn!(%error, file = %path.display(), "cannot rewrite the configuration file");
        return Err(CommandError::Text(format!("ERR Rewriting config file: {error}").into()));
    }
    tracing::info!(file = %path.display(), "the configuration file was rewritten");
    context.reply.ok();
    Ok(Outcome::Done)
}

/// The users for the configuration file, as words: none if they have a file of their own. The user
/// `default` is left out where it is what the settings make of it.
fn users_to_write(context: &Context<'_>) -> Result<Vec<Vec<Vec<u8>>>, CommandError> {
    let services = context.services;
    if services.config.acl_file().is_some() {
        return Ok(Vec::new());
    }
    if let Some(line) = services.config.user_lines().iter().find(|line| !line.in_file) {
        let text = format!(
            "ERR Rewriting config file: a user is declared elsewhere, too ({}), and can be \
             declared once only",
            line.place
        );
        return Err(CommandError::Text(text.into()));
    }
    let password = services.config.text(Setting::RequirePass);
    let password = Some(password.as_bytes()).filter(|password| !password.is_empty());
    let usual = Rights::unlimited(basis(&services.config)).with_password(password);
    let mut users = services.acl.all();
    users.retain(|(name, rights)| **name != *DEFAULT || **rights != usual);
    let words = |name: Box<[u8]>, rights: &Rights| {
        let name = std::iter::once(name.into_vec());
        name.chain(rights.words()).collect::<Vec<_>>()
    };
    Ok(users.into_iter().map(|(name, rights)| words(name, &rights)).collect())
}

/// `CONFIG SET parameter value [parameter value ...]`
///
/// Changes settings, all of them or, if one value will not do, none. Replies OK.
/// Errors: ERR on an unknown name, a name given twice, a setting that can be changed only before
/// the start, a value that will not do; each names the setting.
/// <https://redis.io/docs/latest/commands/config-set/>
fn set(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    if !args.len().is_multiple_of(2) {
        return Err(CommandError::Syntax);
    }
    let words: Vec<_> = args.rest().map(String::from_utf8_lossy).collect();
    let mut wanted: Vec<(usize, &str)> = Vec::new();
    for pair in words.chunks(2) {
        let [name, value] = pair else { continue };
        let place = find(name).ok_or_else(|| unknown(name))?;
        may_change(context, place, value).map_err(|why| failed(name, why))?;
        if wanted.iter().any(|&(other, _)| other == place) {
            return Err(failed(name, "duplicate parameter"));
        }
        wanted.push((place, value));
    }
    let config = &context.services.config;
    for &(place, value) in &wanted {
        let name = rows()[place].name;
        config.accept_at(place, value).map_err(|error| failed(name, &error.to_string()))?;
    }
    require_room_for_clients(&wanted)?;
    let before: Vec<(usize, String)> =
        wanted.iter().map(|&(place, _)| (place, config.text_at(place))).collect();
    for &(place, value) in &wanted {
        let name = rows()[place].name;
        config.set_at(place, value).map_err(|error| failed(name, &error.to_string()))?;
    }
    if let Err(name) = load_certificates(context.services, &wanted) {
        for (place, value) in &before {
            drop(config.set_at(*place, value));
        }
        return Err(failed(name, "Unable to update TLS configuration. Check server logs."));
    }
    for &(place, _) in &wanted {
        if let Some(setting) = rows()[place].setting {
            apply(context.services, setting);
        }
    }
    // The commands behind it in a transaction run under the same locks.
    context.services.guide(context.db.changes());
    context.reply.ok();
    Ok(Outcome::Done)
}

/// The system must allow as many open files as clients may come.
fn require_room_for_clients(wanted: &[(usize, &str)]) -> Result<(), CommandError> {
    let is_asked = |place: usize| rows()[place].setting == Some(Setting::MaxClients);
    let Some(&(place, value)) = wanted.iter().find(|&&(place, _)| is_asked(place)) else {
        return Ok(());
    };
    let clients = value.parse().unwrap_or(0);
    let room = process::room_for_clients(clients);
    if room >= clients {
        return Ok(());
    }
    let text = "The operating system is not able to handle the specified number of clients, try";
    Err(failed(rows()[place].name, &format!("{text} with {room}")))
}

/// Begins new encrypted connections as the settings say now, if one of theirs was set; if that
/// cannot be, returns its name.
fn load_certificates(services: &Services, set: &[(usize, &str)]) -> Result<(), &'static str> {
    let mut rows = set.iter().map(|&(place, _)| rows()[place]);
    let about_tls =
        rows.find(|row| row.setting.is_some_and(|setting| tls::SETTINGS.contains(&setting)));
    match about_tls {
        Some(row) if services.tls.current().is_some() => {
            services.tls.load(&services.config).map_err(|error| {
                tracing::warn!(%error, "encrypted connections stay as they are");
                row.name
            })
        }
        Some(_) | None => Ok(()),
    }
}

fn unknown(name: &str) -> CommandError {
    let text = format!("ERR Unknown option or number of arguments for CONFIG SET - '{name}'");
    CommandError::Text(text.into())
}

fn failed(name: &str, why: &str) -> CommandError {
    let text = format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {why}");
    CommandError::Text(text.into())
}

/// May this client give the setting this value now? What is in use for as long as the server runs
/// may be set to what it is.
fn may_change(context: &Context<'_>, place: usize, value: &str) -> Result<(), &'static str> {
    let config = &context.services.config;
    let is_same = || config.accept_at(place, value).is_ok_and(|kept| kept == config.text_at(place));
    match rows()[place].setting {
        Some(Setting::Bind | Setting::Dir | Setting::Port | Setting::TlsPort) if is_same() => {
            return Ok(());
        }
        Some(Setting::Bind) => return Err("the addresses cannot change while the server runs"),
        Some(Setting::Port | Setting::TlsPort) => {
            return Err("Unable to listen on this port while the server runs on another");
        }
        _ => {}
    }
    match rows()[place].change {
        Change::Anytime => Ok(()),
        Change::AtStart => Err("can't set immutable config"),
        Change::Protected if super::is_permitted(context, Setting::EnableProtectedConfigs) => {
            // The log is open in its folder.
            let is_in_use = rows()[place].setting == Some(Setting::Dir);
            if is_in_use { Err("can't set immutable config") } else { Ok(()) }
        }
        Change::Protected => Err("can't set protected config"),
    }
}

/// Makes a new value take effect where someone keeps what follows from it.
fn apply(services: &Services, setting: Setting) {
    if setting == Setting::AppendFsync {
        services.aof.set_policy(FsyncPolicy::from_number(services.config.number(setting)));
    }
    if setting == Setting::AofTimestampEnabled {
        services.aof.note_times(services.config.flag(setting));
    }
    if matches!(setting, Setting::MaxMemory | Setting::MaxMemoryClients) {
        services.poster().count_all();
    }
    if setting == Setting::RequirePass {
        let password = services.config.text(setting);
        let password = Some(password.as_bytes()).filter(|password| !password.is_empty());
        services.acl.set_default_password(password);
    }
    if setting == Setting::AppendOnly {
        switch_log(services);
    }
}

/// Has the log switched on or off as the setting says, if it is not so already. While a switch is
/// under way, that is known behind it only: what turns out to be nothing to do is skipped. While
/// data are being loaded, it has to wait: the tick sees that the log is not as it should be.
fn switch_log(services: &Services) {
    if services.loading.is_active() {
        return;
    }
    let wanted = services.config.flag(Setting::AppendOnly);
    // Looked at in this order: a switch that ends in between is seen by one or the other.
    if services.saver.status().is_switching() || services.aof.is_enabled() != wanted {
        let job = if wanted { Job::Enable } else { Job::Disable };
        services.saver.ask(job, services.clock.now_ms());
    }
}
