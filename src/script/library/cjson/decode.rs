//! JSON to Lua's values.

use std::sync::atomic::Ordering;

use mlua::{Lua, Value};

use super::super::{Failure, Results, bytes};
use super::{Settings, single};

/// Nesting that the stack bears, whatever a script sets.
const DEPTH_MAX: i64 = 1000;

/// `cjson.decode(text)`
pub(super) fn decode(lua: &Lua, settings: &Settings, args: &[Value]) -> Results {
    single(args, "decode")?;
    let text = bytes(args, 1, "decode")?;
    if text.get(..2).is_some_and(|head| head.contains(&0)) {
        return Err("JSON parser does not support UTF-16 or UTF-32".into());
    }
    let mut decoder = Decoder { lua, settings, text: &text, at: 0, token: 0, depth: 0 };
    decoder.skip_space();
    let value = decoder.value()?;
    decoder.skip_space();
    if decoder.at < text.len() {
        return Err(decoder.unexpected("the end"));
    }
    Ok(vec![value])
}

struct Decoder<'a> {
    lua: &'a Lua,
    settings: &'a Settings,
    text: &'a [u8],
    at: usize,
    /// Where the current token starts.
    token: usize,
    depth: i64,
}

impl<'a> Decoder<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        self.token = self.at;
    }

    /// The error of a token that does not belong here.
    fn unexpected(&self, expected: &str) -> Failure {
        let found = match self.text.get(self.token) {
            None => "T_END",
            Some(b'{') => "T_OBJ_BEGIN",
            Some(b'}') => "T_OBJ_END",
            Some(b'[') => "T_ARR_BEGIN",
            Some(b']') => "T_ARR_END",
            Some(b'"') => "T_STRING",
            Some(b':') => "T_COLON",
            Some(b',') => "T_COMMA",
            Some(b'0'..=b'9' | b'-') => "T_NUMBER",
            Some(_) if self.rest().starts_with(b"true") => "T_BOOLEAN",
            Some(_) if self.rest().starts_with(b"false") => "T_BOOLEAN",
            Some(_) if self.rest().starts_with(b"null") => "T_NULL",
            Some(_) => "invalid token",
        };
        self.failure(expected, found)
    }

    fn failure(&self, expected: &str, found: &str) -> Failure {
        format!("Expected {expected} but found {found} at character {}", self.token + 1).into()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.get(self.token..).unwrap_or_default()
    }

    fn value(&mut self) -> Result<Value, Failure> {
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => Ok(Value::String(self.lua.create_string(self.string()?)?)),
            Some(b't') if self.word(b"true") => Ok(Value::Boolean(true)),
            Some(b'f') if self.word(b"false") => Ok(Value::Boolean(false)),
            Some(b'n') if self.word(b"null") => Ok(Value::NULL),
            Some(b'-' | b'+' | b'.' | b'0'..=b'9' | b'i' | b'I' | b'n' | b'N') => self.number(),
            _ => Err(self.unexpected("value")),
        }
    }

    fn word(&mut self, word: &[u8]) -> bool {
        let hit = self.rest().starts_with(word);
        self.at += if hit { word.len() } else { 0 };
        hit
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, Failure>) -> Result<Value, Failure> {
        self.depth += 1;
        if self.depth > self.settings.decode_depth.load(Ordering::Relaxed).min(DEPTH_MAX) {
            let at = self.at + 1;
            let text =
                format!("Found too many nested data structures ({}) at character {at}", self.depth);
            return Err(text.into());
        }
        self.at += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Result<Value, Failure> {
        let table = self.lua.create_table()?;
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Table(table));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("object key string"));
            }
            let key = self.string()?;
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(self.unexpected("colon"));
            }
            self.at += 1;
            self.skip_space();
            let value = self.value()?;
            table.raw_set(self.lua.create_string(key)?, value)?;
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Value::Table(table));
                }
                _ => return Err(self.unexpected("comma or object end")),
            }
            self.skip_space();
        }
    }

    fn array(&mut self) -> Result<Value, Failure> {
        let table = self.lua.create_table()?;
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Table(table));
        }
        for index in 1.. {
            let value = self.value()?;
            table.raw_seti(index, value)?;
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    break;
                }
                _ => return Err(self.unexpected("comma or array end")),
            }
            self.skip_space();
        }
        Ok(Value::Table(table))
    }

    /// A string, the cursor on its first quote.
    fn string(&mut self) -> Result<Vec<u8>, Failure> {
        let mut out = Vec::new();
        self.at += 1;
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let plain = rest.iter().position(|&byte| matches!(byte, b'"' | b'\\'));
            let Some(plain) = plain else {
                self.token = self.text.len();
                return Err(self.failure("value", "unexpected end of string"));
            };
            out.extend_from_slice(&rest[..plain]);
            self.at += plain + 1;
            if rest[plain] == b'"' {
                return Ok(out);
            }
            let escaped = self.peek();
            self.at += 1;
            match escaped {
                Some(byte @ (b'"' | b'\\' | b'/')) => out.push(byte),
                Some(b'b') => out.push(8),
                Some(b'f') => out.push(12),
                Some(b'n') => out.push(b'\n'),
                Some(b'r') => out.push(b'\r'),
                Some(b't') => out.push(b'\t'),
                Some(b'u') => self.unicode(&mut out)?,
                _ => {
                    self.token = self.at.saturating_sub(2);
                    return Err(self.failure("value", "invalid escape code"));
                }
            }
        }
    }

    /// Four hexadecimal digits at the cursor.
    fn code_unit(&mut self) -> Option<u32> {
        let digits = std::str::from_utf8(self.text.get(self.at..self.at + 4)?).ok()?;
        let unit = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let unit = unit.then(|| u32::from_str_radix(digits, 16).ok())??;
        self.at += 4;
        Some(unit)
    }

    fn unicode(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        let start = self.at.saturating_sub(2);
        let character = self.code_unit().and_then(|unit| match unit {
            0xD800..0xDC00 => {
                let escape = self.text.get(self.at..self.at + 2)?;
                if escape != b"\\u" {
                    return None;
                }
                self.at += 2;
                let low = self.code_unit().filter(|low| (0xDC00..0xE000).contains(low))?;
                char::from_u32(0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
            }
            unit => char::from_u32(unit),
        });
        let Some(character) = character else {
            self.token = start;
            return Err(self.failure("value", "invalid unicode escape code"));
        };
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    fn number(&mut self) -> Result<Value, Failure> {
        let rest = self.rest();
        let is_part =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let len = rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len());
        let Some((number, used)) = longest_number(&rest[..len]) else {
            return Err(self.failure("value", "invalid token"));
        };
        let invalid = is_invalid(&rest[..used]);
        if invalid && !self.settings.decode_invalid.load(Ordering::Relaxed) {
            return Err(self.failure("value", "invalid number"));
        }
        self.at += used;
        Ok(Value::Number(number))
    }
}

/// The number at the start of a text, and its length; as C's `strtod` reads it.
fn longest_number(text: &[u8]) -> Option<(f64, usize)> {
    let text = std::str::from_utf8(text).ok()?;
    let digits = text.trim_start_matches(['+', '-']);
    if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        let len = hex.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(hex.len());
        let value = u64::from_str_radix(&hex[..len], 16).ok()?;
        #[expect(clippy::cast_precision_loss, reason = "Lua's numbers are doubles")]
        let value = if text.starts_with('-') { -(value as f64) } else { value as f64 };
        return Some((value, text.len() - hex.len() + len));
    }
    (1..=text.len()).rev().find_map(|len| Some((text[..len].parse().ok()?, len)))
}

/// Is it one of the numbers that JSON does not know: hexadecimal, infinite, NaN, a leading zero?
fn is_invalid(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    match digits {
        [b'0', next, ..] => matches!(next, b'0'..=b'9' | b'x' | b'X'),
        [first, ..] => !first.is_ascii_digit(),
        [] => true,
    }
}
