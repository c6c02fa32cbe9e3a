use proptest::prelude::*;

use super::*;

#[test]
fn estimates_are_close() {
    for count in [0u64, 1, 100, 1000, 50_000, 200_000] {
        let mut bytes = empty();
        (0..count).for_each(|n| {
            add(&mut bytes, &n.to_le_bytes(), 3000).unwrap();
        });
        let estimate = estimate(&registers(&bytes).unwrap());
        assert!(estimate.abs_diff(count) * 30 <= count, "{count}: {estimate}");
    }
}

#[test]
fn forms_change_when_they_must() {
    let mut bytes = empty();
    assert_eq!((form(&bytes), bytes.len()), (Ok(Form::Sparse), HEADER_BYTES + 2));
    assert_eq!(cached(&bytes), Some(0));
    let mut count = 0u32;
    while form(&bytes) == Ok(Form::Sparse) {
        assert!(bytes.len() <= 3000);
        add(&mut bytes, &count.to_le_bytes(), 3000).unwrap();
        count += 1;
    }
    assert_eq!(bytes.len(), DENSE_BYTES);
    assert!(count > 1000, "{count}");
}

#[test]
fn broken_strings_are_found() {
    assert_eq!(form(b"foo"), Err(Invalid::NoHyperLogLog));
    let mut bytes = empty();
    bytes.push(0);
    assert_eq!(registers(&bytes), Err(Invalid::Corrupt));
    bytes.truncate(HEADER_BYTES);
    assert_eq!(registers(&bytes), Err(Invalid::Corrupt));
    assert_eq!(add(&mut bytes, b"a", 3000), Err(Invalid::Corrupt));
}

proptest! {
    #[test]
    fn sparse_and_dense_agree_with_plain_registers(
        changes in prop::collection::vec((0usize..REGISTERS, 1u8..=32), 1..400),
    ) {
        let mut sparse = empty();
        let mut dense = empty();
        make_dense(&mut dense).unwrap();
        let mut plain = Box::new([0u8; REGISTERS]);
        for (index, value) in changes {
            // Neighbours make runs that must be split and joined.
            let index = index % 50;
            let changed = plain[index] < value;
            plain[index] = plain[index].max(value);
            prop_assert_eq!(sparse::set(&mut sparse, index, value), Ok(Some(changed)));
            prop_assert_eq!(dense::set(&mut dense, index, value), changed);
        }
        prop_assert_eq!(&*registers(&sparse).unwrap(), &*plain);
        prop_assert_eq!(&*registers(&dense).unwrap(), &*plain);
        let again = encode(&plain, Form::Sparse, usize::MAX);
        prop_assert!(sparse.len() <= again.len() + 8);
    }
}
