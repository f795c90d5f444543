//! The real Terraform with the built provider, in a folder of its own.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::programs::program;

/// A folder with a configuration, a state, and a Terraform that finds the provider.
pub struct Workspace {
    dir: TempDir,
    variables: Vec<(String, String)>,
}

/// What a command said and how it ended.
#[derive(Debug)]
pub struct Said {
    /// The exit code; -1 after a signal.
    pub code: i32,
    /// Standard output and standard error, one after the other.
    pub text: String,
}

impl Said {
    /// Fails the test unless the command ended well.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the check is the use")]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{}", self.text);
        self
    }

    /// Fails the test unless the command failed and said all of this, however its lines are broken.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the check is the use")]
    pub fn fails_with(self, texts: &[&str]) -> Self {
        assert_ne!(self.code, 0, "should have failed:\n{}", self.text);
        let flat = self.flat();
        for text in texts {
            assert!(flat.contains(text), "`{text}` is not in:\n{}", self.text);
        }
        self
    }

    /// The text with all frames and line breaks taken out.
    pub fn flat(&self) -> String {
        let words = self.text.lines().map(|line| line.trim_start_matches(['│', '╷', '╵', ' ']));
        words.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
    }
}

impl Workspace {
    /// A workspace whose provider talks to `endpoint` with `token`.
    pub fn new(endpoint: &str, token: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let provider = program("terraform-provider-justiam");
        let folder = provider.parent().unwrap().display();
        let config = format!(
            "provider_installation {{\n  dev_overrides {{\n    \"justiam/justiam\" = \"{folder}\"\n  }}\n  direct {{}}\n}}\n"
        );
        fs::write(dir.path().join("cli.tfrc"), config).unwrap();
        let variables =
            vec![("JUSTIAM_ENDPOINT".to_owned(), endpoint.to_owned()), ("JUSTIAM_TOKEN".to_owned(), token.to_owned())];
        Self { dir, variables }
    }

    /// Sets a variable of the environment for all commands.
    pub fn variable(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file byte for byte.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Writes `main.tf`: the provider's source, and `body`.
    pub fn config(&self, body: &str) {
        let mut text = String::from(
            "terraform {\n  required_providers {\n    justiam = {\n      source = \"justiam/justiam\"\n    }\n  }\n}\n\n",
        );
        let _ = writeln!(text, "{body}");
        self.file("main.tf", &text);
    }

    /// A command of Terraform, ready to start.
    pub fn command(&self, args: &[&str]) -> Command {
        self.program("terraform", args)
    }

    /// Any program, with the environment and the folder of Terraform.
    pub fn program(&self, name: &str, args: &[&str]) -> Command {
        let mut command = Command::new(name);
        command
            .args(args)
            .current_dir(self.dir.path())
            .env_remove("TF_LOG")
            .env("TF_CLI_CONFIG_FILE", self.dir.path().join("cli.tfrc"))
            .env("TF_IN_AUTOMATION", "1")
            .env("CHECKPOINT_DISABLE", "1")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Starts a command and lets it run.
    pub fn spawn(&self, args: &[&str]) -> Child {
        self.command(args).spawn().unwrap_or_else(|error| panic!("the `terraform` program is needed on PATH: {error}"))
    }

    /// Runs a command to its end.
    pub async fn run(&self, args: &[&str]) -> Said {
        said(&self.spawn(args).wait_with_output().await.unwrap())
    }

    /// `terraform plan`. Exit code 0: nothing to do; 2: something to do.
    pub async fn plan(&self) -> Said {
        self.run(&["plan", "-input=false", "-no-color", "-detailed-exitcode"]).await
    }

    /// `terraform plan`, which must find something to do.
    pub async fn plan_changes(&self) -> Said {
        let said = self.plan().await;
        assert_eq!(said.code, 2, "the plan should have changes:\n{}", said.text);
        said
    }

    /// `terraform plan`, which must find nothing to do.
    pub async fn plan_nothing(&self) {
        let said = self.plan().await;
        assert_eq!(said.code, 0, "the plan should be empty:\n{}", said.text);
    }

    /// `terraform apply`.
    pub async fn apply(&self) -> Said {
        self.run(&["apply", "-input=false", "-no-color", "-auto-approve"]).await
    }

    /// `terraform destroy`.
    pub async fn destroy(&self) -> Said {
        self.run(&["destroy", "-input=false", "-no-color", "-auto-approve"]).await
    }

    /// The state file as it is; empty where there is none.
    pub fn state_text(&self) -> String {
        fs::read_to_string(self.dir.path().join("terraform.tfstate")).unwrap_or_default()
    }

    /// The attributes of one resource in the state.
    pub fn attributes(&self, address: &str) -> Option<Value> {
        let state: Value = serde_json::from_str(&self.state_text()).ok()?;
        let (kind, name) = address.split_once('.')?;
        let resources = state["resources"].as_array()?;
        let resource = resources.iter().find(|resource| resource["type"] == kind && resource["name"] == name)?;
        Some(resource["instances"][0]["attributes"].clone()).filter(|attributes| !attributes.is_null())
    }
}

/// What a finished command said.
pub fn said(output: &Output) -> Said {
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Said { code: output.status.code().unwrap_or(-1), text }
}
