//! A HyperLogLog: an estimate of how many different elements were added, in a string.
//!
//! The bytes are those of Redis, so that values can be exchanged with it:
//!
//! ```text
//! "HYLL" [form: 0 dense, 1 sparse] [3 unused] [cached estimate: 8 bytes, low first] [registers]
//! ```
//!
//! The top bit of the cached estimate says that it is out of date. There are 16384 registers of 6
//! bits. Dense, they are packed low bits first. Sparse, they are runs:
//!
//! ```text
//! 00xxxxxx            x+1 registers of 0
//! 01xxxxxx yyyyyyyy   xy+1 registers of 0
//! 1vvvvvxx            x+1 registers of v+1
//! ```
//!
//! <https://redis.io/docs/latest/develop/data-types/probabilistic/hyperloglogs/>
//! The estimate is that of O. Ertl, "New cardinality estimation algorithms for HyperLogLog
//! sketches", arXiv:1702.01284.

/// Number of registers.
pub(crate) const REGISTERS: usize = 1 << INDEX_BITS;
/// Bits of a hash that choose the register.
const INDEX_BITS: u32 = 14;
/// Bits of a hash in which zeros are counted.
const COUNT_BITS: u32 = 64 - INDEX_BITS;
const HEADER_BYTES: usize = 16;
const DENSE_BYTES: usize = HEADER_BYTES + REGISTERS * REGISTER_BITS / 8;
const REGISTER_BITS: usize = 6;
/// Largest value that fits in a sparse run.
const SPARSE_VALUE_MAX: u8 = 32;
/// Longest sparse run of a value.
const SPARSE_VALUE_RUN_MAX: usize = 4;
/// Longest sparse runs of zeros, in one byte and in two.
const ZEROS_SHORT_MAX: usize = 64;
const HASH_SEED: u64 = 0xADC8_3B19;
/// `1 / (2 ln 2)`
const ALPHA: f64 = 0.721_347_520_444_481_7;

/// How registers lie in a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Dense,
    Sparse,
}

/// What is wrong with a string that should be a HyperLogLog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Invalid {
    /// The runs do not add up to all registers.
    Corrupt,
    /// It has another head or length.
    NoHyperLogLog,
}

/// A HyperLogLog without elements, in the sparse form.
pub(crate) fn empty() -> Vec<u8> {
    encode_sparse(&[0; REGISTERS]).expect("zeros fit in the sparse form")
}

/// The form of a string, which must be a HyperLogLog by its head and length.
pub(crate) fn form(bytes: &[u8]) -> Result<Form, Invalid> {
    match (bytes.get(..4), bytes.get(4)) {
        (Some(b"HYLL"), Some(0)) if bytes.len() == DENSE_BYTES => Ok(Form::Dense),
        (Some(b"HYLL"), Some(1)) if bytes.len() >= HEADER_BYTES => Ok(Form::Sparse),
        _ => Err(Invalid::NoHyperLogLog),
    }
}

/// The estimate in the head, if it is up to date.
pub(crate) fn cached(bytes: &[u8]) -> Option<u64> {
    let cached = bytes.get(8..HEADER_BYTES)?.try_into().map(u64::from_le_bytes).ok()?;
    (cached >> 63 == 0).then_some(cached)
}

/// Writes an estimate into the head; `None`: the one there is out of date.
pub(crate) fn set_cached(bytes: &mut [u8], estimate: Option<u64>) {
    match estimate {
        Some(estimate) => bytes[8..HEADER_BYTES].copy_from_slice(&estimate.to_le_bytes()),
        None => bytes[HEADER_BYTES - 1] |= 0x80,
    }
}

/// Adds an element; replies whether that changed a register.
pub(crate) fn add(
    bytes: &mut Vec<u8>,
    element: &[u8],
    sparse_bytes_max: usize,
) -> Result<bool, Invalid> {
    let (index, value) = place_of(element);
    if form(bytes)? == Form::Sparse {
        match set_sparse(bytes, index, value)? {
            Some(changed) if bytes.len() <= HEADER_BYTES.max(sparse_bytes_max) => {
                return Ok(changed);
            }
            _ => make_dense(bytes)?,
        }
    }
    Ok(set_dense(bytes, index, value))
}

/// The register of an element, and the value it should have at least.
fn place_of(element: &[u8]) -> (usize, u8) {
    let hash = murmur64(element, HASH_SEED);
    let index = usize::try_from(hash & (REGISTERS as u64 - 1)).unwrap_or(0);
    let zeros = ((hash >> INDEX_BITS) | (1 << COUNT_BITS)).trailing_zeros();
    (index, u8::try_from(zeros + 1).unwrap_or(u8::MAX))
}

