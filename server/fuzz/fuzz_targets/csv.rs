//! Files of connected systems.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| justiam_server::fuzzing::csv(input));
