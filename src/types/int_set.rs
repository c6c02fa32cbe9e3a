//! A sorted array of different integers, each as wide as the widest of them needs.

use super::room::{self, roomy};

/// The set; takes no memory while empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IntSet {
    /// Little-endian integers of `width` bytes, ascending.
    buf: Vec<u8>,
    /// 2, 4 or 8.
    width: u8,
}

impl Default for IntSet {
    fn default() -> Self {
        Self { buf: Vec::new(), width: 2 }
    }
}

/// Bytes that an integer needs.
fn width_of(value: i64) -> u8 {
    if i16::try_from(value).is_ok() {
        2
    } else if i32::try_from(value).is_ok() {
        4
    } else {
        8
    }
}

impl IntSet {
    pub(crate) fn len(&self) -> usize {
        self.buf.len() / self.width()
    }

    /// Bytes of memory held.
    pub(crate) fn bytes(&self) -> usize {
        self.buf.capacity()
    }

    pub(crate) fn contains(&self, value: i64) -> bool {
        self.search(value).is_ok()
    }

    /// The integer at a place in ascending order.
    pub(crate) fn at(&self, index: usize) -> Option<i64> {
        let width = self.width();
        let bytes = self.buf.get(index * width..(index + 1) * width)?;
        Some(match *bytes {
            [a, b] => i16::from_le_bytes([a, b]).into(),
            [a, b, c, d] => i32::from_le_bytes([a, b, c, d]).into(),
            _ => i64::from_le_bytes(bytes.try_into().unwrap_or_default()),
        })
    }

    /// The integers in ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = i64> {
        (0..self.len()).filter_map(|index| self.at(index))
    }

    /// Adds an integer; `false` if it is there already. O(len).
    pub(crate) fn add(&mut self, value: i64) -> bool {
        let Err(index) = self.search(value) else { return false };
        self.widen(width_of(value));
        let width = self.width();
        let needed = self.buf.len() + width;
        if needed > self.buf.capacity() {
            room::grow(&mut self.buf, roomy(needed));
        }
        let at = index * width;
        self.buf.splice(at..at, value.to_le_bytes()[..width].iter().copied());
        true
    }

    /// Removes an integer; `false` if it was not there. O(len).
    pub(crate) fn remove(&mut self, value: i64) -> bool {
        let Ok(index) = self.search(value) else { return false };
        let width = self.width();
        self.buf.drain(index * width..(index + 1) * width);
        let used = self.buf.len();
        if used < self.buf.capacity() / 2 && self.buf.capacity() > 64 {
            room::shrink(&mut self.buf, roomy(used));
        }
        true
    }

    fn width(&self) -> usize {
        usize::from(self.width)
    }

    fn widen(&mut self, width: u8) {
        if width <= self.width {
            return;
        }
        let values: Vec<i64> = self.iter().collect();
        self.width = width;
        self.buf = Vec::with_capacity(roomy((values.len() + 1) * self.width()));
        let width = self.width();
        for value in values {
            self.buf.extend_from_slice(&value.to_le_bytes()[..width]);
        }
    }

    /// Where `value` is, or else where it belongs.
    fn search(&self, value: i64) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.at(middle).unwrap_or(i64::MAX).cmp(&value) {
                std::cmp::Ordering::Equal => return Ok(middle),
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Less => low = middle + 1,
            }
        }
        Err(low)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn behaves_as_a_sorted_set(
            steps in prop::collection::vec((any::<bool>(), prop_oneof![
                4 => -50i64..50, 1 => any::<i16>().prop_map(i64::from),
                1 => any::<i32>().prop_map(i64::from), 1 => any::<i64>(),
            ]), 1..200),
        ) {
            let (mut set, mut model) = (IntSet::default(), BTreeSet::new());
            for (add, value) in steps {
                if add {
                    prop_assert_eq!(set.add(value), model.insert(value));
                } else {
                    prop_assert_eq!(set.remove(value), model.remove(&value));
                }
                prop_assert_eq!(set.contains(value), add);
            }
            prop_assert!(set.iter().eq(model.iter().copied()));
            prop_assert_eq!(set.len(), model.len());
        }
    }
}
