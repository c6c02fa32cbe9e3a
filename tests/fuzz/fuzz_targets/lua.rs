//! Scripts, libraries of functions, and what they are given. See `checks/lua.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: checks::write_seeds("lua"),
    |input: &[u8]| checks::lua::check(input)
);
