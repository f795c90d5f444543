//! What the programs are made of: no unsafe code of ours, crates of one registry, and bills of materials that leave nothing out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use justiam_tests::soon;
use serde_json::Value;
use tokio::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The manifests of all crates of ours, by the folders that have sources.
fn manifests(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path.is_dir() && !name.starts_with('.') && name != "target" {
            found.extend(manifests(&path));
        } else if name == "Cargo.toml" {
            found.push(path);
        }
    }
    found
}

/// The lines of a section of a manifest, without blank ones and comments.
fn section<'a>(manifest: &'a str, name: &str) -> Vec<&'a str> {
    let lines = manifest.lines().skip_while(|line| *line != format!("[{name}]")).skip(1);
    lines.take_while(|line| !line.starts_with('[')).filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

#[test]
fn unsafe_code_is_forbidden_in_each_crate_with_its_tests_examples_and_build_scripts() {
    let forbids = r#"unsafe_code = "forbid""#;
    let all = manifests(&root());
    assert!(all.len() > 9, "{all:?}");
    for path in all {
        let manifest = fs::read_to_string(&path).unwrap();
        // `forbid` cannot be taken back in a source, and lints of a manifest hold for all that the crate has.
        let forbidden = if path == root().join("Cargo.toml") {
            section(&manifest, "workspace.lints.rust").contains(&forbids)
        } else if section(&manifest, "lints").contains(&"workspace = true") {
            !manifest.contains("[workspace]")
        } else {
            // Fuzz targets have workspaces of their own.
            section(&manifest, "lints.rust").contains(&forbids)
        };
        assert!(forbidden, "{} does not forbid unsafe code", path.display());
    }
}

/// The crates of Cargo.lock: name and version, the source, and the hash. Ours have neither.
fn locked() -> BTreeMap<(String, String), (Option<String>, Option<String>)> {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let crates = lock.split("[[package]]").skip(1).map(|package| {
        let value = |name: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(&format!("{name} = ")))?;
            Some(line.trim_matches('"').to_owned())
        };
        ((value("name").unwrap(), value("version").unwrap()), (value("source"), value("checksum")))
    });
    crates.collect()
}

#[test]
fn all_crates_are_of_one_registry_and_there_is_one_cryptography() {
    let locked = locked();
    assert!(locked.len() > 300, "{}", locked.len());
    for ((name, version), (source, hash)) in &locked {
        match source {
            Some(source) => {
                assert_eq!(source, "registry+https://github.com/rust-lang/crates.io-index", "{name} {version}");
                assert!(hash.as_ref().is_some_and(|hash| hash.len() == 64), "{name} {version} has no hash");
            }
            None => assert!(
                name.starts_with("justiam-") || name.contains("terraform") || name.starts_with("tfplugin"),
                "{name}"
            ),
        }
    }
    for other in ["aws-lc-rs", "aws-lc-sys", "openssl", "openssl-sys", "native-tls", "boring-sys"] {
        assert!(!locked.keys().any(|(name, _)| name == other), "{other} is a second cryptography");
    }
}

/// The parts of a program that Cargo links, by name and version.
async fn linked(package: &str) -> BTreeSet<(String, String)> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "tree",
        "--locked",
        "-p",
        package,
        "-e",
        "normal,no-proc-macro",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    let tree = soon("cargo tree", cargo.current_dir(root()).output()).await.unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    let crates = tree.lines().filter_map(|line| {
        let (name, rest) = line.split_once(" v")?;
        Some((name.to_owned(), rest.split(' ').next()?.to_owned()))
    });
    crates.collect()
}

#[tokio::test]
async fn a_bill_of_materials_has_each_crate_that_is_linked_with_its_licence_and_hash() {
    let locked = locked();
    for (package, parts, others) in [
        ("terraform-provider-justiam", ["tfplugin", "ring", "tonic"], ["libsqlite3-sys", "serde_derive", "wiremock"]),
        ("justiam-server", ["libsqlite3-sys", "axum", "justiam-planner"], ["tonic-build", "async-trait", "proptest"]),
    ] {
        let mut script = Command::new(root().join("provider/sbom"));
        let said =
            soon("the bill", script.args(["--package", package]).env("SOURCE_DATE_EPOCH", "1700000000").output());
        let said = said.await.unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        let bill: Value = serde_json::from_slice(&said.stdout).unwrap();
        assert_eq!((&bill["bomFormat"], &bill["specVersion"]), (&"CycloneDX".into(), &"1.5".into()));
        assert_eq!(bill["metadata"]["timestamp"], "2023-11-14T22:13:20Z");
        let program = &bill["metadata"]["component"];
        assert_eq!((&program["type"], &program["name"]), (&"application".into(), &package.into()));

        let mut found = BTreeSet::new();
        let components = bill["components"].as_array().unwrap();
        for component in std::iter::once(program).chain(components) {
            let text = |field: &str| component[field].as_str().unwrap().to_owned();
            let part = (text("name"), text("version"));
            let reference = format!("pkg:cargo/{}@{}", part.0, part.1);
            assert_eq!((text("purl"), text("bom-ref")), (reference.clone(), reference));
            let licence = component["licenses"][0]["expression"].as_str().unwrap_or_default();
            assert!(!licence.is_empty() && !licence.contains('/'), "{part:?} has the licence {licence:?}");
            let hash = component["hashes"][0]["content"].as_str().map(str::to_owned);
            assert_eq!(hash, locked[&part].1, "the hash of {part:?}");
            assert!(found.insert(part.clone()), "{part:?} stands twice");
        }
        assert_eq!(found, linked(package).await, "what Cargo links into {package}");
        let has = |name: &&str| found.iter().any(|(found, _)| found == name);
        assert!(parts.iter().all(has) && !others.iter().any(has), "{found:?}");

        // Everything is there because of something, and nothing that is named is missing.
        let mut reached = BTreeSet::new();
        let mut next = vec![program["bom-ref"].as_str().unwrap()];
        let depends: BTreeMap<&str, Vec<&str>> = bill["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| {
                (
                    entry["ref"].as_str().unwrap(),
                    entry["dependsOn"].as_array().unwrap().iter().map(|on| on.as_str().unwrap()).collect(),
                )
            })
            .collect();
        while let Some(part) = next.pop() {
            if reached.insert(part) {
                next.extend(&depends[part]);
            }
        }
        assert_eq!(reached.len(), found.len(), "{package}");
    }
}
