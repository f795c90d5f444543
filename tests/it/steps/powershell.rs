//! PowerShell: the real one where there is one, else a stand-in that shows its command line.

use std::fs::{self, Permissions};
use std::io::{Write as _, stdout};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use justiam_server::driver::execute::step::programs::{Job, Outcome};

use super::support::{Lab, why};

fn job(script_path: String, arguments: Option<&str>) -> Job {
    Job::PowerShell { script_path, arguments: arguments.map(str::to_owned), working_directory: None }
}

/// The real one, if it is here: `JUSTIAM_PWSH`, or `pwsh` on `PATH`.
fn real() -> Option<PathBuf> {
    let pwsh = std::env::var_os("JUSTIAM_PWSH").filter(|path| !path.is_empty()).unwrap_or_else(|| "pwsh".into());
    let found = Command::new(&pwsh).arg("-Version").output().is_ok_and(|output| output.status.success());
    found.then(|| pwsh.into())
}

/// A program in PowerShell's place, in a folder of its own that is not an allowed one.
fn stand_in(lab: &Lab) -> PathBuf {
    let folder = lab.path().join("powershell");
    fs::create_dir(&folder).unwrap();
    let path = folder.join("pwsh");
    fs::write(&path, "#!/bin/sh\npwd\nprintf '<%s>' \"$@\"\nexit 4\n").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    path
}

#[tokio::test]
async fn the_command_line_is_that_of_a_script_without_profile_or_questions() {
    let lab = Lab::new().await;
    let path = stand_in(&lab);
    let lab = Lab::with(|settings| settings.pwsh.clone_from(&path)).await;
    let script = lab.write("script.ps1", "");
    let end = lab.run(job(script.clone(), Some("-Name 'a b' $x"))).await;
    assert_eq!((why(&end), end.exit_code), ("exited with code 4", Some(4)));
    let expected =
        format!("{}\n<-NoLogo><-NoProfile><-NonInteractive><-File><{script}><-Name><a b><$x>", lab.jobs().display());
    assert_eq!(end.output.unwrap(), expected);
    drop(path);
}

#[tokio::test]
async fn where_powershell_is_missing_the_step_says_so() {
    let lab = Lab::with(|settings| settings.pwsh = "no-such-pwsh".into()).await;
    let script = lab.write("script.ps1", "");
    let end = lab.run(job(script, None)).await;
    let expected = "PowerShell was not found as `no-such-pwsh`; install `pwsh` on the server, or set --pwsh (JUSTIAM_PWSH) to its path";
    assert_eq!((why(&end), &end.isolation), (expected, &None));
    let end = lab.run(job("/etc/passwd".into(), None)).await;
    assert!(why(&end).starts_with("scriptPath: `/etc/passwd` is not in a folder that this server allows"), "{end:?}");
}

/// Says which of the two ran: `tests/run` shows this line.
#[tokio::test]
async fn a_script_runs_in_the_real_powershell_where_there_is_one() {
    let Some(pwsh) = real() else {
        writeln!(stdout(), "powershell: a stand-in ran; no `pwsh` is installed here").unwrap();
        return;
    };
    writeln!(stdout(), "powershell: the real `{}` ran", pwsh.display()).unwrap();
    let lab = Lab::with(|settings| settings.pwsh = pwsh).await;
    let script = lab.write(
        "script.ps1",
        "param([string]$Name)\nWrite-Output \"hello $Name\"\nSet-Content -Path made -Value $Name\nif ($Name -eq 'bad') { exit 5 }\n",
    );
    let end = lab.run(job(script.clone(), Some("-Name 'a b'"))).await;
    assert_eq!((end.outcome, end.output.as_deref()), (Outcome::Success, Some("hello a b\n")));
    assert_eq!(fs::read_to_string(lab.job("made")).unwrap().trim(), "a b");
    let end = lab.run(job(script, Some("-Name bad"))).await;
    assert_eq!(why(&end), "exited with code 5");
}
