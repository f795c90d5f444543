//! A directory with a configuration, in which the real Terraform runs with the example as its provider.

use std::fs;
use std::io::{Read as _, Seek as _};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process};
use serde_json::Value as Json;
use tempfile::TempDir;

use crate::{example, until};

/// How long one run of Terraform may take: most take less than a second.
const PATIENCE: Duration = Duration::from_mins(1);

/// A directory of its own, with the provider, its things and all temporary files in it.
pub(crate) struct Workspace {
    root: TempDir,
}

/// How a run of Terraform has ended.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    /// stdout and stderr, one after the other.
    pub(crate) text: String,
}

impl Run {
    /// The run, which must have succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.text);
        self
    }

    /// The run, which must have failed.
    #[track_caller]
    pub(crate) fn failed(self) -> Self {
        assert_eq!(self.code, Some(1), "{}", self.text);
        self
    }

    /// The run, whose output must contain `words` (line breaks count as spaces).
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        let flat = self.text.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
        assert!(flat.contains(words), "`{words}` is not in:\n{}", self.text);
        self
    }
}

impl Workspace {
    /// A workspace with these resources.
    pub(crate) fn new(resources: &str) -> Self {
        let root = TempDir::new().unwrap();
        for directory in ["bin", "things", "tmp"] {
            fs::create_dir(root.path().join(directory)).unwrap();
        }
        let overrides = ["thing", "note"].map(|name| {
            let bin = root.path().join("bin");
            symlink(example(name), bin.join(format!("terraform-provider-{name}"))).unwrap();
            format!("    \"example/{name}\" = \"{}\"\n", bin.display())
        });
        let overrides = overrides.concat();
        let overrides = format!("provider_installation {{\n  dev_overrides {{\n{overrides}  }}\n}}\n");
        fs::write(root.path().join("terraform.rc"), overrides).unwrap();
        let workspace = Self { root };
        workspace.write(resources);
        workspace
    }

    /// Changes the resources.
    pub(crate) fn write(&self, resources: &str) {
        let head = format!(
            "terraform {{\n  required_providers {{\n    thing = {{\n      source = \"example/thing\"\n    }}\n  }}\n}}\n\
             provider \"thing\" {{\n  directory = \"{}\"\n}}\n",
            self.things().display()
        );
        fs::write(self.root.path().join("main.tf"), head + resources).unwrap();
    }

    /// Changes the whole configuration, the provider's own included.
    pub(crate) fn write_all(&self, configuration: &str) {
        self.write("");
        let file = self.root.path().join("main.tf");
        let head = fs::read_to_string(&file).unwrap();
        let (head, _) = head.split_once("provider \"thing\"").unwrap();
        fs::write(file, format!("{head}{configuration}")).unwrap();
    }

    /// Takes notes instead of things, with these resources.
    pub(crate) fn write_notes(&self, resources: &str) {
        let head = "terraform {\n  required_providers {\n    note = {\n      source = \"example/note\"\n    }\n  }\n}\n\
                    provider \"note\" {\n  directory = \"things\"\n}\n";
        fs::write(self.root.path().join("main.tf"), format!("{head}{resources}")).unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        self.root.path()
    }

    /// Where the things are.
    pub(crate) fn things(&self) -> PathBuf {
        self.root.path().join("things")
    }

    /// Whether the thing is there.
    pub(crate) fn has_thing(&self, id: &str) -> bool {
        self.things().join(id).exists()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("terraform");
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TF_")) {
            command.env_remove(name);
        }
        command
            .args(arguments)
            .current_dir(self.root.path())
            .env("TF_CLI_CONFIG_FILE", self.root.path().join("terraform.rc"))
            .env("TMPDIR", self.root.path().join("tmp"))
            .env("TF_CLI_ARGS", "-no-color")
            .env("CHECKPOINT_DISABLE", "1")
            .stdin(Stdio::null());
        command
    }

    /// Runs Terraform.
    pub(crate) fn terraform(&self, arguments: &[&str]) -> Run {
        self.terraform_with(arguments, |command| command)
    }

    /// Runs Terraform with more in its environment.
    pub(crate) fn terraform_with(&self, arguments: &[&str], change: impl FnOnce(&mut Command) -> &mut Command) -> Run {
        let mut command = self.command(arguments);
        change(&mut command);
        let files = [tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap()];
        let [stdout, stderr] = files.each_ref().map(|file| file.try_clone().unwrap());
        command.process_group(0).stdout(stdout).stderr(stderr);
        let mut child = command.spawn().expect("these tests need the `terraform` program (1.11 or later) on the PATH");
        let status = ended(&mut child);
        let text = files.map(|mut file| {
            let mut text = Vec::new();
            file.rewind().and_then(|()| file.read_to_end(&mut text)).unwrap();
            String::from_utf8_lossy(&text).into_owned()
        });
        let text = text.concat();
        let status = status.unwrap_or_else(|| panic!("terraform {arguments:?} has not ended in {PATIENCE:?}:\n{text}"));
        Run { code: status.code(), text }
    }

    pub(crate) fn apply(&self) -> Run {
        self.terraform(&["apply", "-auto-approve"])
    }

    /// Plans, and fails unless there is nothing to do.
    #[track_caller]
    pub(crate) fn nothing_to_do(&self) {
        let run = self.terraform(&["plan", "-detailed-exitcode"]);
        assert_eq!(run.code, Some(0), "there is something to do:\n{}", run.text);
    }

    /// Starts Terraform in a process group of its own, as a terminal would.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        let output = || fs::File::create(self.root.path().join("output")).unwrap();
        let mut command = self.command(arguments);
        command.process_group(0).stdout(output()).stderr(Stdio::null());
        command.spawn().expect("these tests need the `terraform` program (1.11 or later) on the PATH")
    }

    /// The state file.
    pub(crate) fn state(&self) -> Json {
        serde_json::from_str(&self.state_text()).unwrap()
    }

    /// The text of the state file.
    pub(crate) fn state_text(&self) -> String {
        fs::read_to_string(self.root.path().join("terraform.tfstate")).unwrap()
    }

    /// The instance of `thing_thing.<name>` in the state.
    pub(crate) fn instance(&self, name: &str) -> Json {
        let state = self.state();
        let resources = state["resources"].as_array().unwrap();
        let resource = resources.iter().find(|resource| resource["name"] == name);
        resource.map_or(Json::Null, |resource| resource["instances"][0].clone())
    }

    /// The attributes of `thing_thing.<name>` in the state.
    pub(crate) fn attributes(&self, name: &str) -> Json {
        self.instance(name)["attributes"].clone()
    }

    /// The provider processes that have their sockets in this workspace: the directory's name has the number.
    pub(crate) fn providers(&self) -> Vec<Pid> {
        let sockets = fs::read_dir(self.root.path().join("tmp")).unwrap();
        let number = |entry: std::io::Result<fs::DirEntry>| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            Pid::from_raw(name.strip_prefix("tfplugin-")?.split('-').next()?.parse().ok()?)
        };
        sockets.filter_map(number).collect()
    }
}

/// How Terraform has ended. None if it had not after [`PATIENCE`]: then it is killed, with all that it has started.
pub(crate) fn ended(terraform: &mut Child) -> Option<ExitStatus> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(status) = terraform.try_wait().unwrap() {
            return Some(status);
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
    kill_process_group(Pid::from_child(terraform), Signal::KILL).unwrap();
    terraform.wait().unwrap();
    None
}

/// Waits until none of these processes is there.
pub(crate) fn until_gone(processes: &[Pid]) {
    until("the provider ends", || processes.iter().all(|process| test_kill_process(*process).is_err()));
}
