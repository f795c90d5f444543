//! From starting the provider to its handshake line, as Terraform does it many times in one command, beside the start of a program
//! that does nothing but print a line.
//!
//! `cargo bench -p terraform-provider-justiam`

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, io};

const STARTS: usize = 201;

fn main() -> io::Result<()> {
    let provider = env!("CARGO_BIN_EXE_terraform-provider-justiam");
    let mut resident = Vec::new();
    let (mut provider_times, mut echo_times) = (Vec::new(), Vec::new());
    // Interleaved, so that a busy moment of the machine hits both.
    for _ in 0..STARTS {
        let mut command = Command::new(provider);
        command
            .env("TF_PLUGIN_MAGIC_COOKIE", "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2")
            .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
            .env("PLUGIN_CLIENT_CERT", include_str!("client.pem"));
        provider_times.push(first_line(command, |pid| resident.push(resident_kib(pid)))?);
        let mut echo = Command::new("echo");
        echo.arg("a line");
        echo_times.push(first_line(echo, |_| {})?);
    }
    let mut out = io::stdout();
    let (provider_median, echo_median) = (median(&mut provider_times), median(&mut echo_times));
    let ratio = provider_median.as_secs_f64() / echo_median.as_secs_f64();
    writeln!(out, "provider: start to handshake  median {provider_median:?}, best {:?}", provider_times[0])?;
    writeln!(out, "echo: start to first line     median {echo_median:?}, best {:?}", echo_times[0])?;
    writeln!(out, "ratio of the medians          {ratio:.1}")?;
    resident.sort_unstable();
    writeln!(out, "provider: resident memory     {} KiB", resident[resident.len() / 2])?;
    writeln!(out, "provider: size of the program {} bytes", fs::metadata(provider)?.len())
}

/// Starts a program, reads its first line, and ends it.
fn first_line(mut command: Command, look: impl FnOnce(u32)) -> io::Result<Duration> {
    let start = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout).read_line(&mut line)?;
    }
    let took = start.elapsed();
    if line.is_empty() {
        return Err(io::Error::other("the program printed no line"));
    }
    look(child.id());
    // TERM, so that the provider removes its socket.
    Command::new("kill").arg(child.id().to_string()).stderr(Stdio::null()).status()?;
    child.wait()?;
    Ok(took)
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Resident memory of a process.
fn resident_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or_default()
}
