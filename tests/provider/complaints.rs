//! What users of other schedulers' providers complain about, and does not happen here. `docs/dev/complaints.md` lists all of it.

mod cosmetic;
mod cron;
mod overtaken;
mod shape;

use std::fs;
use std::path::{Path, PathBuf};

/// All sources below a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn each_test_that_a_document_names_exists() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut files, mut code) = (Vec::new(), String::new());
    sources(tests, &mut files);
    for file in files {
        code += &fs::read_to_string(file).unwrap();
    }
    let read = |name: &str| fs::read_to_string(tests.parent().unwrap().join("docs/dev").join(name)).unwrap();
    let complaints = read("complaints.md");
    let mut named = 0;
    for document in [&complaints, &read("testing.md")] {
        // What is in backticks and a path of modules is a test.
        for name in document.split('`').skip(1).step_by(2).filter(|name| name.contains("::") && !name.contains(' ')) {
            let Some((_, test)) = name.rsplit_once("::").filter(|(_, test)| test.contains('_')) else { continue };
            assert!(code.contains(&format!("fn {test}(")), "there is no test `{name}`");
            named += 1;
        }
    }
    assert!(named > 60, "{named} tests were found, so this looks at the wrong place");
    for number in 1..=40 {
        assert_eq!(complaints.matches(&format!("\n| U{number} |")).count(), 1, "U{number}");
    }
}

/// A task that runs when it is triggered, with more attributes.
fn triggered(address: &str, more: &str) -> String {
    format!(
        "resource \"justiam_scheduled_task\" \"{address}\" {{\n  name = \"{address}\"\n  task_type = \"script\"\n  \
         script = file(\"task.go\")\n{more}\n}}\n"
    )
}
