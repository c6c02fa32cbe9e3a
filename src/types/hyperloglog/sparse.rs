//! The sparse form: runs of equal registers.

use std::ops::Range;

use super::{Form, HEADER_BYTES, Invalid, REGISTERS, header};

/// Largest value that fits in a run.
const VALUE_MAX: u8 = 32;
/// Longest run of a value.
const VALUE_RUN_MAX: usize = 4;
/// Longest run of zeros in one byte; two bytes have room for all.
const ZEROS_SHORT_MAX: usize = 64;

/// A run of equal registers in the sparse form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    value: u8,
    len: usize,
    /// Bytes that it takes.
    bytes: usize,
}

impl Run {
    fn read(bytes: &[u8], at: usize) -> Option<Self> {
        let first = *bytes.get(at)?;
        let run = match first {
            0..=0x3F => Self { value: 0, len: usize::from(first) + 1, bytes: 1 },
            0x40..=0x7F => {
                let low = *bytes.get(at + 1)?;
                let len = (usize::from(first & 0x3F) << 8 | usize::from(low)) + 1;
                Self { value: 0, len, bytes: 2 }
            }
            0x80.. => {
                Self { value: (first >> 2 & 31) + 1, len: usize::from(first & 3) + 1, bytes: 1 }
            }
        };
        Some(run)
    }

    /// Appends registers of one value, as few runs as that takes.
    fn write(buf: &mut Vec<u8>, value: u8, mut len: usize) {
        while value > 0 && len > 0 {
            let part = len.min(VALUE_RUN_MAX);
            buf.push(0x80 | (value - 1) << 2 | low_byte(part - 1));
            len -= part;
        }
        if len > ZEROS_SHORT_MAX {
            buf.push(0x40 | low_byte((len - 1) >> 8));
            buf.push(low_byte(len - 1));
        } else if len > 0 {
            buf.push(low_byte(len - 1));
        }
    }
}

fn low_byte(value: usize) -> u8 {
    value.to_le_bytes()[0]
}

/// Reads the registers behind the head.
pub(super) fn read(bytes: &[u8], registers: &mut [u8; REGISTERS]) -> Result<(), Invalid> {
    let mut at = HEADER_BYTES;
    let mut index = 0;
    while at < bytes.len() {
        let run = Run::read(bytes, at).ok_or(Invalid::Corrupt)?;
        let part = registers.get_mut(index..index + run.len).ok_or(Invalid::Corrupt)?;
        part.fill(run.value);
        index += run.len;
        at += run.bytes;
    }
    if index == REGISTERS { Ok(()) } else { Err(Invalid::Corrupt) }
}

/// The runs of the sparse form as Redis shows them: `z:10 v:3,2 Z:16000`.
pub(crate) fn runs_text(bytes: &[u8]) -> Result<String, Invalid> {
    let mut parts = Vec::new();
    let mut at = HEADER_BYTES;
    while at < bytes.len() {
        let run = Run::read(bytes, at).ok_or(Invalid::Corrupt)?;
        parts.push(match run {
            Run { value: 0, bytes: 1, len } => format!("z:{len}"),
            Run { value: 0, len, .. } => format!("Z:{len}"),
            Run { value, len, .. } => format!("v:{value},{len}"),
        });
        at += run.bytes;
    }
    Ok(parts.join(" "))
}

/// Writes registers; `None` if one does not fit in.
pub(super) fn encode(registers: &[u8; REGISTERS]) -> Option<Vec<u8>> {
    let mut bytes = header(Form::Sparse);
    for run in registers.chunk_by(|a, b| a == b) {
        if run[0] > VALUE_MAX {
            return None;
        }
        Run::write(&mut bytes, run[0], run.len());
    }
    Some(bytes)
}

/// The run that holds a register, and where it stands.
struct Place {
    run: Run,
    at: usize,
    /// The first register of the run.
    start: usize,
    /// The run before, and where that stands.
    before: Option<(usize, Run)>,
}

impl Place {
    fn of(bytes: &[u8], index: usize) -> Result<Self, Invalid> {
        let (mut at, mut start) = (HEADER_BYTES, 0);
        let mut before = None;
        loop {
            let run = Run::read(bytes, at).ok_or(Invalid::Corrupt)?;
            if index < start + run.len {
                return Ok(Self { run, at, start, before });
            }
            before = Some((at, run));
            start += run.len;
            at += run.bytes;
        }
    }

    /// The values and lengths of the runs when a register in here is raised, and which bytes they
    /// stand for. The runs before and behind are taken in where they have the value that they
    /// would touch.
    fn raised(&self, bytes: &[u8], index: usize, value: u8) -> (Range<usize>, [(u8, usize); 3]) {
        let Self { run, at, start, before } = *self;
        let mut parts =
            [(run.value, index - start), (value, 1), (run.value, start + run.len - 1 - index)];
        let mut range = at..at + run.bytes;
        if let Some((before_at, before)) = before
            && parts[0].1 == 0
            && before.value == value
        {
            parts[0] = (value, before.len);
            range.start = before_at;
        }
        if let Some(behind) = Run::read(bytes, range.end)
            && parts[2].1 == 0
            && behind.value == value
        {
            parts[2] = (value, behind.len);
            range.end += behind.bytes;
        }
        (range, parts)
    }
}

/// Raises a register; returns whether that changed it, `None` if the value does not fit in here.
/// Rewrites just the run that holds it and those around.
pub(super) fn set(bytes: &mut Vec<u8>, index: usize, value: u8) -> Result<Option<bool>, Invalid> {
    let place = Place::of(bytes, index)?;
    if place.run.value >= value {
        return Ok(Some(false));
    }
    if value > VALUE_MAX {
        return Ok(None);
    }
    let (range, parts) = place.raised(bytes, index, value);
    let mut replacement = Vec::with_capacity(8);
    for group in parts.chunk_by(|a, b| a.0 == b.0) {
        let len = group.iter().map(|part| part.1).sum();
        Run::write(&mut replacement, group[0].0, len);
    }
    bytes.splice(range, replacement);
    Ok(Some(true))
}
