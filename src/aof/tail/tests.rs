//! Files as a crash may leave them.

use std::io::Write;

use super::*;
use crate::aof::space::{BYTES, pieces};

const SECTOR: usize = 512;

/// A file with groups, each with its mark, and space; and where each group ends.
fn file(groups: &[Vec<u8>]) -> (Vec<u8>, Vec<usize>) {
    let (mut bytes, mut ends) = (Vec::new(), Vec::new());
    for group in groups {
        bytes.extend_from_slice(group);
        let mut hasher = Hasher::new();
        hasher.update(&bytes);
        Mark::of(&hasher, bytes.len() as u64).write(&mut bytes);
        ends.push(bytes.len());
    }
    for (piece, offset) in pieces(BYTES, bytes.len() as u64) {
        assert_eq!(offset, bytes.len() as u64);
        bytes.extend_from_slice(&piece);
    }
    (bytes, ends)
}

fn tail(bytes: &[u8]) -> Tail {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    find_tail(&file, 0).unwrap()
}

/// A file without space, that ends there.
fn bare(end: usize) -> Tail {
    Tail { end: end as u64, has_space: false, torn_from: None }
}

/// A file whose content ends there, before space.
fn whole(end: usize) -> Tail {
    Tail { has_space: true, ..bare(end) }
}

/// A group that takes several sectors.
fn long_group() -> Vec<u8> {
    (0..2000_u32).flat_map(|n| [b'a' + (n % 26) as u8, b'0']).take(3 * SECTOR).collect()
}

#[test]
fn space_is_no_content() {
    let (bytes, ends) = file(&[b"one".to_vec(), long_group()]);
    assert_eq!(tail(&bytes), whole(ends[1]));
    assert_eq!(tail(&bytes[..ends[1]]), bare(ends[1]));
    for shorter in [ends[1] - 1, ends[1] + 3, ends[1] + 4, bytes.len() - 2] {
        assert_eq!(tail(&bytes[..shorter]), bare(shorter), "its last line is not there");
    }
    assert_eq!(tail(b""), bare(0));
    assert_eq!(tail(b"x"), bare(1));
    let (alone, _) = file(&[]);
    assert_eq!(tail(&alone), whole(0));
}

/// A checksum or half a value may end in any bytes, and a file hold many zeros.
#[test]
fn nothing_else_is_taken_for_space() {
    let (space, _) = file(&[]);
    for end in [&b"#\n"[..], &LINE.repeat(5000), &space] {
        let bytes = [b"$9\r\n".to_vec(), vec![0; 4 * SECTOR], end.to_vec()].concat();
        assert_eq!(tail(&bytes), bare(bytes.len()));
    }
}

/// Each sector of the last group is there or not.
#[test]
fn a_group_that_lacks_sectors_is_torn() {
    for space in [LINE, [0, 0]] {
        let (bytes, ends) = file(&[b"the first".to_vec(), long_group()]);
        let sectors = ends[0] / SECTOR..ends[1].div_ceil(SECTOR);
        for kept in 0..1 << sectors.len() {
            let mut bytes = bytes.clone();
            for at in (ends[0]..ends[1]).filter(|at| kept >> (at / SECTOR) & 1 == 0) {
                bytes[at] = space[at % 2];
            }
            let found = tail(&bytes);
            if kept == (1 << sectors.len()) - 1 {
                assert_eq!(found, whole(ends[1]));
            } else if kept == 0 {
                assert_eq!(found, whole(ends[0]));
            } else if kept & (kept + 1) == 0 {
                // The end is missing: the reader sees that, too.
                assert!(found.whole() < ends[1] as u64, "{kept:b}");
            } else {
                assert_eq!(found.torn_from, Some(ends[0] as u64), "{kept:b}");
            }
        }
    }
}

#[test]
fn what_looks_like_space_is_content_if_its_checksum_says_so() {
    let group = [b"12".to_vec(), LINE.repeat(SECTOR), b"34".to_vec()].concat();
    let (mut bytes, ends) = file(&[b"one".to_vec(), group]);
    assert_eq!(tail(&bytes), whole(ends[1]));
    bytes[ends[0]] = b'7';
    assert_eq!(tail(&bytes).torn_from, Some(ends[0] as u64));
}

#[test]
fn groups_may_be_longer_than_a_look_back() {
    let group = long_group().repeat(200);
    let (mut bytes, ends) = file(&[b"one".to_vec(), group]);
    assert!(ends[1] > 4 * PIECE_BYTES);
    assert_eq!(tail(&bytes), whole(ends[1]));
    bytes[20 * SECTOR..21 * SECTOR].copy_from_slice(&LINE.repeat(SECTOR / 2));
    assert_eq!(tail(&bytes).torn_from, Some(ends[0] as u64));
}

#[test]
fn zeros_at_the_end_are_no_content() {
    let (bytes, ends) = file(&[b"one".to_vec(), long_group()]);
    for zeros in [1, SECTOR, 2 * PIECE_BYTES, 2 * PIECE_BYTES + 3] {
        let zeros = vec![0; zeros];
        for end in [0, ends[0], ends[0] + 5, ends[1]] {
            assert_eq!(tail(&[&bytes[..end], &zeros].concat()), bare(end), "{end}");
        }
        assert_eq!(tail(&[&bytes[..], &zeros].concat()), whole(ends[1]));
    }
}

#[test]
fn a_mark_may_lie_across_two_looks() {
    for behind in PIECE_BYTES - 60..PIECE_BYTES + 20 {
        let group = [LINE.repeat(SECTOR), vec![b'a'; behind - 2 * SECTOR]].concat();
        let (mut bytes, ends) = file(&[b"one".to_vec(), group]);
        bytes[ends[0] + 2 * SECTOR] = b'b';
        assert_eq!(tail(&bytes).torn_from, Some(ends[0] as u64), "{behind}");
    }
}

#[test]
fn space_may_lack_sectors() {
    let (mut bytes, ends) = file(&[b"one".to_vec(), long_group()]);
    bytes[60 * SECTOR..62 * SECTOR].fill(0);
    assert_eq!(tail(&bytes), whole(ends[1]));
    bytes[2 * SECTOR..3 * SECTOR].fill(0);
    assert_eq!(tail(&bytes).torn_from, Some(ends[0] as u64));
}
