use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const LIMITS: BlockLimits = BlockLimits { bytes_max: 200, entries_max: 7 };

type Model = BTreeMap<StreamId, Vec<(Vec<u8>, Vec<u8>)>>;

#[derive(Clone, Debug)]
enum Step {
    Append {
        ms: u64,
        seq: u64,
        names: u8,
        value: Vec<u8>,
    },
    /// Looks for an entry; later searches may begin there.
    Find(usize),
    Remove(usize),
    Snapshot,
    Trim {
        to: usize,
        approximate: bool,
        by_id: bool,
        limit: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let value = prop_oneof![
        9 => proptest::collection::vec(any::<u8>(), 0..20),
        1 => proptest::collection::vec(any::<u8>(), 100..400),
    ];
    prop_oneof![
        8 => (0..3u64, 0..300u64, 0..4u8, value)
            .prop_map(|(ms, seq, names, value)| Step::Append { ms, seq, names, value }),
        4 => any::<usize>().prop_map(Step::Find),
        4 => any::<usize>().prop_map(Step::Remove),
        1 => Just(Step::Snapshot),
        1 => (0..40usize, any::<bool>(), any::<bool>(), 0..20usize).prop_map(
            |(to, approximate, by_id, limit)| Step::Trim { to, approximate, by_id, limit }
        ),
    ]
}

fn fields(names: u8, value: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    (0..=names % 3).map(|n| (vec![b'a' + names + n], value.to_vec())).collect()
}

/// Names and values of an entry.
type Fields = Vec<(Vec<u8>, Vec<u8>)>;

fn contents<'a>(entries: impl Iterator<Item = Entry<'a>>) -> Vec<(StreamId, Fields)> {
    entries
        .map(|entry| {
            let fields: Vec<_> =
                entry.fields().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
            assert_eq!(fields.len(), entry.len());
            (entry.id, fields)
        })
        .collect()
}

fn expected(model: &Model, from: StreamId, to: StreamId) -> Vec<(StreamId, Fields)> {
    model.range(from..=to).map(|(&id, fields)| (id, fields.clone())).collect()
}

fn check(entries: &Entries, model: &Model) {
    assert_eq!(entries.len(), model.len());
    let first = model.first_key_value().map_or(StreamId::ZERO, |(&id, _)| id);
    let top = model.last_key_value().map_or(StreamId::ZERO, |(&id, _)| id);
    assert_eq!((entries.first_id(), entries.top_id()), (first, top));
    let ids: Vec<StreamId> = model.keys().copied().collect();
    let mut bounds = vec![StreamId::ZERO, StreamId::MAX];
    bounds.extend(
        ids.iter().step_by(5).flat_map(|id| [id.previous(), Some(*id), id.next()]).flatten(),
    );
    for &from in &bounds {
        for &to in bounds.iter().filter(|to| **to >= from).take(3) {
            let mut wanted = expected(model, from, to);
            assert_eq!(contents(entries.range(from, to)), wanted);
            wanted.reverse();
            assert_eq!(contents(entries.range_back(from, to)), wanted);
        }
    }
    for id in bounds {
        assert_eq!(entries.contains(id), model.contains_key(&id));
    }
}

fn apply(entries: &mut Entries, model: &mut Model, step: &Step) {
    match step {
        Step::Append { ms, seq, names, value } => {
            let mut id = StreamId::new(entries.last_id.ms + ms, *seq);
            if id <= entries.last_id {
                id = entries.last_id.next().expect("small ids");
            }
            let fields = fields(*names, value);
            let words: Vec<&[u8]> =
                fields.iter().flat_map(|(name, value)| [&name[..], &value[..]]).collect();
            entries.append(id, words.iter().copied(), LIMITS);
            model.insert(id, fields);
        }
        Step::Find(index) => {
            let Some(&id) = model.keys().nth(index % model.len().max(1)) else { return };
            assert!(entries.contains(id));
            let behind = entries.range(id, StreamId::MAX).nth(1).map(|entry| entry.id);
            assert_eq!(behind, model.range(id..).nth(1).map(|(&id, _)| id));
        }
        Step::Remove(index) => {
            let Some(&id) = model.keys().nth(index % model.len().max(1)) else { return };
            assert!(entries.remove(id) && !entries.remove(id));
            model.remove(&id);
        }
        Step::Snapshot => {}
        Step::Trim { to, approximate, by_id, limit } => {
            trim(entries, model, (*to, *approximate, *by_id, *limit));
        }
    }
}

