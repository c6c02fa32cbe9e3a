//! Values of Lua in the form in which the interpreter's `string.buffer` writes and reads them.
//!
//! A reference to a value of Lua costs Rust some hundred instructions. The words of a command, and
//! the elements of a reply, pass the border as one string instead, which the interpreter packs or
//! unpacks by itself.
//!
//! <https://luajit.org/ext_buffer.html#serialize_format>

use mlua::{BString, Either, Lua, Value};

use crate::number::format_f64;
use crate::resp::argv::OwnedArgv;
use crate::resp::read::{Item, ReplyReader};
use crate::resp::{Protocol, Reply};

const NIL: u8 = 0x00;
const FALSE: u8 = 0x01;
const TRUE: u8 = 0x02;
const INT: u8 = 0x06;
const NUM: u8 = 0x07;
/// A table without anything, with elements from 0 on, and with elements from 1 on; the latter say
/// by how much their last index is above -1.
const EMPTY_TABLE: u8 = 0x08;
const TABLE_FROM_1: u8 = 0x0c;
/// A table of pairs only.
const MAP: u8 = 0x09;
/// A string, plus its length.
const STRING: u32 = 0x20;
/// What stands in front of a table or a string.
const HEAD_BYTES_MAX: usize = 6;

/// A text on its way to Lua. Valid UTF-8 goes without a reference.
pub(super) type Text = Either<String, Value>;

/// Bytes as a string of Lua.
pub(super) fn text_of(lua: &Lua, bytes: Vec<u8>) -> mlua::Result<Text> {
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Either::Left(text)),
        Err(error) => Ok(Either::Right(Value::String(lua.create_string(error.as_bytes())?))),
    }
}

/// Bytes of a command that a script calls.
pub(super) const REQUEST_BYTES_MAX: usize = 1 << 30;

const TOO_LARGE: &str = "Lua redis lib command arguments are too large";
const NO_WORDS: &str = "Please specify at least one argument for this redis lib call";
const NO_WORD: &str = "Lua redis lib command arguments must be strings or integers";

/// The words of a command from the packed table of them, without nil; the error's text if one is
/// neither a string nor a number, or if they were too large to be packed, which nothing tells.
pub(super) fn words(packed: Option<BString>) -> Result<OwnedArgv, &'static str> {
    let packed = Vec::from(packed.ok_or(NO_WORD)?);
    let mut at = 1;
    let count = match packed.first() {
        None => return Err(TOO_LARGE),
        Some(&EMPTY_TABLE) => return Err(NO_WORDS),
        Some(&TABLE_FROM_1) => read_number(&packed, &mut at)
            .and_then(|end| end.checked_sub(1))
            .ok_or(NO_WORD)? as usize,
        Some(_) => return Err(NO_WORD),
    };
    let mut argv = OwnedArgv::over(packed, count);
    for _ in 0..count {
        at = read_word(&mut argv, at).ok_or(NO_WORD)?;
    }
    Ok(argv)
}

/// Adds the word that is packed at `at`; returns where the next one is.
fn read_word(argv: &mut OwnedArgv, mut at: usize) -> Option<usize> {
    let data = argv.data();
    let kind = read_number(data, &mut at)?;
    if let Some(len) = kind.checked_sub(STRING) {
        let len = len as usize;
        argv.push_at(at, len);
        return Some(at + len);
    }
    match u8::try_from(kind).ok()? {
        INT => {
            let bytes = data.get(at..at + 4)?.try_into().ok()?;
            argv.put_at(at - 1, itoa::Buffer::new().format(i32::from_le_bytes(bytes)), 5);
            Some(at + 4)
        }
        NUM => {
            let bytes = data.get(at..at + 8)?.try_into().ok()?;
            put_double(argv, at - 1, f64::from_le_bytes(bytes));
            Some(at + 8)
        }
        _ => None,
    }
}

