//! COMMAND DOCS: what commands do, with their arguments as a tree.
//!
//! The tree is read from the row's syntax, so that a command's arguments are written down once:
//! lower-case words are arguments, others are tokens, `[...]` is optional, `<a | b>` a choice,
//! `[x ...]` behind `x` a repetition.

use super::command_info::{find, subcommands, top_level};
use super::{Args, CommandResult, Context, Outcome};
use crate::command::table::Command;
use crate::resp::Reply;

/// `COMMAND DOCS [command-name [command-name ...]]`
///
/// Replies a map from the names of these commands, or of all, to what is known of them:
/// `summary`, `since`, `group`, and, where there are any, `arguments` and `subcommands`. Unknown
/// names are passed over.
/// <https://redis.io/docs/latest/commands/command-docs/>
pub(super) fn docs(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let commands: Vec<&Command> = if args.is_empty() {
        top_level().collect()
    } else {
        args.rest().filter_map(find).collect()
    };
    context.reply.map(commands.len());
    for command in &commands {
        write_docs(context.reply, command);
    }
    Ok(Outcome::Done)
}

fn write_docs(reply: &mut Reply, command: &Command) {
    let subcommands: Vec<_> = subcommands(command).collect();
    let arguments = parse(command.spec.syntax);
    let more = usize::from(!arguments.is_empty()) + usize::from(!subcommands.is_empty());
    reply.bulk(command.full_name.as_bytes());
    reply.map(3 + more);
    for (name, text) in
        [("summary", command.spec.summary), ("since", command.spec.since), ("group", command.group)]
    {
        reply.bulk(name.as_bytes());
        reply.bulk(text.as_bytes());
    }
    if !arguments.is_empty() {
        reply.bulk(b"arguments");
        write_arguments(reply, &arguments);
    }
    if !subcommands.is_empty() {
        reply.bulk(b"subcommands");
        reply.map(subcommands.len());
        for command in &subcommands {
            write_docs(reply, command);
        }
    }
}

/// An argument, or several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Argument {
    name: String,
    kind: &'static str,
    token: Option<String>,
    optional: bool,
    multiple: bool,
    /// Of a block or a choice.
    parts: Vec<Argument>,
}

fn write_arguments(reply: &mut Reply, arguments: &[Argument]) {
    reply.array(arguments.len());
    for argument in arguments {
        write_argument(reply, argument);
    }
}

fn write_argument(reply: &mut Reply, argument: &Argument) {
    let mut flags = Vec::new();
    if argument.optional {
        flags.push("optional");
    }
    if argument.multiple {
        flags.push("multiple");
    }
    let is_key = argument.kind == "key";
    let fields = [is_key, argument.token.is_some(), !flags.is_empty(), !argument.parts.is_empty()];
    reply.map(2 + fields.iter().filter(|field| **field).count());
    reply.bulk(b"name");
    reply.bulk(argument.name.as_bytes());
    reply.bulk(b"type");
    reply.bulk(argument.kind.as_bytes());
    if is_key {
        reply.bulk(b"key_spec_index");
        reply.integer(0);
    }
    if let Some(token) = &argument.token {
        reply.bulk(b"token");
        reply.bulk(token.as_bytes());
    }
    if !flags.is_empty() {
        reply.bulk(b"flags");
        reply.set(flags.len());
        for flag in &flags {
            reply.status(flag);
        }
    }
    if !argument.parts.is_empty() {
        reply.bulk(b"arguments");
        write_arguments(reply, &argument.parts);
    }
}

/// Reads a syntax line.
fn parse(syntax: &str) -> Vec<Argument> {
    let spaced: String = syntax
        .chars()
        .flat_map(|c| match c {
            '[' | ']' | '<' | '>' | '|' => vec![' ', c, ' '],
            c => vec![c],
        })
        .collect();
    let words: Vec<&str> = spaced.split_whitespace().collect();
    sequence(&mut words.as_slice())
}

/// Reads arguments up to a closing bracket or a bar.
fn sequence(words: &mut &[&str]) -> Vec<Argument> {
    let mut arguments: Vec<Argument> = Vec::new();
    while let Some((&word, rest)) = words.split_first() {
        match word {
            "]" | ">" | "|" => break,
            "..." => {
                *words = rest;
                if let Some(last) = arguments.last_mut() {
                    last.multiple = true;
                }
            }
            "[" | "<" => {
                *words = rest;
                let group = choice(words);
                *words = words.split_first().map_or(&[][..], |(_, rest)| rest);
                add_group(&mut arguments, group, word == "[");
            }
            _ => {
                *words = rest;
                add_word(&mut arguments, word);
            }
        }
    }
    arguments
}

