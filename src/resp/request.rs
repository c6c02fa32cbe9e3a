//! Requests: arrays of bulk strings, or inline commands typed by hand.
//!
//! The decoder is *resumable*: when bytes are missing it remembers how far it came, so a request
//! that arrives in many pieces is read once. It is *bounded* ([`Limits`]): what a peer announces
//! is never allocated, only what it has sent. Arguments stay in the read buffer; an [`Argv`] is a
//! view of them.
//!
//! <https://redis.io/docs/latest/develop/reference/protocol-spec/>

use self::ahead::ReadAhead;
use super::argv::{Argv, Word};
use super::inline::read_word;
use super::line;
use super::protocol_error::ProtocolError;

/// Bounds on a request.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most words of a request.
    pub words_max: usize,
    /// Most bytes of one argument (`proto-max-bulk-len`).
    pub bulk_bytes_max: usize,
    /// Has the client said who it is? Until then 10 words and 16 KiB an argument must do.
    pub authenticated: bool,
}

/// Most bytes of an inline command, or of a number's line.
const LINE_BYTES_MAX: usize = 64 * 1024;
const UNAUTHENTICATED_WORDS_MAX: usize = 10;
const UNAUTHENTICATED_BULK_BYTES_MAX: usize = 16 * 1024;
/// Most words of a request that is read the short way.
const PLAIN_WORDS_MAX: usize = 64;
/// Words for which there is room between requests.
const WORDS_KEPT: usize = 512;

/// What a call of [`RequestDecoder::decode`] found.
#[derive(Debug)]
pub enum Decoded<'a> {
    /// The request is not complete: read more behind the same bytes.
    Incomplete,
    /// Nothing to run (an empty line or array); drop so many bytes.
    Nothing(usize),
    /// A request that took so many bytes.
    Request(Argv<'a>, usize),
}

/// Reads requests from a buffer that grows at its end.
#[derive(Debug, Default)]
pub struct RequestDecoder {
    words: Vec<Word>,
    /// Requests that were read ahead, and how many of them were given out.
    ahead: Vec<ReadAhead>,
    given: usize,
    /// Unescaped words of an inline command.
    inline: Vec<u8>,
    /// Words still missing; `None` before the `*<count>` line.
    missing: Option<usize>,
    /// Length of the argument whose bytes are awaited.
    bulk_bytes: Option<usize>,
    /// Bytes read so far.
    at: usize,
}

