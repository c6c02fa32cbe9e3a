//! Whatever is done to the keys while a snapshot is taken, it holds what was there at its instant.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::store::{Changes, Db};
use crate::types::list::{End, List};
use crate::types::string::StringValue;

type Content = BTreeMap<(usize, Vec<u8>), (String, Option<u64>)>;

fn shown(value: &Value) -> String {
    match value {
        Value::List(list) => format!("{:?}", list.iter_from(0).collect::<Vec<_>>()),
        other => format!("{other:?}"),
    }
}

fn content(keyspace: &Keyspace) -> Content {
    let mut content = Content::new();
    let mut locked = keyspace.lock(keyspace.all());
    for shard in locked.iter_mut() {
        for (db, part) in shard.dbs().iter().enumerate() {
            for entry in part.keys.iter() {
                let shown = (shown(&entry.value), entry.expires_at_ms());
                content.insert((db, entry.key().to_vec()), shown);
            }
        }
    }
    content
}

/// One change: what, to which key of which database.
fn change(keyspace: &Keyspace, (what, key, db): (u8, u8, usize)) {
    let mut locked = keyspace.lock(keyspace.all());
    if what == 0 {
        for shard in locked.iter_mut() {
            shard.db(db).take_keys();
        }
        return;
    }
    if what == 1 {
        for shard in locked.iter_mut() {
            let (low, high) = shard.dbs().split_at_mut(1);
            low[0].swap_keys(&mut high[0]);
        }
        return;
    }
    let mut changes = Changes::default();
    let mut db = Db::new(&mut locked, &mut changes, db, 1);
    let key = [key];
    match what {
        2..=4 => {
            db.remove(&key);
        }
        5..=7 => db.set_expiry(&key, Some(1_000_000)),
        8..=14 => db.set(&key, Value::String(StringValue::new(&[what]))),
        _ => {
            let Ok(list) = db.create::<List>(&key) else { return };
            list.push(End::Tail, &[what]);
        }
    }
}

fn walk_some(keyspace: &Keyspace, shard: usize, found: &mut Vec<Captured>) -> bool {
    match keyspace.snapshot_step(shard, 2) {
        Some(Step::Entries(entries)) => found.extend(entries),
        Some(Step::Handed(table, snapshot)) => found.extend(snapshot.walk_to_end(&table)),
        None => return false,
    }
    true
}

fn changes(count: usize) -> impl Strategy<Value = Vec<(u8, u8, usize)>> {
    prop::collection::vec((0u8..24, 0u8..60, 0usize..2), 0..count)
}

proptest! {
    #[test]
    fn a_snapshot_is_of_one_instant(before in changes(120), after in changes(200)) {
        let keyspace = Keyspace::new(2, 2);
        before.into_iter().filter(|(what, ..)| *what > 0).for_each(|it| change(&keyspace, it));
        let mut expected = Content::new();
        keyspace.begin_snapshot(|_| {});
        expected.extend(content(&keyspace));
        let mut found = Vec::new();
        for (at, it) in after.into_iter().enumerate() {
            change(&keyspace, it);
            if at % 3 == 0 {
                walk_some(&keyspace, at % 2, &mut found);
            }
        }
        for shard in 0..2 {
            while walk_some(&keyspace, shard, &mut found) {}
        }
        keyspace.end_snapshot();
        let count = found.len();
        let mut captured = Content::new();
        for entry in found {
            let shown = (shown(&entry.value), entry.expires_at_ms);
            captured.insert((entry.db, entry.key.to_vec()), shown);
        }
        prop_assert_eq!(count, captured.len(), "a key came twice");
        prop_assert_eq!(captured, expected);
    }
}
