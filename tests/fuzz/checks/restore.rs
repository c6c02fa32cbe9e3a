//! Payloads of RESTORE, and RDB files. Their checksums are made right, so that the decoders behind
//! them are reached.
//!
//! What is accepted is sound, is the same when it is dumped and restored once more, and every
//! command on it works.

use std::sync::OnceLock;

use redis_protocol::resp2::decode::decode;
use redis_protocol::resp2::types::OwnedFrame;
use respq::clock::Clock;
use respq::config::Setting;
use respq::engine::{Engine, Session};

use super::dice::Dice;
use super::fixture;

const VERSION: [u8; 2] = 12u16.to_le_bytes();
/// The mark of the end of a file, and in place of its checksum: there is none.
const FILE_END: &[u8] = b"\xff\0\0\0\0\0\0\0\0";

/// Commands on the key `k`, whatever it holds.
const EXERCISES: &[&str] = &[
    "TYPE k",
    "OBJECT ENCODING k",
    "MEMORY USAGE k",
    "APPEND k x",
    "BITCOUNT k",
    "BITFIELD k INCRBY u8 0 200 GET i64 5",
    "GETRANGE k -3 -1",
    "PFCOUNT k",
    "PFADD k a b c",
    "SETRANGE k 3 x",
    "HGETALL k",
    "HSCAN k 0 COUNT 5",
    "HSET k a 1 new 2",
    "HEXPIRE k 100 FIELDS 1 a",
    "HTTL k FIELDS 2 a new",
    "HDEL k a",
    "HRANDFIELD k 3 WITHVALUES",
    "LPUSH k first",
    "RPUSH k last",
    "LINSERT k BEFORE last x",
    "LPOS k last RANK -1",
    "LREM k 0 x",
    "LRANGE k 0 -1",
    "LTRIM k 1 -2",
    "SADD k 1 a",
    "SISMEMBER k 1",
    "SREM k 1",
    "SMEMBERS k",
    "SRANDMEMBER k -3",
    "ZADD k 1 a 2 b",
    "ZINCRBY k 1.5 a",
    "ZRANGE k 0 -1 WITHSCORES",
    "ZRANGEBYSCORE k -inf +inf LIMIT 1 2",
    "ZRANGEBYLEX k - + LIMIT 0 3",
    "ZRANK k b",
    "ZREM k a",
    "ZPOPMAX k 1",
    "GEOPOS k a b",
    "GEOSEARCH k FROMLONLAT 0 0 BYRADIUS 10000 km ASC COUNT 3",
    "XLEN k",
    "XINFO STREAM k FULL",
    "XINFO GROUPS k",
    "XADD k * a 1",
    "XADD k MAXLEN ~ 1 * b 1",
    "XRANGE k - + COUNT 3",
    "XREVRANGE k + - COUNT 3",
    "XGROUP CREATE k fuzz 0",
    "XREADGROUP GROUP fuzz c COUNT 2 STREAMS k >",
    "XREADGROUP GROUP g c COUNT 2 STREAMS k >",
    "XPENDING k g - + 5",
    "XPENDING k g",
    "XAUTOCLAIM k g other 0 0 COUNT 5",
    "XCLAIM k g third 0 1-1 FORCE",
    "XACK k g 1-1",
    "XGROUP DELCONSUMER k g c",
    "XDEL k 1-1",
    "XTRIM k MINID 2",
    "SORT k ALPHA LIMIT 0 5",
    "COPY k other REPLACE",
    "PERSIST k",
    "EXPIRE k 100",
];

/// CRC-64 with the polynomial of Jones, bits reflected.
fn crc64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ u64::from(byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0x95ac_9329_ac4b_c9b5 } else { crc >> 1 }
        })
    })
}

/// The payload of an object, with a footer that is right.
fn payload(object: &[u8]) -> Vec<u8> {
    let mut payload = [object, &VERSION].concat();
    payload.extend_from_slice(&crc64(&payload).to_le_bytes());
    payload
}

/// A payload for RESTORE: one of the seeds, as it is or with a byte changed.
pub fn some_payload(dice: &mut Dice<'_>) -> Vec<u8> {
    static OBJECTS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    let objects = OBJECTS.get_or_init(objects);
    let mut object = objects[dice.below(objects.len())].clone();
    if dice.once_in(3) {
        let place = dice.below(object.len());
        object[place] = dice.byte();
    }
    payload(&object)
}

