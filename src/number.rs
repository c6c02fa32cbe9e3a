//! Redis' rules for integers and floating point numbers written as text.

/// Parses a signed integer as Redis does: no sign but `-`, no leading zeros, no spaces.
pub(crate) fn parse_i64(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let canonical = match digits {
        [] => false,
        [b'0', ..] => digits.len() == 1 && !negative,
        _ => digits.len() <= 19,
    };
    if !canonical {
        return None;
    }
    let magnitude = parse_digits(digits)?;
    if negative { 0i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

fn parse_digits(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0u64, |value, &byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// Parses an unsigned integer with the rules of [`parse_i64`], up to `u64::MAX`.
pub(crate) fn parse_u64(text: &[u8]) -> Option<u64> {
    match text {
        [b'0'] => Some(0),
        [] | [b'0', ..] => None,
        _ if text.len() > 20 => None,
        _ => parse_digits(text),
    }
}

/// Parses a double: decimal or exponent form, hexadecimal digits ([`parse_hex`]), `inf`, `-inf`,
/// `infinity`; never NaN, no spaces.
pub(crate) fn parse_f64(text: &[u8]) -> Option<f64> {
    let (negative, magnitude) = split_sign(text);
    if let Some(value) = parse_whole_f64(magnitude) {
        return Some(if negative { -value } else { value });
    }
    if let Some((mantissa, exponent)) = parse_hex(magnitude) {
        #[expect(clippy::cast_precision_loss, reason = "a double is what was asked for")]
        let value = scale(mantissa as f64, exponent);
        return Some(if negative { -value } else { value });
    }
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (!value.is_nan()).then_some(value)
}

/// Parses digits alone, so few that a double holds their number exactly: the usual score.
fn parse_whole_f64(digits: &[u8]) -> Option<f64> {
    const DIGITS_MAX: usize = 15;
    if digits.is_empty() || digits.len() > DIGITS_MAX {
        return None;
    }
    let mut value: u64 = 0;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = 10 * value + u64::from(digit);
    }
    #[expect(clippy::cast_precision_loss, reason = "15 digits are less than 2^53")]
    Some(value as f64)
}

/// Parses a double where Redis leaves all to C's `strtod`: spaces may stand before it, nothing at
/// all is 0, and a zero byte ends it.
pub(crate) fn parse_f64_as_c(text: &[u8]) -> Option<f64> {
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    if text.is_empty() { Some(0.0) } else { parse_f64(text.trim_ascii_start()) }
}

/// Is there a minus? And what stands behind the sign, if any.
pub(crate) fn split_sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

/// Parses `0x`, hexadecimal digits with or without a point, and `p` with a power of two, if any:
/// `mantissa · 2^exponent`. The mantissa's last bit stands for all digits that it has no room for.
pub(crate) fn parse_hex(text: &[u8]) -> Option<(u128, i64)> {
    let [b'0', b'x' | b'X', text @ ..] = text else { return None };
    let mark = text.iter().position(|byte| matches!(byte, b'p' | b'P'));
    let (number, power) = match mark {
        Some(at) => (&text[..at], parse_exponent(&text[at + 1..])?),
        None => (text, 0),
    };
    let point = number.iter().position(|&byte| byte == b'.');
    let fraction = point.map_or(0, |at| number.len() - at - 1);
    let digits = number.iter().enumerate().filter(|(at, _)| Some(*at) != point);
    let mut exponent = power - 4 * i64::try_from(fraction).ok()?;
    let (mut mantissa, mut inexact, mut count) = (0u128, false, 0);
    for (_, byte) in digits {
        let digit = char::from(*byte).to_digit(16)?;
        count += 1;
        if mantissa >> 120 == 0 {
            mantissa = mantissa << 4 | u128::from(digit);
        } else {
            exponent += 4;
            inexact |= digit > 0;
        }
    }
    (count > 0).then_some((mantissa | u128::from(inexact), exponent))
}

/// The digits behind the mark of an exponent; beyond any range, just large.
pub(crate) fn parse_exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = split_sign(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits
        .iter()
        .fold(0i64, |value, digit| (value * 10 + i64::from(digit - b'0')).min(1_000_000));
    Some(if negative { -value } else { value })
}

/// `value · 2^exponent`.
fn scale(mut value: f64, mut exponent: i64) -> f64 {
    while exponent != 0 && value != 0.0 && value.is_finite() {
        let step = exponent.clamp(-1000, 1000);
        value *= 2f64.powi(i32::try_from(step).unwrap_or(0));
        exponent -= step;
    }
    value
}

/// As [`parse_f64`], but digits that no double can hold, being too large or too small, are none.
pub(crate) fn parse_f64_in_range(text: &[u8]) -> Option<f64> {
    let value = parse_f64(text)?;
    let mut mantissa = text.iter().take_while(|byte| !byte.eq_ignore_ascii_case(&b'e'));
    let lost =
        (value.is_infinite() || value == 0.0) && mantissa.any(|byte| matches!(byte, b'1'..=b'9'));
    (!lost).then_some(value)
}

/// Whole numbers up to here are written as such: half of what 64 bits with a sign hold.
const WHOLE_MAX: f64 = 4_611_686_018_427_387_904.0;

/// The shortest text that reads back as the same double, in the form Redis replies with:
/// plain digits for whole numbers up to 2^62 and small exponents, else `1e+20`; `inf`, `-inf`,
/// `nan`.
pub(crate) fn format_f64(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf".to_owned() } else { "-inf".to_owned() };
    }
    #[expect(clippy::float_cmp, reason = "asks whether the value is an exact integer")]
    if value.trunc() == value && value.abs() <= WHOLE_MAX {
        #[expect(clippy::cast_possible_truncation, reason = "checked to be an integer in range")]
        let whole = value as i64;
        return if whole == 0 && value.is_sign_negative() {
            "-0".to_owned()
        } else {
            whole.to_string()
        };
    }
    format_shortest(value)
}

/// Shortest digits, laid out by the rule of the fpconv library: `digits · 10^power` is written out
/// unless more than a few zeros would have to be added.
fn format_shortest(value: f64) -> String {
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let digits = i32::try_from(digits).unwrap_or(i32::MAX);
    let power = exponent - digits + 1;
    let is_plain =
        if power >= 0 { exponent < digits + 7 } else { power > -7 || exponent.abs() < 4 };
    if is_plain {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{}", exponent.abs())
}

/// Appends the last `digits` hexadecimal digits of a number.
pub(crate) fn write_hex(text: &mut String, number: u64, digits: u32) {
    for place in (0..digits).rev() {
        let digit = u32::try_from((number >> (4 * place)) & 0xF).unwrap_or(0);
        text.extend(char::from_digit(digit, 16));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_strict() {
        for (text, expected) in [
            ("0", Some(0)),
            ("-1", Some(-1)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("-9223372036854775809", None),
            ("", None),
            ("-", None),
            ("-0", None),
            ("01", None),
            ("+1", None),
            (" 1", None),
            ("1 ", None),
            ("1a", None),
        ] {
            assert_eq!(parse_i64(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn doubles_out_of_range_are_none() {
        for (text, expected) in [
            ("1e400", None),
            ("-1e400", None),
            ("1e-400", None),
            ("0e400", Some(0.0)),
            ("0.0", Some(0.0)),
            ("-inf", Some(f64::NEG_INFINITY)),
            ("Infinity", Some(f64::INFINITY)),
            ("5e-324", Some(5e-324)),
            ("nan", None),
        ] {
            assert_eq!(parse_f64_in_range(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn whole_doubles_are_read_as_others_are() {
        for text in ["0", "-0", "+0", "7", "007", "+15", "-123456789012345", "999999999999999"] {
            let expected: f64 = text.parse().unwrap();
            let value = parse_f64(text.as_bytes()).unwrap();
            assert_eq!(value.to_bits(), expected.to_bits(), "{text}");
        }
        for text in ["9999999999999999", "12345678901234567890", "9007199254740993"] {
            assert_eq!(parse_f64(text.as_bytes()), text.parse().ok(), "{text}");
        }
        for text in ["", "-", "+", "1 ", "--1", "1_0", "1/", "1:"] {
            assert_eq!(parse_f64(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn doubles_may_be_hexadecimal() {
        for (text, expected) in [
            ("0x10", Some(16.0)),
            ("0XfF", Some(255.0)),
            ("-0x1.8p1", Some(-3.0)),
            ("+0x.8", Some(0.5)),
            ("0x1.p-1074", Some(5e-324)),
            ("0x0p99999999999", Some(0.0)),
            ("0x1p2000", Some(f64::INFINITY)),
            ("0x20000000000001000000000000000000000001", Some(7.136_238_463_529_801e44)),
            ("0x", None),
            ("0x.", None),
            ("0x1p", None),
            ("0x1.2.3", None),
            ("0x+1", None),
        ] {
            assert_eq!(parse_f64(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn some_doubles_are_read_as_c_reads_them() {
        for (text, expected) in [
            ("", Some(0.0)),
            (" \t1.5", Some(1.5)),
            ("1\0x", Some(1.0)),
            ("\0", Some(0.0)),
            (" ", None),
            ("1 ", None),
            ("nan", None),
        ] {
            assert_eq!(parse_f64_as_c(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn doubles_have_short_texts() {
        for (value, expected) in [
            (3.0, "3"),
            (0.1, "0.1"),
            (-1.5, "-1.5"),
            (1e17, "100000000000000000"),
            (4_611_686_018_427_387_904.0, "4611686018427387904"),
            (9e18, "9e+18"),
            (9_223_372_036_854_775_808.0, "9223372036854776000"),
            (1e20, "1e+20"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (1.5e-6, "1.5e-6"),
            (1.5e-5, "0.000015"),
            (0.000_286_587_864_440_684_5, "2.865878644406845e-4"),
            (0.001_286_587_864_440_684_5, "0.0012865878644406845"),
            (-0.0, "-0"),
            (1.5e300, "1.5e+300"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(format_f64(value), expected);
        }
    }
}
