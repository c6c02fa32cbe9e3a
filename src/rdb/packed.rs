//! The packed forms in which Redis keeps small collections and writes them to RDB files as one
//! string: listpack, ziplist, intset, zipmap. Read with every length checked.

use super::RdbError;
use super::blocks::Source;
use super::input::Input;
use super::listpack::back_length_bytes;

const CUT_SHORT: RdbError = RdbError::Corrupt("a packed value is cut short");

/// Buffers larger than this are not kept.
const SPARE_BYTES_MAX: usize = 1 << 20;

/// How words are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Intset,
    Listpack,
    Ziplist,
    Zipmap,
}

/// Where a word stands.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: usize,
    len: usize,
}

/// The words of a packed value.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// The packed value, and behind it the digits of the integers in it.
    bytes: Vec<u8>,
    digits: Vec<u8>,
    spans: Vec<Span>,
}

impl Words {
    /// Reads a packed value in place of the one before.
    pub(super) fn read<S: Source>(
        &mut self,
        input: &mut Input<S>,
        form: Form,
    ) -> Result<(), RdbError> {
        if self.bytes.capacity() > SPARE_BYTES_MAX {
            *self = Self::default();
        }
        input.text_into(&mut self.bytes)?;
        self.take_apart(form)
    }

    fn take_apart(&mut self, form: Form) -> Result<(), RdbError> {
        self.spans.clear();
        self.digits.clear();
        let (spans, digits) = (&mut self.spans, &mut self.digits);
        let mut cursor = Cursor { bytes: &self.bytes, at: 0, spans, digits };
        match form {
            Form::Intset => cursor.intset()?,
            Form::Listpack => cursor.listpack()?,
            Form::Ziplist => cursor.ziplist()?,
            Form::Zipmap => cursor.zipmap()?,
        }
        self.bytes.append(&mut self.digits);
        Ok(())
    }

    /// The words, one after the other.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> + Clone {
        self.spans.iter().map(|span| &self.bytes[span.start..span.start + span.len])
    }

    /// The words in groups of `N`; `None` if there is not a whole number of them.
    pub(super) fn groups<const N: usize>(&self) -> Option<impl Iterator<Item = [&[u8]; N]>> {
        let (groups, []) = self.spans.as_chunks::<N>() else { return None };
        let word = |span: Span| &self.bytes[span.start..span.start + span.len];
        Some(groups.iter().map(move |spans| spans.map(word)))
    }

    /// A buffer for any other use.
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

/// A cursor over packed bytes.
#[derive(Debug)]
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    spans: &'a mut Vec<Span>,
    digits: &'a mut Vec<u8>,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], RdbError> {
        let taken = self.bytes[self.at..].get(..len).ok_or(CUT_SHORT)?;
        self.at += len;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], RdbError> {
        self.take(N)?.try_into().map_err(|_| CUT_SHORT)
    }

    fn byte(&mut self) -> Result<u8, RdbError> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// The next `len` bytes are a word.
    fn text(&mut self, len: u32) -> Result<(), RdbError> {
        let span = Span { start: self.at, len: usize::try_from(len).unwrap_or(usize::MAX) };
        self.take(span.len)?;
        self.spans.push(span);
        Ok(())
    }

    /// A word that stands there as a number.
    fn integer(&mut self, value: i64) {
        let start = self.bytes.len() + self.digits.len();
        let mut buffer = itoa::Buffer::new();
        let digits = buffer.format(value);
        self.digits.extend_from_slice(digits.as_bytes());
        self.spans.push(Span { start, len: digits.len() });
    }

    fn listpack(&mut self) -> Result<(), RdbError> {
        if u32::from_le_bytes(self.array()?) as usize != self.bytes.len() {
            return Err(RdbError::Corrupt("a listpack has another length than it says"));
        }
        self.take(2)?;
        loop {
            let before = self.at;
            let first = self.byte()?;
            if first == 0xff {
                return if self.is_at_end() { Ok(()) } else { Err(CUT_SHORT) };
            }
            self.listpack_element(first)?;
            self.take(back_length_bytes(self.at - before))?;
        }
    }

    fn listpack_element(&mut self, first: u8) -> Result<(), RdbError> {
        let low = |bits: u32| u32::from(first) & ((1 << bits) - 1);
        match first {
            0x00..=0x7f => self.integer(i64::from(first)),
            0x80..=0xbf => self.text(low(6))?,
            0xc0..=0xdf => {
                let value = (low(5) << 8) | u32::from(self.byte()?);
                self.integer(sign_extended(value, 13));
            }
            0xe0..=0xef => {
                let len = (low(4) << 8) | u32::from(self.byte()?);
                self.text(len)?;
            }
            0xf0 => {
                let len = u32::from_le_bytes(self.array()?);
                self.text(len)?;
            }
            0xf1 => self.integer_of(i16::from_le_bytes)?,
            0xf2 => self.integer_of(number24)?,
            0xf3 => self.integer_of(i32::from_le_bytes)?,
            0xf4 => self.integer_of(i64::from_le_bytes)?,
            _ => return Err(RdbError::Corrupt("an element of a listpack has an unknown form")),
        }
        Ok(())
    }

    /// A word that stands there as the bytes of a number.
    fn integer_of<const N: usize, I: Into<i64>>(
        &mut self,
        number: impl Fn([u8; N]) -> I,
    ) -> Result<(), RdbError> {
        let bytes = self.array()?;
        self.integer(number(bytes).into());
        Ok(())
    }

    fn ziplist(&mut self) -> Result<(), RdbError> {
        if u32::from_le_bytes(self.array()?) as usize != self.bytes.len() {
            return Err(RdbError::Corrupt("a ziplist has another length than it says"));
        }
        self.take(6)?;
        loop {
            match self.byte()? {
                0xff => return if self.is_at_end() { Ok(()) } else { Err(CUT_SHORT) },
                0xfe => drop(self.take(4)?),
                _ => {}
            }
            self.ziplist_element()?;
        }
    }

    fn ziplist_element(&mut self) -> Result<(), RdbError> {
        let first = self.byte()?;
        let low = u32::from(first & 0x3f);
        match first {
            0x00..=0x3f => self.text(low)?,
            0x40..=0x7f => {
                let len = (low << 8) | u32::from(self.byte()?);
                self.text(len)?;
            }
            0x80 => {
                let len = u32::from_be_bytes(self.array()?);
                self.text(len)?;
            }
            0xc0 => self.integer_of(i16::from_le_bytes)?,
            0xd0 => self.integer_of(i32::from_le_bytes)?,
            0xe0 => self.integer_of(i64::from_le_bytes)?,
            0xf0 => self.integer_of(number24)?,
            0xfe => self.integer_of(i8::from_le_bytes)?,
            0xf1..=0xfd => self.integer(i64::from(first & 0x0f) - 1),
            _ => return Err(RdbError::Corrupt("an element of a ziplist has an unknown form")),
        }
        Ok(())
    }

    /// The members of an intset.
    fn intset(&mut self) -> Result<(), RdbError> {
        let width = u32::from_le_bytes(self.array()?);
        let count = u32::from_le_bytes(self.array()?);
        let announced = u64::from(width) * u64::from(count);
        if !matches!(width, 2 | 4 | 8) || announced != (self.bytes.len() - self.at) as u64 {
            return Err(RdbError::Corrupt("an intset has another length than it says"));
        }
        for _ in 0..count {
            match width {
                2 => self.integer_of(i16::from_le_bytes)?,
                4 => self.integer_of(i32::from_le_bytes)?,
                _ => self.integer_of(i64::from_le_bytes)?,
            }
        }
        Ok(())
    }

    /// The fields and values of a zipmap, one after the other.
    fn zipmap(&mut self) -> Result<(), RdbError> {
        self.take(1)?;
        loop {
            let Some(len) = self.zipmap_length()? else {
                return if self.is_at_end() { Ok(()) } else { Err(CUT_SHORT) };
            };
            self.text(len)?;
            let len = self.zipmap_length()?.ok_or(CUT_SHORT)?;
            let free = self.byte()?;
            self.text(len)?;
            self.take(usize::from(free))?;
        }
    }

    /// A length; `None` at the end.
    fn zipmap_length(&mut self) -> Result<Option<u32>, RdbError> {
        Ok(match self.byte()? {
            255 => None,
            254 => Some(u32::from_le_bytes(self.array()?)),
            len => Some(u32::from(len)),
        })
    }
}

