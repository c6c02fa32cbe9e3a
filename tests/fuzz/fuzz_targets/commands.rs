//! Requests of all commands by several clients. See `checks/commands.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: checks::write_seeds("commands"),
    |input: &[u8]| checks::commands::check(input)
);
