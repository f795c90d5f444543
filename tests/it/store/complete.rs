//! No function of the store without a test here.

use std::fs;
use std::path::{Path, PathBuf};

/// All Rust files in a folder and those inside it.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let (folders, files): (Vec<_>, Vec<_>) =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).partition(|path| path.is_dir());
    let inner = folders.iter().flat_map(|folder| sources(folder));
    files.into_iter().filter(|path| path.extension().is_some_and(|kind| kind == "rs")).chain(inner).collect()
}

/// The names of a file's public functions, those of its tests aside.
fn public_functions(text: &str) -> Vec<&str> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines()
        .filter_map(|line| {
            let line = line.trim_start().strip_prefix("pub ")?;
            let line = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?;
            line.split(|c: char| !c.is_alphanumeric() && c != '_').next()
        })
        .collect()
}

#[test]
fn every_function_of_the_store_is_called_by_these_tests() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests: String = sources(&here.join("it/store")).iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let mut seen = 0;
    let mut missing = Vec::new();
    for file in sources(&here.join("../server/src/store")) {
        let module = file.file_stem().unwrap().to_str().unwrap().to_owned();
        // A file in the folder of another module may be known by that one's name alone.
        let parent = file.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
        for name in public_functions(&fs::read_to_string(&file).unwrap()) {
            seen += 1;
            let mut calls = [module.as_str(), &parent, "Db"]
                .map(|of| format!("{of}::{name}("))
                .into_iter()
                .chain([format!(".{name}(")]);
            if !calls.any(|call| tests.contains(&call)) {
                missing.push(format!("{module}::{name}"));
            }
        }
    }
    assert!(seen > 40, "only {seen} functions were found; where are the others?");
    assert!(missing.is_empty(), "no test in tests/it/store calls {missing:?}");
}
