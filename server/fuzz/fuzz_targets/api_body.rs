//! Bodies of requests, from friends and strangers.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| justiam_server::fuzzing::api_body(input));
