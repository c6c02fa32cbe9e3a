//! `math.random`: the 48-bit linear congruential generator that POSIX calls `lrand48`, so that a
//! script sees the same numbers on every machine.

use std::sync::atomic::{AtomicU64, Ordering};

const MULTIPLIER: u64 = 0x5_DEEC_E66D;
const INCREMENT: u64 = 0xB;
const MASK: u64 = (1 << 48) - 1;
/// The state before anyone seeds it.
const FIRST_STATE: u64 = 0x1234_ABCD_330E;
/// Numbers are taken below this, and divided by it.
const RANGE: u32 = (1 << 31) - 1;
/// The low bits of the state after seeding.
const SEED_TAIL: u64 = 0x330E;

/// The generator; always used by one script at a time.
#[derive(Debug)]
pub(super) struct Random(AtomicU64);

impl Default for Random {
    fn default() -> Self {
        Self(AtomicU64::new(FIRST_STATE))
    }
}

impl Random {
    pub(super) fn seed(&self, seed: i64) {
        let seed = seed.cast_unsigned() & 0xFFFF_FFFF;
        self.0.store((seed << 16) | SEED_TAIL, Ordering::Relaxed);
    }

    /// A number from 0 up to but not including 1.
    pub(super) fn next(&self) -> f64 {
        let state = self.0.load(Ordering::Relaxed);
        let state = state.wrapping_mul(MULTIPLIER).wrapping_add(INCREMENT) & MASK;
        self.0.store(state, Ordering::Relaxed);
        let top = u32::try_from(state >> 17).unwrap_or(0);
        f64::from(top % RANGE) / f64::from(RANGE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_posix() {
        let random = Random::default();
        random.seed(0);
        let first = random.next();
        assert!((first - 0.170_828_036_11).abs() < 1e-9, "{first}");
        random.seed(0);
        assert!(random.next().total_cmp(&first).is_eq());
    }
}
