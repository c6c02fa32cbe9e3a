//! Memory for what grows little by little: in sizes that an allocator has anyway.

/// Pieces up to this size are never extended where they are.
const SMALL_BYTES_MAX: usize = 14 << 10;

/// The next size that an allocator has anyway: what a run that grows should reserve.
pub(crate) fn roomy(bytes: usize) -> usize {
    let step = (bytes.max(64).next_power_of_two() / 8).max(16);
    bytes.next_multiple_of(step)
}

/// Gives `vec` room for `capacity` elements, or for those it has, if these are more.
///
/// A small piece is changed for another one by hand: asked to reallocate, the allocator looks up
/// how large the piece was, and where there are millions of them, waits for memory to find out.
pub(crate) fn resize<T>(vec: &mut Vec<T>, capacity: usize) {
    let capacity = capacity.max(vec.len());
    if vec.capacity().max(capacity) * size_of::<T>() <= SMALL_BYTES_MAX {
        let mut resized = Vec::with_capacity(capacity);
        resized.append(vec);
        *vec = resized;
    } else if capacity < vec.capacity() {
        vec.shrink_to(capacity);
    } else {
        vec.reserve_exact(capacity - vec.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_stay_and_room_is_as_asked() {
        for capacity in [0, 3, 10, 5000, 20_000, 7, 100] {
            let mut vec: Vec<u64> = vec![1, 2, 3];
            for step in [capacity, 2 * capacity, capacity / 2] {
                resize(&mut vec, step);
                assert_eq!(vec, [1, 2, 3]);
                assert!((step.max(3)..=step.max(3) + 8).contains(&vec.capacity()), "{step}");
            }
        }
    }
}
