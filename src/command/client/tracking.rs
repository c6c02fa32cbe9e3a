//! CLIENT TRACKING, CACHING, TRACKINGINFO and GETREDIR.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::super::{Args, CommandError, CommandResult, Context, Outcome};
use crate::client::{Caching, ClientId, Opt, Tracker};

/// The options of CLIENT TRACKING.
#[derive(Debug, Default)]
struct Options<'a> {
    redirect: ClientId,
    prefixes: Vec<&'a [u8]>,
    broadcast: bool,
    opt: Opt,
    /// Were both OPTIN and OPTOUT said?
    said_both: bool,
    no_loop: bool,
}

/// `CLIENT TRACKING <ON | OFF> [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST]
/// [OPTIN] [OPTOUT] [NOLOOP]`
///
/// ON: tells the connection, or another one, when keys change that it has read. Replies OK.
/// Errors: ERR if the options do not go together, or with what was switched on before.
/// Differs from Redis: with NOLOOP and BCAST, what the connection's own scripts change is no news;
/// and what was read is forgotten once no connection has it on.
/// <https://redis.io/docs/latest/commands/client-tracking/>
pub(super) fn tracking(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let on = super::on_or_off(args)?;
    let options = parse(context, args)?;
    if on {
        let opt = check(context, &options)?;
        start(context, &options, opt);
    } else {
        stop(context);
    }
    context.reply.ok();
    Ok(Outcome::Done)
}

fn parse<'a>(context: &Context<'_>, args: &mut Args<'a>) -> Result<Options<'a>, CommandError> {
    let mut options = Options::default();
    while !args.is_empty() {
        if args.len() >= 2 && args.keyword("REDIRECT") {
            if options.redirect != 0 {
                return Err(CommandError::Plain(
                    "ERR A client can only redirect to a single other client",
                ));
            }
            let id = ClientId::try_from(args.integer()?).ok();
            let client = id.and_then(|id| context.services.clients.find(id));
            options.redirect = client.map(|client| client.id).ok_or(CommandError::Plain(
                "ERR The client ID you want redirect to does not exist",
            ))?;
        } else if args.len() >= 2 && args.keyword("PREFIX") {
            options.prefixes.push(args.bytes()?);
        } else if args.keyword("BCAST") {
            options.broadcast = true;
        } else if args.keyword("OPTIN") {
            options.choose(Opt::In);
        } else if args.keyword("OPTOUT") {
            options.choose(Opt::Out);
        } else if args.keyword("NOLOOP") {
            options.no_loop = true;
        } else {
            return Err(CommandError::Syntax);
        }
    }
    Ok(options)
}

impl Options<'_> {
    fn choose(&mut self, opt: Opt) {
        self.said_both |= self.opt != Opt::Neither && self.opt != opt;
        self.opt = opt;
    }

    /// Which of OPTIN and OPTOUT; they do not go together.
    fn opt(&self) -> Result<Opt, CommandError> {
        if self.said_both {
            return Err(CommandError::Plain(
                "ERR You can't specify both OPTIN mode and OPTOUT mode",
            ));
        }
        Ok(self.opt)
    }
}

/// Do the options go together, and with what was switched on before? Returns OPTIN or OPTOUT.
fn check(context: &Context<'_>, options: &Options<'_>) -> Result<Opt, CommandError> {
    let caching = context.client.caching.as_deref();
    if !options.prefixes.is_empty() && !options.broadcast {
        return Err(CommandError::Plain("ERR PREFIX option requires BCAST mode to be enabled"));
    }
    if caching.is_some_and(|caching| caching.tracker.is_broadcast != options.broadcast) {
        return Err(CommandError::Plain(
            "ERR You can't switch BCAST mode on/off before disabling tracking for this client, \
             and then re-enabling it with a different mode.",
        ));
    }
    if options.broadcast && options.opt != Opt::Neither {
        return Err(CommandError::Plain("ERR OPTIN and OPTOUT are not compatible with BCAST"));
    }
    let opt = options.opt()?;
    let before = caching.map_or(Opt::Neither, |caching| caching.opt);
    if before != Opt::Neither && opt != Opt::Neither && before != opt {
        return Err(CommandError::Plain(
            "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, \
             and then re-enabling it with a different mode.",
        ));
    }
    check_prefixes(options, caching.map(|caching| &caching.prefixes))?;
    Ok(opt)
}

/// The prefixes of a client must not overlap, as it would be told twice.
fn check_prefixes(
    options: &Options<'_>,
    known: Option<&BTreeSet<Box<[u8]>>>,
) -> Result<(), CommandError> {
    let overlap = |a: &[u8], b: &[u8]| a.starts_with(b) || b.starts_with(a);
    let error = |prefix: &[u8], which: &str, other: &[u8]| {
        let (prefix, other) = (String::from_utf8_lossy(prefix), String::from_utf8_lossy(other));
        CommandError::Text(
            format!(
                "ERR Prefix '{prefix}' overlaps with {which} prefix '{other}'. Prefixes for a \
                 single client must not overlap."
            )
            .into(),
        )
    };
    let prefixes = &options.prefixes;
    for (place, prefix) in prefixes.iter().enumerate() {
        for other in known.into_iter().flatten() {
            if overlap(prefix, other) {
                return Err(error(prefix, "an existing", other));
            }
        }
        if let Some(other) = prefixes[place + 1..].iter().find(|other| overlap(prefix, other)) {
            return Err(error(prefix, "another provided", other));
        }
    }
    Ok(())
}

