//! `struct`: values packed into bytes by a format, as in C.
//!
//! <https://redis.io/docs/latest/develop/programmability/lua-api/#the-struct-library>

use mlua::{Lua, Value};

use super::{Failure, Function, Results, bytes, number};

pub(super) const FUNCTIONS: &[(&str, Function)] =
    &[("pack", pack), ("size", size), ("unpack", unpack)];

/// Largest integer, in bytes.
const INTEGER_BYTES_MAX: usize = 32;
/// Alignment that `!` alone asks for.
const ALIGNMENT: usize = 8;
const TOO_SHORT: &str = "bad argument #2 to 'unpack' (data string too short)";
/// Most values that a function may reply; Lua's stack bears about 8000.
const VALUES_MAX: usize = 7000;

/// One element of a format.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Double,
    Float,
    Pad,
    Signed,
    /// `c`: so many bytes; 0: as many as the value before says.
    String,
    Unsigned,
    /// `s`: a string with a zero at its end.
    ZeroEnded,
}

#[derive(Clone, Copy, Debug)]
struct Element {
    kind: Kind,
    bytes: usize,
    /// Bytes of padding in front of it.
    padding: usize,
    little: bool,
}

/// Reads a format, element by element.
struct Format<'a> {
    text: &'a [u8],
    at: usize,
    little: bool,
    alignment: usize,
}

impl<'a> Format<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, little: cfg!(target_endian = "little"), alignment: 1 }
    }

    /// The number at the cursor, if there is one.
    fn number(&mut self) -> Result<Option<usize>, Failure> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let len = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += len;
        if len == 0 {
            return Ok(None);
        }
        let digits = std::str::from_utf8(&rest[..len]).unwrap_or_default();
        match digits.parse::<i32>() {
            Ok(number) => Ok(usize::try_from(number).ok()),
            Err(_) => Err("integral size overflow".into()),
        }
    }

    /// The next element, at `offset` in the data.
    fn next(&mut self, offset: usize) -> Result<Option<Element>, Failure> {
        while let Some(&option) = self.text.get(self.at) {
            self.at += 1;
            let (kind, bytes) = match option {
                b'b' => (Kind::Signed, 1),
                b'B' => (Kind::Unsigned, 1),
                b'h' => (Kind::Signed, 2),
                b'H' => (Kind::Unsigned, 2),
                b'l' => (Kind::Signed, 8),
                b'L' | b'T' => (Kind::Unsigned, 8),
                b'i' => (Kind::Signed, self.integer_bytes()?),
                b'I' => (Kind::Unsigned, self.integer_bytes()?),
                b'f' => (Kind::Float, 4),
                b'd' => (Kind::Double, 8),
                b'x' => (Kind::Pad, 1),
                b's' => (Kind::ZeroEnded, 0),
                b'c' => (Kind::String, self.number()?.unwrap_or(1)),
                _ => {
                    self.control(option)?;
                    continue;
                }
            };
            let padding = self.padding(kind, bytes, offset);
            return Ok(Some(Element { kind, bytes, padding, little: self.little }));
        }
        Ok(None)
    }

    fn integer_bytes(&mut self) -> Result<usize, Failure> {
        let bytes = self.number()?.unwrap_or(4);
        if bytes > INTEGER_BYTES_MAX {
            let text = format!("integral size {bytes} is larger than limit of {INTEGER_BYTES_MAX}");
            return Err(text.into());
        }
        Ok(bytes)
    }

    fn control(&mut self, option: u8) -> Result<(), Failure> {
        match option {
            b' ' => {}
            b'<' => self.little = true,
            b'>' => self.little = false,
            b'!' => {
                let alignment = self.number()?.unwrap_or(ALIGNMENT);
                if !alignment.is_power_of_two() {
                    return Err("alignment is not a power of 2".into());
                }
                self.alignment = alignment;
            }
            _ => {
                let option = char::from(option);
                return Err(format!("invalid format option '{option}'").into());
            }
        }
        Ok(())
    }

    fn padding(&self, kind: Kind, bytes: usize, offset: usize) -> usize {
        let aligned = matches!(kind, Kind::Double | Kind::Float | Kind::Signed | Kind::Unsigned);
        let alignment = bytes.min(self.alignment);
        if !aligned || alignment <= 1 || !alignment.is_power_of_two() {
            return 0;
        }
        offset.next_multiple_of(alignment) - offset
    }
}

/// `struct.pack(format, value, ...)`
fn pack(lua: &Lua, args: &[Value]) -> Results {
    let format = bytes(args, 1, "pack")?;
    let mut format = Format::new(&format);
    let mut out = Vec::new();
    let mut index = 1;
    while let Some(element) = format.next(out.len())? {
        out.resize(out.len() + element.padding, 0);
        if element.kind == Kind::Pad {
            out.push(0);
            continue;
        }
        index += 1;
        match element.kind {
            Kind::Double => write(&mut out, &number(args, index, "pack")?.to_le_bytes(), element),
            #[expect(clippy::cast_possible_truncation, reason = "what `f` asks for")]
            Kind::Float => {
                let short = number(args, index, "pack")? as f32;
                write(&mut out, &short.to_le_bytes(), element);
            }
            Kind::Signed | Kind::Unsigned => {
                let number = integer(number(args, index, "pack")?);
                let fill = if number < 0 { 0xff } else { 0 };
                let mut digits = [fill; INTEGER_BYTES_MAX];
                digits[..8].copy_from_slice(&number.to_le_bytes());
                write(&mut out, &digits[..element.bytes], element);
            }
            Kind::Pad | Kind::String | Kind::ZeroEnded => {
                write_string(&mut out, args, index, element)?;
            }
        }
    }
    Ok(vec![Value::String(lua.create_string(out)?)])
}

