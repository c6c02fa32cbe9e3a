//! What the system and the allocator say about this process.

use std::cell::Cell;
use std::fs;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tikv_jemalloc_ctl::thread::{ThreadLocal, allocatedp, deallocatedp};
use tikv_jemalloc_ctl::{epoch, stats};

/// Clock ticks a second in `/proc`; the same on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// Open files that the server needs beside those of clients.
const OWN_FILES: u64 = 64;

/// Memory by the allocator and the system, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    /// Handed out to the program.
    pub(crate) allocated: u64,
    /// In pages that hold what was handed out.
    pub(crate) active: u64,
    /// In pages that the allocator holds.
    pub(crate) resident: u64,
    /// In pages of the process, as the system sees it.
    pub(crate) rss: u64,
    /// Of the machine.
    pub(crate) system: u64,
}

/// Seconds of processor time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cpu {
    pub(crate) system: f64,
    pub(crate) user: f64,
    pub(crate) system_children: f64,
    pub(crate) user_children: f64,
}

/// How many of `wanted` clients the limit on open files allows, after raising it as far as may be.
pub(crate) fn room_for_clients(wanted: u64) -> u64 {
    let needed = wanted.saturating_add(OWN_FILES);
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return wanted;
    }
    let all = Rlimit { current: Some(needed), maximum: limit.maximum.map(|most| most.max(needed)) };
    let some = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let raised = setrlimit(Resource::Nofile, all).or_else(|_| setrlimit(Resource::Nofile, some));
    if let Err(error) = raised {
        tracing::debug!(%error, "the limit on open files stays as it is");
    }
    let current = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    current.saturating_sub(OWN_FILES).clamp(1, wanted.max(1))
}

/// Bytes handed out by the last look at the allocator, and what threads have noted since.
static USED_BYTES: AtomicI64 = AtomicI64::new(0);
/// Number of looks at the allocator.
static LOOKS: AtomicU64 = AtomicU64::new(0);

/// Bytes of a thread that may be counted already are worth another look at the allocator if they
/// are more than this.
const UNSURE_BYTES_MAX: u64 = 1 << 20;

/// Bytes that the allocator has handed out and not got back. Takes some 100 microseconds.
pub(crate) fn used_bytes() -> u64 {
    if epoch::advance().is_err() {
        return 0;
    }
    let allocated = stats::allocated::read().unwrap_or(0);
    let used = allocated.saturating_sub(cached_bytes()) as u64;
    USED_BYTES.store(used.cast_signed(), Ordering::Relaxed);
    LOOKS.fetch_add(1, Ordering::Relaxed);
    own_change();
    used
}

/// Bytes that threads have given back and the allocator keeps for them: it counts them as handed
/// out.
fn cached_bytes() -> usize {
    use tikv_jemalloc_ctl::{Access, AsName};
    // 4096 stands for all arenas.
    let names = [
        &b"stats.arenas.4096.tcache_bytes\0"[..],
        &b"stats.arenas.4096.tcache_stashed_bytes\0"[..],
    ];
    names.into_iter().map(|name| Access::<usize>::read(name.name()).unwrap_or(0)).sum()
}

/// As [`used_bytes`], in no time as a rule: the last look, and what those threads have taken and
/// given back since that have called this.
pub(crate) fn used_bytes_about() -> u64 {
    let used = match own_change() {
        Change::Since(0) => USED_BYTES.load(Ordering::Relaxed),
        Change::Since(change) => USED_BYTES.fetch_add(change, Ordering::Relaxed) + change,
        Change::Unsure(change) if change.unsigned_abs() > UNSURE_BYTES_MAX => return used_bytes(),
        Change::Unsure(_) => USED_BYTES.load(Ordering::Relaxed),
    };
    used.max(0).cast_unsigned()
}

/// What a thread has taken less what it gave back.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// Since the last look at the allocator.
    Since(i64),
    /// In part before the last look, which counted that.
    Unsure(i64),
}

/// What this thread has taken less what it gave back, since the last call.
fn own_change() -> Change {
    thread_local! {
        static SEEN: Cell<(u64, i64)> = Cell::new((LOOKS.load(Ordering::Relaxed), own_bytes()));
    }
    let (look, bytes) = (LOOKS.load(Ordering::Relaxed), own_bytes());
    let (look_before, bytes_before) = SEEN.with(|seen| seen.replace((look, bytes)));
    let change = bytes.wrapping_sub(bytes_before);
    if look == look_before { Change::Since(change) } else { Change::Unsure(change) }
}

