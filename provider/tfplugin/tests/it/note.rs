//! The short example, which is also the README's.

use std::fs;
use std::path::Path;

use crate::workspace::Workspace;

const NOTE: &str = "resource \"note_note\" \"a\" {\n  name = \"a\"\n  text = \"Hello\"\n}\n";

fn text(workspace: &Workspace, name: &str) -> String {
    fs::read_to_string(workspace.things().join(name)).unwrap()
}

#[test]
fn a_note_is_written_changed_repaired_imported_and_removed() {
    let workspace = Workspace::new("");
    workspace.write_notes(NOTE);
    workspace.apply().ok().says("1 added, 0 changed, 0 destroyed");
    assert_eq!(text(&workspace, "a"), "Hello");
    workspace.write_notes(&NOTE.replace("  text = \"Hello\"\n", ""));
    workspace.apply().ok().says("0 added, 1 changed, 0 destroyed");
    assert_eq!(text(&workspace, "a"), "");
    fs::write(workspace.things().join("a"), "drift").unwrap();
    workspace.terraform(&["plan"]).ok().says("- text = \"drift\" -> null");
    workspace.write_notes(NOTE);
    workspace.apply().ok();
    workspace.terraform(&["state", "rm", "note_note.a"]).ok();
    workspace.terraform(&["import", "note_note.a", "a"]).ok();
    workspace.nothing_to_do();
    workspace.write_notes(&NOTE.replace("name = \"a\"", "name = \"b\""));
    workspace.apply().ok().says("1 added, 0 changed, 1 destroyed");
    assert!(!workspace.has_thing("a"));
    workspace.terraform(&["destroy", "-auto-approve"]).ok();
    assert!(!workspace.has_thing("b"));
}

#[test]
fn a_note_has_a_name_that_is_no_path() {
    let workspace = Workspace::new("");
    workspace.write_notes(&NOTE.replace("name = \"a\"", "name = \"../a\""));
    workspace.terraform(&["validate"]).failed().says("Only letters, digits and dashes.");
}

#[test]
fn an_error_of_the_system_is_told() {
    let workspace = Workspace::new("");
    workspace.write_notes(NOTE);
    fs::remove_dir(workspace.things()).unwrap();
    workspace.apply().failed().says("Could not write the note").says("No such file or directory");
}

#[test]
fn the_readme_has_the_same_text() {
    let crate_root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(crate_root.join("README.md")).unwrap();
    let example = fs::read_to_string(crate_root.join("examples/note.rs")).unwrap();
    assert!(readme.contains(&format!("```rust,no_run\n{example}```\n")), "the README shows another example");
}
