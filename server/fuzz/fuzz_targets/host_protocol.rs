//! What a script's process may send to the server.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| justiam_server::fuzzing::host_protocol(input));