fn start(context: &mut Context<'_>, options: &Options<'_>, opt: Opt) {
    context.db.changes().tracks = true;
    let client = &mut *context.client;
    let mut prefixes: BTreeSet<Box<[u8]>> =
        options.prefixes.iter().map(|&prefix| prefix.into()).collect();
    if options.broadcast && prefixes.is_empty() {
        // All keys, whatever prefixes were named before.
        prefixes.insert(Box::default());
    }
    let mut said = false;
    if let Some(caching) = &mut client.caching {
        prefixes.append(&mut caching.prefixes);
        said = caching.said;
    }
    let tracker = Arc::new(Tracker {
        client: Arc::clone(&client.handle),
        redirect: options.redirect,
        is_broadcast: options.broadcast,
        no_loop: options.no_loop,
    });
    let named = prefixes.iter().map(AsRef::as_ref);
    for prefix in context.services.tracking.start(Arc::clone(&tracker), named) {
        context.db.changes().broadcast_from_now(prefix, client.handle.id);
    }
    let figures = &client.handle.figures;
    figures.redirect.store(options.redirect + 1, Ordering::Relaxed);
    figures.broadcast.store(options.broadcast, Ordering::Relaxed);
    figures.broken_redirect.store(false, Ordering::Relaxed);
    figures.prefixes.set(prefixes.len());
    client.caching = Some(Box::new(Caching { tracker, prefixes, opt, said }));
}

/// Tells a client nothing more.
pub(in super::super) fn stop(context: &mut Context<'_>) {
    let client = &mut *context.client;
    if client.caching.take().is_some() {
        context.services.tracking.stop(client.handle.id);
        let figures = &client.handle.figures;
        figures.redirect.store(0, Ordering::Relaxed);
        figures.broadcast.store(false, Ordering::Relaxed);
        figures.broken_redirect.store(false, Ordering::Relaxed);
        figures.prefixes.set(0);
    }
}

/// `CLIENT CACHING <YES | NO>`
///
/// After OPTIN, YES has the keys of the next command remembered; after OPTOUT, NO has them not.
/// Replies OK. Errors: ERR in any other mode.
/// <https://redis.io/docs/latest/commands/client-caching/>
pub(super) fn caching(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let caching = context.client.caching.as_mut().ok_or(CommandError::Plain(
        "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or \
         OPTOUT mode enabled",
    ))?;
    if args.keyword("YES") {
        if caching.opt != Opt::In {
            return Err(CommandError::Plain(
                "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.",
            ));
        }
    } else if args.keyword("NO") {
        if caching.opt != Opt::Out {
            return Err(CommandError::Plain(
                "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.",
            ));
        }
    } else {
        return Err(CommandError::Syntax);
    }
    caching.said = true;
    context.reply.ok();
    Ok(Outcome::Done)
}

/// `CLIENT GETREDIR`
///
/// Replies the number of the connection that is told of changes; 0: this one, -1: none.
/// <https://redis.io/docs/latest/commands/client-getredir/>
pub(super) fn getredir(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    context.reply.integer(context.client.handle.redirect());
    Ok(Outcome::Done)
}

/// `CLIENT TRACKINGINFO`
///
/// Replies a map: `flags`, `redirect` as CLIENT GETREDIR, and `prefixes`.
/// <https://redis.io/docs/latest/commands/client-trackinginfo/>
pub(super) fn trackinginfo(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    let caching = context.client.caching.as_deref();
    let broken = context.client.handle.figures.broken_redirect.load(Ordering::Relaxed);
    let flags: Vec<&str> = [
        ("off", caching.is_none()),
        ("on", caching.is_some()),
        ("bcast", caching.is_some_and(|caching| caching.tracker.is_broadcast)),
        ("optin", caching.is_some_and(|caching| caching.opt == Opt::In)),
        ("caching-yes", caching.is_some_and(|caching| caching.opt == Opt::In && caching.said)),
        ("optout", caching.is_some_and(|caching| caching.opt == Opt::Out)),
        ("caching-no", caching.is_some_and(|caching| caching.opt == Opt::Out && caching.said)),
        ("noloop", caching.is_some_and(|caching| caching.tracker.no_loop)),
        ("broken_redirect", broken),
    ]
    .into_iter()
    .filter_map(|(flag, is_set)| is_set.then_some(flag))
    .collect();
    let reply = &mut *context.reply;
    reply.map(3);
    reply.bulk(b"flags");
    reply.set(flags.len());
    for flag in &flags {
        reply.bulk(flag.as_bytes());
    }
    reply.bulk(b"redirect");
    reply.integer(context.client.handle.redirect());
    reply.bulk(b"prefixes");
    reply.array(caching.map_or(0, |caching| caching.prefixes.len()));
    for prefix in caching.into_iter().flat_map(|caching| &caching.prefixes) {
        reply.bulk(prefix);
    }
    Ok(Outcome::Done)
}
