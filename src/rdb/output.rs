//! The primitives of RDB, to write.

use std::io::{self, Write};

use super::{crc64, lzf};

/// Where an RDB file or payload goes.
#[derive(Debug)]
pub(super) struct Output<W> {
    target: W,
    crc: u64,
    /// Bytes written.
    pub(super) len: u64,
    /// Are texts compressed where that saves something?
    compresses: bool,
}

impl<W: Write> Output<W> {
    pub(super) fn new(target: W, compresses: bool) -> Self {
        Self { target, crc: 0, len: 0, compresses }
    }

    /// The checksum of what was written.
    pub(super) fn crc(&self) -> u64 {
        self.crc
    }

    pub(super) fn into_target(self) -> W {
        self.target
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.target.write_all(bytes)?;
        self.crc = crc64::update(self.crc, bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }

    pub(super) fn byte(&mut self, byte: u8) -> io::Result<()> {
        self.bytes(&[byte])
    }

    pub(super) fn length(&mut self, length: u64) -> io::Result<()> {
        let [low, next, ..] = length.to_le_bytes();
        match length {
            0..=0x3f => self.byte(low),
            0x40..=0x3fff => self.bytes(&[0x40 | next, low]),
            _ => {
                if let Ok(length) = u32::try_from(length) {
                    self.byte(0x80)?;
                    return self.bytes(&length.to_be_bytes());
                }
                self.byte(0x81)?;
                self.bytes(&length.to_be_bytes())
            }
        }
    }

    pub(super) fn count(&mut self, count: usize) -> io::Result<()> {
        self.length(count as u64)
    }

    /// A string, as an integer or compressed where that is shorter.
    pub(super) fn string(&mut self, text: &[u8]) -> io::Result<()> {
        if text.len() <= 11
            && let Some(value) = crate::number::parse_i64(text)
            && let Ok(value) = i32::try_from(value)
        {
            return self.small_integer(value);
        }
        let compressed = if self.compresses { lzf::compress(text) } else { None };
        let Some(compressed) = compressed else {
            self.count(text.len())?;
            return self.bytes(text);
        };
        self.byte(0xc3)?;
        self.count(compressed.len())?;
        self.count(text.len())?;
        self.bytes(&compressed)
    }

    fn small_integer(&mut self, value: i32) -> io::Result<()> {
        if let Ok(value) = i8::try_from(value) {
            let [byte] = value.to_le_bytes();
            return self.bytes(&[0xc0, byte]);
        }
        if let Ok(value) = i16::try_from(value) {
            let [low, high] = value.to_le_bytes();
            return self.bytes(&[0xc1, low, high]);
        }
        self.byte(0xc2)?;
        self.bytes(&value.to_le_bytes())
    }
}
