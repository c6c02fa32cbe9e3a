use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits { entries: 16, value_bytes: 24 };

type Model = BTreeMap<Vec<u8>, (Vec<u8>, Option<u64>)>;

fn contents(hash: &Hash) -> Model {
    let expiries: BTreeMap<_, _> = hash.expiries().collect();
    hash.iter()
        .map(|(field, value)| (field.to_vec(), (value.to_vec(), expiries.get(field).copied())))
        .collect()
}

#[test]
fn a_hash_without_expiry_takes_four_words() {
    assert!(size_of::<Hash>() <= 32, "{}", size_of::<Hash>());
}

#[test]
fn a_small_hash_keeps_its_order() {
    let mut hash = Hash::default();
    for field in [b"c", b"a", b"b", b"a"] {
        hash.set(field, b"x", LIMITS);
    }
    let fields: Vec<&[u8]> = hash.iter().map(|(field, _)| field).collect();
    assert_eq!(fields, [b"c", b"a", b"b"]);
    assert_eq!(hash.encoding(), "listpack");
}

#[test]
fn a_hash_grows_into_a_table_and_stays_one() {
    let mut hash = Hash::default();
    for n in 0..17u8 {
        assert_eq!(hash.encoding(), "listpack");
        hash.set(&[n], b"", LIMITS);
    }
    assert_eq!(hash.encoding(), "hashtable");
    (0..16u8).for_each(|n| assert!(hash.remove(&[n])));
    assert_eq!((hash.encoding(), hash.len()), ("hashtable", 1));
    let mut hash = Hash::default();
    hash.set(b"f", &[0; 25], LIMITS);
    assert_eq!(hash.encoding(), "hashtable");
}

#[test]
fn a_job_with_a_long_text_takes_little_memory() {
    for length in [25, 100, 200, 400, 1000, 7000, 20_000] {
        let mut hash = Hash::default();
        let text = vec![b'x'; length];
        for (field, value) in [(&b"name"[..], &b"resize"[..]), (b"data", &text), (b"delay", b"0")] {
            assert!(hash.set(field, value, LIMITS));
        }
        assert_eq!(hash.encoding(), "hashtable");
        let above = hash.bytes() - length - 20;
        // The allocator has four sizes to each power of two.
        assert!(above < 90 + length / 4, "{above} above {length}");
        assert_eq!(hash.find(b"data"), Some(&text[..]));
    }
}

#[test]
fn a_hash_of_long_texts_keeps_them_as_it_grows() {
    let text = |n: u8| vec![n; 200];
    let mut hash = Hash::default();
    for n in 0..100 {
        assert!(hash.set(&[n], &text(n), LIMITS));
        assert!((0..=n).all(|n| hash.find(&[n]) == Some(&text(n)[..])));
    }
    (1..100).for_each(|n| assert!(hash.remove(&[n])));
    assert_eq!((hash.encoding(), hash.find(&[0])), ("hashtable", Some(&text(0)[..])));
}

#[test]
fn a_text_that_becomes_shorter_gives_its_memory_back() {
    for shorter in [0, 100, 1000] {
        let mut hash = Hash::default();
        for (field, length) in [(b"a", 10), (b"b", 7000), (b"c", 10), (b"b", shorter)] {
            hash.set(field, &vec![b'x'; length], LIMITS);
        }
        assert!(hash.bytes() < 200 + 2 * shorter, "{} for {shorter}", hash.bytes());
    }
}

#[test]
fn a_text_that_is_set_again_leaves_the_form_as_it_is() {
    let mut hash = Hash::default();
    for byte in 0..10 {
        hash.set(b"data", &[byte; 5000], LIMITS);
        hash.set(b"state", &[byte], LIMITS);
        assert!(hash.bytes() < 6000, "{}", hash.bytes());
        assert_eq!(hash.find(b"data"), Some(&[byte; 5000][..]));
    }
}

