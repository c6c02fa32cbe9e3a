//! The primitives of RDB, to read: lengths, strings, numbers. Nothing that a file announces is
//! allocated before its bytes have arrived.

use super::blocks::{Block, Source};
use super::packed::Words;
use super::{RdbError, crc64, lzf};

/// Encodings of strings that are none.
const INT8: u64 = 0;
const INT16: u64 = 1;
const INT32: u64 = 2;
const COMPRESSED: u64 = 3;

/// In the place of a number or time that is not known.
const UNKNOWN: u64 = u64::MAX;

/// Buffers larger than this are not kept.
const SPARE_BYTES_MAX: usize = 1 << 20;

/// Commands take signed numbers, and the log may hold what was loaded as commands.
fn as_clients_may_say(number: u64) -> Result<u64, RdbError> {
    let fits = i64::try_from(number).is_ok();
    if fits { Ok(number) } else { Err(RdbError::Corrupt("a number or time is too large")) }
}

/// Where an RDB file or payload comes from.
#[derive(Debug)]
pub(super) struct Input<S> {
    source: S,
    block: Block,
    /// Where to go on in the block.
    at: usize,
    /// Bytes read.
    pub(super) offset: u64,
    /// Bytes that lie in more than one block.
    across: Vec<u8>,
    /// A text that does not lie in the input as it is.
    text: Vec<u8>,
    /// For packed values, to use again.
    pub(super) words: Words,
}

/// A length, or a special encoding in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Encoding(u64),
    Plain(u64),
}

impl<S: Source> Input<S> {
    pub(super) fn new(source: S) -> Self {
        Self {
            source,
            block: Block::default(),
            at: 0,
            offset: 0,
            across: Vec::new(),
            text: Vec::new(),
            words: Words::default(),
        }
    }

    /// Goes on with another source, the bytes of which are counted from `offset` on.
    pub(super) fn go_to(&mut self, source: S, offset: u64) {
        self.source = source;
        self.block.bytes.clear();
        self.at = 0;
        self.offset = offset;
    }

    /// The checksum of what was read.
    pub(super) fn crc(&self) -> u64 {
        crc64::update(self.block.crc, &self.block.bytes[..self.at])
    }

    /// `len` bytes.
    #[inline]
    pub(super) fn bytes(&mut self, len: u64) -> Result<&[u8], RdbError> {
        let len = usize::try_from(len).map_err(|_| RdbError::EndOfInput)?;
        let start = self.at;
        if self.block.bytes.len() - start < len {
            return self.bytes_across(len);
        }
        self.at += len;
        self.offset += len as u64;
        Ok(&self.block.bytes[start..start + len])
    }

    /// As [`Input::bytes`], where the block ends before.
    fn bytes_across(&mut self, len: usize) -> Result<&[u8], RdbError> {
        if self.across.capacity() > SPARE_BYTES_MAX {
            self.across = Vec::new();
        }
        self.across.clear();
        loop {
            let rest = &self.block.bytes[self.at..];
            let more = rest.len().min(len - self.across.len());
            self.across.extend_from_slice(&rest[..more]);
            self.at += more;
            if self.across.len() == len {
                self.offset += len as u64;
                return Ok(&self.across);
            }
            self.at = 0;
            if !self.source.next(&mut self.block)? {
                return Err(RdbError::EndOfInput);
            }
        }
    }

    /// Goes past `len` bytes.
    pub(super) fn skip(&mut self, len: u64) -> Result<(), RdbError> {
        let mut left = len;
        loop {
            let rest = self.block.bytes.len() - self.at;
            if left <= rest as u64 {
                self.at += usize::try_from(left).unwrap_or(rest);
                self.offset += len;
                return Ok(());
            }
            left -= rest as u64;
            self.at = 0;
            if !self.source.next(&mut self.block)? {
                return Err(RdbError::EndOfInput);
            }
        }
    }

    /// `N` bytes.
    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], RdbError> {
        self.bytes(N as u64)?.try_into().map_err(|_| RdbError::EndOfInput)
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, RdbError> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A length that stands for itself.
    #[inline]
    pub(super) fn length(&mut self) -> Result<u64, RdbError> {
        match self.length_or_encoding()? {
            Length::Plain(length) => Ok(length),
            Length::Encoding(_) => Err(RdbError::Corrupt("a length is expected")),
        }
    }

    pub(super) fn skip_lengths(&mut self, count: usize) -> Result<(), RdbError> {
        (0..count).try_for_each(|_| self.length().map(drop))
    }

    #[inline]
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

    /// A string, until the next one is read.
    pub(super) fn text(&mut self) -> Result<&[u8], RdbError> {
        match self.length_or_encoding()? {
            Length::Plain(len) => self.bytes(len),
            Length::Encoding(encoding) => {
                let mut text = std::mem::take(&mut self.text);
                if text.capacity() > SPARE_BYTES_MAX {
                    text = Vec::new();
                }
                self.encoded(encoding, &mut text)?;
                self.text = text;
                Ok(&self.text)
            }
        }
    }

    /// A string, in place of what `text` holds.
    pub(super) fn text_into(&mut self, text: &mut Vec<u8>) -> Result<(), RdbError> {
        match self.length_or_encoding()? {
            Length::Encoding(encoding) => self.encoded(encoding, text),
            Length::Plain(len) => {
                text.clear();
                text.extend_from_slice(self.bytes(len)?);
                Ok(())
            }
        }
    }

    /// Goes past a string.
    pub(super) fn skip_text(&mut self) -> Result<(), RdbError> {
        match self.length_or_encoding()? {
            Length::Plain(len) => self.skip(len),
            Length::Encoding(INT8) => self.skip(1),
            Length::Encoding(INT16) => self.skip(2),
            Length::Encoding(INT32) => self.skip(4),
            Length::Encoding(COMPRESSED) => {
                let compressed_len = self.length()?;
                self.length()?;
                self.skip(compressed_len)
            }
            Length::Encoding(_) => Err(RdbError::Corrupt("a string has an unknown form")),
        }
    }

    fn encoded(&mut self, encoding: u64, text: &mut Vec<u8>) -> Result<(), RdbError> {
        let value = match encoding {
            INT8 => i64::from(i8::from_le_bytes(self.array()?)),
            INT16 => i64::from(i16::from_le_bytes(self.array()?)),
            INT32 => i64::from(i32::from_le_bytes(self.array()?)),
            COMPRESSED => return self.compressed(text),
            _ => return Err(RdbError::Corrupt("a string has an unknown form")),
        };
        text.clear();
        text.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        Ok(())
    }

    fn compressed(&mut self, text: &mut Vec<u8>) -> Result<(), RdbError> {
        let compressed_len = self.length()?;
        let len = usize::try_from(self.length()?).unwrap_or(usize::MAX);
        let compressed = self.bytes(compressed_len)?;
        lzf::decompress(compressed, len, text).ok_or(RdbError::Corrupt("bad compressed text"))
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
                let text = std::str::from_utf8(self.bytes(u64::from(len))?).ok();
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
                5 => self.skip_text()?,
                _ => return Err(RdbError::Corrupt("data of a module have an unknown form")),
            }
        }
    }
}
