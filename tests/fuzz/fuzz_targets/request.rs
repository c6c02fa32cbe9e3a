//! Any bytes as requests. See `checks/request.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: checks::write_seeds("request"),
    |input: &[u8]| checks::request::check(input)
);