/// A number cut to a whole one, wrapping above what is signed.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what is meant")]
fn integer(number: f64) -> i64 {
    if number < 0.0 { number as i64 } else { (number as u64).cast_signed() }
}

/// Bytes given in little-endian order, in the order that the element wants.
fn write(out: &mut Vec<u8>, little: &[u8], element: Element) {
    let start = out.len();
    out.extend_from_slice(little);
    if !element.little {
        out[start..].reverse();
    }
}

fn write_string(
    out: &mut Vec<u8>,
    args: &[Value],
    index: usize,
    element: Element,
) -> Result<(), Failure> {
    let text = bytes(args, index, "pack")?;
    if element.kind == Kind::ZeroEnded {
        out.extend_from_slice(&text);
        out.push(0);
        return Ok(());
    }
    let len = if element.bytes == 0 { text.len() } else { element.bytes };
    let Some(text) = text.get(..len) else {
        return Err(format!("bad argument #{index} to 'pack' (string too short)").into());
    };
    out.extend_from_slice(text);
    Ok(())
}

/// `struct.size(format)`
fn size(_lua: &Lua, args: &[Value]) -> Results {
    let format = bytes(args, 1, "size")?;
    let mut format = Format::new(&format);
    let mut size: usize = 0;
    while let Some(element) = format.next(size)? {
        match element.kind {
            Kind::ZeroEnded => {
                return Err("bad argument #1 to 'size' (variable-size format 's')".into());
            }
            Kind::String if element.bytes == 0 => {
                return Err("bad argument #1 to 'size' (variable-size format 'c0')".into());
            }
            _ => size = size.saturating_add(element.padding + element.bytes),
        }
        if i32::try_from(size).is_err() {
            return Err("bad argument #1 to 'size' (format result too large)".into());
        }
    }
    Ok(vec![Value::Integer(i64::try_from(size).unwrap_or(i64::MAX))])
}

/// `struct.unpack(format, text [, position])`
///
/// Returns the values, and the position behind them.
fn unpack(lua: &Lua, args: &[Value]) -> Results {
    let format = bytes(args, 1, "unpack")?;
    let text = bytes(args, 2, "unpack")?;
    let mut at = match args.get(2) {
        None | Some(Value::Nil) => 0,
        Some(_) => {
            let position = integer(number(args, 3, "unpack")?);
            let start = usize::try_from(position).ok().and_then(|position| position.checked_sub(1));
            start.ok_or("bad argument #3 to 'unpack' (offset must be 1 or greater)")?
        }
    };
    let mut format = Format::new(&format);
    let mut values = Vec::new();
    while let Some(element) = format.next(at)? {
        at = at.saturating_add(element.padding);
        let rest = text.get(at..).ok_or(TOO_SHORT)?;
        let len = element_len(element, rest, &mut values)?;
        let data = rest.get(..len).ok_or(TOO_SHORT)?;
        at += len;
        match element.kind {
            Kind::Pad => {}
            Kind::String => values.push(Value::String(lua.create_string(data)?)),
            Kind::ZeroEnded => {
                values.push(Value::String(
                    lua.create_string(data.strip_suffix(&[0]).unwrap_or(data))?,
                ));
            }
            _ => values.push(read(element, data)),
        }
        if values.len() > VALUES_MAX {
            return Err("too many results to unpack".into());
        }
    }
    values.push(Value::Integer(i64::try_from(at + 1).unwrap_or(i64::MAX)));
    Ok(values)
}

/// How many bytes an element takes of the data.
fn element_len(element: Element, rest: &[u8], values: &mut Vec<Value>) -> Result<usize, Failure> {
    match element.kind {
        Kind::String if element.bytes == 0 => {
            let len = values.pop().as_ref().and_then(super::as_double);
            let len = len.ok_or("format 'c0' needs a previous size")?;
            usize::try_from(integer(len)).map_err(|_| TOO_SHORT.into())
        }
        Kind::ZeroEnded => {
            let end = memchr::memchr(0, rest).ok_or("unfinished string in data")?;
            Ok(end + 1)
        }
        _ => Ok(element.bytes),
    }
}

#[expect(clippy::cast_precision_loss, reason = "Lua's numbers are doubles")]
fn read(element: Element, data: &[u8]) -> Value {
    let mut little = data.to_vec();
    if !element.little {
        little.reverse();
    }
    let mut digits = [0; 8];
    let used = little.len().min(8);
    digits[..used].copy_from_slice(&little[..used]);
    match element.kind {
        Kind::Double => Value::Number(f64::from_le_bytes(digits)),
        Kind::Float => {
            let [b0, b1, b2, b3, ..] = digits;
            Value::Number(f64::from(f32::from_le_bytes([b0, b1, b2, b3])))
        }
        Kind::Signed => {
            let unused = 64 - 8 * u32::try_from(used).unwrap_or(8).max(1);
            Value::Integer((i64::from_le_bytes(digits) << unused) >> unused)
        }
        _ => {
            let number = u64::from_le_bytes(digits);
            i64::try_from(number).map_or(Value::Number(number as f64), Value::Integer)
        }
    }
}
