//! The group `geo`: places on the earth in sorted sets.
//!
//! The score of a member is the hash of its place ([`crate::types::geohash`]), so a search is a few
//! ranges of scores. All else are sorted sets: ZREM removes a place, ZRANGE lists them.

use super::sorted_set::{add, limits, store};
use super::{
    Args, Arity, Category, CommandError, CommandResult, CommandSpec, Context, FIRST_KEY, Flag,
    KeySpec, Outcome,
};
use crate::resp::Reply;
use crate::resp::argv::Argv;
use crate::types::geohash::Point;
use crate::types::sorted_set::SortedSet;

mod search;

pub(crate) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "geoadd",
        arity: Arity::AtLeast(5),
        keys: FIRST_KEY,
        flags: &[Flag::Write, Flag::DenyOom],
        acl: &[Category::Geo],
        since: "3.2.0",
        syntax: "key [NX|XX] [CH] longitude latitude member [longitude latitude member ...]",
        summary: "Adds members at places on the earth.",
        subcommands: &[],
        handler: geoadd,
    },
    CommandSpec {
        name: "geodist",
        arity: Arity::AtLeast(4),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly],
        acl: &[Category::Geo],
        since: "3.2.0",
        syntax: "key member1 member2 [M|KM|FT|MI]",
        summary: "Replies with the distance of two members.",
        subcommands: &[],
        handler: geodist,
    },
    CommandSpec {
        name: "geohash",
        arity: Arity::AtLeast(2),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly],
        acl: &[Category::Geo],
        since: "3.2.0",
        syntax: "key [member [member ...]]",
        summary: "Replies with the geohashes of members.",
        subcommands: &[],
        handler: geohash,
    },
    CommandSpec {
        name: "geopos",
        arity: Arity::AtLeast(2),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly],
        acl: &[Category::Geo],
        since: "3.2.0",
        syntax: "key [member [member ...]]",
        summary: "Replies with the longitudes and latitudes of members.",
        subcommands: &[],
        handler: geopos,
    },
    CommandSpec {
        name: "georadius",
        arity: Arity::AtLeast(6),
        keys: KeySpec::Find(key_and_stores),
        flags: &[Flag::Write, Flag::DenyOom],
        acl: &[Category::Geo],
        since: "3.2.0",
        syntax: "key longitude latitude radius M|KM|FT|MI [WITHCOORD] [WITHDIST] [WITHHASH] \
                 [COUNT count [ANY]] [ASC|DESC] [STORE key|STOREDIST key]",
        summary: "Replies with the members in a circle, or stores them.",
        subcommands: &[],
        handler: |context, args| search::search(context, args, search::GEORADIUS),
    },
    CommandSpec {
        name: "georadius_ro",
        arity: Arity::AtLeast(6),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly],
        acl: &[Category::Geo],
        since: "3.2.10",
        syntax: "key longitude latitude radius M|KM|FT|MI [WITHCOORD] [WITHDIST] [WITHHASH] \
                 [COUNT count [ANY]] [ASC|DESC]",
        summary: "Replies with the members in a circle.",
        subcommands: &[],
        handler: |context, args| search::search(context, args, search::GEORADIUS_RO),
    },
    CommandSpec {
        name: "georadiusbymember",
        arity: Arity::AtLeast(5),
        keys: KeySpec::Find(key_and_stores),
        flags: &[Flag::Write, Flag::DenyOom],
        acl: &[Category::Geo],
        since: "3.2.0",
        syntax: "key member radius M|KM|FT|MI [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count \
                 [ANY]] [ASC|DESC] [STORE key|STOREDIST key]",
        summary: "Replies with the members in a circle around one, or stores them.",
        subcommands: &[],
        handler: |context, args| search::search(context, args, search::GEORADIUSBYMEMBER),
    },
    CommandSpec {
        name: "georadiusbymember_ro",
        arity: Arity::AtLeast(5),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly],
        acl: &[Category::Geo],
        since: "3.2.10",
        syntax: "key member radius M|KM|FT|MI [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count \
                 [ANY]] [ASC|DESC]",
        summary: "Replies with the members in a circle around one.",
        subcommands: &[],
        handler: |context, args| search::search(context, args, search::GEORADIUSBYMEMBER_RO),
    },
    CommandSpec {
        name: "geosearch",
        arity: Arity::AtLeast(7),
        keys: FIRST_KEY,
        flags: &[Flag::ReadOnly],
        acl: &[Category::Geo],
        since: "6.2.0",
        syntax: "key FROMMEMBER member|FROMLONLAT longitude latitude BYRADIUS radius \
                 M|KM|FT|MI|BYBOX width height M|KM|FT|MI [ASC|DESC] [COUNT count [ANY]] \
                 [WITHCOORD] [WITHDIST] [WITHHASH]",
        summary: "Replies with the members in a circle or rectangle.",
        subcommands: &[],
        handler: |context, args| search::search(context, args, search::GEOSEARCH),
    },
    CommandSpec {
        name: "geosearchstore",
        arity: Arity::AtLeast(8),
        keys: KeySpec::Range { first: 1, last: 2, step: 1 },
        flags: &[Flag::Write, Flag::DenyOom],
        acl: &[Category::Geo],
        since: "6.2.0",
        syntax: "destination source FROMMEMBER member|FROMLONLAT longitude latitude BYRADIUS \
                 radius M|KM|FT|MI|BYBOX width height M|KM|FT|MI [ASC|DESC] [COUNT count \
                 [ANY]] [STOREDIST]",
        summary: "Stores the members in a circle or rectangle.",
        subcommands: &[],
        handler: |context, args| search::search(context, args, search::GEOSEARCHSTORE),
    },
];

