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

mod dense;
mod estimate;
mod murmur;
mod sparse;

pub(crate) use estimate::estimate;
pub(crate) use sparse::runs_text;

/// Number of registers.
pub(crate) const REGISTERS: usize = 1 << INDEX_BITS;
/// Bits of a hash that choose the register.
const INDEX_BITS: u32 = 14;
/// Bits of a hash in which zeros are counted.
const COUNT_BITS: u32 = 64 - INDEX_BITS;
const HEADER_BYTES: usize = 16;
const DENSE_BYTES: usize = HEADER_BYTES + REGISTERS * dense::REGISTER_BITS / 8;
const HASH_SEED: u64 = 0xADC8_3B19;

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
    sparse::encode(&[0; REGISTERS]).expect("zeros fit in the sparse form")
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

/// Takes the estimate from the head of another one, as Redis leaves it in its place.
pub(crate) fn keep_cached(bytes: &mut [u8], before: &[u8]) {
    if let (Some(head), Some(old)) = (bytes.get_mut(8..HEADER_BYTES), before.get(8..HEADER_BYTES)) {
        head.copy_from_slice(old);
    }
}

/// Adds an element; returns whether that changed a register.
pub(crate) fn add(
    bytes: &mut Vec<u8>,
    element: &[u8],
    sparse_bytes_max: usize,
) -> Result<bool, Invalid> {
    let (index, value) = place_of(element);
    if form(bytes)? == Form::Sparse {
        match sparse::set(bytes, index, value)? {
            Some(changed) if bytes.len() <= HEADER_BYTES.max(sparse_bytes_max) => {
                return Ok(changed);
            }
            _ => make_dense(bytes)?,
        }
    }
    Ok(dense::set(bytes, index, value))
}

/// The register of an element, and the value it should have at least.
fn place_of(element: &[u8]) -> (usize, u8) {
    let hash = murmur::murmur64(element, HASH_SEED);
    let index = usize::try_from(hash & (REGISTERS as u64 - 1)).unwrap_or(0);
    let zeros = ((hash >> INDEX_BITS) | (1 << COUNT_BITS)).trailing_zeros();
    (index, u8::try_from(zeros + 1).unwrap_or(u8::MAX))
}

/// The registers.
pub(crate) fn registers(bytes: &[u8]) -> Result<Box<[u8; REGISTERS]>, Invalid> {
    let mut registers = Box::new([0; REGISTERS]);
    match form(bytes)? {
        Form::Dense => dense::read(bytes, &mut registers),
        Form::Sparse => sparse::read(bytes, &mut registers)?,
    }
    Ok(registers)
}

/// Writes registers in the sparse form, if they fit in it and in `bytes_max`, else dense.
pub(crate) fn encode(
    registers: &[u8; REGISTERS],
    prefer: Form,
    sparse_bytes_max: usize,
) -> Vec<u8> {
    let sparse = if prefer == Form::Sparse { sparse::encode(registers) } else { None };
    sparse.filter(|bytes| bytes.len() <= HEADER_BYTES.max(sparse_bytes_max)).unwrap_or_else(|| {
        let mut bytes = header(Form::Dense);
        bytes.resize(DENSE_BYTES, 0);
        for (index, &value) in registers.iter().enumerate() {
            dense::set(&mut bytes, index, value);
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

fn header(form: Form) -> Vec<u8> {
    let mut bytes = b"HYLL".to_vec();
    bytes.push(u8::from(form == Form::Sparse));
    bytes.resize(HEADER_BYTES, 0);
    bytes
}

#[cfg(test)]
mod tests;