/// A number that is packed at `at` becomes an integer's text, if it is one that is not too large.
fn put_double(argv: &mut OwnedArgv, at: usize, number: f64) {
    const END: f64 = 9_223_372_036_854_775_808.0;
    const WRITTEN_OUT_BELOW: f64 = 1e21;
    #[expect(clippy::cast_possible_truncation, reason = "what is lost is seen")]
    #[expect(clippy::cast_precision_loss, reason = "what is lost is seen")]
    let whole = (number as i64, number as i64 as f64);
    if whole.1.to_bits() == number.to_bits() && number < END {
        argv.put_at(at, itoa::Buffer::new().format(whole.0), 9);
    } else if number.trunc().to_bits() == number.to_bits() && number.abs() < WRITTEN_OUT_BELOW {
        argv.put_at(at, &number.to_string(), 9);
    } else {
        argv.put_at(at, &format_f64(number), 9);
    }
}

/// Writes the value that a script has packed; `None` if it holds tables with names or from 0 on,
/// or what has no packed form. `protocol` decides how booleans are understood.
pub(super) fn write(packed: &[u8], protocol: Protocol, reply: &mut Reply) -> Option<()> {
    write_next(&mut Unpacker::new(packed), protocol, reply)
}

fn write_next(from: &mut Unpacker<'_>, protocol: Protocol, reply: &mut Reply) -> Option<()> {
    match (from.next()?, protocol) {
        (Part::Array(len), _) => {
            reply.array(len);
            (0..len).try_for_each(|_| {
                // An array would end there.
                if from.is_at_nil() { None } else { write_next(from, protocol, reply) }
            })?;
        }
        (Part::Nil | Part::Boolean(false), Protocol::Resp2) | (Part::Nil, _) => reply.nil(),
        (Part::Boolean(true), Protocol::Resp2) => reply.integer(1),
        (Part::Boolean(flag), Protocol::Resp3) => reply.boolean(flag),
        #[expect(clippy::cast_possible_truncation, reason = "the fraction is dropped")]
        (Part::Number(number), _) => reply.integer(number as i64),
        (Part::Text(text), _) => reply.bulk(text),
        (Part::Map(_), _) => return None,
    }
    Some(())
}

/// What comes next in a packed value.
pub(super) enum Part<'a> {
    /// So many elements follow, some of which may be nil.
    Array(usize),
    Boolean(bool),
    /// So many pairs follow.
    Map(usize),
    Nil,
    Number(f64),
    Text(&'a [u8]),
}

/// Reads a packed value.
pub(super) struct Unpacker<'a>(&'a [u8]);

impl<'a> Unpacker<'a> {
    pub(super) fn new(packed: &'a [u8]) -> Self {
        Self(packed)
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        let mut at = 0;
        let number = read_number(self.0, &mut at)?;
        self.0 = &self.0[at..];
        Some(number)
    }

    /// Does nil come next?
    pub(super) fn is_at_nil(&self) -> bool {
        self.0.first() == Some(&NIL)
    }

    /// `None` at the end, and for tables of other forms and all else.
    pub(super) fn next(&mut self) -> Option<Part<'a>> {
        let kind = self.number()?;
        if let Some(len) = kind.checked_sub(STRING) {
            return self.take(len as usize).map(Part::Text);
        }
        Some(match u8::try_from(kind).ok()? {
            NIL => Part::Nil,
            kind @ (FALSE | TRUE) => Part::Boolean(kind == TRUE),
            INT => Part::Number(i32::from_le_bytes(self.take(4)?.try_into().ok()?).into()),
            NUM => Part::Number(f64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            EMPTY_TABLE => Part::Array(0),
            TABLE_FROM_1 => Part::Array(self.number()?.checked_sub(1)? as usize),
            MAP => Part::Map(self.number()? as usize),
            _ => return None,
        })
    }
}

