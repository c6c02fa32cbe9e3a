//! Payloads of RESTORE, and RDB files. See `checks/restore.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: checks::write_seeds("restore"),
    |input: &[u8]| checks::restore::check(input)
);
