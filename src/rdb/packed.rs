//! The packed forms in which Redis keeps small collections and writes them to RDB files as one
//! string: listpack, ziplist, intset, zipmap. Read with every length checked.

use super::RdbError;

const CUT_SHORT: RdbError = RdbError::Corrupt("a packed value is cut short");

/// A cursor over packed bytes.
#[derive(Clone, Copy, Debug)]
struct Cursor<'a> {
    bytes: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], RdbError> {
        let (head, rest) = self.bytes.split_at_checked(len).ok_or(CUT_SHORT)?;
        self.bytes = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], RdbError> {
        self.take(N)?.try_into().map_err(|_| CUT_SHORT)
    }

    fn byte(&mut self) -> Result<u8, RdbError> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn text(&mut self, len: u32) -> Result<Vec<u8>, RdbError> {
        Ok(self.take(usize::try_from(len).unwrap_or(usize::MAX))?.to_vec())
    }
}

fn integer(value: i64) -> Vec<u8> {
    value.to_string().into_bytes()
}

/// A signed integer of `bits` bits, at most 24.
fn sign_extended(value: u32, bits: u32) -> i64 {
    let shift = 32 - bits;
    i64::from((value << shift).cast_signed() >> shift)
}

fn number24([low, middle, high]: [u8; 3]) -> i64 {
    sign_extended(u32::from_le_bytes([low, middle, high, 0]), 24)
}

/// The elements of a listpack.
pub(super) fn listpack(bytes: &[u8]) -> Result<Vec<Vec<u8>>, RdbError> {
    let mut cursor = Cursor { bytes };
    if u32::from_le_bytes(cursor.array()?) as usize != bytes.len() {
        return Err(RdbError::Corrupt("a listpack has another length than it says"));
    }
    cursor.take(2)?;
    let mut elements = Vec::new();
    loop {
        let before = cursor.bytes.len();
        let first = cursor.byte()?;
        if first == 0xff {
            return if cursor.bytes.is_empty() { Ok(elements) } else { Err(CUT_SHORT) };
        }
        elements.push(listpack_element(&mut cursor, first)?);
        let len = before - cursor.bytes.len();
        cursor.take(back_length_bytes(len))?;
    }
}

fn listpack_element(cursor: &mut Cursor<'_>, first: u8) -> Result<Vec<u8>, RdbError> {
    let low = |bits: u32| u32::from(first) & ((1 << bits) - 1);
    Ok(match first {
        0x00..=0x7f => integer(i64::from(first)),
        0x80..=0xbf => cursor.text(low(6))?,
        0xc0..=0xdf => {
            let value = (low(5) << 8) | u32::from(cursor.byte()?);
            integer(sign_extended(value, 13))
        }
        0xe0..=0xef => {
            let len = (low(4) << 8) | u32::from(cursor.byte()?);
            cursor.text(len)?
        }
        0xf0 => {
            let len = u32::from_le_bytes(cursor.array()?);
            cursor.text(len)?
        }
        0xf1 => integer(i64::from(i16::from_le_bytes(cursor.array()?))),
        0xf2 => integer(number24(cursor.array()?)),
        0xf3 => integer(i64::from(i32::from_le_bytes(cursor.array()?))),
        0xf4 => integer(i64::from_le_bytes(cursor.array()?)),
        _ => return Err(RdbError::Corrupt("an element of a listpack has an unknown form")),
    })
}

/// Bytes of the length that stands behind an element of `len` bytes.
fn back_length_bytes(len: usize) -> usize {
    match len {
        0..=127 => 1,
        128..=16_382 => 2,
        16_383..=2_097_150 => 3,
        2_097_151..=268_435_454 => 4,
        _ => 5,
    }
}

