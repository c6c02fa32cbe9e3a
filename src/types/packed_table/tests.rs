use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;

use super::*;

type Table = PackedTable<true>;

fn key(n: u32) -> Vec<u8> {
    format!("key:{n}").into_bytes()
}

fn filled(numbers: std::ops::Range<u32>) -> Table {
    let mut table = Table::default();
    numbers.for_each(|n| assert!(table.insert(&key(n), &n.to_le_bytes())));
    table
}

fn contents(table: &Table) -> BTreeMap<Vec<u8>, Vec<u8>> {
    table.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

fn numbers() -> impl FnMut() -> u64 {
    let random = crate::random::Random::seeded(7);
    move || random.next()
}

#[test]
fn grows_and_shrinks() {
    let mut table = filled(0..50_000);
    assert_eq!(table.len(), 50_000);
    for n in 0..50_000 {
        assert_eq!(table.find(&key(n)), Some(&n.to_le_bytes()[..]));
    }
    (0..49_990).for_each(|n| assert!(table.remove(&key(n))));
    assert!(!table.remove(&key(0)));
    assert_eq!(table.iter().count(), 10);
    assert!(table.bytes() < 64 * 1024, "{}", table.bytes());
    (49_990..50_000).for_each(|n| assert!(table.remove(&key(n))));
    assert!(table.len() == 0 && table.bytes() < 256);
}

#[test]
fn an_entry_costs_few_bytes_above_its_payload() {
    for value_len in [8, 32, 100, 200] {
        let mut table = Table::default();
        let value = vec![7; value_len];
        (0..50_000).for_each(|n| assert!(table.insert(format!("{n:08}").as_bytes(), &value)));
        let above = table.bytes() - 50_000 * (8 + value_len);
        assert!(above < 50_000 * (10 + (8 + value_len) / 7), "{value_len}: {}", above / 50_000);
    }
}

#[test]
fn a_clone_keeps_its_contents() {
    let mut table = filled(0..5000);
    let before = contents(&table);
    let snapshot = table.clone();
    (0..3000).for_each(|n| assert!(table.remove(&key(n))));
    (4000..9000).for_each(|n| assert_eq!(table.insert(&key(n), b"changed"), n >= 5000));
    assert_eq!(contents(&snapshot), before);
}

#[test]
fn scan_sees_every_entry_that_stays() {
    let mut table = filled(0..5000);
    let mut seen = HashSet::new();
    let (mut cursor, mut next_new) = (0, 5000);
    loop {
        let next = table.scan(cursor, 7, |key, _| {
            assert!(seen.insert(key.to_vec()), "{key:?} came twice");
        });
        let Some(next) = next else { break };
        cursor = next;
        table.insert(&key(next_new), b"");
        next_new += 1;
        table.remove(&key(next_new % 2500));
    }
    assert!((2500..5000).all(|n| seen.contains(&key(n))));
}

#[test]
fn scan_sees_what_stays_while_the_table_grows_and_shrinks() {
    const STAYING: u32 = 500;
    let mut table = filled(0..STAYING);
    let staying: HashSet<_> = (0..STAYING).map(key).collect();
    let (mut seen, mut others) = (HashSet::new(), STAYING..STAYING);
    let (mut cursor, mut step) = (0, 0);
    loop {
        let next = table.scan(cursor, 7, |key, _| {
            assert!(!staying.contains(key) || seen.insert(key.to_vec()), "{key:?} came twice");
        });
        let Some(next) = next else { break };
        cursor = next;
        // Long enough for splits, then for merges that drop most segments; and again.
        if step % 8 < 4 {
            for _ in 0..500 {
                assert!(table.insert(&key(others.end), b""));
                others.end += 1;
            }
        } else {
            for _ in 0..500 {
                assert!(table.remove(&key(others.start)));
                others.start += 1;
            }
        }
        step += 1;
    }
    assert!(step > 24, "{step}");
    assert_eq!(seen, staying);
}

#[test]
fn scan_keeps_to_its_count() {
    let mut seen = 0;
    filled(0..1000).scan(0, 10, |_, _| seen += 1);
    assert!((10..20).contains(&seen), "{seen}");
}

#[test]
fn random_is_fair() {
    let table = filled(0..500);
    let mut random = numbers();
    let mut hits = BTreeMap::new();
    for _ in 0..100_000 {
        let (key, _) = table.random(&mut random).unwrap();
        *hits.entry(key.to_vec()).or_insert(0) += 1;
    }
    assert_eq!(hits.len(), 500);
    assert!(hits.values().all(|count| (120..280).contains(count)), "{hits:?}");
}

#[test]
fn entries_are_found_by_hash() {
    let table = filled(0..1000);
    let found: Vec<_> = table.with_hash(hash::of(&key(77))).collect();
    assert_eq!(found, [(&key(77)[..], &77u32.to_le_bytes()[..])]);
}

#[derive(Clone, Debug)]
enum Step {
    Insert(u32, usize),
    Remove(u32),
    Snapshot,
}

fn step() -> impl Strategy<Value = Step> {
    let len = prop_oneof![8 => 0usize..40, 1 => 250usize..260, 1 => 0usize..3000];
    prop_oneof![
        60 => (0u32..400, len).prop_map(|(n, len)| Step::Insert(n, len)),
        40 => (0u32..400).prop_map(Step::Remove),
        1 => Just(Step::Snapshot),
    ]
}

/// Some keys are long, too.
fn key_of(n: u32) -> Vec<u8> {
    if n.is_multiple_of(10) {
        vec![b'0' + n.to_le_bytes()[0] % 7; 240 + n as usize]
    } else {
        key(n)
    }
}

#[test]
fn long_texts_are_counted_while_they_are_there() {
    assert!(size_of::<Segment<true>>() + size_of::<usize>() <= 256, "a piece of the allocator");
    let mut table = filled(0..40);
    let before = table.bytes();
    for len in [255, 1000, 100_000] {
        (0..20).for_each(|n| assert!(!table.insert(&key(n), &vec![b'x'; len])));
        let all = 20 * len;
        let clone_bytes = table.clone().bytes();
        for bytes in [table.bytes(), clone_bytes] {
            assert!((before + all..before + all + 1024).contains(&bytes), "{before} {bytes}");
        }
        (0..20).for_each(|n| assert!(!table.insert(&key(n), &n.to_le_bytes())));
        assert!(table.bytes() < before + 512, "{before} {}", table.bytes());
    }
}

proptest! {
    #[test]
    fn behaves_as_a_map(
        steps in prop::collection::vec(step(), 1..1500),
        depth_max in prop_oneof![Just(1u32), Just(32)],
    ) {
        let mut table = Table { depth_max, ..Table::default() };
        let mut model = BTreeMap::new();
        let mut snapshots = Vec::new();
        for step in steps {
            match step {
                Step::Insert(n, len) => {
                    let value = vec![n.to_le_bytes()[0]; len];
                    let is_new = table.insert(&key_of(n), &value);
                    prop_assert_eq!(is_new, model.insert(key_of(n), value).is_none());
                }
                Step::Remove(n) => {
                    prop_assert_eq!(table.remove(&key_of(n)), model.remove(&key_of(n)).is_some());
                }
                Step::Snapshot => snapshots.push((table.clone(), model.clone())),
            }
            prop_assert_eq!(table.len(), model.len());
        }
        snapshots.push((table, model));
        for (table, model) in snapshots {
            for (key, value) in &model {
                prop_assert_eq!(table.find(key), Some(&value[..]));
            }
            let mut scanned = 0;
            let mut cursor = Some(0);
            while let Some(from) = cursor {
                cursor = table.scan(from, 10, |_, _| scanned += 1);
            }
            prop_assert_eq!(scanned, model.len());
            prop_assert_eq!(contents(&table), model);
        }
    }
}
