//! The group `pubsub`: messages to whoever subscribed.

use std::collections::BTreeSet;

use super::error::shown;
use super::row::row;
use super::{
    Args, Arity, Category, CommandError, CommandResult, CommandSpec, Context, Flag, Mode, Outcome,
};
use crate::acl::Channel;
use crate::message::Topic;

const PUBSUB: &[Category] = &[Category::PubSub];
/// Flags of the commands that change subscriptions.
const SUBSCRIBING: &[Flag] =
    &[Flag::PubSub, Flag::NoScript, Flag::Loading, Flag::Stale, Flag::OutboxFirst];
/// Flags of the commands that publish.
const PUBLISHING: &[Flag] =
    &[Flag::PubSub, Flag::Loading, Flag::Stale, Flag::Fast, Flag::MayReplicate];
/// Flags of the commands that only look.
const LOOKING: &[Flag] = &[Flag::PubSub, Flag::Loading, Flag::Stale];

pub(crate) const COMMANDS: &[CommandSpec] = &[
    row(
        "psubscribe",
        Arity::AtLeast(2),
        SUBSCRIBING,
        ("2.0.0", "pattern [pattern ...]", "Subscribes to all channels that match a pattern."),
        |context, args| subscribe(context, args, Topic::Pattern),
    )
    .in_categories(PUBSUB),
    row(
        "publish",
        Arity::Exact(3),
        PUBLISHING,
        ("2.0.0", "channel message", "Sends a message to all who subscribed to a channel."),
        |context, args| publish(context, args, Topic::Channel),
    )
    .in_categories(PUBSUB),
    row(
        "pubsub",
        Arity::AtLeast(2),
        &[],
        ("2.8.0", "", "A container for commands on subscriptions."),
        super::help::help,
    )
    .containing(SUBCOMMANDS),
    row(
        "punsubscribe",
        Arity::AtLeast(1),
        SUBSCRIBING,
        ("2.0.0", "[pattern [pattern ...]]", "Ends subscriptions to patterns, or all of them."),
        |context, args| unsubscribe(context, args, Topic::Pattern),
    )
    .in_categories(PUBSUB),
    row(
        "spublish",
        Arity::Exact(3),
        PUBLISHING,
        (
            "7.0.0",
            "shardchannel message",
            "Sends a message to all who subscribed to a shard channel.",
        ),
        |context, args| publish(context, args, Topic::ShardChannel),
    )
    .in_categories(PUBSUB),
    row(
        "ssubscribe",
        Arity::AtLeast(2),
        SUBSCRIBING,
        ("7.0.0", "shardchannel [shardchannel ...]", "Subscribes to shard channels."),
        |context, args| subscribe(context, args, Topic::ShardChannel),
    )
    .in_categories(PUBSUB),
    row(
        "subscribe",
        Arity::AtLeast(2),
        SUBSCRIBING,
        ("2.0.0", "channel [channel ...]", "Subscribes to channels."),
        |context, args| subscribe(context, args, Topic::Channel),
    )
    .in_categories(PUBSUB),
    row(
        "sunsubscribe",
        Arity::AtLeast(1),
        SUBSCRIBING,
        (
            "7.0.0",
            "[shardchannel [shardchannel ...]]",
            "Ends subscriptions to shard channels, or all of them.",
        ),
        |context, args| unsubscribe(context, args, Topic::ShardChannel),
    )
    .in_categories(PUBSUB),
    row(
        "unsubscribe",
        Arity::AtLeast(1),
        SUBSCRIBING,
        ("2.0.0", "[channel [channel ...]]", "Ends subscriptions to channels, or all of them."),
        |context, args| unsubscribe(context, args, Topic::Channel),
    )
    .in_categories(PUBSUB),
];

const SUBCOMMANDS: &[CommandSpec] = &[
    row(
        "channels",
        Arity::AtLeast(2),
        LOOKING,
        ("2.8.0", "[pattern]", "Replies with the channels that someone subscribed to."),
        |context, args| channels(context, args, Topic::Channel),
    )
    .in_categories(PUBSUB),
    row(
        "help",
        Arity::Exact(2),
        &[Flag::Loading, Flag::Stale],
        ("6.2.0", "", "Replies with the subcommands."),
        super::help::help,
    ),
    row(
        "numpat",
        Arity::Exact(2),
        LOOKING,
        ("2.8.0", "", "Replies with the number of patterns that someone subscribed to."),
        numpat,
    )
    .in_categories(PUBSUB),
    row(
        "numsub",
        Arity::AtLeast(2),
        LOOKING,
        ("2.8.0", "[channel [channel ...]]", "Replies with the number of subscribers of channels."),
        |context, args| numsub(context, args, Topic::Channel),
    )
    .in_categories(PUBSUB),
    row(
        "shardchannels",
        Arity::AtLeast(2),
        LOOKING,
        ("7.0.0", "[pattern]", "Replies with the shard channels that someone subscribed to."),
        |context, args| channels(context, args, Topic::ShardChannel),
    )
    .in_categories(PUBSUB),
    row(
        "shardnumsub",
        Arity::AtLeast(2),
        LOOKING,
        (
            "7.0.0",
            "[shardchannel [shardchannel ...]]",
            "Replies with the number of subscribers of shard channels.",
        ),
        |context, args| numsub(context, args, Topic::ShardChannel),
    )
    .in_categories(PUBSUB),
];

