//! What the plugin costs: its start, its schema, and the refresh of 500 objects beside as many of `terraform_data`,
//! which Terraform keeps itself.
//!
//! `provider/tfplugin/bench` builds what this needs and runs it.

#![expect(clippy::print_stdout, reason = "the figures are its output")]

use std::error::Error;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use tempfile::TempDir;
use tfplugin_client::wire::tfplugin6::get_provider_schema;
use tfplugin_client::{Plugin, Session};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const STARTS: usize = 201;
const FIRST_CALLS: usize = 51;
const NEXT_CALLS: usize = 501;
const OBJECTS: usize = 500;
const RUNS: usize = 15;

fn main() -> Result<()> {
    let bench = env::current_exe()?;
    let release = bench.parent().and_then(Path::parent).ok_or("no target directory")?;
    let note = release.join("examples/note");
    if !note.exists() {
        return Err(format!("{} is missing: provider/tfplugin/bench builds it", note.display()).into());
    }
    start(&note)?;
    tokio::runtime::Runtime::new()?.block_on(schema(&release.join("examples/thing")))?;
    refresh(&note)
}

/// From the start of the process to its handshake line, beside a program that prints a line and does nothing else.
/// Interleaved, so that a busy moment of the machine hits both.
fn start(program: &Path) -> Result<()> {
    let (mut ours, mut echo) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let launch = Plugin::builder(program);
        let begin = Instant::now();
        let plugin = launch.start();
        ours.push(begin.elapsed());
        drop(plugin);
        let begin = Instant::now();
        let mut child = Command::new("echo").arg("a line").stdout(Stdio::piped()).spawn()?;
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut String::new())?;
        echo.push(begin.elapsed());
        child.wait()?;
    }
    let (ours, echo) = (median(&mut ours), median(&mut echo));
    println!("start to handshake, median of {STARTS}: {ours:.2?}; `echo`: {echo:.2?}; {:.1} ×", ratio(ours, echo));
    Ok(())
}

/// `GetProviderSchema` of the example that has everything: the first call of a process, and later ones.
async fn schema(program: &Path) -> Result<()> {
    let ask = async |session: &Session| -> Result<Duration> {
        let begin = Instant::now();
        session.provider().get_provider_schema(get_provider_schema::Request {}).await?;
        Ok(begin.elapsed())
    };
    let mut first = Vec::new();
    for _ in 0..FIRST_CALLS {
        let session = Session::start(program).await;
        first.push(ask(&session).await?);
        session.shutdown().await;
    }
    let session = Session::start(program).await;
    let mut next = Vec::new();
    for _ in 0..NEXT_CALLS {
        next.push(ask(&session).await?);
    }
    session.shutdown().await;
    println!("schema, first call of a process, median of {FIRST_CALLS}: {:.2?}", median(&mut first));
    println!("schema, later calls, median of {NEXT_CALLS}: {:.2?}", median(&mut next));
    Ok(())
}

/// `terraform plan -refresh-only` and `terraform plan` with nothing to do, of both kinds in turn.
fn refresh(program: &Path) -> Result<()> {
    let notes = Workspace::new(
        program,
        &format!(
            "terraform {{\n  required_providers {{\n    note = {{\n      source = \"example/note\"\n    }}\n  }}\n}}\n\
             provider \"note\" {{\n  directory = \"notes\"\n}}\n\
             resource \"note_note\" \"n\" {{\n  count = {OBJECTS}\n  name = \"n${{count.index}}\"\n  text = \"x\"\n}}\n"
        ),
    )?;
    let data = Workspace::new(
        program,
        &format!("resource \"terraform_data\" \"d\" {{\n  count = {OBJECTS}\n  input = \"n${{count.index}}\"\n}}\n"),
    )?;
    for workspace in [&notes, &data] {
        workspace.terraform(&["apply", "-auto-approve"])?;
    }
    let mut peak = 0;
    for (name, mode) in
        [("refresh", &["plan", "-detailed-exitcode", "-refresh-only"][..]), ("plan", &["plan", "-detailed-exitcode"])]
    {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            let (took, memory) = notes.terraform(mode)?;
            ours.push(took);
            peak = peak.max(memory);
            theirs.push(data.terraform(mode)?.0);
        }
        let (ours, theirs) = (median(&mut ours), median(&mut theirs));
        println!(
            "{name} of {OBJECTS} unchanged objects, median of {RUNS}: {ours:.0?}; `terraform_data`: {theirs:.0?}; {:.2} ×",
            ratio(ours, theirs)
        );
    }
    println!("provider's peak memory meanwhile: {:.1} MB", f64::from(peak) * 1024.0 / 1e6);
    Ok(())
}

/// A directory with a configuration.
struct Workspace {
    root: TempDir,
    provider: PathBuf,
}

impl Workspace {
    fn new(program: &Path, configuration: &str) -> Result<Self> {
        let root = TempDir::new()?;
        fs::create_dir(root.path().join("notes"))?;
        fs::create_dir(root.path().join("bin"))?;
        let provider = root.path().join("bin/terraform-provider-note");
        fs::copy(program, &provider)?;
        fs::write(root.path().join("main.tf"), configuration)?;
        let overrides = format!(
            "provider_installation {{\n  dev_overrides {{\n    \"example/note\" = \"{}\"\n  }}\n}}\n",
            root.path().join("bin").display()
        );
        fs::write(root.path().join("terraform.rc"), overrides)?;
        Ok(Self { root, provider })
    }

    /// Runs Terraform. Returns the time, and the peak memory of the provider in KiB.
    fn terraform(&self, arguments: &[&str]) -> Result<(Duration, u32)> {
        let mut command = Command::new("terraform");
        for (name, _) in env::vars().filter(|(name, _)| name.starts_with("TF_")) {
            command.env_remove(name);
        }
        command
            .args(arguments)
            .current_dir(self.root.path())
            .env("TF_CLI_CONFIG_FILE", self.root.path().join("terraform.rc"))
            .env("CHECKPOINT_DISABLE", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let begin = Instant::now();
        let mut child = command.spawn()?;
        let peak = self.watch(&mut child)?;
        let took = begin.elapsed();
        match child.wait()?.code() {
            Some(0) => Ok((took, peak)),
            code => Err(format!("terraform {arguments:?} ended with {code:?}").into()),
        }
    }

    /// Waits for the end, and looks at the provider's memory meanwhile.
    fn watch(&self, child: &mut Child) -> Result<u32> {
        let mut peak = 0;
        while child.try_wait()?.is_none() {
            for process in fs::read_dir("/proc")?.flatten() {
                if fs::read_link(process.path().join("exe")).is_ok_and(|exe| exe == self.provider) {
                    let status = fs::read_to_string(process.path().join("status")).unwrap_or_default();
                    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
                    peak = peak.max(line.trim().trim_end_matches(" kB").parse().unwrap_or_default());
                }
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        Ok(peak)
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn ratio(ours: Duration, theirs: Duration) -> f64 {
    ours.as_secs_f64() / theirs.as_secs_f64()
}
