//! Any rules of ACL SETUSER. See `checks/acl_rules.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: checks::write_seeds("acl_rules"),
    |input: &[u8]| checks::acl_rules::check(input)
);
