//! The log with a storage that can fail.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::file::{Content, LogFile, Storage};
use super::space;
use super::write::Group;
use super::{Aof, Failure, FsyncPolicy};
use crate::clock::Clock;
use crate::effects::Effects;

/// A file in memory.
#[derive(Debug, Default)]
struct Memory {
    bytes: Mutex<Vec<u8>>,
    synced: Mutex<usize>,
    full: AtomicBool,
    broken: AtomicBool,
}

impl Storage for Memory {
    fn write(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let is_full = self.full.load(Ordering::Relaxed);
        let bytes = if is_full { &bytes[..bytes.len() / 2] } else { bytes };
        let (start, mut all) = (usize::try_from(offset).unwrap(), self.bytes.lock());
        assert!(start <= all.len(), "nothing is left out");
        let end = all.len().max(start + bytes.len());
        all.resize(end, 0);
        all[start..start + bytes.len()].copy_from_slice(bytes);
        if is_full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn write_space(&self, bytes: u64, offset: u64) -> io::Result<()> {
        space::pieces(bytes, offset).try_for_each(|(piece, offset)| self.write(&piece, offset))
    }

    fn cut(&self, len: u64) -> io::Result<()> {
        let len_synced = *self.synced.lock() as u64;
        let has_space = self.has_space();
        assert!(!has_space || len_synced > len, "space goes behind what is synced only");
        self.bytes.lock().truncate(usize::try_from(len).unwrap());
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(io::Error::other("broken"));
        }
        *self.synced.lock() = self.bytes.lock().len();
        Ok(())
    }
}

impl Memory {
    fn has_space(&self) -> bool {
        let bytes = self.bytes.lock();
        bytes.ends_with(format!("#SPACE {:024}\n", bytes.len()).as_bytes())
    }

    fn text(&self) -> String {
        let text = String::from_utf8(self.bytes.lock().clone()).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with(['#', '$', '*']));
        lines.collect::<Vec<_>>().join(" ")
    }
}

fn log(policy: FsyncPolicy) -> (Aof, Arc<Memory>) {
    let aof = Aof::new(policy, Clock::system());
    let memory = Arc::new(Memory::default());
    aof.open(LogFile::new(Arc::<Memory>::clone(&memory), Content::default()), 0);
    (aof, memory)
}

const NOW_MS: u64 = 1_700_000_000_500;

fn append(aof: &Aof, line: &str) -> u64 {
    let mut effects = Effects::new(true, Vec::new());
    let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
    effects.push(0, words.into_iter());
    aof.append(&effects, NOW_MS)
}

#[test]
fn a_reply_waits_for_the_write_or_the_sync() {
    let (aof, _) = log(FsyncPolicy::EverySec);
    let position = append(&aof, "SET a 1");
    assert!(!aof.is_committed(position));
    aof.commit();
    assert!(aof.is_committed(position) && !aof.is_durable(position));
    aof.set_policy(FsyncPolicy::Always);
    assert!(!aof.is_committed(position));
    assert!(aof.sync());
    assert!(aof.is_committed(position) && aof.is_durable(position));
}

#[test]
fn a_log_that_is_closed_says_whether_all_is_on_disk() {
    for is_broken in [false, true] {
        let (aof, memory) = log(FsyncPolicy::EverySec);
        let position = append(&aof, "SET a 1");
        memory.broken.store(is_broken, Ordering::Relaxed);
        aof.close();
        assert_eq!((aof.is_durable(position), aof.has_ended_unsafe()), (!is_broken, is_broken));
        assert!(aof.is_committed(position) && !aof.is_failing(), "nobody is held up");
    }
}

#[test]
fn a_rotation_parts_what_was_before_from_what_comes_after() {
    let (aof, first) = log(FsyncPolicy::EverySec);
    append(&aof, "SET a 1");
    let second = Arc::new(Memory::default());
    aof.rotate(LogFile::new(Arc::<Memory>::clone(&second), Content::default()));
    let position = append(&aof, "SET b 2");
    aof.commit();
    assert!(aof.is_committed(position));
    assert_eq!(first.text(), "SELECT 0 SET a 1");
    assert_eq!(second.text(), "SELECT 0 SET b 2");
    assert_eq!(*first.synced.lock(), first.bytes.lock().len());
}