/// Bytes that this thread has ever taken less those that it gave back; negative where it gives
/// back what others took.
pub(crate) fn own_bytes() -> i64 {
    thread_local! {
        static COUNTS: Option<(ThreadLocal<u64>, ThreadLocal<u64>)> =
            allocatedp::read().ok().zip(deallocatedp::read().ok());
    }
    COUNTS.with(|counts| {
        counts.map_or(0, |(taken, given)| taken.get().wrapping_sub(given.get()).cast_signed())
    })
}

/// All figures of memory.
pub(crate) fn memory() -> Memory {
    let allocated = used_bytes();
    let read = |bytes: tikv_jemalloc_ctl::Result<usize>| bytes.map_or(0, |bytes| bytes as u64);
    Memory {
        allocated,
        active: read(stats::active::read()),
        resident: read(stats::resident::read()),
        rss: kilobytes("/proc/self/status", "VmRSS:") * 1024,
        system: kilobytes("/proc/meminfo", "MemTotal:") * 1024,
    }
}

/// The figure behind a label in a file of `/proc`.
fn kilobytes(path: &str, label: &str) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(label));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Times of the process.
pub(crate) fn cpu() -> Cpu {
    let times = times("/proc/self/stat");
    let [user, system, user_children, system_children] = times;
    Cpu { system, user, system_children, user_children }
}

/// Times of the main thread.
pub(crate) fn cpu_of_main_thread() -> Cpu {
    let [user, system, ..] = times(&format!("/proc/self/task/{}/stat", std::process::id()));
    Cpu { system, user, ..Cpu::default() }
}

fn times(path: &str) -> [f64; 4] {
    let text = fs::read_to_string(path).unwrap_or_default();
    // The name of the program stands in brackets and may hold anything; utime is the 12th word
    // behind it.
    let rest = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let mut words = rest.split_whitespace().skip(11);
    std::array::from_fn(|_| {
        let ticks: f64 = words.next().and_then(|word| word.parse().ok()).unwrap_or(0.0);
        ticks / TICKS_PER_SECOND
    })
}

/// The allocator's name and version, as in `jemalloc-5.3.0`.
pub(crate) fn allocator() -> String {
    let version = tikv_jemalloc_ctl::version::read().unwrap_or("unknown");
    format!("jemalloc-{}", version.split('-').next().unwrap_or(version))
}

/// What the allocator tells about itself, for people.
pub(crate) fn allocator_report() -> Vec<u8> {
    let mut report = Vec::new();
    let options = tikv_jemalloc_ctl::stats_print::Options::default();
    if let Err(error) = tikv_jemalloc_ctl::stats_print::stats_print(&mut report, options) {
        tracing::debug!(%error, "the allocator's report is cut off");
    }
    report
}

/// Gives unused pages back to the system; `false` if that fails.
///
/// An arena whose unused pages may stay for no time gives them back at once; afterwards it is as
/// patient as before.
pub(crate) fn purge() -> bool {
    use tikv_jemalloc_ctl::{Access, AsName, arenas};
    let Ok(count) = arenas::narenas::read() else { return false };
    for index in 0..count {
        for kind in ["dirty", "muzzy"] {
            let name = format!("arena.{index}.{kind}_decay_ms\0");
            let name = name.as_bytes().name();
            // Arenas that no thread uses do not exist yet, and have nothing to give.
            let Ok(patience_ms) = Access::<isize>::read(name) else { continue };
            if name.write(0_isize).and_then(|()| name.write(patience_ms)).is_err() {
                return false;
            }
        }
    }
    true
}

/// The operating system with its version and processor, as in `Linux 6.1.0 x86_64`.
pub(crate) fn os() -> String {
    let kernel = |file: &str| fs::read_to_string(format!("/proc/sys/kernel/{file}"));
    let text = |file: &str| kernel(file).unwrap_or_default().trim().to_owned();
    format!("{} {} {}", text("ostype"), text("osrelease"), std::env::consts::ARCH)
}

#[cfg(test)]
mod tests {
    use tikv_jemalloc_ctl::{Access, AsName};

    use super::*;

    #[test]
    fn figures_are_there() {
        let memory = memory();
        assert!(memory.rss > 0 && memory.system > memory.rss);
        assert!(allocator().starts_with("jemalloc-"));
        let pads = Access::<bool>::read(b"opt.cache_oblivious\0"[..].name());
        assert_eq!(pads, Ok(false), "see .cargo/config.toml");
        let cpu = cpu();
        assert!(cpu.user >= 0.0 && cpu.user < 1e6);
    }
}