/// `SUBSCRIBE channel [channel ...]`, `PSUBSCRIBE pattern [pattern ...]`,
/// `SSUBSCRIBE shardchannel [shardchannel ...]`
///
/// Sends, for each, a push `[kind, name, subscriptions]`; messages follow. O(names).
/// Errors: ERR on SSUBSCRIBE in a transaction.
/// <https://redis.io/docs/latest/commands/subscribe/>
/// <https://redis.io/docs/latest/commands/psubscribe/>
/// <https://redis.io/docs/latest/commands/ssubscribe/>
fn subscribe(context: &mut Context<'_>, args: &mut Args<'_>, topic: Topic) -> CommandResult {
    let word: &[u8] = match topic {
        Topic::Channel => b"subscribe",
        Topic::Pattern => b"psubscribe",
        Topic::ShardChannel => b"ssubscribe",
    };
    if topic == Topic::ShardChannel && context.mode == Mode::Transaction {
        return Err(CommandError::Plain("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client"));
    }
    for name in args.rest() {
        let subscriptions = context.client.subscriptions.get_or_insert_default();
        if subscriptions.names(topic).insert(name.into()) {
            let client = context.client.handle.id;
            // What the same transaction has brought about before goes to others only.
            context.db.changes().messages.begin(topic, name, client);
            context.services.pubsub.subscribe(topic, name, &context.client.handle);
            close_if_revoked(context, topic, name);
        }
        confirm(context, topic, word, Some(name));
    }
    Ok(Outcome::Done)
}

/// Whoever takes the right to a channel away closes those who have subscribed to it. If that was
/// done since this request was checked, the new subscription was not seen: then it is closed here.
fn close_if_revoked(context: &mut Context<'_>, topic: Topic, name: &[u8]) {
    if context.client.is_unlimited() {
        return;
    }
    let channel = Channel { place: 0, name, is_pattern: topic == Topic::Pattern };
    let rights = context.client.account.rights();
    if rights.is_some_and(|rights| !rights.allow_channel(&channel)) {
        context.client.handle.kill();
        context.client.closing = true;
    }
}

/// `UNSUBSCRIBE [channel [channel ...]]`, `PUNSUBSCRIBE [pattern [pattern ...]]`,
/// `SUNSUBSCRIBE [shardchannel [shardchannel ...]]`
///
/// Sends, for each or for all, a push `[kind, name, subscriptions]`; one with a nil name if there
/// is nothing to end. O(names).
/// <https://redis.io/docs/latest/commands/unsubscribe/>
/// <https://redis.io/docs/latest/commands/punsubscribe/>
/// <https://redis.io/docs/latest/commands/sunsubscribe/>
fn unsubscribe(context: &mut Context<'_>, args: &mut Args<'_>, topic: Topic) -> CommandResult {
    let word: &[u8] = match topic {
        Topic::Channel => b"unsubscribe",
        Topic::Pattern => b"punsubscribe",
        Topic::ShardChannel => b"sunsubscribe",
    };
    if !args.is_empty() {
        for name in args.rest() {
            end(context, topic, word, name);
        }
        return Ok(Outcome::Done);
    }
    let subscriptions = context.client.subscriptions.get_or_insert_default();
    let names: BTreeSet<Box<[u8]>> = subscriptions.names(topic).clone();
    if names.is_empty() {
        confirm(context, topic, word, None);
    }
    for name in names {
        end(context, topic, word, &name);
    }
    Ok(Outcome::Done)
}

/// Ends one subscription. Messages that have come for it are sent before the confirmation, as
/// none may come after; but for those of the same transaction, which come after all its replies.
fn end(context: &mut Context<'_>, topic: Topic, word: &[u8], name: &[u8]) {
    let client = context.client.handle.id;
    let subscriptions = context.client.subscriptions.get_or_insert_default();
    if subscriptions.names(topic).remove(name) {
        context.services.pubsub.unsubscribe(topic, name, client);
        context.db.changes().messages.end(topic, name, client);
        if context.mode == Mode::Direct {
            context.client.write_outbox(context.reply);
        }
    }
    confirm(context, topic, word, Some(name));
}

