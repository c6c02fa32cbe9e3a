//! Decimal counters: the sums of INCRBYFLOAT and HINCRBYFLOAT.
//!
//! Redis adds in the 80-bit format of x87 and prints 17 digits behind the point. Clients see the
//! difference (0.1 + 0.2 is 0.3 there, and 0.30000000000000004 in 64 bits), so this is that
//! format: a sign, 64 bits of mantissa, an exponent; rounded to nearest, ties to even. Numbers
//! too small for its normal range keep their full precision here; they print as 0 anyway.

use std::fmt;

use crate::number::{parse_exponent, parse_hex, split_sign};

/// Longest text that is taken for a number.
const TEXT_BYTES_MAX: usize = 5 * 1024;
/// Largest exponent of a finite number.
const EXPONENT_MAX: i32 = 16_320;
/// No number has a first digit above, or a last one below, this power of ten.
const DECIMAL_EXPONENT_MAX: i64 = 4_970;
/// 10^17: the digits behind the point that are printed.
const FRACTION: u128 = 100_000_000_000_000_000;

/// `±mantissa · 2^exponent`; the mantissa's top bit is set, or it is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LongDouble {
    negative: bool,
    infinite: bool,
    mantissa: u64,
    exponent: i32,
}

impl LongDouble {
    pub(crate) const ZERO: Self =
        Self { negative: false, infinite: false, mantissa: 0, exponent: 0 };

    /// Parses decimal or exponent form, hexadecimal digits, or `inf`; never NaN, no spaces. `None`
    /// if it is none of these, or beyond the range of the format.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        if text.len() >= TEXT_BYTES_MAX {
            return None;
        }
        let (negative, text) = split_sign(text);
        if text.eq_ignore_ascii_case(b"inf") || text.eq_ignore_ascii_case(b"infinity") {
            return Some(Self { negative, infinite: true, ..Self::ZERO });
        }
        let magnitude = match parse_hex(text) {
            Some((mantissa, exponent)) => Self::of_hex(mantissa, exponent)?,
            None => Decimal::parse(text)?.to_binary()?,
        };
        Some(Self { negative, ..magnitude })
    }

    /// `mantissa · 2^exponent`; `None` beyond the range of the format.
    fn of_hex(mantissa: u128, exponent: i64) -> Option<Self> {
        if exponent.abs() > i64::from(2 * EXPONENT_MAX) {
            return (mantissa == 0).then_some(Self::ZERO);
        }
        Self::round(&limbs_of(mantissa), i32::try_from(exponent).ok()?, false)
    }

    /// The sum; `None` if it is not finite.
    pub(crate) fn checked_add(self, other: Self) -> Option<Self> {
        if self.infinite || other.infinite {
            return None;
        }
        if self.mantissa == 0 || other.mantissa == 0 {
            return Some(if self.mantissa == 0 { other } else { self });
        }
        let order = |value: &Self| (value.exponent, value.mantissa);
        let (large, small) =
            if order(&self) >= order(&other) { (self, other) } else { (other, self) };
        // 62 more bits below the mantissa: enough to round right, the lowest of them standing for
        // all that was shifted out.
        let head = u128::from(large.mantissa) << 62;
        let whole = u128::from(small.mantissa) << 62;
        let shift = large.exponent.abs_diff(small.exponent);
        let tail = whole.checked_shr(shift).unwrap_or(0);
        let lost = tail.checked_shl(shift).unwrap_or(0) != whole;
        let tail = tail | u128::from(lost);
        let sum = if large.negative == small.negative { head + tail } else { head - tail };
        let rounded = Self::round(&limbs_of(sum), large.exponent - 62, false)?;
        Some(Self { negative: large.negative, ..rounded })
    }

    /// `limbs · 2^exponent`, and a bit more if `inexact`, rounded to 64 bits.
    fn round(limbs: &[u32], exponent: i32, inexact: bool) -> Option<Self> {
        let bits = bit_len(limbs);
        if bits == 0 {
            return Some(Self::ZERO);
        }
        let bits_i32 = i32::try_from(bits).ok()?;
        let mut exponent = exponent + bits_i32 - 64;
        let mut mantissa = 0u64;
        for place in 1..=64 {
            let bit = bits >= place && bit(limbs, bits - place);
            mantissa = (mantissa << 1) | u64::from(bit);
        }
        let half = bits > 64 && bit(limbs, bits - 65);
        let below = inexact || (bits > 65 && (0..bits - 65).any(|at| bit(limbs, at)));
        if half && (below || mantissa & 1 == 1) {
            mantissa = mantissa.wrapping_add(1);
            if mantissa == 0 {
                mantissa = 1 << 63;
                exponent += 1;
            }
        }
        let value = Self { negative: false, infinite: false, mantissa, exponent };
        (exponent <= EXPONENT_MAX).then_some(value)
    }

    /// The digits before the point, for a number without any behind it.
    fn whole_digits(self) -> String {
        let mut limbs = vec![];
        let mut left = self.mantissa;
        while left > 0 {
            limbs.push(u32::try_from(left % u64::from(CHUNK)).expect("below 10^9"));
            left /= u64::from(CHUNK);
        }
        let mut doublings = self.exponent;
        while doublings > 0 {
            let step = doublings.min(29);
            multiply_in(&mut limbs, 1 << step, u64::from(CHUNK));
            doublings -= step;
        }
        let texts = limbs.iter().rev().map(|limb| format!("{limb:09}"));
        texts.collect::<String>().trim_start_matches('0').to_owned()
    }

    /// The text of a number that may have digits behind the point.
    fn digits(self) -> String {
        let shift = self.exponent.unsigned_abs();
        let scaled = u128::from(self.mantissa) * FRACTION;
        let mut quotient = scaled.checked_shr(shift).unwrap_or(0);
        if (1..=127).contains(&shift) {
            let rest = scaled & ((1 << shift) - 1);
            let half = 1 << (shift - 1);
            quotient += u128::from(rest > half || (rest == half && quotient & 1 == 1));
        }
        let text = format!("{}.{:017}", quotient / FRACTION, quotient % FRACTION);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

impl fmt::Display for LongDouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self { infinite: true, .. } => "inf".to_owned(),
            Self { exponent: 1.., .. } => self.whole_digits(),
            _ => self.digits(),
        };
        let sign = if self.negative && text != "0" { "-" } else { "" };
        write!(f, "{sign}{text}")
    }
}

