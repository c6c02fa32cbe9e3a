//! The dense form: all registers, of 6 bits each, packed low bits first.

use super::{HEADER_BYTES, REGISTERS};

pub(super) const REGISTER_BITS: usize = 6;

/// Reads the registers behind the head.
pub(super) fn read(bytes: &[u8], registers: &mut [u8; REGISTERS]) {
    let (threes, _) = bytes[HEADER_BYTES..].as_chunks::<3>();
    let (fours, _) = registers.as_chunks_mut::<4>();
    for (four, [a, b, c]) in fours.iter_mut().zip(threes) {
        *four = [a & 63, a >> 6 | (b & 15) << 2, b >> 4 | (c & 3) << 4, c >> 2];
    }
}

fn register(bytes: &[u8], index: usize) -> u8 {
    let bit = index * REGISTER_BITS;
    let at = HEADER_BYTES + bit / 8;
    let pair = u16::from_le_bytes([bytes[at], bytes.get(at + 1).copied().unwrap_or(0)]);
    (pair >> (bit % 8)).to_le_bytes()[0] & 63
}

/// Raises a register; returns whether that changed it.
pub(super) fn set(bytes: &mut [u8], index: usize, value: u8) -> bool {
    if register(bytes, index) >= value {
        return false;
    }
    let bit = index * REGISTER_BITS;
    let at = HEADER_BYTES + bit / 8;
    let mask = (63u16 << (bit % 8)).to_le_bytes();
    let value = (u16::from(value) << (bit % 8)).to_le_bytes();
    for place in 0..2 {
        if let Some(byte) = bytes.get_mut(at + place) {
            *byte = (*byte & !mask[place]) | value[place];
        }
    }
    true
}
