//! What the release script makes: the same bytes each time, and a mirror from which Terraform installs.

use std::fs;
use std::path::Path;

use justiam_tests::programs::program;
use justiam_tests::server::TestServer;
use justiam_tests::soon;
use justiam_tests::terraform::{Said, Workspace, said};
use tempfile::TempDir;
use tokio::process::Command;

use super::root;

/// A release with this program in it.
async fn release(binary: &Path, out: &Path) -> Said {
    let mut script = Command::new(root().join("provider/release"));
    script.arg("--binary").arg(binary).arg("--out").arg(out).kill_on_drop(true);
    said(&soon("the release", script.output()).await.unwrap())
}

/// The names of the files in a folder, but not those of folders.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().flatten().filter(|entry| entry.path().is_file());
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_release_has_what_registries_want_and_the_same_bytes_each_time() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("program"), "#!/bin/sh\n").unwrap();
    let first = release(&at("program"), &at("first")).await.ok();
    assert!(first.text.contains("not signed: no key was given"), "{}", first.text);
    let version = env!("CARGO_PKG_VERSION");
    let name = format!("terraform-provider-justiam_{version}");
    let made = names(&at("first"));
    assert_eq!(made.len(), 4, "{made:?}");
    assert_eq!(made[0], format!("{name}_SHA256SUMS"));
    let machine = made[2].strip_prefix(&format!("{name}_linux_")).and_then(|rest| rest.strip_suffix(".zip"));
    assert!(matches!(machine, Some("amd64" | "arm64")), "{made:?}");
    assert_eq!(made[1], made[2].replace(".zip", ".sbom.cdx.json"));
    let json = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&fs::read(at("first").join(name)).unwrap()).unwrap()
    };
    // What is in it is checked in `supply_chain`.
    assert_eq!(json(&made[1])["metadata"]["component"]["version"], version);
    assert_eq!(made[3], format!("{name}_manifest.json"));
    let manifest = json(&made[3]);
    assert_eq!(manifest, serde_json::json!({ "version": 1, "metadata": { "protocol_versions": ["6.0"] } }));

    // The sums cover the other files, and are right.
    let sums = fs::read_to_string(at("first").join(&made[0])).unwrap();
    let covered: Vec<&str> = sums.lines().filter_map(|line| line.split_once("  ")).map(|(_, name)| name).collect();
    assert_eq!(covered, [&made[2], &made[1], &made[3]]);
    let mut check = Command::new("sha256sum");
    check.args(["--check", "--strict", &made[0]]).current_dir(at("first"));
    said(&soon("the sums", check.output()).await.unwrap()).ok();

    // Later, in another folder, with another time on the program, and where something else lies.
    fs::create_dir(at("second")).unwrap();
    fs::write(at("second").join("notes.txt"), "mine").unwrap();
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    fs::File::options().append(true).open(at("program")).unwrap().set_modified(old).unwrap();
    release(&at("program"), &at("second")).await.ok();
    assert_eq!(fs::read_to_string(at("second").join(&made[0])).unwrap(), sums);
    assert!(at("second").join("notes.txt").exists());

    let mirror = |host: &str| names(&at("first").join("mirror").join(host).join("justiam/justiam"));
    assert_eq!(mirror("registry.terraform.io"), [made[2].clone()]);
    assert_eq!(mirror("registry.opentofu.org"), [made[2].clone()]);

    release(&at("missing"), &at("third")).await.fails_with(&["missing is not there"]);
}

#[tokio::test]
async fn terraform_installs_the_provider_from_the_mirror_and_notices_when_it_is_another() {
    let out = TempDir::new().unwrap();
    release(&program("terraform-provider-justiam"), out.path()).await.ok();
    let server = TestServer::start().await;
    let workspace = Workspace::new(&server.endpoint, &server.token);
    let mirror = out.path().join("mirror");
    // No `direct`: nothing but the mirror is asked.
    workspace.file(
        "cli.tfrc",
        &format!("provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n", mirror.display()),
    );
    workspace.config(
        "resource \"justiam_scheduled_task\" \"t\" {\n  name = \"Cleanup\"\n  task_type = \"audit_log_cleanup\"\n  \
         schedule_type = \"once\"\n}\n",
    );
    let said = workspace.run(&["init", "-input=false", "-no-color"]).await.ok();
    let version = env!("CARGO_PKG_VERSION");
    assert!(said.flat().contains(&format!("Installed justiam/justiam v{version}")), "{}", said.text);
    let lock = fs::read_to_string(workspace.path().join(".terraform.lock.hcl")).unwrap();
    assert!(lock.contains("registry.terraform.io/justiam/justiam") && lock.contains("\"h1:"), "{lock}");
    workspace.apply().await.ok();
    workspace.plan_nothing().await;

    let other = workspace.file("other", "#!/bin/sh\n");
    release(&other, out.path()).await.ok();
    fs::remove_dir_all(workspace.path().join(".terraform")).unwrap();
    let refused = workspace.run(&["init", "-input=false", "-no-color"]).await;
    refused.fails_with(&["justiam/justiam", "checksums"]);
}

#[test]
fn u39_the_key_goes_to_the_registry_of_opentofu_with_the_first_release() {
    let page = fs::read_to_string(root().join("docs/dev/releasing.md")).unwrap();
    let once = page.split("before the first release:").nth(1).unwrap();
    assert!(once.contains("**OpenTofu Registry**") && once.contains("signing key"), "{once}");
}
