//! SORT and SORT_RO.
//!
//! Patterns of BY and GET name other keys: the `*` stands for the element, and what follows `->`
//! is the field of a hash. As those keys can lie anywhere, a SORT with a pattern locks all shards
//! ([`Flag::KeyPatterns`]).
//!
//! [`Flag::KeyPatterns`]: crate::command::Flag::KeyPatterns

use std::cmp::Ordering;

use super::{Args, Class, CommandError, CommandResult, Context, Outcome};
use crate::command::Mode;
use crate::command::access::{Asked, Origin};
use crate::command::table::table;
use crate::resp::argv::Argv;
use crate::types::hash::Hash;
use crate::types::list::{End, List};
use crate::types::string::StringValue;
use crate::types::value::Value;

const BY_DENIED: &str = "ERR BY option of SORT denied due to insufficient ACL permissions.";
const GET_DENIED: &str = "ERR GET option of SORT denied due to insufficient ACL permissions.";

/// The options of SORT.
#[derive(Clone, Debug, Default)]
struct SortOptions<'a> {
    alpha: bool,
    by: Option<&'a [u8]>,
    descending: bool,
    get: Vec<&'a [u8]>,
    /// Elements to skip, and to take (negative: all).
    limit: Option<(i64, i64)>,
    store: Option<&'a [u8]>,
}

impl<'a> SortOptions<'a> {
    /// Reads the options; `reads_all`: may the client read all keys?
    fn read(args: &mut Args<'a>, may_store: bool, reads_all: bool) -> Result<Self, CommandError> {
        let denied = |text| if reads_all { Ok(()) } else { Err(CommandError::Plain(text)) };
        let mut options = Self::default();
        while !args.is_empty() {
            if args.keyword("ASC") {
                options.descending = false;
            } else if args.keyword("DESC") {
                options.descending = true;
            } else if args.keyword("ALPHA") {
                options.alpha = true;
            } else if args.keyword("LIMIT") {
                if args.len() < 2 {
                    return Err(CommandError::Syntax);
                }
                options.limit = Some((args.integer()?, args.integer()?));
            } else if may_store && args.keyword("STORE") {
                options.store = Some(args.bytes()?);
            } else if args.keyword("BY") {
                options.by = Some(args.bytes()?);
                if !options.keeps_order() {
                    denied(BY_DENIED)?;
                }
            } else if args.keyword("GET") {
                options.get.push(args.bytes()?);
                denied(GET_DENIED)?;
            } else {
                return Err(CommandError::Syntax);
            }
        }
        Ok(options)
    }

    /// In a cluster, the keys that patterns name may lie elsewhere.
    fn stay_in_slot(&self) -> Result<(), CommandError> {
        let denied = |text| Err(CommandError::Plain(text));
        if self.by.is_some() && !self.keeps_order() {
            return denied("ERR BY option of SORT denied in Cluster mode.");
        }
        if !self.get.is_empty() {
            return denied("ERR GET option of SORT denied in Cluster mode.");
        }
        Ok(())
    }

    /// Are the elements left in the order in which they are kept?
    fn keeps_order(&self) -> bool {
        self.by.is_some_and(|by| !by.contains(&b'*'))
    }

    /// The places of the elements asked for, among `len` sorted ones.
    fn range(&self, len: usize) -> std::ops::Range<usize> {
        let (skip, take) = self.limit.unwrap_or((0, -1));
        let start = usize::try_from(skip).unwrap_or(0).min(len);
        let take = usize::try_from(take).unwrap_or(usize::MAX);
        start..start.saturating_add(take).min(len)
    }
}

/// An element and what it is sorted by.
struct Item {
    element: Vec<u8>,
    rank: Rank,
}

enum Rank {
    /// BY a key, which may not exist, as text.
    By(Option<Vec<u8>>),
    /// By the element itself.
    Element,
    Number(f64),
}

impl Item {
    fn order(&self, other: &Self) -> Ordering {
        match (&self.rank, &other.rank) {
            (Rank::By(own), Rank::By(other)) => own.cmp(other),
            (Rank::Number(own), Rank::Number(number)) => {
                let order = own.partial_cmp(number).unwrap_or(Ordering::Equal);
                order.then_with(|| self.element.cmp(&other.element))
            }
            _ => self.element.cmp(&other.element),
        }
    }
}