fn confirm(context: &mut Context<'_>, topic: Topic, word: &[u8], name: Option<&[u8]>) {
    let subscriptions = context.client.subscriptions.get_or_insert_default();
    context.client.handle.figures.count_subscriptions(subscriptions);
    let count = subscriptions.count_with(topic);
    context.client.pushed = true;
    context.reply.push(3);
    context.reply.bulk(word);
    match name {
        Some(name) => context.reply.bulk(name),
        None => context.reply.nil(),
    }
    context.reply.count(count);
}

/// Ends all subscriptions of a client without a word.
pub(super) fn end_all(context: &mut Context<'_>) {
    if let Some(subscriptions) = context.client.subscriptions.take() {
        context.services.pubsub.leave(*subscriptions, &context.client.handle);
    }
}

/// `PUBLISH channel message`, `SPUBLISH shardchannel message`
///
/// Replies to how many subscriptions the message goes. It leaves when all writes before it are
/// safe. O(subscribers and patterns).
/// <https://redis.io/docs/latest/commands/publish/>
/// <https://redis.io/docs/latest/commands/spublish/>
fn publish(context: &mut Context<'_>, args: &mut Args<'_>, topic: Topic) -> CommandResult {
    let (channel, message) = (args.bytes()?, args.bytes()?);
    let receivers = context.services.pubsub.receivers(topic, channel);
    if receivers > 0 && context.mode != Mode::Replay {
        context.db.changes().messages.push(topic, &[channel], message);
    }
    context.reply.count(receivers);
    Ok(Outcome::Done)
}

/// `PUBSUB CHANNELS [pattern]`, `PUBSUB SHARDCHANNELS [pattern]`
///
/// Replies the channels that someone subscribed to and that match. O(channels).
/// <https://redis.io/docs/latest/commands/pubsub-channels/>
/// <https://redis.io/docs/latest/commands/pubsub-shardchannels/>
fn channels(context: &mut Context<'_>, args: &mut Args<'_>, topic: Topic) -> CommandResult {
    let pattern = args.bytes().ok();
    if !args.is_empty() {
        let name = shown(args.argv().get(1).unwrap_or_default());
        let text = "unknown subcommand or wrong number of arguments for";
        return Err(CommandError::Text(format!("ERR {text} '{name}'. Try PUBSUB HELP.").into()));
    }
    let mut channels = context.services.pubsub.channels(topic);
    channels.retain(|channel| pattern.is_none_or(|pattern| crate::glob::matches(pattern, channel)));
    context.reply.array(channels.len());
    for channel in &channels {
        context.reply.bulk(channel);
    }
    Ok(Outcome::Done)
}

/// `PUBSUB NUMPAT`
///
/// Replies the number of different patterns that someone subscribed to.
/// <https://redis.io/docs/latest/commands/pubsub-numpat/>
fn numpat(context: &mut Context<'_>, _args: &mut Args<'_>) -> CommandResult {
    context.reply.count(context.services.pubsub.patterns_count());
    Ok(Outcome::Done)
}

/// `PUBSUB NUMSUB [channel [channel ...]]`, `PUBSUB SHARDNUMSUB [shardchannel [...]]`
///
/// Replies each channel with the number of its subscribers; patterns do not count. O(channels).
/// <https://redis.io/docs/latest/commands/pubsub-numsub/>
/// <https://redis.io/docs/latest/commands/pubsub-shardnumsub/>
fn numsub(context: &mut Context<'_>, args: &mut Args<'_>, topic: Topic) -> CommandResult {
    context.reply.array(2 * args.len());
    for channel in args.rest() {
        context.reply.bulk(channel);
        context.reply.count(context.services.pubsub.subscribers(topic, channel));
    }
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use crate::config::EVENT_LETTERS;
    use crate::store::changes::{Class, KEYEVENT, KEYSPACE};

    #[test]
    fn bits_follow_the_letters_of_the_setting() {
        for (letter, bit) in [
            ('x', Class::Expired.bit()),
            ('g', Class::Generic.bit()),
            ('h', Class::Hash.bit()),
            ('m', Class::KeyMiss.bit()),
            ('l', Class::List.bit()),
            ('n', Class::New.bit()),
            ('s', Class::Set.bit()),
            ('z', Class::SortedSet.bit()),
            ('t', Class::Stream.bit()),
            ('$', Class::String.bit()),
            ('K', KEYSPACE),
            ('E', KEYEVENT),
        ] {
            let place = EVENT_LETTERS.find(letter).expect("it is a letter of the setting");
            assert_eq!(bit, 1 << place, "{letter}");
        }
    }
}