/// What the target does with an input: the object of a payload, or a file.
pub fn check(input: &[u8]) {
    match input.strip_prefix(b"REDIS") {
        Some(_) => check_file(input),
        None => check_object(input),
    }
}

fn check_object(object: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Clock::manual(fixture::START_MS);
    let engine = fixture::engine(folder.path(), clock.clone());
    engine.open_log(folder.path()).expect("an empty log opens");
    let mut session = engine.session();
    if !restores(&mut session, b"k", &payload(object)) {
        assert_eq!(session.run_line("DBSIZE").as_deref(), Some(&b":0\r\n"[..]));
        return;
    }
    fixture::assert_sound(&engine);
    comes_back(&mut session);
    fixture::assert_sound(&engine);
    if object.len().is_multiple_of(2) {
        exercise(&engine, &mut session);
    }
    engine.set(Setting::AofUseRdbPreamble, "no").expect("the setting takes it");
    assert!(engine.rewrite_log(), "the log is rewritten");
    let again = fixture::reopen(folder.path(), clock);
    fixture::assert_same(&engine, &again, "as commands");
}

fn restores(session: &mut Session<'_>, key: &[u8], payload: &[u8]) -> bool {
    let reply = fixture::run(session, &[b"RESTORE", key, b"0", payload, b"REPLACE"]);
    reply.first() == Some(&b'+')
}

/// The key `k` has the same value when it is dumped and restored.
fn comes_back(session: &mut Session<'_>) {
    let reply = fixture::run(session, &[b"DUMP", b"k"]);
    // Fields of a hash may have expired, and the key with them.
    let Some(dumped) = bulk(&reply) else { return };
    assert!(restores(session, b"copy", &dumped), "what is dumped can be restored");
    let digests = session.run_line("DEBUG DIGEST-VALUE k copy").unwrap_or_default();
    let digests: Vec<&[u8]> = digests.split(|&byte| byte == b'\n').collect();
    assert_eq!(digests[1], digests[2], "what is restored is what was dumped");
}

fn bulk(reply: &[u8]) -> Option<Vec<u8>> {
    match decode(reply) {
        Ok(Some((OwnedFrame::BulkString(bytes), _))) => Some(bytes),
        _ => None,
    }
}

/// Every command on the key `k` works.
fn exercise(engine: &Engine, session: &mut Session<'_>) {
    for line in EXERCISES {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        fixture::run(session, &words);
    }
    fixture::assert_sound(engine);
    fixture::assert_reload(engine);
}

/// A file is loaded or refused; what was loaded is the same in a file that is written.
fn check_file(file: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = [file, FILE_END].concat();
    std::fs::write(folder.path().join("dump.rdb"), file).expect("a snapshot file");
    let clock = Clock::manual(fixture::START_MS);
    let engine = fixture::engine(folder.path(), clock.clone());
    if engine.open_log(folder.path()).is_err() {
        return;
    }
    fixture::assert_sound(&engine);
    assert!(engine.rewrite_log(), "the log is rewritten");
    let again = fixture::reopen(folder.path(), clock);
    fixture::assert_same(&engine, &again, "in a file that was written");
}

/// Objects of every type, in the encodings of now and of old.
fn objects() -> Vec<Vec<u8>> {
    let folder = std::env::temp_dir();
    let engine = fixture::engine(&folder, Clock::manual(fixture::START_MS));
    fixture::fill(&engine);
    let mut session = engine.session();
    for line in [
        "SET integer 12345",
        "PFADD hll a b c d",
        "SETBIT bits 100 1",
        "HSET fields a 1 b 2 c 3",
        "HPEXPIRE fields 100000 FIELDS 2 a b",
        "GEOADD geo 13.361389 38.115556 a 15 37 b",
        "XADD x 3-1 other 1 names 2",
        "XDEL x 2-1",
        "XGROUP CREATE x g2 0-0 ENTRIESREAD 0",
        "XREADGROUP GROUP x g2 c STREAMS x >",
    ] {
        session.run_line(line);
    }
    let keys = ["l", "s", "h", "t", "i", "z", "x", "integer", "hll", "bits", "fields", "geo"];
    let dumped = keys.iter().filter_map(|key| {
        let reply = session.run(&["DUMP", key])?;
        let payload = bulk(&reply)?;
        Some(payload[..payload.len() - 10].to_vec())
    });
    let mut objects: Vec<Vec<u8>> = dumped.collect();
    objects.extend(OLD_FORMS.iter().map(|(kind, packed)| {
        let len = u8::try_from(packed.len()).expect("they are short");
        [&[*kind, len], *packed].concat()
    }));
    objects.extend(OLD_OBJECTS.iter().map(|object| object.to_vec()));
    objects
}

