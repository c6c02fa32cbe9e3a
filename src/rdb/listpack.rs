//! Writing listpacks, the packed form that entries of streams are saved in.

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

/// Bytes of the length that stands behind an element of `len` bytes.
pub(super) fn back_length_bytes(len: usize) -> usize {
    match len {
        0..=127 => 1,
        128..=16_382 => 2,
        16_383..=2_097_150 => 3,
        2_097_151..=268_435_454 => 4,
        _ => 5,
    }
}