/// The registers.
pub(crate) fn registers(bytes: &[u8]) -> Result<Box<[u8; REGISTERS]>, Invalid> {
    let mut registers = Box::new([0; REGISTERS]);
    match form(bytes)? {
        Form::Dense => {
            let (threes, _) = bytes[HEADER_BYTES..].as_chunks::<3>();
            let (fours, _) = registers.as_chunks_mut::<4>();
            for (four, [a, b, c]) in fours.iter_mut().zip(threes) {
                *four = [a & 63, a >> 6 | (b & 15) << 2, b >> 4 | (c & 3) << 4, c >> 2];
            }
        }
        Form::Sparse => {
            let mut at = HEADER_BYTES;
            let mut index = 0;
            while at < bytes.len() {
                let run = Run::read(bytes, at).ok_or(Invalid::Corrupt)?;
                let part = registers.get_mut(index..index + run.len).ok_or(Invalid::Corrupt)?;
                part.fill(run.value);
                index += run.len;
                at += run.bytes;
            }
            if index != REGISTERS {
                return Err(Invalid::Corrupt);
            }
        }
    }
    Ok(registers)
}

/// Writes registers in the sparse form, if they fit in it and in `bytes_max`, else dense.
pub(crate) fn encode(
    registers: &[u8; REGISTERS],
    prefer: Form,
    sparse_bytes_max: usize,
) -> Vec<u8> {
    let sparse = if prefer == Form::Sparse { encode_sparse(registers) } else { None };
    sparse.filter(|bytes| bytes.len() <= HEADER_BYTES.max(sparse_bytes_max)).unwrap_or_else(|| {
        let mut bytes = header(Form::Dense);
        bytes.resize(DENSE_BYTES, 0);
        for (index, &value) in registers.iter().enumerate() {
            set_dense(&mut bytes, index, value);
        }
        set_cached(&mut bytes, None);
        bytes
    })
}

/// Changes a sparse string into the dense form.
pub(crate) fn make_dense(bytes: &mut Vec<u8>) -> Result<(), Invalid> {
    let registers = registers(bytes)?;
    let head: Vec<u8> = bytes[8..HEADER_BYTES].to_vec();
    *bytes = encode(&registers, Form::Dense, 0);
    bytes[8..HEADER_BYTES].copy_from_slice(&head);
    Ok(())
}

/// How many different elements were added, about.
pub(crate) fn estimate(registers: &[u8; REGISTERS]) -> u64 {
    let mut counts = [0u32; COUNT_BITS as usize + 2];
    for &register in registers {
        counts[usize::from(register).min(COUNT_BITS as usize + 1)] += 1;
    }
    let [zeros, middle @ .., full] = &counts;
    let all = f64::from(u32::try_from(REGISTERS).unwrap_or(0));
    let mut sum = all * tau((all - f64::from(*full)) / all);
    for &count in middle.iter().rev() {
        sum = 0.5 * (sum + f64::from(count));
    }
    sum += all * sigma(f64::from(*zeros) / all);
    let estimate = (ALPHA * all * all / sum).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 2^64")]
    let estimate = estimate as u64;
    estimate
}

#[expect(clippy::float_cmp, reason = "the series ends when nothing is added any more")]
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut sum) = (1.0, x);
    loop {
        x *= x;
        let before = sum;
        sum += x * y;
        y += y;
        if sum == before {
            return sum;
        }
    }
}

#[expect(clippy::float_cmp, reason = "the series ends when nothing is added any more")]
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut sum) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = sum;
        y *= 0.5;
        sum -= (1.0 - x).powi(2) * y;
        if sum == before {
            return sum / 3.0;
        }
    }
}

fn header(form: Form) -> Vec<u8> {
    let mut bytes = b"HYLL".to_vec();
    bytes.push(u8::from(form == Form::Sparse));
    bytes.resize(HEADER_BYTES, 0);
    bytes
}

fn dense_register(bytes: &[u8], index: usize) -> u8 {
    let bit = index * REGISTER_BITS;
    let at = HEADER_BYTES + bit / 8;
    let pair = u16::from_le_bytes([bytes[at], bytes.get(at + 1).copied().unwrap_or(0)]);
    (pair >> (bit % 8)).to_le_bytes()[0] & 63
}