/// `digits · 10^exponent`.
struct Decimal {
    /// Without zeros at either end.
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    fn parse(text: &[u8]) -> Option<Self> {
        let mark = text.iter().position(|byte| matches!(byte, b'e' | b'E'));
        let (number, power) = match mark {
            Some(at) => (&text[..at], parse_exponent(&text[at + 1..])?),
            None => (text, 0),
        };
        let point = number.iter().position(|&byte| byte == b'.');
        let (whole, fraction) = match point {
            Some(at) => (&number[..at], &number[at + 1..]),
            None => (number, &[][..]),
        };
        let mut digits = [whole, fraction].concat();
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let mut exponent = power - i64::try_from(fraction.len()).ok()?;
        while digits.last() == Some(&b'0') {
            digits.pop();
            exponent += 1;
        }
        let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
        digits.drain(..zeros);
        Some(Self { digits, exponent })
    }

    fn to_binary(&self) -> Option<LongDouble> {
        if self.digits.is_empty() {
            return Some(LongDouble::ZERO);
        }
        let first = self.exponent + i64::try_from(self.digits.len()).ok()?;
        if first.abs() > DECIMAL_EXPONENT_MAX {
            return None;
        }
        let mut limbs = Vec::new();
        for digit in &self.digits {
            multiply_in(&mut limbs, 10, 1 << 32);
            add_in(&mut limbs, u32::from(digit - b'0'));
        }
        if self.exponent >= 0 {
            (0..self.exponent).for_each(|_| multiply_in(&mut limbs, 10, 1 << 32));
            return LongDouble::round(&limbs, 0, false);
        }
        let power = usize::try_from(-self.exponent).ok()?;
        // Enough bits that the quotient has more than 64.
        let spare_limbs = power * 10 / 3 / 32 + 4;
        limbs.splice(0..0, std::iter::repeat_n(0, spare_limbs));
        let mut inexact = false;
        (0..power).for_each(|_| inexact |= divide_by_ten(&mut limbs) != 0);
        LongDouble::round(&limbs, -i32::try_from(spare_limbs * 32).ok()?, inexact)
    }
}

/// Nine decimal digits, the base in which whole numbers are printed.
const CHUNK: u32 = 1_000_000_000;

