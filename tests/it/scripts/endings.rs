//! Runs that are stopped, dropped or outlived, and what they leave behind: nothing.

use std::future::{pending, ready};
use std::time::{Duration, Instant};

use justiam_sdk::api::tasks::NewTask;
use justiam_sdk::api::values::RunStatus;
use justiam_server::driver::execute::script::{End, Host, Layers, Outcome, ScriptRunner, SetupError};
use justiam_tests::process::ServerProcess;
use rustix::process::{Pid, Signal};
use tokio::sync::oneshot;

use super::support::{BLOCKED, Lab, go, processes_in, run_folders, script, settings, success, until};

/// Starts a script, waits until it says so, and stops it.
async fn stop(lab: &Lab, source: &str) -> (Outcome, Duration) {
    let (stop, stopped) = oneshot::channel::<()>();
    let runner = lab.runner.clone();
    let script = script(Host::default(), source);
    let run = tokio::spawn(async move { runner.run(script, async { drop(stopped.await) }).await });
    lab.started().await;
    let start = Instant::now();
    stop.send(()).unwrap();
    let outcome = run.await.unwrap();
    let took = start.elapsed();
    lab.clean().await;
    (outcome, took)
}

#[tokio::test]
async fn a_stopped_run_ends_at_once_and_keeps_its_log() {
    let source = go(&["fmt", "os"], &format!("fmt.Println(`so far`); {BLOCKED}"));
    let (outcome, took) = stop(&Lab::new(), &source).await;
    assert_eq!((outcome.end, outcome.log), (End::Stopped, b"so far\n".to_vec()));
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[tokio::test]
async fn a_busy_run_can_be_stopped() {
    let source =
        go(&["os"], "os.WriteFile(`started`, nil, 0600)\nfor i := 0; i < 50; i++ { go func() { for {} }() }\nfor {}");
    let (outcome, took) = stop(&Lab::new(), &source).await;
    assert_eq!(outcome.end, End::Stopped);
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[tokio::test]
async fn a_run_that_ignores_the_request_is_killed_after_the_grace() {
    let grace = Duration::from_millis(300);
    // All signals, because scripts do not have the package syscall that names this one.
    let source = go(&["os", "os/signal"], &format!("signal.Notify(make(chan os.Signal, 99)); {BLOCKED}"));
    let (outcome, took) = stop(&Lab::with(|settings| settings.grace = grace), &source).await;
    assert_eq!(outcome.end, End::Stopped);
    assert!(took >= grace && took < grace + Duration::from_secs(1), "{took:?}");
}

#[tokio::test]
async fn a_run_that_is_stopped_before_it_starts_does_not_start() {
    let lab = Lab::new();
    let outcome = lab.runner.run(script(Host::default(), &go(&[], "return ``, nil")), ready(())).await;
    assert_eq!(outcome, Outcome { end: End::Stopped, log: Vec::new(), isolation: None });
    lab.clean().await;
}

#[tokio::test]
async fn a_run_that_returns_while_it_is_asked_to_end_is_stopped() {
    let body = r"
c := make(chan os.Signal, 1); signal.Notify(c)
os.WriteFile(`started`, nil, 0600)
for s := range c { if s.String() == `terminated` { break } }
return `late`, nil";
    let (outcome, took) = stop(&Lab::new(), &go(&["os", "os/signal"], body)).await;
    assert_eq!(outcome.end, End::Stopped);
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[tokio::test]
async fn a_dropped_run_leaves_no_process_and_no_folder() {
    let lab = Lab::new();
    let (runner, script) = (lab.runner.clone(), script(Host::default(), &go(&["os"], BLOCKED)));
    let run = tokio::spawn(async move { runner.run(script, pending()).await });
    lab.started().await;
    assert_eq!(processes_in(&lab.scripts()).len(), 1);
    run.abort();
    lab.clean().await;
}

#[tokio::test]
async fn a_run_can_be_dropped_at_any_moment() {
    let lab = Lab::new();
    let source = go(&[], "return ``, nil");
    for moment in 0..60 {
        let run = lab.runner.run(script(Host::default(), &source), pending());
        let _ = tokio::time::timeout(Duration::from_micros(moment * 300), run).await;
    }
    lab.clean().await;
    assert_eq!(lab.run(&source).await.end, success(""));
}

#[tokio::test]
async fn the_end_of_the_runner_waits_for_what_is_left() {
    let lab = Lab::new();
    let scripts = lab.scripts();
    let runner = ScriptRunner::new(settings(&scripts.join("inner"))).unwrap();
    let run = runner.run(script(Host::default(), &go(&["os"], BLOCKED)), pending());
    let _ = tokio::time::timeout(Duration::from_millis(300), run).await;
    drop(runner);
    assert_eq!(run_folders(&scripts.join("inner")).len(), 0);
    assert_eq!(processes_in(&scripts).len(), 0);
}

/// As on a kernel that has nothing to isolate with.
const NO_LAYERS: Layers = Layers { landlock: false, seccomp: false, kill_unknown_calls: false };

#[tokio::test]
async fn processes_of_the_scripts_group_go_with_it() {
    let start = r#"
_, err := os.StartProcess("/bin/sleep", []string{"sleep", "100"}, &os.ProcAttr{Files: []*os.File{nil, os.Stdout, os.Stderr}})
if err != nil { return "", err }"#;
    let lab = Lab::with(|settings| settings.layers = NO_LAYERS);
    let returns = go(&["os"], &format!("{start}\nreturn `out`, nil"));
    assert_eq!(lab.runner.run(script(Host::default(), &returns), pending()).await.end, success("out"));
    lab.clean().await;
    assert_eq!(stop(&lab, &go(&["os"], &format!("{start}\n{BLOCKED}"))).await.0.end, End::Stopped);
}

#[tokio::test]
async fn a_process_that_escaped_does_not_hold_up_the_run() {
    let body = r#"
p, err := os.StartProcess("/bin/sh", []string{"sh", "-c", "setsid -f sleep 100"}, &os.ProcAttr{Files: []*os.File{nil, os.Stdout, os.Stderr}})
if err != nil { return "", err }
p.Wait()
return "out", nil"#;
    let lab = Lab::with(|settings| settings.layers = NO_LAYERS);
    let start = Instant::now();
    let outcome = lab.runner.run(script(Host::default(), &go(&["os"], body)), pending()).await;
    assert_eq!(outcome.end, success("out"));
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    for escaped in processes_in(&lab.scripts()) {
        rustix::process::kill_process(Pid::from_raw(escaped).unwrap(), Signal::KILL).unwrap();
    }
    lab.clean().await;
}

#[tokio::test]
async fn a_folder_without_permissions_is_removed_as_well() {
    let body = "os.MkdirAll(`a/b/c`, 0700); os.Chmod(`a/b`, 0); os.Chmod(`.`, 0); return ``, nil";
    let lab = Lab::new();
    assert_eq!(lab.run(&go(&["os"], body)).await.end, success(""));
}

#[tokio::test]
async fn a_server_that_is_killed_leaves_no_script_behind() {
    let folder = tempfile::tempdir().unwrap();
    let scripts = folder.path().canonicalize().unwrap().join("data/scripts");
    let server = ServerProcess::start(folder.path()).await;
    let token = server.token.clone();
    let client = server.client(&token);
    let task = client.tasks().create(&NewTask::triggered_script("blocked", go(&["os"], BLOCKED))).await.unwrap();
    let run = client.tasks().run(task.id).await.unwrap();
    let started = || run_folders(&scripts).into_iter().find(|run| run.join("tmp/started").exists());
    until("the script to start", || started().is_some()).await;
    let left = started().unwrap();
    until("nothing else to be at work", || processes_in(&scripts).len() == 1).await;
    let second = ScriptRunner::new(settings(&scripts));
    assert!(matches!(second, Err(SetupError::InUse { .. })), "{second:?}");
    server.kill().await;
    until("the script to end", || processes_in(&scripts).is_empty()).await;
    assert!(left.exists());
    // The next server on the same data says what became of the run, and removes what is left of it.
    let server = ServerProcess::start(folder.path()).await;
    let run = server.client(&token).runs().wait(run.id).await.unwrap();
    assert_eq!(run.status, RunStatus::Error);
    assert!(run.error.unwrap().starts_with("the server stopped while this run was active"));
    until("the folder to go", || run_folders(&scripts).is_empty()).await;
}