/// `SORT key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC|DESC] [ALPHA]
/// [STORE destination]`
///
/// Sorts a list, set or sorted set, by number unless ALPHA is given, by the elements themselves
/// unless BY names other keys; a pattern without `*` leaves the order as it is, which DESC turns
/// round if there is one. Replies the elements, or for each what the GET patterns name (`#`: the
/// element itself), nil where there is nothing; with STORE, the length of the list stored. Logged
/// as the list it stored.
/// Errors: WRONGTYPE; ERR if something to sort by is no number; ERR on BY and GET for a user who
/// may not read all keys. O(elements log(elements)).
/// <https://redis.io/docs/latest/commands/sort/>
pub(super) fn sort(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    run(context, args, true)
}

/// `SORT_RO key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC|DESC]
/// [ALPHA]`
///
/// As SORT without STORE.
/// <https://redis.io/docs/latest/commands/sort_ro/>
pub(super) fn sort_ro(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    run(context, args, false)
}

fn run(context: &mut Context<'_>, args: &mut Args<'_>, may_store: bool) -> CommandResult {
    let key = args.bytes()?;
    let reads_all = may_read_all_keys(context, args.argv());
    let mut options = SortOptions::read(args, may_store, reads_all)?;
    if context.is_cluster() {
        options.stay_in_slot()?;
    }
    let elements = elements(context, key, &mut options)?;
    let mut items = Vec::with_capacity(elements.len());
    for element in elements {
        let rank = rank(context, &element, &options)?;
        items.push(Item { element, rank });
    }
    if !options.keeps_order() {
        // Equals keep their order, whichever the direction.
        if options.descending {
            items.sort_by(|a, b| b.order(a));
        } else {
            items.sort_by(Item::order);
        }
    }
    let range = options.range(items.len());
    let found: Vec<Option<Vec<u8>>> = if options.get.is_empty() {
        items.drain(range).map(|item| Some(item.element)).collect()
    } else {
        let items = &items[range];
        let pairs = items.iter().flat_map(|item| options.get.iter().map(move |get| (item, get)));
        pairs.map(|(item, get)| look_up(context, get, &item.element)).collect()
    };
    if let Some(destination) = options.store {
        store(context, destination, &found);
        return Ok(Outcome::Done);
    }
    context.reply.array(found.len());
    for value in &found {
        match value {
            Some(value) => context.reply.bulk(value),
            None => context.reply.nil(),
        }
    }
    Ok(Outcome::Done)
}

/// Patterns name any keys: may the client read all?
fn may_read_all_keys(context: &Context<'_>, argv: Argv<'_>) -> bool {
    if context.client.is_unlimited() {
        return true;
    }
    let Some(command) = table().resolve(argv) else { return false };
    let request = Asked { command, argv, origin: Origin::TopLevel }.request();
    let rights = context.client.account.rights();
    rights.is_none_or(|rights| rights.allow_reading_all_keys(&request))
}

/// The elements as they are kept; none if there is no such key.
fn elements(
    context: &mut Context<'_>,
    key: &[u8],
    options: &mut SortOptions<'_>,
) -> Result<Vec<Vec<u8>>, CommandError> {
    let is_script = context.mode == Mode::Script;
    match context.db.value(key) {
        None => Ok(Vec::new()),
        Some(Value::List(list)) if options.keeps_order() && options.descending => {
            Ok(list.iter_back().map(<[u8]>::to_vec).collect())
        }
        Some(Value::List(list)) => Ok(list.iter_from(0).map(<[u8]>::to_vec).collect()),
        Some(Value::Set(set)) => {
            // A set has no order: what is stored or scripts get would differ from run to run.
            let must_be_same = options.store.is_some() || is_script;
            if options.keeps_order() && must_be_same {
                options.by = None;
                options.alpha = true;
            }
            let mut digits = itoa::Buffer::new();
            Ok(set.iter().map(|member| member.bytes_in(&mut digits).to_vec()).collect())
        }
        Some(Value::SortedSet(set)) if options.keeps_order() && options.descending => {
            Ok(set.iter_back(set.len()).map(|(member, _)| member.to_vec()).collect())
        }
        Some(Value::SortedSet(set)) => {
            Ok(set.iter_from(0).map(|(member, _)| member.to_vec()).collect())
        }
        Some(_) => Err(CommandError::WrongType),
    }
}

