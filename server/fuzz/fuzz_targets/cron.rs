//! Cron expressions, as users write them and as they never would.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| justiam_server::fuzzing::cron(input));
