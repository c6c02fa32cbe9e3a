//! A segment of a [`super::Table`]: up to 32 elements side by side, and a byte of each one's hash.
//!
//! ```text
//! tags        [t0 t1 t2 ...]      which elements to look at
//! elements    [e0 e1 e2 ...]      in no order, without gaps
//! ```
//!
//! An open hash table has gaps for speed: two fifths of its places on average, each as large as an
//! element. Here an element takes a byte more, and a few for the segment, which is one line of the
//! cache and leads to one of the element: two are fetched, however large the table.

use smallvec::SmallVec;

use super::Hashed;
use crate::hash::position;
use crate::prefetch;
use crate::types::directory;
use crate::types::room::{self, roomy};

/// Elements a segment may hold before it splits: with their tags it fits a line of the cache.
pub(super) const SEGMENT_LEN_MAX: usize = 32;

/// The elements of a range of positions.
#[derive(Clone, Debug)]
pub(super) struct Segment<T> {
    pub(super) depth: u32,
    /// Those of the first elements; more than that are here only if hashes were made to collide.
    tags: [u8; SEGMENT_LEN_MAX],
    elements: Vec<T>,
}

impl<T> directory::Segment for Box<Segment<T>> {
    fn depth(&self) -> u32 {
        self.depth
    }
}

fn tag(hash: u64) -> u8 {
    hash.to_be_bytes()[0]
}

impl<T: Hashed> Segment<T> {
    /// A segment with room for so many elements.
    pub(super) fn with_room(depth: u32, elements: usize) -> Self {
        let elements = Vec::with_capacity(whole_piece::<T>(elements));
        Self { depth, tags: [0; SEGMENT_LEN_MAX], elements }
    }

    pub(super) fn len(&self) -> usize {
        self.elements.len()
    }

    /// The numbers of the elements that may have this hash.
    #[inline]
    fn tagged(&self, hash: u64) -> impl Iterator<Item = usize> {
        let tags = &self.tags[..self.len().min(SEGMENT_LEN_MAX)];
        memchr::memchr_iter(tag(hash), tags).chain(SEGMENT_LEN_MAX..self.len())
    }

    /// Has it fetched into the processor's caches, without the elements.
    pub(super) fn prefetch(&self) {
        prefetch::value(self);
    }

    /// The number of the element with this hash for which `same` holds, until one is removed.
    #[inline]
    pub(super) fn locate(&self, hash: u64, mut same: impl FnMut(&T) -> bool) -> Option<usize> {
        self.tagged(hash).find(|&number| same(&self.elements[number]))
    }

    /// The number that an element with this hash probably has; no element is looked at.
    #[inline]
    pub(super) fn guess(&self, hash: u64) -> Option<usize> {
        self.tagged(hash).next()
    }

    /// The element of this number.
    #[inline]
    pub(super) fn at(&self, number: usize) -> Option<&T> {
        self.elements.get(number)
    }

    #[inline]
    pub(super) fn at_mut(&mut self, number: usize) -> Option<&mut T> {
        self.elements.get_mut(number)
    }

    /// Adds an element, which is none of those that are here.
    pub(super) fn insert(&mut self, hash: u64, element: T) -> &mut T {
        let number = self.len();
        if number == self.elements.capacity() {
            self.reserve(number / 8 + 1);
        }
        if let Some(slot) = self.tags.get_mut(number) {
            *slot = tag(hash);
        }
        self.elements.push(element);
        &mut self.elements[number]
    }

    /// Makes room for so many more elements.
    pub(super) fn reserve(&mut self, more: usize) {
        let room = whole_piece::<T>(self.len() + more);
        room::grow(&mut self.elements, room);
    }

    /// Takes the element of this number; the last one gets its number.
    pub(super) fn remove(&mut self, number: usize) -> T {
        let removed = self.elements.swap_remove(number);
        let last = self.len();
        if number < last.min(SEGMENT_LEN_MAX) {
            let moved = self.tags.get(last).copied();
            self.tags[number] = moved.unwrap_or_else(|| tag(self.elements[number].hash()));
        }
        removed
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.elements.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.elements.iter_mut()
    }

    /// Takes all elements out.
    pub(super) fn drain(&mut self) -> std::vec::IntoIter<T> {
        std::mem::take(&mut self.elements).into_iter()
    }

    /// Moves the elements whose position has this bit to a segment of the same depth.
    pub(super) fn split(&mut self, upper_bit: u64) -> Self {
        let is_upper = |hash: u64| position(hash) & upper_bit != 0;
        let hashes: SmallVec<[u64; SEGMENT_LEN_MAX]> = self.iter().map(T::hash).collect();
        let upper_len = hashes.iter().filter(|&&hash| is_upper(hash)).count();
        let mut upper = Self::with_room(self.depth, upper_len);
        let elements = self.drain();
        self.elements = Vec::with_capacity(whole_piece::<T>(hashes.len() - upper_len));
        for (element, hash) in elements.zip(hashes) {
            let segment = if is_upper(hash) { &mut upper } else { &mut *self };
            segment.insert(hash, element);
        }
        upper
    }

    /// Gives memory back if little of it is in use.
    pub(super) fn fit(&mut self) {
        if self.len() * 2 <= self.elements.capacity() {
            let room = whole_piece::<T>(self.len() + self.len() / 4 + 1);
            room::shrink(&mut self.elements, room);
        }
    }
}

/// How many elements fit in the piece of memory that the allocator gives for so many.
fn whole_piece<T>(elements: usize) -> usize {
    roomy(elements * size_of::<T>()) / size_of::<T>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An element of this hash, though others have it, too.
    #[derive(Debug, PartialEq)]
    struct Hash(u64, u32);

    impl Hashed for Hash {
        fn hash(&self) -> u64 {
            self.0
        }
    }

    #[test]
    fn it_is_a_line_of_the_cache() {
        assert_eq!(size_of::<Segment<Hash>>(), 64);
    }

    #[test]
    fn more_elements_than_tags_are_found_and_removed() {
        let len = 3 * u32::try_from(SEGMENT_LEN_MAX).expect("few");
        let mut segment = Segment::with_room(0, 0);
        let hash = |n: u32| u64::from(n % 5) << 56;
        (0..len).for_each(|n| assert_eq!(segment.insert(hash(n), Hash(hash(n), n)).1, n));
        for n in (0..len).filter(|n| n % 3 > 0).chain((0..len).step_by(3)) {
            let number = segment.locate(hash(n), |element| element.1 == n).expect("it is there");
            assert_eq!(segment.remove(number), Hash(hash(n), n));
            assert_eq!(segment.locate(hash(n), |element| element.1 == n), None);
            segment.fit();
        }
        assert!(segment.len() == 0 && segment.elements.capacity() < 8);
    }
}
