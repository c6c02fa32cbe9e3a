//! Settings that are texts but are looked at by every command or message: their numbers, ready.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// The letters of `notify-keyspace-events`; the bit of a letter is its place.
pub(crate) const EVENT_LETTERS: &str = "g$lshzxetdnKEm";
/// Letters that `A` stands for: the first ones.
const ALL_EVENTS: u32 = (1 << 10) - 1;

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
    limits: [[AtomicU64; 3]; 3],
}

impl Derived {
    /// The classes of events that are published, as bits of [`EVENT_LETTERS`].
    pub(super) fn events(&self) -> u32 {
        self.events.load(Ordering::Relaxed)
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
        derived.set_limits("normal 0 0 0 slave 1 2 3 pubsub 4 5 6");
        assert_eq!(derived.limit(0), OutputLimit::default());
        let expected = OutputLimit { hard_bytes: 4, soft_bytes: 5, soft_seconds: 6 };
        assert_eq!(derived.limit(2), expected);
        assert!(expected.is_above_hard(5) && !expected.is_above_hard(4));
    }
}