/// A signed integer of `bits` bits, at most 24.
fn sign_extended(value: u32, bits: u32) -> i64 {
    let shift = 32 - bits;
    i64::from((value << shift).cast_signed() >> shift)
}

fn number24([low, middle, high]: [u8; 3]) -> i64 {
    sign_extended(u32::from_le_bytes([low, middle, high, 0]), 24)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rdb::listpack::Listpack;

    fn words(bytes: &[u8], form: Form) -> Option<Vec<Vec<u8>>> {
        let mut words = Words { bytes: bytes.to_vec(), ..Words::default() };
        words.take_apart(form).ok()?;
        Some(words.iter().map(<[u8]>::to_vec).collect())
    }

    #[test]
    fn a_listpack_reads_back() {
        let mut texts: Vec<Vec<u8>> = Vec::new();
        for value in [0, 127, 128, -1, 4095, -4096, 4096, 40_000, -8_388_608, 1 << 30, i64::MIN] {
            texts.push(value.to_string().into_bytes());
        }
        for len in [0, 1, 63, 64, 100, 125, 126, 127, 4095, 4096, 20_000] {
            texts.push(vec![b'x'; len]);
        }
        let mut pack = Listpack::new();
        for text in &texts {
            pack.push(text);
        }
        let bytes = pack.finish();
        assert_eq!(words(&bytes, Form::Listpack).as_ref(), Some(&texts));
        for len in 0..bytes.len() {
            assert_eq!(words(&bytes[..len], Form::Listpack), None);
        }
    }

    #[test]
    fn old_forms_are_read() {
        let check = |bytes: &[u8], form, expected: &[&str]| {
            let expected: Vec<Vec<u8>> =
                expected.iter().map(|word| word.as_bytes().to_vec()).collect();
            assert_eq!(words(bytes, form), Some(expected), "{form:?}");
        };
        let ziplist_bytes = b"\x15\0\0\0\x0e\0\0\0\x03\0\0\x02ab\x04\xf3\x02\xfe\x9c\xff";
        let mut bytes = ziplist_bytes.to_vec();
        bytes[0] = u8::try_from(bytes.len()).unwrap();
        check(&bytes, Form::Ziplist, &["ab", "2", "-100"]);
        check(b"\x02\0\0\0\x02\0\0\0\xff\xff\x05\0", Form::Intset, &["-1", "5"]);
        check(b"\x01\x01a\x02\x01bc?\xff", Form::Zipmap, &["a", "bc"]);
    }
}
