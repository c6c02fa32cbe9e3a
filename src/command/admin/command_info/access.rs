//! What commands do to their keys, in the words of COMMAND GETKEYSANDFLAGS.
//!
//! The first word says how the value is treated: RO is only read, RW is changed, OW is
//! overwritten, RM is removed. The others say what the client learns or does: access, insert,
//! update, delete. Reading commands follow from their flag; the tables here are for those that
//! write, and for those that read without telling the content.

use crate::command::table::Command;
use crate::command::{Flag, KeySpec};
use crate::resp::request::Argv;

type Access = &'static [&'static str];

const READ: Access = &["RO", "access"];
const LOOK: Access = &["RO"];
const INSERT: Access = &["RW", "insert"];
const UPDATE: Access = &["RW", "update"];
const ACCESS_UPDATE: Access = &["RW", "access", "update"];
const ACCESS_DELETE: Access = &["RW", "access", "delete"];
const DELETE: Access = &["RW", "delete"];
const OVERWRITE: Access = &["OW", "update"];
const OVERWRITE_INSERT: Access = &["OW", "insert"];
const REMOVE: Access = &["RM", "delete"];

/// Commands that treat all their keys alike.
const ALIKE: &[(Access, &[&str])] = &[
    (LOOK, &["exists", "hexists", "hlen", "hstrlen", "llen", "scard", "sismember", "smismember"]),
    (LOOK, &["strlen", "touch", "type", "xlen", "zcard", "zcount", "zlexcount"]),
    (INSERT, &["append", "linsert", "lpush", "lpushx", "pfadd", "rpush", "rpushx", "sadd"]),
    (INSERT, &["hsetnx"]),
    (OVERWRITE_INSERT, &["setnx", "msetnx"]),
    (OVERWRITE, &["mset", "psetex", "restore", "setex"]),
    (REMOVE, &["del", "unlink"]),
    (DELETE, &["hdel", "lrem", "ltrim", "srem", "xdel", "xtrim", "zrem"]),
    (DELETE, &["zremrangebylex", "zremrangebyrank", "zremrangebyscore"]),
    (ACCESS_DELETE, &["blmpop", "blpop", "brpop", "bzmpop", "bzpopmax", "bzpopmin", "getdel"]),
    (ACCESS_DELETE, &["lmpop", "lpop", "rpop", "spop", "zmpop", "zpopmax", "zpopmin"]),
    (ACCESS_UPDATE, &["bitfield", "decr", "decrby", "eval", "evalsha", "fcall", "getex"]),
    (ACCESS_UPDATE, &["getset", "hincrby", "hincrbyfloat", "incr", "incrby", "incrbyfloat"]),
    (ACCESS_UPDATE, &["set", "setbit", "xautoclaim", "zincrby"]),
    (READ, &["xreadgroup"]),
];

/// Commands that treat their first key otherwise than the rest.
const FIRST_AND_REST: &[(Access, Access, &[&str])] = &[
    (ACCESS_DELETE, INSERT, &["blmove", "brpoplpush", "lmove", "rpoplpush", "smove"]),
    (ACCESS_DELETE, OVERWRITE, &["rename"]),
    (ACCESS_DELETE, OVERWRITE_INSERT, &["renamenx"]),
    (READ, OVERWRITE, &["copy", "sort"]),
    (OVERWRITE, READ, &["bitop", "georadius", "georadiusbymember", "geosearchstore"]),
    (OVERWRITE, READ, &["zdiffstore", "zinterstore", "zrangestore", "zunionstore"]),
    (OVERWRITE, READ, &["sdiffstore", "sinterstore", "sunionstore"]),
    (ACCESS_UPDATE, READ, &["pfmerge"]),
];

/// What a command does to its key number `place`; `argv` is the request, if there is one.
pub(super) fn of_key(command: &Command, argv: Option<Argv<'_>>, place: usize) -> Access {
    let name = command.full_name.as_str();
    if let (Some(argv), "set") = (argv, name) {
        let gets = argv.iter_from(3).any(|word| word.eq_ignore_ascii_case(b"GET"));
        return if gets { ACCESS_UPDATE } else { OVERWRITE };
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
