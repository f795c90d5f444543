//! The plugin as a process: under the real Terraform, and under `tfplugin-client` where Terraform cannot be made to
//! behave as needed.
//!
//! The programs under test are `examples/thing`, which has everything, and `examples/note.rs`, which is short.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is how a failure is told")]

mod workspace;

mod conformance;
mod corpus;
mod features;
mod grpc;
mod lifecycle;
mod note;
mod process;
mod rpc;
mod rules;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tfplugin_client::{Launch, Plugin};

/// An example, which `cargo test` has built beside this test.
fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let examples = test.parent().and_then(|deps| deps.parent()).expect("a target directory").join("examples");
    let example = examples.join(name);
    assert!(example.exists(), "{} is missing: run `cargo build -p tfplugin --examples`", example.display());
    example
}

/// The example that has everything, about to be started as Terraform does.
fn launch() -> Launch {
    Plugin::builder(&example("thing"))
}

/// Waits until `condition` holds, and fails if it never does.
fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