/// Finds the keys of GEORADIUS: the sorted set, and where to store.
fn key_and_stores(argv: Argv<'_>) -> Vec<usize> {
    let is_store = |at: &usize| {
        argv.get(*at).is_some_and(|word| {
            word.eq_ignore_ascii_case(b"STORE") || word.eq_ignore_ascii_case(b"STOREDIST")
        })
    };
    let stores = (5..argv.len().saturating_sub(1)).filter(is_store).map(|at| at + 1);
    [1].into_iter().chain(stores).collect()
}

/// The place of a member.
fn place(set: Option<&SortedSet>, member: &[u8]) -> Option<Point> {
    let score = set?.score(member)?;
    Some(Point::of_hash(hash_of(score)))
}

/// The hash that a score is. Those that are none become what redis-server makes of them on x86.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is meant")]
fn hash_of(score: f64) -> u64 {
    const SIGNED_END: f64 = 9_223_372_036_854_775_808.0;
    if score < SIGNED_END {
        (score as i64).cast_unsigned()
    } else if score < 2.0 * SIGNED_END {
        score as u64
    } else {
        0
    }
}

/// Reads a longitude and a latitude.
fn read_point(args: &mut Args<'_>) -> Result<Point, CommandError> {
    let point = Point { longitude: args.float()?, latitude: args.float()? };
    if point.is_valid() {
        return Ok(point);
    }
    let (longitude, latitude) = (point.longitude, point.latitude);
    let text = format!("ERR invalid longitude,latitude pair {longitude:.6},{latitude:.6}");
    Err(CommandError::Text(text.into()))
}

/// Reads a unit; returns how many metres it has.
fn read_unit(args: &mut Args<'_>) -> Result<f64, CommandError> {
    for (word, metres) in [("m", 1.0), ("km", 1000.0), ("ft", 0.3048), ("mi", 1609.34)] {
        if args.keyword(word) {
            return Ok(metres);
        }
    }
    args.bytes()?;
    Err(CommandError::Plain("ERR unsupported unit provided. please use M, KM, FT, MI"))
}

/// Writes a distance, with four decimals.
fn write_distance(reply: &mut Reply, distance: f64) {
    #[expect(clippy::cast_possible_truncation, reason = "distances on the earth are small")]
    let parts = (distance * 10_000.0).round_ties_even() as i64;
    reply.bulk(format!("{}.{:04}", parts / 10_000, parts % 10_000).as_bytes());
}

/// Writes longitude and latitude, with as many decimals as they have, up to 17.
fn write_point(reply: &mut Reply, point: Point) {
    reply.array(2);
    for degrees in [point.longitude, point.latitude] {
        let text = format!("{degrees:.17}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        reply.double_text(if text == "-0" { "0" } else { text });
    }
}

/// `GEOADD key [NX|XX] [CH] longitude latitude member [longitude latitude member ...]`
///
/// Adds members at places, and moves those that are there: with `NX` only the first, with `XX` only
/// the second. Replies how many are new, with `CH` how many are new or moved. Errors: WRONGTYPE;
/// ERR if a place is none. O(log n) for each member.
/// <https://redis.io/docs/latest/commands/geoadd/>
fn geoadd(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let options = add::Options::read_some(args, &["NX", "XX", "CH"]);
    if args.is_empty() || !args.len().is_multiple_of(3) {
        return Err(CommandError::Syntax);
    }
    options.check(args.len() / 3).map_err(|_| CommandError::Syntax)?;
    let mut pairs = Vec::with_capacity(args.len() / 3);
    while !args.is_empty() {
        #[expect(clippy::cast_precision_loss, reason = "a hash has 52 bits")]
        let score = read_point(args)?.hash() as f64;
        pairs.push((score, args.bytes()?));
    }
    add::add_all(context, key, options, &pairs)
}

/// `GEODIST key member1 member2 [M|KM|FT|MI]`
///
/// Replies the distance of two members, in metres unless told, as a text of four decimals; nil if
/// one is not there. Errors: WRONGTYPE; ERR on an unknown unit. O(log n).
/// <https://redis.io/docs/latest/commands/geodist/>
fn geodist(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, one, other) = (args.bytes()?, args.bytes()?, args.bytes()?);
    if args.len() > 1 {
        return Err(CommandError::Syntax);
    }
    let metres = if args.is_empty() { 1.0 } else { read_unit(args)? };
    let set = context.db.read::<SortedSet>(key)?;
    match place(set, one).zip(place(set, other)) {
        Some((one, other)) => write_distance(context.reply, one.distance(other) / metres),
        None => context.reply.nil(),
    }
    Ok(Outcome::Done)
}

/// `GEOHASH key [member [member ...]]`
///
/// Replies an array of the geohashes of members, of 11 characters; nil for each that is not there.
/// Errors: WRONGTYPE. O(log n) for each.
/// <https://redis.io/docs/latest/commands/geohash/>
fn geohash(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let set = context.db.read::<SortedSet>(key)?;
    let members = args.rest();
    context.reply.array(members.len());
    for member in members {
        match place(set, member) {
            Some(point) => context.reply.bulk(point.text().as_bytes()),
            None => context.reply.nil(),
        }
    }
    Ok(Outcome::Done)
}

/// `GEOPOS key [member [member ...]]`
///
/// Replies an array of pairs of longitude and latitude; a nil array for each member that is not
/// there. Errors: WRONGTYPE. O(log n) for each.
/// <https://redis.io/docs/latest/commands/geopos/>
fn geopos(context: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.bytes()?;
    let set = context.db.read::<SortedSet>(key)?;
    let members = args.rest();
    context.reply.array(members.len());
    for member in members {
        match place(set, member) {
            Some(point) => write_point(context.reply, point),
            None => context.reply.nil_array(),
        }
    }
    Ok(Outcome::Done)
}