/// Reads a number of one, two or five bytes.
fn read_number(data: &[u8], at: &mut usize) -> Option<u32> {
    let first = *data.get(*at)?;
    *at += 1;
    match first {
        0..0xe0 => Some(u32::from(first)),
        0xe0..0xff => {
            let second = *data.get(*at)?;
            *at += 1;
            Some(((u32::from(first) & 0x1f) << 8 | u32::from(second)) + 0xe0)
        }
        0xff => {
            let bytes = data.get(*at..*at + 4)?.try_into().ok()?;
            *at += 4;
            Some(u32::from_le_bytes(bytes))
        }
    }
}

/// Packs values.
#[derive(Debug, Default)]
pub(super) struct Packer(Vec<u8>);

impl Packer {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    fn number(&mut self, number: usize) {
        match u32::try_from(number).unwrap_or(u32::MAX) {
            small @ 0..0xe0 => self.0.extend_from_slice(&small.to_le_bytes()[..1]),
            middle @ 0xe0..0x1fe0 => {
                let [.., high, low] = (middle - 0xe0).to_be_bytes();
                self.0.extend_from_slice(&[0xe0 | high, low]);
            }
            large => {
                self.0.push(0xff);
                self.0.extend_from_slice(&large.to_le_bytes());
            }
        }
    }

    /// The head of a table of so many elements, which follow.
    pub(super) fn table(&mut self, len: usize) {
        if len == 0 {
            self.0.push(EMPTY_TABLE);
        } else {
            self.0.push(TABLE_FROM_1);
            self.number(len + 1);
        }
    }

    pub(super) fn text(&mut self, text: &[u8]) {
        self.number(text.len() + STRING as usize);
        self.0.extend_from_slice(text);
    }

    /// The head of a table of so many pairs, which follow; the keys must differ.
    pub(super) fn map(&mut self, len: usize) {
        if len == 0 {
            self.0.push(EMPTY_TABLE);
        } else {
            self.0.push(MAP);
            self.number(len);
        }
    }

    pub(super) fn integer(&mut self, integer: i64) {
        if let Ok(small) = i32::try_from(integer) {
            self.0.push(INT);
            self.0.extend_from_slice(&small.to_le_bytes());
        } else {
            #[expect(clippy::cast_precision_loss, reason = "Lua's numbers are doubles")]
            self.double(integer as f64);
        }
    }

    pub(super) fn double(&mut self, number: f64) {
        self.0.push(NUM);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub(super) fn boolean(&mut self, flag: bool) {
        self.0.push(if flag { TRUE } else { FALSE });
    }

    pub(super) fn nil(&mut self) {
        self.0.push(NIL);
    }

    /// Room that texts take at most.
    pub(super) fn bytes_of<'a>(texts: impl Iterator<Item = &'a [u8]>) -> usize {
        texts.map(|text| text.len() + HEAD_BYTES_MAX).sum()
    }

