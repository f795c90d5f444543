//! The fields of schedules' patterns, right and wrong.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| justiam_server::fuzzing::pattern(input));
