//! CLIENT LIST and CLIENT INFO.

use std::sync::atomic::Ordering;

use super::super::table::table;
use super::super::{Args, CommandError, CommandResult, Context, Outcome};
use crate::acl::accounts::DEFAULT;
use crate::client::figures::Number;
use crate::client::{ClientId, Handle, Kind};

/// `CLIENT INFO`
///
/// Replies what is known of this connection, in the form of CLIENT LIST.
/// <https://redis.io/docs/latest/commands/client-info/>
pub(super) fn info(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    let mut text = Vec::new();
    let now_ms = context.services.clock.now_ms();
    describe(&context.client.handle, now_ms, &mut text);
    context.reply.verbatim(*b"txt", &text);
    Ok(Outcome::Done)
}

/// `CLIENT LIST [TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]`
///
/// Replies what is known of the connections, one a line. O(connections).
/// Errors: ERR on an unknown type, and on an id that is no number.
/// <https://redis.io/docs/latest/commands/client-list/>
pub(super) fn list(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let clients = &context.services.clients;
    let chosen = if args.is_empty() {
        clients.all()
    } else if args.len() == 2 && args.keyword("TYPE") {
        let kind = client_kind(args.bytes()?)?;
        clients.all().into_iter().filter(|client| Some(client.kind()) == kind).collect()
    } else if args.len() >= 2 && args.keyword("ID") {
        let ids: Option<Vec<i64>> = args.rest().map(crate::number::parse_i64).collect();
        let ids = ids.ok_or(CommandError::Plain("ERR Invalid client ID"))?;
        let ids = ids.into_iter().filter_map(|id| ClientId::try_from(id).ok());
        ids.filter_map(|id| clients.find(id)).collect()
    } else {
        return Err(CommandError::Syntax);
    };
    let now_ms = context.services.clock.now_ms();
    let mut text = Vec::new();
    for client in &chosen {
        describe(client, now_ms, &mut text);
    }
    context.reply.verbatim(*b"txt", &text);
    Ok(Outcome::Done)
}

/// The kind of client that a TYPE means; `None` if it is known but there are none such here.
pub(super) fn client_kind(word: &[u8]) -> Result<Option<Kind>, CommandError> {
    match word.to_ascii_lowercase().as_slice() {
        b"normal" => Ok(Some(Kind::Normal)),
        b"pubsub" => Ok(Some(Kind::PubSub)),
        b"master" | b"replica" | b"slave" => Ok(None),
        _ => {
            let word = String::from_utf8_lossy(word);
            Err(CommandError::Text(format!("ERR Unknown client type '{word}'").into()))
        }
    }
}

/// A client's line, without its end.
pub(crate) fn line(client: &Handle, now_ms: u64) -> Vec<u8> {
    let mut text = Vec::new();
    describe(client, now_ms, &mut text);
    text.pop();
    text
}

/// Appends a client's line.
fn describe(client: &Handle, now_ms: u64, text: &mut Vec<u8>) {
    let figures = &client.figures;
    let seconds_since = |ms: u64| now_ms.saturating_sub(ms) / 1000;
    let age = seconds_since(client.created_ms);
    let idle = seconds_since(figures.last_active_ms.load(Ordering::Relaxed));
    text.extend_from_slice(
        format!(
            "id={} addr={} laddr={} fd={} name=",
            client.id,
            client.peer.address(),
            client.peer.local_address(),
            client.peer.fd
        )
        .as_bytes(),
    );
    client.with_names(|names| text.extend_from_slice(&names.own));
    let [channels, patterns, shard_channels] =
        [&figures.channels, &figures.patterns, &figures.shard_channels].map(Number::get);
    text.extend_from_slice(
        format!(
            " age={age} idle={idle} flags={} db={} sub={channels} psub={patterns} \
             ssub={shard_channels}",
            flags(client),
            figures.db.get(),
        )
        .as_bytes(),
    );
    describe_memory(client, text);
    client.with_names(|names| {
        text.extend_from_slice(b" lib-name=");
        text.extend_from_slice(&names.library);
        text.extend_from_slice(b" lib-ver=");
        text.extend_from_slice(&names.library_version);
    });
    text.push(b'\n');
}

/// The fields from `multi` to `resp`.
fn describe_memory(client: &Handle, text: &mut Vec<u8>) {
    let figures = &client.figures;
    let load = |figure: &std::sync::atomic::AtomicUsize| figure.load(Ordering::Relaxed);
    let multi = i64::try_from(figures.queued.get()).unwrap_or(i64::MAX) - 1;
    let (query, query_free) = (load(&figures.query_bytes), load(&figures.query_bytes_free));
    let (queued, output) = (load(&figures.queued_bytes), client.pending_bytes());
    let (argv, reply_buf) = (load(&figures.argv_bytes), load(&figures.reply_buf_bytes));
    let total = client.memory_bytes();
    let command = figures.last_command().and_then(|index| table().all().get(index));
    text.extend_from_slice(
        format!(
            " multi={multi} qbuf={query} qbuf-free={query_free} argv-mem={argv} multi-mem={queued} \
             rbs={reply_buf} rbp={reply_buf} obl={output} oll=0 omem={output} tot-mem={total} \
             events={} cmd={} user=",
            if output > 0 { "rw" } else { "r" },
            command.map_or("NULL", |command| &command.full_name),
        )
        .as_bytes(),
    );
    match client.account() {
        Some(account) => text.extend_from_slice(account.name()),
        None => text.extend_from_slice(DEFAULT),
    }
    let protocol = figures.protocol.load(Ordering::Relaxed);
    text.extend_from_slice(format!(" redir={} resp={protocol}", client.redirect()).as_bytes());
}

/// The letters of CLIENT LIST's `flags`.
fn flags(client: &Handle) -> String {
    let figures = &client.figures;
    let mut flags = String::new();
    for (letter, is_set) in [
        ('O', figures.monitor.load(Ordering::Relaxed)),
        ('P', client.kind() == Kind::PubSub),
        ('x', figures.queued.get() > 0),
        ('b', client.is_blocked()),
        ('t', client.redirect() >= 0),
        ('R', figures.broken_redirect.load(Ordering::Relaxed)),
        ('B', figures.broadcast.load(Ordering::Relaxed)),
        ('U', client.peer.is_local_socket()),
        ('e', figures.no_evict.load(Ordering::Relaxed)),
        ('T', figures.no_touch.load(Ordering::Relaxed)),
    ] {
        if is_set {
            flags.push(letter);
        }
    }
    if flags.is_empty() {
        flags.push('N');
    }
    flags
}