#[test]
fn space_is_there_until_what_was_written_over_it_is_synced() {
    let (aof, first) = log(FsyncPolicy::Always);
    append(&aof, "SET a 1");
    assert!(aof.sync() && first.has_space());
    append(&aof, "SET b 2");
    *first.synced.lock() = 0;
    let second = Arc::new(Memory::default());
    aof.rotate(LogFile::new(Arc::<Memory>::clone(&second), Content::default()));
    append(&aof, "SET c 3");
    assert!(aof.sync());
    assert_eq!(first.text(), "SELECT 0 SET a 1 SET b 2");
    assert!(!first.has_space() && second.has_space());
}

#[test]
fn a_write_that_no_sync_follows_takes_no_space_whatever_the_policy_is_by_now() {
    let (aof, memory) = log(FsyncPolicy::EverySec);
    append(&aof, "SET a 1");
    aof.set_policy(FsyncPolicy::Always);
    assert!(aof.write_out(Group::Loose) && !memory.has_space());
    append(&aof, "SET b 2");
    assert!(aof.sync() && memory.has_space());
    append(&aof, "SET c 3");
    assert!(aof.write_out(Group::Loose) && !memory.has_space());
    assert_eq!(memory.text(), "SELECT 0 SET a 1 SET b 2 SET c 3");
}

#[test]
fn a_sync_that_fails_before_space_goes_is_not_forgotten() {
    let (aof, first) = log(FsyncPolicy::Always);
    append(&aof, "SET a 1");
    assert!(aof.sync() && first.has_space());
    let position = append(&aof, "SET b 2");
    aof.rotate(LogFile::new(Arc::new(Memory::default()), Content::default()));
    let later = append(&aof, "SET c 3");
    first.broken.store(true, Ordering::Relaxed);
    assert!(!aof.sync());
    first.broken.store(false, Ordering::Relaxed);
    assert!(!aof.sync() && !aof.is_durable(position) && !aof.is_durable(later));
    assert_eq!(aof.failure().map(|(failure, _)| failure), Some(Failure::Sync));
    aof.rewritten(0);
    assert!(aof.sync() && aof.is_durable(later) && !aof.is_failing());
}

#[test]
fn a_full_disk_refuses_writes_until_it_has_room() {
    let (aof, memory) = log(FsyncPolicy::EverySec);
    let position = append(&aof, "SET a 1");
    memory.full.store(true, Ordering::Relaxed);
    aof.commit();
    assert!(aof.is_failing() && !aof.is_committed(position));
    assert!(memory.bytes.lock().is_empty(), "half a write was cut off");
    memory.full.store(false, Ordering::Relaxed);
    aof.work_once();
    assert!(!aof.is_failing() && aof.is_committed(position));
    assert_eq!(memory.text(), "SELECT 0 SET a 1");
}

#[test]
fn a_failed_sync_is_not_forgotten_until_a_rewrite() {
    let (aof, memory) = log(FsyncPolicy::Always);
    let position = append(&aof, "SET a 1");
    memory.broken.store(true, Ordering::Relaxed);
    assert!(!aof.sync());
    memory.broken.store(false, Ordering::Relaxed);
    assert!(!aof.sync(), "the second sync may lie");
    assert!(!aof.is_committed(position));
    assert_eq!(aof.failure().map(|(failure, _)| failure), Some(Failure::Sync));
    let second = Arc::new(Memory::default());
    aof.rotate(LogFile::new(Arc::<Memory>::clone(&second), Content::default()));
    aof.rewritten(0);
    assert!(aof.sync() && aof.is_committed(position) && !aof.is_failing());
}

