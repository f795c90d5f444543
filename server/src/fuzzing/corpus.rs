//! Replays what the fuzzer has found worth keeping.

use std::fs;
use std::path::Path;

fn replay(target: &str, run: fn(&[u8])) {
    let inputs = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut replayed = 0;
    for entry in fs::read_dir(inputs).unwrap() {
        let path = entry.unwrap().path();
        let input = fs::read(&path).unwrap();
        let outcome = std::panic::catch_unwind(|| run(&input));
        assert!(outcome.is_ok(), "{} fails", path.display());
        replayed += 1;
    }
    assert!(replayed >= 10, "the corpus of {target} is gone");
}

#[test]
fn cron_expressions_of_the_corpus() {
    replay("cron", super::cron);
}

#[test]
fn patterns_of_the_corpus() {
    replay("pattern", super::pattern);
}

#[test]
fn bodies_of_the_corpus() {
    replay("api_body", super::api_body);
}

#[test]
fn messages_of_the_corpus() {
    replay("host_protocol", super::host_protocol);
}

#[test]
fn files_of_the_corpus() {
    replay("csv", super::csv);
}
