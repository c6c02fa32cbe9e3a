//! What commands do to their keys, in the words of COMMAND GETKEYSANDFLAGS.
//!
//! The first word says how the value is treated: RO is only read, RW is changed, OW is
//! overwritten, RM is removed. The others say what the client learns or does: access, insert,
//! update, delete. Reading commands follow from their flag; the tables here are for those that
//! write, and for those that read without telling the content.

use crate::command::table::Command;
use crate::command::{Flag, KeySpec};
use crate::resp::argv::Argv;

type Access = &'static [&'static str];

const READ: Access = &["RO", "access"];
const LOOK: Access = &["RO"];
/// A reading command that may change how its key is kept.
const READ_AND_CACHE: Access = &["RW", "access"];
const INSERT: Access = &["RW", "insert"];
const UPDATE: Access = &["RW", "update"];
const ACCESS_INSERT: Access = &["RW", "access", "insert"];
const ACCESS_UPDATE: Access = &["RW", "access", "update"];
const ACCESS_DELETE: Access = &["RW", "access", "delete"];
const DELETE: Access = &["RW", "delete"];
const OVERWRITE: Access = &["OW", "update"];
const OVERWRITE_INSERT: Access = &["OW", "insert"];
const REMOVE: Access = &["RM", "delete"];

/// Commands that treat all their keys alike.
const ALIKE: &[(Access, &[&str])] = &[
    (LOOK, &["exists", "hexists", "hlen", "hstrlen", "llen", "memory|usage", "object|encoding"]),
    (LOOK, &["object|freq", "object|idletime", "object|refcount", "scard", "sismember"]),
    (LOOK, &["strlen", "touch", "type", "watch", "xlen", "zcard"]),
    (INSERT, &["append", "linsert", "lpush", "lpushx", "pfadd", "rpush", "rpushx", "sadd"]),
    (INSERT, &["hsetnx", "xgroup|create", "xgroup|createconsumer"]),
    (OVERWRITE_INSERT, &["setnx", "msetnx"]),
    (OVERWRITE, &["mset", "psetex", "restore", "setex"]),
    (REMOVE, &["del", "unlink"]),
    (DELETE, &["hdel", "lrem", "ltrim", "srem", "xackdel", "xautoclaim", "xdel", "xdelex"]),
    (DELETE, &["xgroup|delconsumer", "xgroup|destroy", "xtrim", "zrem"]),
    (DELETE, &["zremrangebylex", "zremrangebyrank", "zremrangebyscore"]),
    (ACCESS_DELETE, &["blmpop", "blpop", "brpop", "bzmpop", "bzpopmax", "bzpopmin", "getdel"]),
    (ACCESS_DELETE, &["hgetdel"]),
    (ACCESS_DELETE, &["lmpop", "lpop", "rpop", "spop", "zmpop", "zpopmax", "zpopmin"]),
    (ACCESS_UPDATE, &["bitfield", "decr", "decrby", "eval", "evalsha", "fcall", "getex"]),
    (ACCESS_UPDATE, &["hgetex"]),
    (ACCESS_UPDATE, &["getset", "hincrby", "hincrbyfloat", "incr", "incrby", "incrbyfloat"]),
    (ACCESS_UPDATE, &["move", "set", "setbit", "zincrby"]),
    (READ_AND_CACHE, &["pfcount", "pfdebug"]),
    (READ, &["xreadgroup"]),
];

/// Commands that treat their first key otherwise than the rest.
const FIRST_AND_REST: &[(Access, Access, &[&str])] = &[
    (ACCESS_DELETE, INSERT, &["blmove", "brpoplpush", "lmove", "rpoplpush", "smove"]),
    (ACCESS_DELETE, OVERWRITE, &["rename"]),
    (ACCESS_DELETE, OVERWRITE_INSERT, &["renamenx"]),
    (READ, OVERWRITE, &["copy", "georadius", "georadiusbymember", "sort"]),
    (OVERWRITE, READ, &["bitop", "geosearchstore"]),
    (OVERWRITE, READ, &["zdiffstore", "zinterstore", "zrangestore", "zunionstore"]),
    (OVERWRITE, READ, &["sdiffstore", "sunionstore"]),
    (UPDATE, READ, &["sinterstore"]),
    (ACCESS_INSERT, READ, &["pfmerge"]),
];

/// What a command does to its key number `place`; `argv` is the request, if there is one.
pub(in crate::command) fn of_key(
    command: &Command,
    argv: Option<Argv<'_>>,
    place: usize,
) -> Access {
    let name = command.full_name.as_str();
    if let (Some(argv), "set") = (argv, name) {
        let gets = argv.iter_from(3).any(|word| word.eq_ignore_ascii_case(b"GET"));
        return if gets { ACCESS_UPDATE } else { OVERWRITE };
    }
    if let (Some(argv), "bitfield") = (argv, name) {
        return if only_gets_bits(argv) { READ } else { ACCESS_UPDATE };
    }
    for (access, names) in ALIKE {
        if names.contains(&name) {
            return access;
        }
    }
    for (first, rest, names) in FIRST_AND_REST {
        if names.contains(&name) {
            return if place == 0 { first } else { rest };
        }
    }
    if command.has(Flag::Write) && !matches!(command.spec.keys, KeySpec::None) {
        return UPDATE;
    }
    READ
}

/// Does this BITFIELD, whose syntax may be wrong, change nothing?
fn only_gets_bits(argv: Argv<'_>) -> bool {
    let mut at = 2;
    while let Some(word) = argv.get(at) {
        let left = argv.len() - at - 1;
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        at += match left {
            2.. if is("GET") => 3,
            1.. if is("OVERFLOW") => 2,
            _ => return false,
        };
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::table::table;

    /// Writes that only need the right to read, as in Redis.
    const EXCEPTIONS: &[&str] = &["pfdebug", "xreadgroup"];

    #[test]
    fn a_right_to_write_is_needed_to_write() {
        for command in table().all() {
            let name = command.full_name.as_str();
            if matches!(command.spec.keys, KeySpec::None) || EXCEPTIONS.contains(&name) {
                continue;
            }
            let mut words = (0..2).flat_map(|place| of_key(command, None, place));
            let writes = words.any(|word| ["insert", "update", "delete"].contains(word));
            if command.has(Flag::Write) {
                assert!(writes, "{name} writes");
            }
            if command.has(Flag::ReadOnly) {
                assert!(!writes, "{name} reads");
            }
        }
    }

    #[test]
    fn names_are_those_of_commands() {
        let alike = ALIKE.iter().flat_map(|(_, names)| names.iter());
        let others = FIRST_AND_REST.iter().flat_map(|(_, _, names)| names.iter());
        for name in alike.chain(others) {
            let found = table().all().iter().any(|command| command.full_name == *name);
            assert!(found, "{name} is no command");
        }
    }
}
