//! The programs under test. The test command builds them before it runs the tests.

use std::env;
use std::path::PathBuf;

/// The path of a program of this workspace, built with the same profile as the tests.
pub fn program(name: &str) -> PathBuf {
    // target/<profile>/deps/<test> → target/<profile>/<program>
    let mut path = env::current_exe().unwrap();
    path.pop();
    if path.ends_with("deps") {
        path.pop();
    }
    path.push(name);
    assert!(
        path.exists(),
        "{} is missing: run `cargo build --workspace --bins` first, or use ./tests/run",
        path.display()
    );
    path
}
