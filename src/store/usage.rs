//! What is kept of the use of a key, to find those that are needed least: when it was used last,
//! or how often.
//!
//! Both share one word of the entry, and `maxmemory-policy` says which of them it holds:
//!
//! ```text
//! recency     unix time of the last access in seconds
//! frequency   [minutes of the last decay: 24 bits][count: 8 bits]
//! ```
//!
//! The count is logarithmic: the higher it is, the less likely an access raises it. It goes down
//! by one for every `lfu-decay-time` minutes. <https://redis.io/docs/latest/develop/reference/eviction/>

/// The count of a key that is new, so that it is not the first to go.
const COUNT_AT_FIRST: u8 = 5;
const MINUTE_BITS: u32 = 24;
const MINUTE_MASK: u32 = (1 << MINUTE_BITS) - 1;

/// What is noted of accesses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Usage {
    /// How many there are.
    Frequency {
        /// `lfu-log-factor`
        log_factor: u32,
        /// `lfu-decay-time`; 0: counts do not go down.
        decay_minutes: u32,
    },
    /// When the last one was.
    #[default]
    Recency,
}

/// Seconds of a unix time.
pub(super) fn seconds(ms: u64) -> u32 {
    u32::try_from(ms / 1000).unwrap_or(u32::MAX)
}

/// Seconds since the last access, by a word.
pub(crate) fn idle_s(used: u32, now_ms: u64) -> u32 {
    seconds(now_ms).saturating_sub(used)
}

fn minutes(ms: u64) -> u32 {
    u32::try_from((ms / 60_000) & u64::from(MINUTE_MASK)).unwrap_or(0)
}

fn word(minutes: u32, count: u8) -> u32 {
    minutes << 8 | u32::from(count)
}

fn count_of(word: u32) -> u8 {
    word.to_le_bytes()[0]
}

impl Usage {
    /// The word of a key that is made now.
    pub(super) fn fresh(self, now_ms: u64) -> u32 {
        match self {
            Self::Frequency { .. } => word(minutes(now_ms), COUNT_AT_FIRST),
            Self::Recency => seconds(now_ms),
        }
    }

    /// The word after an access; `chance` is a random number over all of `u64`.
    pub(super) fn accessed(self, used: u32, now_ms: u64, chance: impl FnOnce() -> u64) -> u32 {
        let Self::Frequency { log_factor, .. } = self else { return seconds(now_ms) };
        let count = self.frequency(used, now_ms);
        let above = u64::from(count.saturating_sub(COUNT_AT_FIRST));
        let one_in = above.saturating_mul(u64::from(log_factor)).saturating_add(1);
        let rises = one_in == 1 || chance().is_multiple_of(one_in);
        word(minutes(now_ms), count.saturating_add(u8::from(rises)))
    }

    /// The word for this count.
    pub(super) fn with_frequency(count: u8, now_ms: u64) -> u32 {
        word(minutes(now_ms), count)
    }

    /// The count, gone down by the time that has passed.
    pub(crate) fn frequency(self, used: u32, now_ms: u64) -> u8 {
        let count = count_of(used);
        let Self::Frequency { decay_minutes: decay_minutes @ 1.., .. } = self else {
            return count;
        };
        let passed = minutes(now_ms).wrapping_sub(used >> 8) & MINUTE_MASK;
        count.saturating_sub(u8::try_from(passed / decay_minutes).unwrap_or(u8::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Changes;

    const MINUTE_MS: u64 = 60_000;
    const NOW_MS: u64 = 1_700_000_000_000;

    fn count_after(accesses: u32, log_factor: u32) -> u8 {
        let usage = Usage::Frequency { log_factor, decay_minutes: 1 };
        let mut changes = Changes { chance: 1, ..Changes::default() };
        let used = usage.fresh(NOW_MS);
        let used = (0..accesses)
            .fold(used, |used, _| usage.accessed(used, NOW_MS, || changes.next_chance()));
        usage.frequency(used, NOW_MS)
    }

    #[test]
    fn counts_grow_as_a_logarithm() {
        for (accesses, log_factor, expected) in [
            (0, 10, 5..=5),
            (100, 0, 105..=105),
            (1000, 0, 255..=255),
            (100, 10, 8..=13),
            (1000, 10, 15..=23),
            (100_000, 10, 130..=160),
            (100_000, 100, 40..=56),
        ] {
            let count = count_after(accesses, log_factor);
            assert!(expected.contains(&count), "{accesses}, {log_factor}: {count}");
        }
    }

    #[test]
    fn counts_go_down_with_time() {
        let used = Usage::with_frequency(20, NOW_MS);
        let after = |decay_minutes, minutes: u64| {
            let usage = Usage::Frequency { log_factor: 10, decay_minutes };
            usage.frequency(used, NOW_MS + minutes * MINUTE_MS)
        };
        for (decay_minutes, minutes, expected) in
            [(1, 0, 20), (1, 3, 17), (2, 3, 19), (1, 1000, 0), (0, 1000, 20)]
        {
            assert_eq!(after(decay_minutes, minutes), expected, "{decay_minutes}, {minutes}");
        }
    }

    #[test]
    fn recency_is_a_time() {
        assert_eq!(Usage::Recency.accessed(7, 9000, || 0), 9);
    }
}