/// Raises a register; replies whether that changed it.
fn set_dense(bytes: &mut [u8], index: usize, value: u8) -> bool {
    if dense_register(bytes, index) >= value {
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
            let part = len.min(SPARSE_VALUE_RUN_MAX);
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

fn encode_sparse(registers: &[u8; REGISTERS]) -> Option<Vec<u8>> {
    let mut bytes = header(Form::Sparse);
    for run in registers.chunk_by(|a, b| a == b) {
        if run[0] > SPARSE_VALUE_MAX {
            return None;
        }
        Run::write(&mut bytes, run[0], run.len());
    }
    Some(bytes)
}

/// Raises a register of the sparse form; `None` if the value does not fit in there. Rewrites just
/// the run that holds it and those around.
fn set_sparse(bytes: &mut Vec<u8>, index: usize, value: u8) -> Result<Option<bool>, Invalid> {
    let (mut at, mut start) = (HEADER_BYTES, 0);
    let mut before: Option<(usize, Run)> = None;
    let run = loop {
        let run = Run::read(bytes, at).ok_or(Invalid::Corrupt)?;
        if index < start + run.len {
            break run;
        }
        before = Some((at, run));
        start += run.len;
        at += run.bytes;
    };
    if run.value >= value {
        return Ok(Some(false));
    }
    if value > SPARSE_VALUE_MAX {
        return Ok(None);
    }
    // The runs before and behind are taken in where they have the value that they would touch.
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
    let mut replacement = Vec::with_capacity(8);
    for group in parts.chunk_by(|a, b| a.0 == b.0) {
        let len = group.iter().map(|part| part.1).sum();
        Run::write(&mut replacement, group[0].0, len);
    }
    bytes.splice(range, replacement);
    Ok(Some(true))
}

/// MurmurHash2 of 64 bits, variant A.
fn murmur64(bytes: &[u8], seed: u64) -> u64 {
    const FACTOR: u64 = 0xC6A4_A793_5BD1_E995;
    let mix = |word: u64| {
        let word = word.wrapping_mul(FACTOR);
        (word ^ (word >> 47)).wrapping_mul(FACTOR)
    };
    let mut hash = seed ^ (bytes.len() as u64).wrapping_mul(FACTOR);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        hash = (hash ^ mix(u64::from_le_bytes(*word))).wrapping_mul(FACTOR);
    }
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        hash = (hash ^ u64::from_le_bytes(last)).wrapping_mul(FACTOR);
    }
    hash = (hash ^ (hash >> 47)).wrapping_mul(FACTOR);
    hash ^ (hash >> 47)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn estimates_are_close() {
        for count in [0u64, 1, 100, 1000, 50_000, 200_000] {
            let mut bytes = empty();
            (0..count).for_each(|n| {
                add(&mut bytes, &n.to_le_bytes(), 3000).unwrap();
            });
            let estimate = estimate(&registers(&bytes).unwrap());
            assert!(estimate.abs_diff(count) * 30 <= count, "{count}: {estimate}");
        }
    }

    #[test]
    fn forms_change_when_they_must() {
        let mut bytes = empty();
        assert_eq!((form(&bytes), bytes.len()), (Ok(Form::Sparse), HEADER_BYTES + 2));
        assert_eq!(cached(&bytes), Some(0));
        let mut count = 0u32;
        while form(&bytes) == Ok(Form::Sparse) {
            assert!(bytes.len() <= 3000);
            add(&mut bytes, &count.to_le_bytes(), 3000).unwrap();
            count += 1;
        }
        assert_eq!(bytes.len(), DENSE_BYTES);
        assert!(count > 1000, "{count}");
    }

    #[test]
    fn broken_strings_are_found() {
        assert_eq!(form(b"foo"), Err(Invalid::NoHyperLogLog));
        let mut bytes = empty();
        bytes.push(0);
        assert_eq!(registers(&bytes), Err(Invalid::Corrupt));
        bytes.truncate(HEADER_BYTES);
        assert_eq!(registers(&bytes), Err(Invalid::Corrupt));
        assert_eq!(add(&mut bytes, b"a", 3000), Err(Invalid::Corrupt));
    }

    proptest! {
        #[test]
        fn sparse_and_dense_agree_with_plain_registers(
            changes in prop::collection::vec((0usize..REGISTERS, 1u8..=32), 1..400),
        ) {
            let mut sparse = empty();
            let mut dense = empty();
            make_dense(&mut dense).unwrap();
            let mut plain = Box::new([0u8; REGISTERS]);
            for (index, value) in changes {
                // Neighbours make runs that must be split and joined.
                let index = index % 50;
                let changed = plain[index] < value;
                plain[index] = plain[index].max(value);
                prop_assert_eq!(set_sparse(&mut sparse, index, value), Ok(Some(changed)));
                prop_assert_eq!(set_dense(&mut dense, index, value), changed);
            }
            prop_assert_eq!(&*registers(&sparse).unwrap(), &*plain);
            prop_assert_eq!(&*registers(&dense).unwrap(), &*plain);
            let again = encode(&plain, Form::Sparse, usize::MAX);
            prop_assert!(sparse.len() <= again.len() + 8);
        }
    }
}