fn rank(
    context: &mut Context<'_>,
    element: &[u8],
    options: &SortOptions<'_>,
) -> Result<Rank, CommandError> {
    let by = match options.by {
        _ if options.keeps_order() => return Ok(Rank::Element),
        Some(pattern) => Some(look_up(context, pattern, element)),
        None => None,
    };
    match (by, options.alpha) {
        (Some(by), true) => Ok(Rank::By(by)),
        (Some(by), false) => by.map_or(Ok(Rank::Number(0.0)), |by| number(&by)),
        (None, true) => Ok(Rank::Element),
        (None, false) => number(element),
    }
}

fn number(text: &[u8]) -> Result<Rank, CommandError> {
    let value = crate::number::parse_f64_as_c(text);
    let error = "ERR One or more scores can't be converted into double";
    value.map(Rank::Number).ok_or(CommandError::Plain(error))
}

/// What a pattern names for an element.
fn look_up(context: &mut Context<'_>, pattern: &[u8], element: &[u8]) -> Option<Vec<u8>> {
    if pattern == b"#" {
        return Some(element.to_vec());
    }
    let star = pattern.iter().position(|&byte| byte == b'*')?;
    let (prefix, rest) = (&pattern[..star], &pattern[star + 1..]);
    let arrow = rest.windows(2).position(|pair| pair == b"->");
    let arrow = arrow.filter(|&at| at + 2 < rest.len());
    let suffix = arrow.map_or(rest, |at| &rest[..at]);
    let key = [prefix, element, suffix].concat();
    match arrow {
        Some(at) => {
            let hash = context.db.read::<Hash>(&key).ok().flatten()?;
            hash.find(&rest[at + 2..]).map(<[u8]>::to_vec)
        }
        None => context.db.read::<StringValue>(&key).ok().flatten().map(StringValue::to_vec),
    }
}

/// Stores a list, and logs it as such: what it was made of may change before a replay.
fn store(context: &mut Context<'_>, destination: &[u8], found: &[Option<Vec<u8>>]) {
    let mut list = List::new();
    for value in found {
        list.push(End::Tail, value.as_deref().unwrap_or_default());
    }
    let existed = context.db.exists(destination);
    context.reply.count(found.len());
    if existed {
        context.propagate(&[b"DEL", destination]);
    }
    if found.is_empty() {
        if context.db.delete(destination) {
            context.modified(destination, Class::Generic, "del");
        }
        return;
    }
    let mut words: Vec<&[u8]> = vec![b"RPUSH", destination];
    words.extend(found.iter().map(|value| value.as_deref().unwrap_or_default()));
    context.propagate(&words);
    context.db.set(destination, Value::List(Box::new(list)));
    context.modified(destination, Class::List, "sortstore");
}

/// The keys that SORT names outright: what is sorted, and where that is stored.
pub(super) fn keys_of(argv: Argv<'_>) -> Vec<usize> {
    let mut store = None;
    let mut at = 2;
    while let Some(word) = argv.get(at) {
        at += if word.eq_ignore_ascii_case(b"LIMIT") {
            3
        } else if word.eq_ignore_ascii_case(b"GET") || word.eq_ignore_ascii_case(b"BY") {
            2
        } else if word.eq_ignore_ascii_case(b"STORE") && at + 1 < argv.len() {
            store = Some(at + 1);
            2
        } else {
            1
        };
    }
    std::iter::once(1).chain(store).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::argv::OwnedArgv;

    #[test]
    fn keys_are_found_between_the_options() {
        for (line, expected) in [
            ("SORT a", &[1][..]),
            ("SORT a BY STORE GET x STORE b DESC", &[1, 7]),
            ("SORT a STORE b STORE c", &[1, 5]),
            ("SORT a LIMIT 0 STORE store d", &[1, 6]),
            ("SORT a STORE", &[1]),
        ] {
            let argv = OwnedArgv::new(line.split(' ').map(str::as_bytes));
            assert_eq!(keys_of(argv.as_argv()), expected, "{line}");
        }
    }
}
