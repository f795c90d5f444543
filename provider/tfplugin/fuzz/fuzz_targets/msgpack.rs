//! Messages as Terraform sends them, and as it would never do.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tfplugin_fuzz::msgpack(input));