impl RequestDecoder {
    /// A decoder at the start of a request.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the request at the start of `buf`, going on where the last call stopped: until a
    /// request is complete, each call must give the same bytes and some more.
    #[inline]
    pub fn decode<'a>(
        &'a mut self,
        buf: &'a [u8],
        limits: &Limits,
    ) -> Result<Decoded<'a>, ProtocolError> {
        if self.given < self.ahead.len() {
            return Ok(self.next_ahead(buf));
        }
        self.decode_next(buf, limits)
    }

    /// As [`RequestDecoder::decode`], where nothing that was read ahead is left.
    #[inline(never)]
    fn decode_next<'a>(
        &'a mut self,
        buf: &'a [u8],
        limits: &Limits,
    ) -> Result<Decoded<'a>, ProtocolError> {
        if self.missing.is_none() {
            self.words.clear();
            if let Some(used) = read_plain(buf, limits, &mut self.words) {
                return Ok(Decoded::Request(Argv::new(buf, &self.words), used));
            }
            match buf.first() {
                None => return Ok(Decoded::Incomplete),
                Some(b'*') => {}
                Some(_) => return self.decode_inline(buf),
            }
        }
        if !self.read_words(buf, limits)? {
            return Ok(Decoded::Incomplete);
        }
        self.missing = None;
        let used = std::mem::take(&mut self.at);
        if self.words.is_empty() {
            return Ok(Decoded::Nothing(used));
        }
        Ok(Decoded::Request(Argv::new(buf, &self.words), used))
    }

    /// Bytes of an incomplete request that were read: those of its arguments, and their lengths.
    pub fn taken_bytes(&self) -> usize {
        self.at
    }

    /// How long the buffer must be for the argument that is awaited to be complete; 0 if that is
    /// not known.
    pub fn wanted_bytes(&self) -> usize {
        self.bulk_bytes.map_or(0, |bytes| self.at + bytes + 2)
    }

    /// Bytes taken by the decoder itself.
    pub fn bytes(&self) -> usize {
        let ahead = self.ahead.capacity() * size_of::<ReadAhead>();
        self.words.capacity() * size_of::<Word>() + self.inline.capacity() + ahead
    }

    /// Gives back the memory of an unusually large request.
    pub fn shrink(&mut self) {
        self.words.shrink_to(WORDS_KEPT);
        self.inline.shrink_to(256);
    }

    /// Reads words until none is missing; `false` if the buffer ends before.
    #[inline(never)]
    fn read_words(&mut self, buf: &[u8], limits: &Limits) -> Result<bool, ProtocolError> {
        let mut missing = match self.missing {
            Some(missing) => missing,
            None => match self.read_count(buf, limits)? {
                None => return Ok(false),
                Some(count) => count,
            },
        };
        while missing > 0 {
            let length = match self.bulk_bytes.take() {
                None => self.read_bulk_length(buf, limits)?,
                awaited => awaited,
            };
            let Some(bytes) = length.filter(|bytes| buf.len() - self.at >= bytes + 2) else {
                self.missing = Some(missing);
                self.bulk_bytes = length;
                return Ok(false);
            };
            self.words.push(Word { start: self.at, len: bytes });
            self.at += bytes + 2;
            missing -= 1;
        }
        Ok(true)
    }

    fn read_count(&mut self, buf: &[u8], limits: &Limits) -> Result<Option<usize>, ProtocolError> {
        self.words.clear();
        self.at = 0;
        let Some(line) = self.read_line(buf, ProtocolError::TooBigMultibulkCount)? else {
            return Ok(None);
        };
        let count = crate::number::parse_i64(&line[1..])
            .filter(|&count| count <= i64::try_from(limits.words_max).unwrap_or(i64::MAX))
            .ok_or(ProtocolError::InvalidMultibulkLength)?;
        let count = usize::try_from(count).unwrap_or(0);
        if !limits.authenticated && count > UNAUTHENTICATED_WORDS_MAX {
            return Err(ProtocolError::UnauthenticatedMultibulkLength);
        }
        Ok(Some(count))
    }

    fn read_bulk_length(
        &mut self,
        buf: &[u8],
        limits: &Limits,
    ) -> Result<Option<usize>, ProtocolError> {
        let Some(line) = self.read_line(buf, ProtocolError::TooBigBulkCount)? else {
            return Ok(None);
        };
        let digits = match line {
            [b'$', digits @ ..] => digits,
            [] => return Err(ProtocolError::ExpectedBulk(b'\r')),
            [other, ..] => return Err(ProtocolError::ExpectedBulk(*other)),
        };
        let bytes = crate::number::parse_i64(digits)
            .and_then(|bytes| usize::try_from(bytes).ok())
            .filter(|&bytes| bytes <= limits.bulk_bytes_max)
            .ok_or(ProtocolError::InvalidBulkLength)?;
        if !limits.authenticated && bytes > UNAUTHENTICATED_BULK_BYTES_MAX {
            return Err(ProtocolError::UnauthenticatedBulkLength);
        }
        Ok(Some(bytes))
    }

    /// The line at `self.at` without its end, if it has arrived; moves behind it.
    fn read_line<'b>(
        &mut self,
        buf: &'b [u8],
        too_long: ProtocolError,
    ) -> Result<Option<&'b [u8]>, ProtocolError> {
        let rest = &buf[self.at..];
        let end = rest.iter().take(LINE_BYTES_MAX).position(|&byte| byte == b'\r');
        match end {
            Some(end) if end + 1 < rest.len() => {
                self.at += end + 2;
                Ok(Some(&rest[..end]))
            }
            None if rest.len() > LINE_BYTES_MAX => Err(too_long),
            _ => Ok(None),
        }
    }

    #[inline(never)]
    fn decode_inline<'a>(&'a mut self, buf: &[u8]) -> Result<Decoded<'a>, ProtocolError> {
        let window = &buf[..buf.len().min(LINE_BYTES_MAX)];
        let Some(end) = memchr::memchr(b'\n', window) else {
            let full = buf.len() > LINE_BYTES_MAX;
            return if full { Err(ProtocolError::TooBigInline) } else { Ok(Decoded::Incomplete) };
        };
        let line = window[..end].strip_suffix(b"\r").unwrap_or(&window[..end]);
        self.words.clear();
        self.inline.clear();
        let mut rest = line.trim_ascii_start();
        while !rest.is_empty() {
            let start = self.inline.len();
            rest = read_word(rest, &mut self.inline)
                .ok_or(ProtocolError::UnbalancedQuotes)?
                .trim_ascii_start();
            self.words.push(Word { start, len: self.inline.len() - start });
        }
        if self.words.is_empty() {
            return Ok(Decoded::Nothing(end + 1));
        }
        Ok(Decoded::Request(Argv::new(&self.inline, &self.words), end + 1))
    }
}

