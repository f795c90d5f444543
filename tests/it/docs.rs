//! What the documents say is true: links resolve, examples work, pages are what the provider says.

mod examples;
mod guides;
mod operations;
mod pages;
mod release;
mod schedules;

use std::fs;
use std::path::{Path, PathBuf};

use justiam_tests::programs::program;
use justiam_tests::soon;
use tokio::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// All files below a folder with this ending; hidden folders and build products are left out.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path.is_dir() && !name.starts_with('.') && name != "target" {
            found.extend(files(&path, ending));
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
    found
}

#[test]
fn every_relative_link_resolves() {
    let mut links = 0;
    // Templates become pages, and their links are those of the pages.
    let templates = root().join("provider/templates");
    for file in files(&root(), ".md").into_iter().filter(|file| !file.starts_with(&templates)) {
        let text = fs::read_to_string(&file).unwrap();
        for (_, after) in text.match_indices("](").map(|(at, _)| text.split_at(at + 2)) {
            let target = after.split([')', ' ', '#']).next().unwrap();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            links += 1;
            assert!(file.parent().unwrap().join(target).exists(), "{}: {target} does not exist", file.display());
        }
    }
    assert!(links > 10, "found {links} links, so this test looks at the wrong place");
}

/// The code blocks of a page that are whole scripts, with the lines on which they begin; other Go code on it is a fragment.
fn scripts_on(page: &str) -> Vec<(usize, &str)> {
    let blocks = page.match_indices("```go\n").filter_map(|(at, fence)| {
        let (code, _) = page[at + fence.len()..].split_once("\n```")?;
        Some((page[..at].lines().count() + 2, code))
    });
    blocks.filter(|(_, code)| code.starts_with("package task\n")).collect()
}

#[tokio::test]
async fn every_whole_script_in_the_guides_compiles() {
    let folder = tempfile::tempdir().unwrap();
    let mut check = Command::new(program("justiam-server"));
    check.args(["script", "check"]).current_dir(folder.path()).kill_on_drop(true);
    let mut names = Vec::new();
    for page in files(&root().join("docs/guides"), ".md") {
        let text = fs::read_to_string(&page).unwrap();
        for (line, code) in scripts_on(&text) {
            // What is wrong is reported with this name, which tells where to look.
            let name = format!("{}:{line}.go", page.file_stem().unwrap().to_string_lossy());
            fs::write(folder.path().join(&name), code).unwrap();
            check.arg(&name);
            names.push(name);
        }
    }
    assert!(names.len() >= 5, "found {names:?}, so this test looks at the wrong place");
    let output = soon("the check of all scripts", check.output()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let right: Vec<String> = names.iter().map(|name| format!("{name}: ok")).collect();
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().collect::<Vec<_>>(), right, "{said}");
}