fn trim(
    entries: &mut Entries,
    model: &mut Model,
    (to, approximate, by_id, limit): (usize, bool, bool, usize),
) {
    let to = if by_id {
        TrimTo::MinId(model.keys().nth(to).copied().unwrap_or(StreamId::MAX))
    } else {
        TrimTo::MaxLen(to)
    };
    let limit = if approximate { limit } else { 0 };
    let removed = entries.trim(Trim { to, approximate, limit });
    let most = match to {
        TrimTo::MaxLen(len_max) => model.len().saturating_sub(len_max),
        TrimTo::MinId(id) => model.range(..id).count(),
    };
    if approximate {
        assert!(removed <= most && (limit == 0 || removed <= limit));
    } else {
        assert_eq!(removed, most);
    }
    (0..removed).for_each(|_| drop(model.pop_first()));
}

proptest! {
    #[test]
    fn behaves_like_a_map(steps in proptest::collection::vec(step(), 1..200)) {
        let (mut entries, mut model) = (Entries::default(), Model::new());
        let mut snapshots = Vec::new();
        for step in &steps {
            if let Step::Snapshot = step {
                snapshots.push((entries.clone(), model.clone()));
            }
            apply(&mut entries, &mut model, step);
        }
        snapshots.push((entries, model));
        for (entries, model) in &snapshots {
            check(entries, model);
        }
    }

    #[test]
    fn pending_lists_agree(
        steps in proptest::collection::vec((0..4u8, 0..300u64, 0..3usize), 1..600),
    ) {
        let mut group = Group::new(StreamId::ZERO, None);
        let names: [&[u8]; 3] = [b"a", b"b", b"c"];
        let mut ids: Vec<ConsumerId> =
            names.iter().map(|name| group.add_consumer(name, 0)).collect();
        let mut model: BTreeMap<StreamId, usize> = BTreeMap::new();
        let mut snapshot = None;
        for (at, &(kind, seq, who)) in steps.iter().enumerate() {
            let id = StreamId::new(1, seq);
            if kind == 0 {
                assert_eq!(group.ack(id), model.remove(&id).is_some());
            } else if kind == 1 && seq < 3 {
                let count = model.values().filter(|owner| **owner == who).count();
                assert_eq!(group.remove_consumer(names[who]), Some(count));
                model.retain(|_, owner| *owner != who);
                ids[who] = group.add_consumer(names[who], 0);
            } else {
                let pending = Pending { delivered_ms: 5, delivery_count: seq, consumer: ids[who] };
                group.assign(id, pending);
                model.insert(id, who);
            }
            if at == steps.len() / 2 {
                snapshot = Some((group.clone(), model.clone(), ids.clone()));
            }
        }
        for (group, model, ids) in [(group, model, ids)].into_iter().chain(snapshot) {
            let all: Vec<_> = group.pending_from(StreamId::ZERO).map(|(id, _)| id).collect();
            assert_eq!(all, model.keys().copied().collect::<Vec<_>>());
            assert_eq!(group.pending_len(), model.len());
            for (who, &consumer) in ids.iter().enumerate() {
                let own: Vec<_> =
                    group.pending_of(consumer, StreamId::ZERO).map(|(id, _)| id).collect();
                let wanted: Vec<_> =
                    model.iter().filter(|(_, owner)| **owner == who).map(|(id, _)| *id).collect();
                assert_eq!(own, wanted);
                assert_eq!(group.consumer(consumer).pending_len(), wanted.len());
            }
        }
    }
}

#[test]
fn ids_go_on_after_xsetid_went_back() {
    let mut entries = Entries::default();
    let fields: [&[u8]; 2] = [b"f", b"v"];
    for seq in 1..=3 {
        entries.append(StreamId::new(5, seq), fields.into_iter(), LIMITS);
    }
    entries.remove(StreamId::new(5, 3));
    entries.last_id = StreamId::new(5, 1);
    entries.remove(StreamId::new(5, 2));
    entries.append(StreamId::new(5, 2), fields.into_iter(), LIMITS);
    let ids: Vec<_> = entries.iter().map(|entry| entry.id.seq).collect();
    assert_eq!(ids, [1, 2]);
    assert!(entries.contains(StreamId::new(5, 2)) && !entries.contains(StreamId::new(5, 3)));
}

#[test]
fn ids_may_lie_as_far_apart_as_there_are_ids() {
    let ids = [(1, 1), (1, u64::MAX), (1 << 62, 0), ((1 << 62) + 1, u64::MAX), (u64::MAX, 0)];
    let ids = [&ids[..], &[(u64::MAX, u64::MAX)]].concat();
    let ids: Vec<StreamId> = ids.into_iter().map(|(ms, seq)| StreamId::new(ms, seq)).collect();
    let mut entries = Entries::default();
    for &id in &ids {
        entries.append(id, [&b"f"[..], b"v"].into_iter(), LIMITS);
    }
    assert!(entries.iter().map(|entry| entry.id).eq(ids.iter().copied()));
    assert!(ids.iter().all(|&id| entries.remove(id)) && entries.is_empty());
}