/// Reads a small request as clients write it that has arrived whole, and returns its length; `None`
/// for all else, which the long way reads and judges.
#[inline]
fn read_plain(buf: &[u8], limits: &Limits, words: &mut Vec<Word>) -> Option<usize> {
    let (count, mut at) = plain_length(buf, b'*')?;
    let count_max = if limits.authenticated { PLAIN_WORDS_MAX } else { UNAUTHENTICATED_WORDS_MAX };
    if count == 0 || count > limits.words_max.min(count_max) {
        return None;
    }
    let bytes_max = limits.bulk_bytes_max.min(UNAUTHENTICATED_BULK_BYTES_MAX);
    for _ in 0..count {
        let (len, head) = plain_length(buf.get(at..)?, b'$')?;
        let start = at + head;
        at = start + len + 2;
        if len > bytes_max || at > buf.len() {
            return None;
        }
        words.push(Word { start, len });
    }
    Some(at)
}

/// A small count or length as clients write it (`kind`, up to five digits, the end of the line)
/// and the bytes it takes; `None` for all else, which the long way reads and judges.
#[inline]
fn plain_length(line: &[u8], kind: u8) -> Option<(usize, usize)> {
    let head = u32::from_le_bytes(*line.first_chunk()?);
    // What is above the same line with zeros for digits is the digits, and nothing else.
    let digit = digits_above(head, [kind, b'0', b'\r', b'\n']);
    if digit <= 9 {
        return Some((digit as usize, 4));
    }
    let digits = digits_above(head, [kind, b'0', b'0', b'\r']);
    let (tens, ones) = (digits & 0xFF, digits >> 8);
    if matches!(tens, 1..=9) && ones <= 9 && line.len() > 4 {
        return Some(((10 * tens + ones) as usize, 5));
    }
    longer_plain_length(line, kind)
}

/// By how much the bytes of `head` behind the first are above those of `zeros`, the first of them
/// lowest; out of reach of any digit if the first differs.
#[inline]
fn digits_above(head: u32, zeros: [u8; 4]) -> u32 {
    head.wrapping_sub(u32::from_le_bytes(zeros)).rotate_right(8)
}

#[inline(never)]
fn longer_plain_length(line: &[u8], kind: u8) -> Option<(usize, usize)> {
    let mut value = match line {
        [first, digit @ b'1'..=b'9', ..] if *first == kind => usize::from(digit - b'0'),
        [first, b'0', b'\r', ..] if *first == kind => 0,
        _ => return None,
    };
    for at in 2..7 {
        match line.get(at)? {
            digit @ b'0'..=b'9' => value = value * 10 + usize::from(digit - b'0'),
            b'\r' if at + 1 < line.len() => return Some((value, at + 2)),
            _ => return None,
        }
    }
    None
}

/// Appends the head of a request of `words` words.
pub fn encode_head(buf: &mut Vec<u8>, words: usize) {
    line::length(buf, b'*', words);
}

/// Appends one word of a request.
pub fn encode_word(buf: &mut Vec<u8>, word: &[u8]) {
    line::length(buf, b'$', word.len());
    buf.extend_from_slice(word);
    buf.extend_from_slice(b"\r\n");
}

mod ahead;

#[cfg(test)]
mod tests;