#[test]
fn a_hash_of_many_fields_becomes_a_table_with_a_long_text() {
    let limits = Limits { entries: 512, value_bytes: 24 };
    let mut hash = Hash::default();
    (0..100u8).for_each(|n| assert!(hash.set(&[n], b"", limits)));
    assert_eq!(hash.encoding(), "listpack");
    let before = hash.bytes();
    assert!(!hash.set(&[50], &[0; 25], limits));
    assert!(hash.bytes() > before + 256, "{} and {before}", hash.bytes());
    assert_eq!((hash.encoding(), hash.len()), ("hashtable", 100));
}

#[test]
fn a_setting_clears_the_time_to_live() {
    let mut hash = Hash::default();
    for n in 0..200u8 {
        hash.set(&[n], b"", LIMITS);
        hash.set_expiry(&[n], Some(1000 + u64::from(n)));
    }
    assert_eq!(hash.next_due_ms(), 1000);
    hash.set(&[0], b"", LIMITS);
    hash.set_keeping_ttl(&[1], b"", LIMITS);
    assert_eq!((hash.expires_at_ms(&[0]), hash.next_due_ms()), (None, 1001));
    (0..200u8).for_each(|n| hash.set_expiry(&[n], None));
    assert!(hash.expiry.is_none());
}

#[derive(Clone, Debug)]
enum Step {
    Expire(u64, usize),
    Remove(u8),
    Set(u8, usize),
    SetExpiry(u8, Option<u64>),
    SetKeepingTtl(u8),
    Snapshot,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => (0u64..300, 1usize..20).prop_map(|(now, count)| Step::Expire(now, count)),
        20 => any::<u8>().prop_map(Step::Remove),
        40 => (any::<u8>(), 0usize..30).prop_map(|(field, len)| Step::Set(field, len)),
        40 => (any::<u8>(), prop::option::of(0u64..1000))
            .prop_map(|(field, at)| Step::SetExpiry(field, at)),
        5 => any::<u8>().prop_map(Step::SetKeepingTtl),
        1 => Just(Step::Snapshot),
    ]
}

fn apply(hash: &mut Hash, model: &mut Model, step: &Step) {
    match *step {
        Step::Expire(now, count) => {
            let due = hash.take_due(now, count);
            let expected = model.values().filter(|(_, at)| at.is_some_and(|at| at < now)).count();
            assert_eq!(due.len(), expected.min(count));
            for field in due {
                let (_, at) = model.remove(&*field).expect("the field was there");
                assert!(at.is_some_and(|at| at < now));
            }
        }
        Step::Remove(field) => {
            assert_eq!(hash.remove(&[field]), model.remove(&[field][..]).is_some());
        }
        Step::Set(field, len) => {
            let value = vec![field; len];
            let is_new = model.insert(vec![field], (value.clone(), None)).is_none();
            assert_eq!(hash.set(&[field], &value, LIMITS), is_new);
        }
        Step::SetExpiry(field, at) => {
            if let Some(entry) = model.get_mut(&[field][..]) {
                entry.1 = at;
                hash.set_expiry(&[field], at);
            }
        }
        Step::SetKeepingTtl(field) => {
            model.entry(vec![field]).or_default().0 = b"kept".to_vec();
            hash.set_keeping_ttl(&[field], b"kept", LIMITS);
        }
        Step::Snapshot => {}
    }
}

proptest! {
    #[test]
    fn behaves_as_a_map(steps in prop::collection::vec(step(), 1..800)) {
        let (mut hash, mut model) = (Hash::default(), Model::new());
        let mut snapshots = Vec::new();
        for step in steps {
            if matches!(step, Step::Snapshot) {
                snapshots.push((hash.clone(), model.clone()));
                // Going on with the clone builds its index again.
                hash = hash.clone();
            }
            apply(&mut hash, &mut model, &step);
            let next = model.values().filter_map(|(_, at)| *at).min();
            prop_assert_eq!(hash.next_due_ms(), next.unwrap_or(u64::MAX));
            prop_assert_eq!(hash.len(), model.len());
        }
        snapshots.push((hash, model));
        for (hash, model) in snapshots {
            prop_assert_eq!(contents(&hash), model);
        }
    }
}
