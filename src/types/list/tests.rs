use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

fn contents(list: &List) -> Vec<Vec<u8>> {
    list.iter_from(0).map(<[u8]>::to_vec).collect()
}

#[test]
fn ends_are_independent() {
    let mut list = List::new();
    list.push(End::Head, b"b");
    list.push(End::Head, b"a");
    list.push(End::Tail, b"c");
    assert_eq!(contents(&list), [b"a", b"b", b"c"]);
    assert_eq!(list.peek(End::Head), Some(&b"a"[..]));
    assert!(list.pop(End::Tail) && list.pop(End::Head) && list.pop(End::Head));
    assert!(!list.pop(End::Head));
    assert!(list.is_empty());
}

#[test]
fn a_clone_keeps_its_contents() {
    let mut list = List::new();
    (0..2000).for_each(|n: u32| list.push(End::Tail, &n.to_le_bytes()));
    let before = contents(&list);
    let snapshot = list.clone();
    list.trim(10, 20);
    list.set(3, b"changed");
    assert_eq!(contents(&snapshot), before);
}

#[test]
fn a_long_list_takes_few_bytes_above_its_payload() {
    for end in [End::Head, End::Tail] {
        let mut list = List::new();
        for (len, above_max) in [(100_000, 235_000), (1_000_000, 2_110_000)] {
            (list.len()..len).for_each(|_| list.push(end, &[7; 32]));
            let above = list.bytes() - len * 32;
            assert!(above < above_max, "{above}");
        }
    }
}

#[test]
fn elements_of_mixed_sizes_take_few_bytes_above_their_payload() {
    for end in [End::Head, End::Tail] {
        let mut list = List::new();
        let mut payload = 0;
        for n in 0..2000 {
            let bytes = if n % 2 == 0 { 10_000 } else { 100 };
            list.push(end, &vec![7; bytes]);
            payload += bytes;
        }
        assert!(list.bytes() < payload + payload / 50, "{} for {payload}", list.bytes());
    }
}

#[test]
fn elements_of_any_size_take_few_bytes_above_their_payload() {
    for bytes in [1000, 4000, 7300, 8100, 9000] {
        let mut list = List::new();
        (0..1000).for_each(|_| list.push(End::Tail, &vec![7; bytes]));
        let payload = 1000 * bytes;
        assert!(list.bytes() < payload + payload / 30, "{} for {payload}", list.bytes());
    }
}

#[test]
fn what_is_removed_or_replaced_gives_its_memory_back() {
    let filled = || {
        let mut list = List::new();
        (0..100_000_usize).for_each(|n| list.push(End::Tail, &[u8::from(n % 3 == 0); 32]));
        list
    };
    let mut list = filled();
    assert_eq!(list.remove(End::Head, usize::MAX, &[0; 32]), 66_666);
    assert!(list.bytes() < 33_334 * 36, "{}", list.bytes());
    let mut list = filled();
    (0..4000).step_by(2).for_each(|n| assert!(list.set(n, &[7; 9000])));
    let payload = 2000 * 9000 + 98_000 * 32;
    assert!(list.bytes() < payload + payload / 8, "{} for {payload}", list.bytes());
    for bytes in [9000, 1 << 20] {
        let mut list = List::new();
        (0..100).for_each(|_| list.push(End::Tail, &vec![7; bytes]));
        (0..100).for_each(|n| assert!(list.set(n, b"z")));
        assert!(list.bytes() < 10_000, "{}", list.bytes());
    }
}

#[test]
fn what_is_replaced_by_as_much_splits_nothing() {
    let mut list = List::new();
    (0..20_000).for_each(|_| list.push(End::Tail, &[7; 32]));
    list.trim(17_000, 20_000);
    let before = list.bytes();
    (0..3000).step_by(50).for_each(|n| assert!(list.set(n, &[8; 32])));
    assert_eq!(list.bytes(), before);
}