/// The elements of a ziplist.
pub(super) fn ziplist(bytes: &[u8]) -> Result<Vec<Vec<u8>>, RdbError> {
    let mut cursor = Cursor { bytes };
    if u32::from_le_bytes(cursor.array()?) as usize != bytes.len() {
        return Err(RdbError::Corrupt("a ziplist has another length than it says"));
    }
    cursor.take(6)?;
    let mut elements = Vec::new();
    loop {
        match cursor.byte()? {
            0xff => return if cursor.bytes.is_empty() { Ok(elements) } else { Err(CUT_SHORT) },
            0xfe => drop(cursor.take(4)?),
            _ => {}
        }
        elements.push(ziplist_element(&mut cursor)?);
    }
}

fn ziplist_element(cursor: &mut Cursor<'_>) -> Result<Vec<u8>, RdbError> {
    let first = cursor.byte()?;
    let low = u32::from(first & 0x3f);
    Ok(match first {
        0x00..=0x3f => cursor.text(low)?,
        0x40..=0x7f => {
            let len = (low << 8) | u32::from(cursor.byte()?);
            cursor.text(len)?
        }
        0x80 => {
            let len = u32::from_be_bytes(cursor.array()?);
            cursor.text(len)?
        }
        0xc0 => integer(i64::from(i16::from_le_bytes(cursor.array()?))),
        0xd0 => integer(i64::from(i32::from_le_bytes(cursor.array()?))),
        0xe0 => integer(i64::from_le_bytes(cursor.array()?)),
        0xf0 => integer(number24(cursor.array()?)),
        0xfe => integer(i64::from(i8::from_le_bytes(cursor.array()?))),
        0xf1..=0xfd => integer(i64::from(first & 0x0f) - 1),
        _ => return Err(RdbError::Corrupt("an element of a ziplist has an unknown form")),
    })
}

/// The members of an intset.
pub(super) fn intset(bytes: &[u8]) -> Result<Vec<Vec<u8>>, RdbError> {
    let mut cursor = Cursor { bytes };
    let width = u32::from_le_bytes(cursor.array()?);
    let count = u32::from_le_bytes(cursor.array()?);
    let announced = u64::from(width) * u64::from(count);
    if !matches!(width, 2 | 4 | 8) || announced != cursor.bytes.len() as u64 {
        return Err(RdbError::Corrupt("an intset has another length than it says"));
    }
    let mut members = Vec::new();
    for _ in 0..count {
        let value = match width {
            2 => i64::from(i16::from_le_bytes(cursor.array()?)),
            4 => i64::from(i32::from_le_bytes(cursor.array()?)),
            _ => i64::from_le_bytes(cursor.array()?),
        };
        members.push(integer(value));
    }
    Ok(members)
}

/// The fields and values of a zipmap, one after the other.
pub(super) fn zipmap(bytes: &[u8]) -> Result<Vec<Vec<u8>>, RdbError> {
    let mut cursor = Cursor { bytes };
    cursor.take(1)?;
    let mut texts = Vec::new();
    loop {
        let Some(len) = zipmap_length(&mut cursor)? else {
            return if cursor.bytes.is_empty() { Ok(texts) } else { Err(CUT_SHORT) };
        };
        texts.push(cursor.text(len)?);
        let len = zipmap_length(&mut cursor)?.ok_or(CUT_SHORT)?;
        let free = cursor.byte()?;
        texts.push(cursor.text(len)?);
        cursor.take(usize::from(free))?;
    }
}

/// A length; `None` at the end.
fn zipmap_length(cursor: &mut Cursor<'_>) -> Result<Option<u32>, RdbError> {
    Ok(match cursor.byte()? {
        255 => None,
        254 => Some(u32::from_le_bytes(cursor.array()?)),
        len => Some(u32::from(len)),
    })
}

/// A listpack that is being written.
#[derive(Clone, Debug)]
pub(super) struct Listpack {
    bytes: Vec<u8>,
    count: usize,
}

