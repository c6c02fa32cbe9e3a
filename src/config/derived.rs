//! Settings that every command or message looks at, in the form in which it needs them.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// The letters of `notify-keyspace-events`; the bit of a letter is its place.
pub(crate) const EVENT_LETTERS: &str = "g$lshzxetdnKEm";
/// Letters that `A` stands for: the first ones.
const ALL_EVENTS: u32 = (1 << 10) - 1;

/// The bits of one of two numbers in a word, and the bit that says that they count.
const NUMBER_MASK: u64 = (1 << 31) - 1;
const COUNTED: u64 = 1 << 63;

/// The limits of a class of clients, from `client-output-buffer-limit`; 0 stands for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OutputLimit {
    /// A client above it is disconnected at once.
    pub(crate) hard_bytes: u64,
    /// A client above it for `soft_seconds` is disconnected.
    pub(crate) soft_bytes: u64,
    pub(crate) soft_seconds: u64,
}

impl OutputLimit {
    pub(crate) fn is_above_hard(&self, bytes: usize) -> bool {
        self.hard_bytes > 0 && bytes as u64 > self.hard_bytes
    }

    pub(crate) fn is_above_soft(&self, bytes: usize) -> bool {
        self.soft_bytes > 0 && bytes as u64 > self.soft_bytes
    }
}

/// The numbers.
#[derive(Debug, Default)]
pub(super) struct Derived {
    events: AtomicU32,
    /// Are accesses counted, and how? See [`Derived::access_counts`].
    access_counts: AtomicU64,
    client_memory: AtomicU64,
    limits: [[AtomicU64; 3]; 3],
    slow_us: AtomicU64,
}

impl Derived {
    /// The classes of events that are published, as bits of [`EVENT_LETTERS`].
    pub(super) fn events(&self) -> u32 {
        self.events.load(Ordering::Relaxed)
    }

    /// `lfu-log-factor` and `lfu-decay-time`, if a policy goes by how often keys are used.
    pub(super) fn access_counts(&self) -> Option<(u32, u32)> {
        let word = self.access_counts.load(Ordering::Relaxed);
        let number = |word: u64| u32::try_from(word & NUMBER_MASK).unwrap_or(0);
        (word & COUNTED != 0).then(|| (number(word >> 31), number(word)))
    }

    /// Takes those over; neither is above `i32::MAX`.
    pub(super) fn set_access_counts(&self, counts: Option<(usize, usize)>) {
        let word = counts.map_or(0, |(log_factor, decay_minutes)| {
            COUNTED | (log_factor as u64) << 31 | decay_minutes as u64
        });
        self.access_counts.store(word, Ordering::Relaxed);
    }

    /// Bytes that all clients may take; 0: any number.
    pub(super) fn client_memory(&self) -> u64 {
        self.client_memory.load(Ordering::Relaxed)
    }

    /// Takes over `maxmemory-clients`, which may be a share of `maxmemory`.
    pub(super) fn set_client_memory(&self, kept: &str, maxmemory: usize) {
        let bytes = match kept.strip_suffix('%') {
            None => kept.parse().unwrap_or(0),
            Some(share) => {
                let share: u128 = share.parse().unwrap_or(0);
                u64::try_from(maxmemory as u128 * share / 100).unwrap_or(u64::MAX)
            }
        };
        self.client_memory.store(bytes, Ordering::Relaxed);
    }

    /// The limits of a class, in the order of the setting.
    pub(super) fn limit(&self, class: usize) -> OutputLimit {
        let [hard, soft, seconds] = &self.limits[class];
        OutputLimit {
            hard_bytes: hard.load(Ordering::Relaxed),
            soft_bytes: soft.load(Ordering::Relaxed),
            soft_seconds: seconds.load(Ordering::Relaxed),
        }
    }

    /// The shortest time of a call that is noted anywhere.
    pub(super) fn slow_us(&self) -> u64 {
        self.slow_us.load(Ordering::Relaxed)
    }

    /// Takes over `slowlog-log-slower-than` (microseconds; negative: off) and
    /// `latency-monitor-threshold` (milliseconds; 0: off).
    pub(super) fn set_slow(&self, slowlog_us: i64, latency_ms: i64) {
        let slowlog_us = u64::try_from(slowlog_us).unwrap_or(u64::MAX);
        let latency_us = match u64::try_from(latency_ms) {
            Ok(0) | Err(_) => u64::MAX,
            Ok(ms) => ms.saturating_mul(1000),
        };
        self.slow_us.store(slowlog_us.min(latency_us), Ordering::Relaxed);
    }

    /// Takes over the letters of `notify-keyspace-events`, which are valid.
    pub(super) fn set_events(&self, letters: &str) {
        let bits = letters.chars().fold(0, |bits, letter| {
            bits | match EVENT_LETTERS.find(letter) {
                Some(place) => 1 << place,
                None => ALL_EVENTS,
            }
        });
        self.events.store(bits, Ordering::Relaxed);
    }

    /// Takes over all classes of `client-output-buffer-limit`, in the form in which it is kept.
    pub(super) fn set_limits(&self, kept: &str) {
        let words: Vec<&str> = kept.split(' ').collect();
        for (numbers, group) in self.limits.iter().zip(words.chunks(4)) {
            for (number, word) in numbers.iter().zip(&group[1..]) {
                number.store(word.parse().unwrap_or(0), Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_numbers() {
        let derived = Derived::default();
        derived.set_events("AKm");
        assert_eq!(derived.events(), ALL_EVENTS | 1 << 11 | 1 << 13);
        assert_eq!(derived.access_counts(), None);
        derived.set_access_counts(Some((10, i32::MAX as usize)));
        assert_eq!(derived.access_counts(), Some((10, i32::MAX as u32)));
        derived.set_client_memory("5%", 1000);
        assert_eq!(derived.client_memory(), 50);
        derived.set_client_memory("7", 1000);
        assert_eq!(derived.client_memory(), 7);
        for (slowlog_us, latency_ms, expected) in
            [(-1, 0, u64::MAX), (0, 5, 0), (10_000, 5, 5000), (100, 0, 100)]
        {
            derived.set_slow(slowlog_us, latency_ms);
            assert_eq!(derived.slow_us(), expected);
        }
        derived.set_limits("normal 0 0 0 slave 1 2 3 pubsub 4 5 6");
        assert_eq!(derived.limit(0), OutputLimit::default());
        let expected = OutputLimit { hard_bytes: 4, soft_bytes: 5, soft_seconds: 6 };
        assert_eq!(derived.limit(2), expected);
        assert!(expected.is_above_hard(5) && !expected.is_above_hard(4));
    }
}