/// Reads the inside of brackets: one sequence, or a choice of several.
fn choice(words: &mut &[&str]) -> Argument {
    let mut branches = vec![block(sequence(words))];
    while words.first() == Some(&"|") {
        *words = &words[1..];
        branches.push(block(sequence(words)));
    }
    if branches.len() == 1 {
        return branches.swap_remove(0);
    }
    let name = branches[0].name.clone();
    Argument { name, kind: "oneof", parts: branches, ..Argument::default() }
}

/// Several arguments as one.
fn block(mut arguments: Vec<Argument>) -> Argument {
    if arguments.len() == 1 {
        return arguments.swap_remove(0);
    }
    let name = arguments.first().map_or_else(String::new, |first| first.name.clone());
    Argument { name, kind: "block", parts: arguments, ..Argument::default() }
}

/// Adds what stood in brackets; a repetition of what stands before it marks that.
fn add_group(arguments: &mut Vec<Argument>, group: Argument, optional: bool) {
    let repeated = if group.parts.is_empty() { 1 } else { group.parts.len() };
    let names = |arguments: &[Argument]| {
        arguments.iter().map(|argument| argument.name.clone()).collect::<Vec<_>>()
    };
    let inside =
        if group.parts.is_empty() { vec![group.name.clone()] } else { names(&group.parts) };
    let repeats = group.multiple || group.parts.last().is_some_and(|last| last.multiple);
    let before = arguments.len().saturating_sub(repeated);
    if optional && repeats && names(&arguments[before..]) == inside {
        let mut block = block(arguments.split_off(before));
        block.multiple = true;
        arguments.push(block);
        return;
    }
    // A token in front of a choice belongs to it.
    let token = match arguments.last() {
        Some(last) if !optional && last.kind == "pure-token" => arguments.pop(),
        _ => None,
    };
    let token = token.and_then(|argument| argument.token).or(group.token.clone());
    arguments.push(Argument { token, optional, ..group });
}

/// Adds an argument or a token; an argument takes the token in front of it.
fn add_word(arguments: &mut Vec<Argument>, word: &str) {
    let is_argument = word.chars().any(|c| c.is_ascii_lowercase());
    if !is_argument {
        let (name, token) = (word.to_ascii_lowercase(), Some(word.to_owned()));
        arguments.push(Argument { name, kind: "pure-token", token, ..Argument::default() });
        return;
    }
    let token = match arguments.last() {
        Some(last) if last.kind == "pure-token" && !last.optional => arguments.pop(),
        _ => None,
    };
    let token = token.and_then(|argument| argument.token);
    let (name, kind) = (word.to_owned(), kind_of(word));
    arguments.push(Argument { name, kind, token, ..Argument::default() });
}

/// The type of an argument, by its name.
fn kind_of(name: &str) -> &'static str {
    match name {
        "key" | "source" | "destination" | "newkey" | "key1" | "key2" => "key",
        "pattern" => "pattern",
        "score" | "weight" | "longitude" | "latitude" | "radius" | "timeout" => "double",
        "count" | "index" | "start" | "stop" | "offset" | "numkeys" | "seconds"
        | "milliseconds" | "increment" | "decrement" | "cursor" | "db" | "limit" | "rank"
        | "len" | "numfields" | "client-id" => "integer",
        _ if name.starts_with("unix-time") => "unix-time",
        _ => "string",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(arguments: &[Argument]) -> String {
        let show = |argument: &Argument| {
            let mut text = match (argument.kind, &argument.token) {
                ("oneof" | "block", _) => format!("{}({})", argument.kind, shown(&argument.parts)),
                ("pure-token", _) => argument.name.to_uppercase(),
                (kind, Some(token)) => format!("{token}={}:{kind}", argument.name),
                (kind, None) => format!("{}:{kind}", argument.name),
            };
            text.push_str(if argument.optional { "?" } else { "" });
            text.push_str(if argument.multiple { "+" } else { "" });
            text
        };
        arguments.iter().map(show).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn syntax_is_read() {
        for (syntax, expected) in [
            ("", ""),
            ("key [key ...]", "key:key+"),
            ("key field value [field value ...]", "key:key block(field:string value:string)+"),
            (
                "key [NX | XX] [EX seconds | KEEPTTL]",
                "key:key oneof(NX XX)? oneof(EX=seconds:integer KEEPTTL)?",
            ),
            ("key <LEFT | RIGHT> [COUNT count]", "key:key oneof(LEFT RIGHT) COUNT=count:integer?"),
            ("[section [section ...]]", "section:string?+"),
            ("[LIMIT offset count]", "block(LIMIT=offset:integer count:integer)?"),
        ] {
            assert_eq!(shown(&parse(syntax)), expected, "{syntax}");
        }
    }
}
