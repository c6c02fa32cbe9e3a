//! Passwords, of which only SHA-256 digests are kept.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Bytes of a digest.
const BYTES: usize = 32;

/// The digest of a password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Password([u8; BYTES]);

impl Password {
    /// The digest of a password in the clear.
    pub(crate) fn of(password: &[u8]) -> Self {
        Self(Sha256::digest(password).into())
    }

    /// The digest that 64 lower-case hexadecimal digits stand for.
    pub(crate) fn from_hex(digits: &[u8]) -> Option<Self> {
        let mut bytes = [0; BYTES];
        if digits.len() != 2 * BYTES {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            for &digit in pair {
                let value = match digit {
                    b'0'..=b'9' => digit - b'0',
                    b'a'..=b'f' => digit - b'a' + 10,
                    _ => return None,
                };
                *byte = *byte << 4 | value;
            }
        }
        Some(Self(bytes))
    }

    /// Is it the same? How long that takes tells nothing of either.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Display for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_redis() {
        let digits = "34344e4d60c2b6d639b7bd22e18f2b0b91bc34bf0ac5f9952744435093cfb4e6";
        let password = Password::of(b"passwd4");
        assert_eq!(password.to_string(), digits);
        let read = Password::from_hex(digits.as_bytes()).expect("a digest");
        assert!(read.matches(&password) && !read.matches(&Password::of(b"passwd5")));
        for wrong in [&digits[1..], &digits.to_uppercase(), &format!("{}q", &digits[1..]), ""] {
            assert_eq!(Password::from_hex(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