const LISTPACK: &[u8] = b"\x10\0\0\0\x04\0\x81a\x02\x01\x01\x81b\x02\xff";
const ZIPLIST: &[u8] = b"\x15\0\0\0\x0e\0\0\0\x02\0\0\x02ab\x04\xc0\xff\x7f\xff\xff\xff\xff";
/// Packed forms behind their kinds: each is one string.
const OLD_FORMS: &[(u8, &[u8])] = &[
    (9, b"\x01\x01a\x02\x01bc?\xff"),
    (10, b"\x10\0\0\0\x0c\0\0\0\x02\0\0\x02ab\x04\xf3\xff"),
    (11, b"\x02\0\0\0\x02\0\0\0\xff\xff\x05\0"),
    (11, b"\x08\0\0\0\x01\0\0\0\xff\xff\xff\xff\xff\xff\xff\x7f"),
    (12, b"\x10\0\0\0\x0c\0\0\0\x02\0\0\x02ab\x04\xf3\xff"),
    (13, b"\x10\0\0\0\x0c\0\0\0\x02\0\0\x02ab\x04\xf3\xff"),
    (13, ZIPLIST),
    (16, b"\x0e\0\0\0\x02\0\x81a\x02\x01\x01\xff\0"),
    (16, b"\x0d\0\0\0\x02\0\x81a\x02\x01\x01\xff"),
    (17, b"\x0d\0\0\0\x02\0\x81a\x02\x01\x01\xff"),
    (20, b"\x0d\0\0\0\x02\0\x81a\x02\x01\x01\xff"),
    (20, LISTPACK),
];
/// Whole objects: plain lists, sets and hashes, quicklists, texts of several forms.
const OLD_OBJECTS: &[&[u8]] = &[
    b"\x00\xc3\x05\x1e\x01aa\xe0\x13\x00",
    b"\x00\xc2\xff\xff\xff\x7f",
    b"\x01\x02\x01a\xc0\x05",
    b"\x02\x02\x01a\xc1\x05\x00",
    b"\x03\x02\x01a\x031.5\x01b\xfe",
    b"\x04\x01\x01a\x01b",
    b"\x05\x01\x01a\x00\x00\x00\x00\x00\x00\xf0\x3f",
    b"\x0e\x01\x10\x10\0\0\0\x0c\0\0\0\x02\0\0\x02ab\x04\xf3\xff",
    b"\x12\x02\x01\x01a\x02\x0d\x0d\0\0\0\x02\0\x81a\x02\x01\x01\xff",
    b"\x18\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01a\x01b",
];

/// Inputs to start from.
pub fn seeds() -> Vec<Vec<u8>> {
    let objects = objects();
    let mut files = Vec::new();
    for (number, object) in objects.iter().enumerate() {
        let (kind, rest) = object.split_at(1);
        let head: &[u8] = match number % 3 {
            0 => b"REDIS0012\xfa\x01a\x01b\xfe\x01\xfb\x01\x00",
            1 => b"REDIS0010\xfc\x00\x00\x00\x00\x00\x00\x00\x01\xf9\x05",
            _ => b"REDIS0003\xfd\xff\xff\xff\xff\xf8\x05",
        };
        files.push([head, kind, b"\x01k", rest].concat());
    }
    let library = b"#!lua name=l\nredis.register_function('f', function() end)";
    let len = u8::try_from(library.len()).expect("it is short");
    files.push([b"REDIS0012\xf5", &[len][..], library].concat());
    objects.into_iter().chain(files).collect()
}
