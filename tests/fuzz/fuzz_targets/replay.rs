//! Any bytes as a file of the log. See `checks/replay.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: checks::write_seeds("replay"),
    |input: &[u8]| checks::replay::check(input)
);
