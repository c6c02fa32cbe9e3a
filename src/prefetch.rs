//! Hints to the processor: what will be read soon is in its caches by then.

use prefetch_index::prefetch_index;

/// Bytes that the processor fetches at a time.
const LINE_BYTES: usize = 64;

/// The start of a value will be read.
#[inline]
pub(crate) fn value<T>(value: &T) {
    prefetch_index(std::slice::from_ref(value), 0);
}

/// The start of some bytes will be read.
#[inline]
pub(crate) fn bytes(bytes: &[u8]) {
    prefetch_index(bytes, 0);
}

/// All of some elements will be read.
#[inline]
pub(crate) fn all<T>(elements: &[T]) {
    let each_line = LINE_BYTES.div_ceil(size_of::<T>().max(1));
    (0..elements.len()).step_by(each_line).for_each(|index| prefetch_index(elements, index));
    prefetch_index(elements, elements.len().saturating_sub(1));
}

/// So many of some elements will be read, as evenly spread as a search looks at them.
#[inline]
pub(crate) fn spread<T>(elements: &[T], count: usize) {
    (1..=count).for_each(|nth| prefetch_index(elements, elements.len() * nth / (count + 1)));
}