#[test]
fn an_entry_costs_few_bytes() {
    let limits = BlockLimits { bytes_max: 65536, entries_max: 100 };
    for (length, above_max) in [(32, 5), (200, 6), (1000, 10)] {
        let mut entries = Entries::default();
        let payload = vec![b'x'; length];
        let count = 100_000;
        for n in 0..count {
            let id = StreamId::new(1_700_000_000_000 + n / 3, n % 3);
            entries.append(id, [&b"data"[..], &payload[..]].into_iter(), limits);
        }
        let above = entries.heap_bytes() as u64 / count - length as u64;
        assert!(above <= above_max, "{above} above {length}");
    }
}

#[test]
fn a_trimmed_stream_gives_its_memory_back() {
    let limits = BlockLimits { bytes_max: 65536, entries_max: 100 };
    let mut entries = Entries::default();
    for n in 1..1000 {
        entries.append(StreamId::new(n, 0), [&b"data"[..], &[b'x'; 600]].into_iter(), limits);
        entries.trim(Trim { to: TrimTo::MaxLen(1), approximate: false, limit: 0 });
        assert!(entries.len() == 1 && entries.heap_bytes() < 10_000, "{}", entries.heap_bytes());
    }
}

#[test]
fn a_large_entry_takes_no_memory_for_those_behind_it() {
    for bytes_max in [65536, 0] {
        let limits = BlockLimits { bytes_max, entries_max: 1 };
        let mut entries = Entries::default();
        let large = vec![7; 1 << 20];
        for n in 1..20 {
            entries.append(StreamId::new(n, 0), [&b"f"[..], &large].into_iter(), limits);
        }
        let before = entries.heap_bytes();
        entries.append(StreamId::new(20, 0), [&b"f"[..], b"v"].into_iter(), limits);
        assert!(entries.heap_bytes() < before + (80 << 10));
    }
}

#[test]
fn the_log_position_of_a_group_is_counted() {
    let mut stream = Stream::default();
    let fields: [&[u8]; 2] = [b"f", b"v"];
    for seq in 1..=5 {
        stream.entries.append(StreamId::new(1, seq), fields.into_iter(), LIMITS);
    }
    stream.add_group(b"g", StreamId::ZERO, None);
    let lag = |stream: &Stream| stream.group(b"g").map(|group| stream.lag(group));
    assert_eq!(lag(&stream), Some(Some(5)));
    let (entries, group) = stream.with_group(b"g").expect("just made");
    entries.count_read(group, StreamId::new(1, 1));
    assert_eq!(group.entries_read, Some(1));
    stream.entries.remove(StreamId::new(1, 3));
    assert_eq!(lag(&stream), Some(None));
    let (entries, group) = stream.with_group(b"g").expect("just made");
    for seq in [2, 4] {
        entries.count_read(group, StreamId::new(1, seq));
        assert_eq!(group.entries_read, None);
    }
    entries.count_read(group, StreamId::new(1, 5));
    assert_eq!(group.entries_read, Some(5));
    assert_eq!(lag(&stream), Some(Some(0)));
}

#[test]
fn consumers_take_the_places_of_those_that_are_gone() {
    let mut stream = Stream::default();
    let group = stream.add_group(b"g", StreamId::ZERO, None).unwrap();
    let [a, b, c] = [b"a", b"b", b"c"].map(|name| group.add_consumer(name, 0));
    for consumer in [a, b, c] {
        let id = StreamId::new(1, u64::from(consumer == b) + 2 * u64::from(consumer == c));
        group.assign(id, Pending { delivered_ms: 1, delivery_count: 1, consumer });
    }
    assert_eq!(group.remove_consumer(b"b"), Some(1));
    assert_eq!(group.remove_consumer(b"a"), Some(1));
    assert_eq!([b"d", b"e", b"f"].map(|name| group.add_consumer(name, 0)).len(), 3);
    assert_eq!((group.consumers_len(), group.pending_len()), (4, 1));
    let names = group.consumers().map(|(id, consumer)| (group.find_consumer(&consumer.name), id));
    assert!(names.into_iter().all(|(found, id)| found == Some(id)));
    assert_eq!(group.pending_of(c, StreamId::ZERO).count(), 1);
}