#[test]
fn a_large_list_is_small_again_at_half_the_limit() {
    for (limit, bytes) in [(4, 1), (-2, 1800), (0, 1)] {
        let mut list = List::new();
        let len_max: usize = if limit == 0 { 1 } else { 4 };
        let element = vec![7; bytes];
        let mut encodings = Vec::new();
        for _ in 0..=len_max {
            list.push(End::Tail, &element);
            list.note_size(limit);
            encodings.push(list.encoding(limit));
        }
        assert_eq!(encodings.pop(), Some("quicklist"), "{limit}");
        assert!(encodings.iter().all(|&encoding| encoding == "listpack"), "{limit}");
        while list.len() > len_max / 2 + 1 {
            list.pop(End::Head);
            list.note_size(limit);
            assert_eq!(list.encoding(limit), "quicklist", "{limit}");
        }
        list.pop(End::Head);
        list.note_size(limit);
        assert_eq!(list.encoding(limit), "listpack", "{limit}");
    }
}

#[derive(Clone, Debug)]
enum Step {
    Insert(usize, Vec<u8>),
    Pop(End),
    Push(End, Vec<u8>),
    Remove(End, usize, Vec<u8>),
    Set(usize, Vec<u8>),
    Trim(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let end = || prop_oneof![Just(End::Head), Just(End::Tail)];
    let payload = || {
        prop_oneof![
            4 => (0u8..4).prop_map(|byte| vec![byte]),
            2 => (0usize..600).prop_map(|len| vec![1; len]),
            1 => (0usize..20_000).prop_map(|len| vec![2; len]),
        ]
    };
    let index = || 0usize..200;
    prop_oneof![
        2 => (index(), payload()).prop_map(|(at, p)| Step::Insert(at, p)),
        3 => end().prop_map(Step::Pop),
        8 => (end(), payload()).prop_map(|(end, p)| Step::Push(end, p)),
        1 => (end(), 1usize..5, payload()).prop_map(|(end, n, p)| Step::Remove(end, n, p)),
        2 => (index(), payload()).prop_map(|(at, p)| Step::Set(at, p)),
        1 => (0usize..4, index()).prop_map(|(start, len)| Step::Trim(start, start + len)),
    ]
}

fn apply(list: &mut List, model: &mut VecDeque<Vec<u8>>, step: Step) {
    match step {
        Step::Insert(at, payload) => {
            let at = at.min(model.len());
            list.insert(at, &payload);
            model.insert(at, payload);
        }
        Step::Pop(end) => {
            let expected = if end == End::Head { model.pop_front() } else { model.pop_back() };
            assert_eq!(list.peek(end).map(<[u8]>::to_vec), expected);
            assert_eq!(list.pop(end), expected.is_some());
        }
        Step::Push(end, payload) => {
            list.push(end, &payload);
            if end == End::Head { model.push_front(payload) } else { model.push_back(payload) }
        }
        Step::Remove(end, count, payload) => {
            let mut at: Vec<usize> =
                (0..model.len()).filter(|&index| model[index] == payload).collect();
            if end == End::Tail {
                at.reverse();
            }
            at.truncate(count);
            assert_eq!(list.remove(end, count, &payload), at.len());
            at.sort_unstable();
            at.iter().rev().for_each(|&index| drop(model.remove(index)));
        }
        Step::Set(at, payload) => {
            assert_eq!(list.set(at, &payload), at < model.len());
            if let Some(slot) = model.get_mut(at) {
                *slot = payload;
            }
        }
        Step::Trim(start, end) => {
            list.trim(start, end);
            model.truncate(end);
            model.drain(..start.min(model.len()));
        }
    }
}

proptest! {
    #[test]
    fn behaves_as_a_vec_deque(steps in prop::collection::vec(step(), 1..200)) {
        let (mut list, mut model) = (List::new(), VecDeque::new());
        for step in steps {
            apply(&mut list, &mut model, step);
            prop_assert_eq!(list.len(), model.len());
        }
        prop_assert_eq!(contents(&list), model.iter().cloned().collect::<Vec<_>>());
        let mut back: Vec<_> = list.iter_back().map(<[u8]>::to_vec).collect();
        back.reverse();
        prop_assert_eq!(back, contents(&list));
        for (index, expected) in model.iter().enumerate() {
            prop_assert_eq!(list.at(index), Some(&expected[..]));
        }
    }
}
