//! Memory for what grows little by little: in sizes that an allocator has anyway.

/// Pieces up to this size are never extended where they are.
const SMALL_BYTES_MAX: usize = 14 << 10;

/// The next size that an allocator has anyway: what a run that grows should reserve.
pub(crate) fn roomy(bytes: usize) -> usize {
    let step = (bytes.max(64).next_power_of_two() / 8).max(16);
    bytes.next_multiple_of(step)
}

/// Gives `vec` room for `capacity` elements, if it has less.
pub(crate) fn grow<T>(vec: &mut Vec<T>, capacity: usize) {
    if capacity > vec.capacity() && !exchange(vec, capacity) {
        vec.reserve_exact(capacity - vec.len());
    }
}

/// Leaves `vec` room for `capacity` elements, or for those it has, if it has more.
pub(crate) fn shrink<T>(vec: &mut Vec<T>, capacity: usize) {
    let capacity = capacity.max(vec.len());
    if capacity < vec.capacity() && !exchange(vec, capacity) {
        vec.shrink_to(capacity);
    }
}

/// Exchanges a small piece for another one by hand; `false` for large ones. Asked to reallocate,
/// the allocator looks up how large a piece was, and where there are millions of them, waits for
/// memory to find out.
fn exchange<T>(vec: &mut Vec<T>, capacity: usize) -> bool {
    if vec.capacity().max(capacity) * size_of::<T>() > SMALL_BYTES_MAX {
        return false;
    }
    let mut exchanged = Vec::with_capacity(capacity);
    exchanged.append(vec);
    *vec = exchanged;
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_stay_and_room_is_as_asked() {
        for capacity in [0, 3, 10, 5000, 20_000] {
            let mut vec: Vec<u64> = vec![1, 2, 3];
            grow(&mut vec, capacity);
            assert_eq!((&vec[..], vec.capacity()), (&[1, 2, 3][..], capacity.max(3)));
            grow(&mut vec, capacity / 2);
            assert_eq!(vec.capacity(), capacity.max(3));
            shrink(&mut vec, 2 * capacity);
            assert_eq!(vec.capacity(), capacity.max(3));
            shrink(&mut vec, capacity / 2);
            assert_eq!((&vec[..], vec.capacity()), (&[1, 2, 3][..], (capacity / 2).max(3)));
        }
    }
}
