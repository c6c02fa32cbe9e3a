//! `MessagePack` straight to the form that the interpreter unpacks by itself.
//!
//! Job libraries hand their scripts a packed array or map for each job. What is unusual (several
//! values, keys that are no use, bad data) is left to [`super::cmsgpack`].

use crate::script::packed::Packer;

/// Nesting that is read; the interpreter bears 100.
const DEPTH_MAX: usize = 90;

/// Room made for numbers, which take more when they are packed.
const NUMBERS_BYTES: usize = 64;

/// The one value of a text, packed; `None` if it is not of the usual kind.
pub(crate) fn repack(text: &[u8]) -> Option<Vec<u8>> {
    let out = Packer::with_capacity(2 * text.len() + NUMBERS_BYTES);
    let mut reader = Reader { text, out };
    reader.value(0)?;
    reader.text.is_empty().then(|| reader.out.take())
}

struct Reader<'a> {
    text: &'a [u8],
    out: Packer,
}

impl Reader<'_> {
    /// A big-endian number of `len` bytes.
    fn unsigned(&mut self, len: usize) -> Option<u64> {
        let (taken, rest) = self.text.split_at_checked(len)?;
        self.text = rest;
        Some(taken.iter().fold(0, |number, &byte| (number << 8) | u64::from(byte)))
    }

    fn len(&mut self, bytes: usize) -> Option<usize> {
        usize::try_from(self.unsigned(bytes)?).ok()
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        if depth > DEPTH_MAX {
            return None;
        }
        let (&kind, rest) = self.text.split_first()?;
        self.text = rest;
        let low = |bits: u8| usize::from(kind & bits);
        match kind {
            0x00..=0x7f => self.out.integer(i64::from(kind)),
            0x80..=0x8f => self.map(low(0x0f), depth)?,
            0x90..=0x9f => self.array(low(0x0f), depth)?,
            0xa0..=0xbf => self.string(low(0x1f))?,
            0xc0 => self.out.nil(),
            0xc2 | 0xc3 => self.out.boolean(kind == 0xc3),
            0xc4 | 0xd9 => self.len(1).and_then(|len| self.string(len))?,
            0xc5 | 0xda => self.len(2).and_then(|len| self.string(len))?,
            0xc6 | 0xdb => self.len(4).and_then(|len| self.string(len))?,
            0xca => {
                let bits = u32::try_from(self.unsigned(4)?).ok()?;
                self.out.double(f64::from(f32::from_bits(bits)));
            }
            0xcb => {
                let bits = self.unsigned(8)?;
                self.out.double(f64::from_bits(bits));
            }
            0xcc..=0xcf => {
                let number = self.unsigned(1 << (kind - 0xcc))?;
                self.out.integer(i64::try_from(number).ok()?);
            }
            0xd0..=0xd3 => self.signed(1 << (kind - 0xd0))?,
            0xdc => self.len(2).and_then(|len| self.array(len, depth))?,
            0xdd => self.len(4).and_then(|len| self.array(len, depth))?,
            0xde => self.len(2).and_then(|len| self.map(len, depth))?,
            0xdf => self.len(4).and_then(|len| self.map(len, depth))?,
            0xe0..=0xff => self.out.integer(i64::from(kind.cast_signed())),
            _ => return None,
        }
        Some(())
    }

    /// A big-endian number with a sign.
    fn signed(&mut self, len: usize) -> Option<()> {
        let unused = 64 - 8 * u32::try_from(len).ok()?;
        let number = (self.unsigned(len)? << unused).cast_signed() >> unused;
        self.out.integer(number);
        Some(())
    }

    fn string(&mut self, len: usize) -> Option<()> {
        let (taken, rest) = self.text.split_at_checked(len)?;
        self.text = rest;
        self.out.text(taken);
        Some(())
    }

    fn array(&mut self, len: usize, depth: usize) -> Option<()> {
        self.out.table(len);
        (0..len).try_for_each(|_| self.value(depth + 1))
    }

    /// A map; only strings are usual keys.
    fn map(&mut self, len: usize, depth: usize) -> Option<()> {
        self.out.map(len);
        (0..len).try_for_each(|_| {
            if !matches!(self.text.first()?, 0xa0..=0xbf | 0xc4..=0xc6 | 0xd9..=0xdb) {
                return None;
            }
            self.value(depth + 1)?;
            self.value(depth + 1)
        })
    }
}
