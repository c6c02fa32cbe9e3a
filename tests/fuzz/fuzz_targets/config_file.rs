//! Any text as the configuration file. See `checks/config_file.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: checks::write_seeds("config_file"),
    |input: &[u8]| checks::config_file::check(input)
);
