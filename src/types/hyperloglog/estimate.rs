//! From registers to the number of elements, as O. Ertl does it in "New cardinality estimation
//! algorithms for HyperLogLog sketches", arXiv:1702.01284.

use super::{COUNT_BITS, REGISTERS};

/// `1 / (2 ln 2)`
const ALPHA: f64 = 0.721_347_520_444_481_7;

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