/// Multiplies a number of limbs in base `base`, at most 2^32, by `factor`.
fn multiply_in(limbs: &mut Vec<u32>, factor: u64, base: u64) {
    let mut carry = 0u64;
    for limb in limbs.iter_mut() {
        let product = u64::from(*limb) * factor + carry;
        *limb = u32::try_from(product % base).expect("a remainder is below the base");
        carry = product / base;
    }
    while carry > 0 {
        limbs.push(u32::try_from(carry % base).expect("a remainder is below the base"));
        carry /= base;
    }
}

fn add_in(limbs: &mut Vec<u32>, value: u32) {
    let mut carry = value;
    for limb in limbs.iter_mut() {
        let (sum, overflows) = limb.overflowing_add(carry);
        *limb = sum;
        carry = u32::from(overflows);
    }
    if carry > 0 {
        limbs.push(carry);
    }
}

/// Divides by ten; returns the remainder.
fn divide_by_ten(limbs: &mut [u32]) -> u64 {
    let mut rest = 0u64;
    for limb in limbs.iter_mut().rev() {
        let value = (rest << 32) | u64::from(*limb);
        *limb = u32::try_from(value / 10).expect("the quotient fits where the limb was");
        rest = value % 10;
    }
    rest
}

fn limbs_of(value: u128) -> Vec<u32> {
    (0..4).map(|at| (value >> (32 * at)) & u128::from(u32::MAX)).map(low_limb).collect()
}

fn low_limb(value: u128) -> u32 {
    u32::try_from(value).expect("masked to 32 bits")
}

fn bit_len(limbs: &[u32]) -> usize {
    let top = limbs.iter().rposition(|&limb| limb != 0);
    top.map_or(0, |at| (at + 1) * 32 - limbs[at].leading_zeros() as usize)
}

fn bit(limbs: &[u32], at: usize) -> bool {
    limbs[at / 32] >> (at % 32) & 1 == 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn add(a: &str, b: &str) -> Option<String> {
        let (a, b) = (LongDouble::parse(a.as_bytes())?, LongDouble::parse(b.as_bytes())?);
        a.checked_add(b).map(|sum| sum.to_string())
    }

    #[test]
    fn sums() {
        for (a, b, expected) in [
            ("0.1", "0.2", "0.3"),
            ("10.50", "0.1", "10.6"),
            ("5.0e3", "2.0e2", "5200"),
            ("3", "1.1", "4.1"),
            ("1", "-1", "0"),
            ("0", "-0", "0"),
            ("-1.5", "0", "-1.5"),
            ("17179869184", "1.5", "17179869185.5"),
            ("1e19", "1", "10000000000000000001"),
            ("1e20", "1", "100000000000000000000"),
            ("99999999999999999999", "1", "100000000000000000000"),
            ("1e-17", "0", "0.00000000000000001"),
            ("4e-18", "0", "0"),
            ("-1e-300", "0", "0"),
            ("0.5", "1e-17", "0.50000000000000001"),
            (".5", "5.", "5.5"),
            ("0x10", "-0X1.8p1", "13"),
            ("0xffffffffffffffff", "0", "18446744073709551615"),
            ("0x1p-16445", "0", "0"),
            ("18446744073709551615", "1", "18446744073709551616"),
            ("0.33333333333333333", "0.66666666666666667", "1"),
        ] {
            assert_eq!(add(a, b).as_deref(), Some(expected), "{a} + {b}");
        }
        let huge = add("1e4930", "0").unwrap();
        assert_eq!((huge.len(), &huge[..25]), (4931, "1000000000000000000026173"));
    }

    #[test]
    fn what_is_no_number() {
        let bad = ["", " 1", "1 ", "abc", "1e", ".", "nan", "--1", "1e5000", "1e-5000", "-", "0x"];
        for text in bad {
            assert_eq!(LongDouble::parse(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(add("inf", "1"), None);
        assert_eq!(add("1.1e4932", "1.1e4932"), None);
    }

    proptest! {
        #[test]
        fn integers_are_exact(a in any::<i32>(), b in any::<i64>()) {
            let expected = (i128::from(a) + i128::from(b)).to_string();
            prop_assert_eq!(add(&a.to_string(), &b.to_string()), Some(expected));
        }

        #[test]
        fn small_hundredths_are_exact(a in -800i64..800, b in -800i64..800) {
            let text = |n: i64| {
                let sign = if n < 0 { "-" } else { "" };
                let text = format!("{sign}{}.{:02}", n.abs() / 100, n.abs() % 100);
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            };
            prop_assert_eq!(add(&text(a), &text(b)), Some(text(a + b)));
        }
    }
}
