//! What is read ahead is what the reader alone would show.

use std::path::Path;

use super::*;
use crate::resp::request::{encode_head, encode_word};

/// A log of `count` effects, some of them large.
fn make(path: &Path, count: usize) {
    let mut bytes = Vec::new();
    for n in 0..count {
        let value = vec![b'v'; if n % 1000 == 500 { 3 << 20 } else { n % 300 }];
        encode_head(&mut bytes, 3);
        encode_word(&mut bytes, b"SET");
        encode_word(&mut bytes, n.to_string().as_bytes());
        encode_word(&mut bytes, &value);
        if n % 7 == 0 {
            bytes.extend_from_slice(b"#TS:1\r\n");
        }
    }
    std::fs::write(path, bytes).unwrap();
}

type Seen = (Vec<(Vec<u8>, usize, u64)>, String);

fn seen(
    path: &Path,
    read: impl FnOnce(&mut Reader, &mut dyn FnMut(Argv<'_>, u64)) -> Result<End, ServerError>,
) -> Seen {
    let mut effects = Vec::new();
    let mut reader = Reader::open(path, 0).unwrap();
    let end = read(&mut reader, &mut |argv, offset| {
        effects.push((argv.get(1).unwrap().to_vec(), argv.get(2).unwrap().len(), offset));
    });
    let content = format!("{:?}", reader.content().len);
    (effects, format!("{end:?} {content}"))
}

#[test]
fn nothing_is_lost_or_moved() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    make(&path, 12_000);
    let whole = std::fs::read(&path).unwrap();
    for cut in [0, 1, 1000, whole.len() / 2, whole.len()] {
        let mut bytes = whole[..cut].to_vec();
        for damaged in [false, true] {
            if damaged {
                bytes.extend_from_slice(b"?nonsense\r\n*1\r\n$4\r\nPING\r\n");
            }
            std::fs::write(&path, &bytes).unwrap();
            let expected = seen(&path, |reader, visit| reader.for_each(visit));
            let found = seen(&path, |reader, visit| for_each(reader, visit));
            assert_eq!(found.1, expected.1);
            assert!(found.0 == expected.0, "cut at {cut}");
        }
    }
}
