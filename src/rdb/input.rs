//! The primitives of RDB, to read: lengths, strings, numbers. Nothing that a file announces is
//! allocated before its bytes have arrived.

use std::io::Read;

use super::{RdbError, crc64, lzf};

/// Encodings of strings that are none.
const INT8: u64 = 0;
const INT16: u64 = 1;
const INT32: u64 = 2;
const COMPRESSED: u64 = 3;

/// In the place of a number or time that is not known.
const UNKNOWN: u64 = u64::MAX;

/// Commands take signed numbers, and the log may hold what was loaded as commands.
fn as_clients_may_say(number: u64) -> Result<u64, RdbError> {
    let fits = i64::try_from(number).is_ok();
    if fits { Ok(number) } else { Err(RdbError::Corrupt("a number or time is too large")) }
}

/// Where an RDB file or payload comes from.
#[derive(Debug)]
pub(super) struct Input<R> {
    source: R,
    crc: u64,
    /// Bytes read.
    pub(super) offset: u64,
}

/// A length, or a special encoding in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Encoding(u64),
    Plain(u64),
}

impl<R: Read> Input<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, crc: 0, offset: 0 }
    }

    /// The checksum of what was read.
    pub(super) fn crc(&self) -> u64 {
        self.crc
    }

    /// `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], RdbError> {
        let mut bytes = [0; N];
        self.source.read_exact(&mut bytes)?;
        self.note(&bytes);
        Ok(bytes)
    }

    fn note(&mut self, bytes: &[u8]) {
        self.crc = crc64::update(self.crc, bytes);
        self.offset += bytes.len() as u64;
    }

    pub(super) fn byte(&mut self) -> Result<u8, RdbError> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// `len` bytes.
    pub(super) fn bytes(&mut self, len: u64) -> Result<Vec<u8>, RdbError> {
        let mut bytes = Vec::new();
        self.source.by_ref().take(len).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != len {
            return Err(RdbError::EndOfInput);
        }
        self.note(&bytes);
        Ok(bytes)
    }

    /// A length that stands for itself.
    pub(super) fn length(&mut self) -> Result<u64, RdbError> {
        match self.length_or_encoding()? {
            Length::Plain(length) => Ok(length),
            Length::Encoding(_) => Err(RdbError::Corrupt("a length is expected")),
        }
    }

    fn length_or_encoding(&mut self) -> Result<Length, RdbError> {
        let first = self.byte()?;
        let low = u64::from(first & 0x3f);
        Ok(match first >> 6 {
            0 => Length::Plain(low),
            1 => Length::Plain((low << 8) | u64::from(self.byte()?)),
            2 if first == 0x80 => Length::Plain(u64::from(u32::from_be_bytes(self.array()?))),
            2 if first == 0x81 => Length::Plain(u64::from_be_bytes(self.array()?)),
            3 => Length::Encoding(low),
            _ => return Err(RdbError::Corrupt("a length has an unknown form")),
        })
    }

    /// A string.
    pub(super) fn string(&mut self) -> Result<Vec<u8>, RdbError> {
        let value = match self.length_or_encoding()? {
            Length::Plain(len) => return self.bytes(len),
            Length::Encoding(INT8) => i64::from(i8::from_le_bytes(self.array()?)),
            Length::Encoding(INT16) => i64::from(i16::from_le_bytes(self.array()?)),
            Length::Encoding(INT32) => i64::from(i32::from_le_bytes(self.array()?)),
            Length::Encoding(COMPRESSED) => return self.compressed(),
            Length::Encoding(_) => return Err(RdbError::Corrupt("a string has an unknown form")),
        };
        Ok(value.to_string().into_bytes())
    }

    fn compressed(&mut self) -> Result<Vec<u8>, RdbError> {
        let compressed_len = self.length()?;
        let len = usize::try_from(self.length()?).unwrap_or(usize::MAX);
        let compressed = self.bytes(compressed_len)?;
        lzf::decompress(&compressed, len).ok_or(RdbError::Corrupt("bad compressed text"))
    }

    /// A double of eight bytes.
    pub(super) fn double(&mut self) -> Result<f64, RdbError> {
        Ok(f64::from_le_bytes(self.array()?))
    }

    /// A double as text, as old files hold them.
    pub(super) fn double_text(&mut self) -> Result<f64, RdbError> {
        match self.byte()? {
            253 => Ok(f64::NAN),
            254 => Ok(f64::INFINITY),
            255 => Ok(f64::NEG_INFINITY),
            len => {
                let text = self.bytes(u64::from(len))?;
                let text = std::str::from_utf8(&text).ok();
                let value = text.and_then(|text| text.trim().parse().ok());
                value.ok_or(RdbError::Corrupt("a number is expected"))
            }
        }
    }

    /// A time of eight bytes, in milliseconds.
    pub(super) fn milliseconds(&mut self) -> Result<u64, RdbError> {
        as_clients_may_say(u64::from_le_bytes(self.array()?))
    }

    /// As [`Input::milliseconds`]; `None` where all bits are set.
    pub(super) fn known_milliseconds(&mut self) -> Result<Option<u64>, RdbError> {
        match u64::from_le_bytes(self.array()?) {
            UNKNOWN => Ok(None),
            ms => as_clients_may_say(ms).map(Some),
        }
    }

    /// A number in the form of a length that is not too large for a command.
    pub(super) fn number(&mut self) -> Result<u64, RdbError> {
        self.length().and_then(as_clients_may_say)
    }

    /// As [`Input::number`]; `None` where all bits are set.
    pub(super) fn known_number(&mut self) -> Result<Option<u64>, RdbError> {
        match self.length()? {
            UNKNOWN => Ok(None),
            number => as_clients_may_say(number).map(Some),
        }
    }

    /// The value of a module's data: skips what is typed, up to its end.
    pub(super) fn skip_module(&mut self) -> Result<(), RdbError> {
        loop {
            match self.length()? {
                0 => return Ok(()),
                1 | 2 => drop(self.length()?),
                3 => drop(self.array::<4>()?),
                4 => drop(self.array::<8>()?),
                5 => drop(self.string()?),
                _ => return Err(RdbError::Corrupt("data of a module have an unknown form")),
            }
        }
    }
}
