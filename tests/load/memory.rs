//! `memory`: how long a read of memory takes whose place depends on the one before, at random in
//! `bytes`: a yardstick for what data cost that are too large for the processor's caches.

use std::hint::black_box;

use tokio::time::Instant;

use crate::options::Options;

const WORD_BYTES: usize = size_of::<u64>();
const READS: u32 = 5_000_000;

pub(crate) fn run(options: &Options) -> String {
    let len = (options.number("bytes", 1 << 29) / WORD_BYTES).max(1);
    let words: Vec<u64> = (0..len as u64).map(mixed).collect();
    let begun = Instant::now();
    let mut word = 0;
    for read in 0..READS {
        // The same word may come again, but leads elsewhere.
        word = words[place(mixed(word ^ u64::from(read)), len)];
    }
    black_box(word);
    let ns = begun.elapsed().as_secs_f64() * 1e9 / f64::from(READS);
    format!("{{\"bytes\": {}, \"ns_each\": {ns:.1}}}", len * WORD_BYTES)
}

/// A number that looks random.
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    number ^ (number >> 29)
}

/// A place below `len`.
fn place(random: u64, len: usize) -> usize {
    let place = (u128::from(random) * len as u128) >> 64;
    usize::try_from(place).expect("it is below len")
}
