//! The payloads of DUMP and RESTORE: one object with a version and a checksum.

use super::input::Input;
use super::output::Output;
use super::{Limits, RdbError, crc64, decode, encode, kind};
use crate::types::value::Value;

const VERSION: u16 = 10;
/// The version that brought hashes with fields that expire.
const VERSION_EXPIRING: u16 = 12;
const VERSION_MAX: u16 = 12;
const FOOTER_BYTES: usize = 10;

/// The payload of a value.
pub(crate) fn dump(value: &Value) -> Vec<u8> {
    let mut output = Output::new(Vec::new(), false);
    let kind = encode::kind(value);
    let written = output.byte(kind).and_then(|()| encode::object(&mut output, value));
    debug_assert!(written.is_ok(), "memory takes all that is written");
    let mut payload = output.into_target();
    let version = if kind == kind::HASH_EXPIRING { VERSION_EXPIRING } else { VERSION };
    payload.extend_from_slice(&version.to_le_bytes());
    let crc = crc64::update(0, &payload);
    payload.extend_from_slice(&crc.to_le_bytes());
    payload
}

/// The value of a payload; `None` if its version or checksum is wrong.
pub(crate) fn restore(payload: &[u8], limits: &Limits) -> Option<Result<Value, RdbError>> {
    let (body, footer) = payload.split_at_checked(payload.len().checked_sub(FOOTER_BYTES)?)?;
    let (version, crc) = footer.split_first_chunk::<2>()?;
    if u16::from_le_bytes(*version) > VERSION_MAX {
        return None;
    }
    let sum = crc64::update(0, &payload[..body.len() + 2]);
    if crc != sum.to_le_bytes() {
        return None;
    }
    let mut input = Input::new(body);
    Some(input.byte().and_then(|kind| decode::object(&mut input, kind, limits)))
}