#[test]
fn a_rewrite_does_not_end_a_failure_of_its_own_file() {
    let (aof, _) = log(FsyncPolicy::Always);
    let (second, third) = (Arc::new(Memory::default()), Arc::new(Memory::default()));
    aof.rotate(LogFile::new(Arc::<Memory>::clone(&second), Content::default()));
    let position = append(&aof, "SET a 1");
    second.broken.store(true, Ordering::Relaxed);
    assert!(!aof.sync());
    second.broken.store(false, Ordering::Relaxed);
    aof.rewritten(0);
    assert!(!aof.sync() && aof.is_failing() && !aof.is_durable(position));
    aof.rotate(LogFile::new(Arc::<Memory>::clone(&third), Content::default()));
    assert!(!aof.sync() && !aof.is_durable(position), "the base is not complete");
    aof.rewritten(0);
    assert!(aof.sync() && aof.is_durable(position) && !aof.is_failing());
}

#[test]
fn a_rewrite_makes_up_for_a_file_that_takes_nothing() {
    let (aof, first) = log(FsyncPolicy::Always);
    first.full.store(true, Ordering::Relaxed);
    let before = append(&aof, "SET a 1");
    let second = Arc::new(Memory::default());
    aof.rotate(LogFile::new(Arc::<Memory>::clone(&second), Content::default()));
    let after = append(&aof, "SET b 2");
    assert!(!aof.sync());
    aof.rewritten(0);
    assert!(aof.is_durable(before) && !aof.is_durable(after));
    assert!(aof.sync() && aof.is_durable(after) && !aof.is_failing());
    assert_eq!(second.text(), "SELECT 0 SET b 2");
}

#[test]
fn nothing_is_taken_after_the_close() {
    let (aof, memory) = log(FsyncPolicy::EverySec);
    append(&aof, "SET a 1");
    aof.close();
    let position = append(&aof, "SET b 2");
    assert!(aof.is_committed(position));
    assert_eq!(memory.text(), "SELECT 0 SET a 1");
}

/// What stands there, of another writer or policy, may not be durable, and has no checksum.
#[test]
fn what_has_no_mark_gets_one_before_a_group_that_a_crash_may_tear() {
    let (aof, memory) = log(FsyncPolicy::EverySec);
    append(&aof, "SET a 1");
    aof.commit();
    aof.set_policy(FsyncPolicy::Always);
    append(&aof, "SET b 2");
    assert!(aof.sync());
    let bytes = memory.bytes.lock().clone();
    let text = String::from_utf8_lossy(&bytes);
    let places: Vec<_> = ["1\r\n", "#CRC:", "SET\r\n$1\r\nb"].map(|word| text.find(word)).into();
    assert!(places.is_sorted() && places[0].is_some(), "{text}");
    assert!(memory.has_space());
}

#[test]
fn what_looks_like_a_mark_at_its_own_place_is_moved() {
    let memory = Arc::new(Memory::default());
    let mut file = LogFile::new(Arc::<Memory>::clone(&memory), Content::default());
    let fake = "#CRC:00000000 0000000000\r\n";
    let at = b"*2\r\n$4\r\nECHO\r\n$26\r\n".len();
    let fake = fake.replace("0000000000", &format!("{at:010}"));
    let mut group = format!("*2\r\n$4\r\nECHO\r\n$26\r\n{fake}\r\n").into_bytes();
    file.append(&mut group, true).unwrap();
    let bytes = memory.bytes.lock().clone();
    assert!(bytes.starts_with(b"#\n*2\r\n"), "{}", bytes.escape_ascii());
    assert_eq!(super::mark::find_last(&bytes, 0).unwrap().1, bytes.len() as u64);
}

#[test]
fn what_could_not_be_written_is_one_group_with_what_follows() {
    let (aof, memory) = log(FsyncPolicy::Always);
    append(&aof, "SET a 1");
    memory.full.store(true, Ordering::Relaxed);
    assert!(!aof.sync());
    append(&aof, "SET b 2");
    memory.full.store(false, Ordering::Relaxed);
    assert!(aof.sync());
    assert_eq!(memory.text(), "SELECT 0 SET a 1 SET b 2");
    let bytes = memory.bytes.lock().clone();
    assert_eq!(memchr::memmem::find_iter(&bytes, b"#CRC:").count(), 1);
}