    /// A table of texts.
    pub(super) fn texts<'a>(&mut self, texts: impl ExactSizeIterator<Item = &'a [u8]>) {
        self.table(texts.len());
        texts.for_each(|text| self.text(text));
    }

    /// Packs the next value of a reply, if it consists of arrays, strings, integers and nulls.
    pub(super) fn reply(&mut self, reader: &mut ReplyReader<'_>) -> Option<()> {
        match reader.next()? {
            Item::Array(len) => {
                self.table(len);
                (0..len).try_for_each(|_| self.reply(reader))?;
            }
            Item::Boolean(flag) => self.boolean(flag),
            Item::Bulk(text) => self.text(text),
            Item::Integer(integer) => self.integer(integer),
            Item::Null => self.boolean(false),
            Item::Null3 => self.nil(),
            _ => return None,
        }
        Some(())
    }

    pub(super) fn take(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use mlua::{Function, LuaOptions, MultiValue, StdLib};

    use super::*;

    /// Lengths on both sides of where a length takes more bytes.
    const LENGTHS: [usize; 9] = [0, 1, 95, 96, 191, 192, 8127, 8128, 70_000];

    fn lua() -> (Lua, Function, Function) {
        let lua = Lua::new_with(StdLib::PACKAGE | StdLib::STRING, LuaOptions::new());
        let lua = lua.expect("the libraries are there");
        let source = "local b = require('string.buffer')
            return function(...) return b.encode({...}) end, b.decode";
        let (pack, unpack) = lua.load(source).eval().expect("there is a serializer");
        (lua, pack, unpack)
    }

    #[test]
    fn words_are_strings_and_numbers() {
        let (lua, pack, _) = lua();
        let shown = |source: &str| {
            let args: MultiValue = lua.load(source).eval().expect("it has values");
            let packed: BString = pack.call(args).expect("it can be packed");
            words(Some(packed)).map(|argv| {
                let words = argv.as_argv().iter().map(String::from_utf8_lossy);
                words.collect::<Vec<_>>().join(" ")
            })
        };
        for (source, expected) in [
            ("return 'SET', 'a', 'b'", Ok("SET a b")),
            ("return 'x', 1, -1, 0, 2^31, -2^53", Ok("x 1 -1 0 2147483648 -9007199254740992")),
            ("return 2^63, -2^63", Ok("9223372036854776000 -9223372036854775808")),
            ("return 0.5, 1e300, -0.0, 1/0", Ok("0.5 1e+300 -0 inf")),
            ("return 'a', nil, 'b'", Err(NO_WORD)),
            ("return", Err(NO_WORDS)),
            ("return true", Err(NO_WORD)),
            ("return 'a', {}", Err(NO_WORD)),
        ] {
            let expected = expected.map(str::to_owned);
            assert_eq!(shown(source), expected, "{source}");
        }
        assert_eq!(words(None).err(), Some(NO_WORD));
        assert_eq!(words(Some(BString::default())).err(), Some(TOO_LARGE));
        for count in [1, 2, 222, 223, 300, 7000] {
            let args = vec![Value::Integer(7); count];
            let packed = pack.call(MultiValue::from_vec(args)).expect("it can be packed");
            let argv = words(Some(packed)).expect("numbers are words");
            assert_eq!(argv.as_argv().len(), count);
        }
    }

    #[test]
    fn texts_of_any_length_pass() {
        let (lua, pack, unpack) = lua();
        for len in LENGTHS {
            let text = vec![b'x'; len];
            let arg = lua.create_string(&text).expect("there is memory");
            let packed = pack.call(arg).expect("it can be packed");
            let argv = words(Some(packed)).expect("a string is a word");
            assert_eq!(argv.as_argv().get(0), Some(&*text));
            let mut packer = Packer::default();
            packer.texts([&*text, b"end"].into_iter());
            let packed = text_of(&lua, packer.take()).expect("there is memory");
            let both: Vec<BString> = unpack.call(packed).expect("it can be unpacked");
            assert_eq!(both, [BString::from(text), BString::from("end")]);
        }
    }

    #[test]
    fn what_comes_back_is_written() {
        let (lua, _, _) = lua();
        let shown = |source: &str, protocol| {
            let source = format!("return require('string.buffer').encode({source})");
            let packed: BString = lua.load(source).eval().expect("it can be packed");
            let mut reply = Reply::new(protocol);
            write(&packed, protocol, &mut reply)?;
            Some(String::from_utf8_lossy(reply.bytes()).replace("\r\n", " "))
        };
        for (source, expected) in [
            ("'a'", Some("$1 a ")),
            ("{}", Some("*0 ")),
            ("{'a', 1, {2.9, true, false}}", Some("*3 $1 a :1 *3 :2 :1 $-1 ")),
            ("{1, nil, 2}", None),
            ("{[0] = 1, 2}", None),
            ("{ok = 'x'}", None),
            ("{{err = 'x'}}", None),
        ] {
            let shown = shown(source, Protocol::Resp2);
            assert_eq!(shown.as_deref(), expected, "{source}");
        }
        assert_eq!(shown("{true, false}", Protocol::Resp3).as_deref(), Some("*2 #t #f "));
    }
}
