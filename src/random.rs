//! Randomness for commands: one source, so that tests can seed it.
//!
//! Nothing secret hangs on these numbers; they choose members and fields. The log never depends on
//! them, as random choices are logged as what was chosen.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Distance of two states of the generator (`SplitMix64`).
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// A generator that threads share.
#[derive(Debug)]
pub(crate) struct Random {
    state: AtomicU64,
}

impl Random {
    /// A generator of always the same numbers.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self { state: AtomicU64::new(seed) }
    }

    /// A generator seeded by the operating system.
    pub(crate) fn from_system() -> Self {
        Self::seeded(RandomState::new().hash_one(0))
    }

    /// The next number, from all of `u64`.
    pub(crate) fn next(&self) -> u64 {
        let mut bits = self.state.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_spread_evenly() {
        let random = Random::seeded(1);
        let mut hits = [0; 10];
        (0..10_000).for_each(|_| hits[random.below(10)] += 1);
        assert!(hits.iter().all(|&count| (800..1200).contains(&count)), "{hits:?}");
    }
}