impl Listpack {
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; 6], count: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn push(&mut self, text: &[u8]) {
        match crate::number::parse_i64(text) {
            Some(value) => self.push_integer(value),
            None => self.push_text(text),
        }
    }

    pub(super) fn push_integer(&mut self, value: i64) {
        let start = self.bytes.len();
        let bytes = value.to_le_bytes();
        match value {
            0..=127 => self.bytes.push(bytes[0]),
            -4096..=4095 => {
                self.bytes.extend_from_slice(&[0xc0 | (bytes[1] & 0x1f), bytes[0]]);
            }
            -32_768..=32_767 => self.push_wide(0xf1, &bytes[..2]),
            -8_388_608..=8_388_607 => self.push_wide(0xf2, &bytes[..3]),
            -2_147_483_648..=2_147_483_647 => self.push_wide(0xf3, &bytes[..4]),
            _ => self.push_wide(0xf4, &bytes),
        }
        self.finish_element(start);
    }

    fn push_wide(&mut self, kind: u8, bytes: &[u8]) {
        self.bytes.push(kind);
        self.bytes.extend_from_slice(bytes);
    }

    fn push_text(&mut self, text: &[u8]) {
        let start = self.bytes.len();
        let [low, next, ..] = text.len().to_le_bytes();
        match text.len() {
            0..=63 => self.bytes.push(0x80 | low),
            64..=4095 => self.bytes.extend_from_slice(&[0xe0 | next, low]),
            len => {
                let len = u32::try_from(len).unwrap_or(u32::MAX);
                self.push_wide(0xf0, &len.to_le_bytes());
            }
        }
        self.bytes.extend_from_slice(text);
        self.finish_element(start);
    }

    /// Writes the length of the element that starts at `start` behind it, the low bits last.
    fn finish_element(&mut self, start: usize) {
        let len = self.bytes.len() - start;
        for place in (0..back_length_bytes(len)).rev() {
            let bits = (len >> (7 * place)).to_le_bytes()[0] & 0x7f;
            let is_first = place + 1 == back_length_bytes(len);
            self.bytes.push(if is_first { bits } else { bits | 0x80 });
        }
        self.count += 1;
    }

    /// Adds the elements of another one.
    pub(super) fn extend(&mut self, other: &Self) {
        self.bytes.extend_from_slice(&other.bytes[6..]);
        self.count += other.count;
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.bytes.push(0xff);
        let len = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        self.bytes[..4].copy_from_slice(&len.to_le_bytes());
        let count = u16::try_from(self.count).unwrap_or(u16::MAX);
        self.bytes[4..6].copy_from_slice(&count.to_le_bytes());
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listpack_reads_back() {
        let mut texts: Vec<Vec<u8>> = Vec::new();
        for value in [0, 127, 128, -1, 4095, -4096, 4096, 40_000, -8_388_608, 1 << 30, i64::MIN] {
            texts.push(integer(value));
        }
        for len in [0, 1, 63, 64, 100, 125, 126, 127, 4095, 4096, 20_000] {
            texts.push(vec![b'x'; len]);
        }
        let mut pack = Listpack::new();
        for text in &texts {
            pack.push(text);
        }
        let bytes = pack.finish();
        assert_eq!(listpack(&bytes).unwrap(), texts);
        for len in 0..bytes.len() {
            assert!(listpack(&bytes[..len]).is_err());
        }
    }

    #[test]
    fn old_forms_are_read() {
        let ziplist_bytes = b"\x15\0\0\0\x0e\0\0\0\x03\0\0\x02ab\x04\xf3\x02\xfe\x9c\xff";
        let mut bytes = ziplist_bytes.to_vec();
        bytes[0] = u8::try_from(bytes.len()).unwrap();
        assert_eq!(ziplist(&bytes).unwrap(), [b"ab".to_vec(), b"2".to_vec(), b"-100".to_vec()]);
        let intset_bytes = b"\x02\0\0\0\x02\0\0\0\xff\xff\x05\0";
        assert_eq!(intset(intset_bytes).unwrap(), [b"-1".to_vec(), b"5".to_vec()]);
        let zipmap_bytes = b"\x01\x01a\x02\x01bc?\xff";
        assert_eq!(zipmap(zipmap_bytes).unwrap(), [b"a".to_vec(), b"bc".to_vec()]);
    }
}
