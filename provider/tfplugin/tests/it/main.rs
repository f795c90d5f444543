//! The plugin as a process: under the real Terraform, and under a client of our own where Terraform cannot be made to
//! behave as needed.
//!
//! The program under test is `examples/thing`.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is how a failure is told")]

mod client;
mod plugin;
mod workspace;

mod features;
mod grpc;
mod lifecycle;
mod process;
mod rpc;
mod rules;

use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The example, which `cargo test` has built beside this test.
fn example() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let example = test.parent().and_then(|deps| deps.parent()).expect("a target directory").join("examples/thing");
    assert!(example.exists(), "{} is missing: run `cargo build -p tfplugin --example thing`", example.display());
    example
}

/// Waits until `condition` holds, and fails if it never does.
fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
