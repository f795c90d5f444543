//! Replays what the fuzzer has found worth keeping.

#[expect(unreachable_pub, reason = "for the fuzzer it is a library")]
#[path = "../../fuzz/body.rs"]
mod body;

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
fn msgpack_of_the_corpus() {
    replay("msgpack", body::msgpack);
}

#[test]
fn json_of_the_corpus() {
    replay("json", body::json);
}
