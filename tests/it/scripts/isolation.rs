//! What a script's process gets to see.

use std::fs::{self, File};
use std::future::pending;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use justiam_server::driver::execute::script::{End, Host};

use super::support::{BLOCKED, Lab, go, host, processes_in, script, until};

fn output(end: End) -> String {
    match end {
        End::Success { output } => output,
        end => panic!("{end:?}"),
    }
}

/// Runs a script until it says that it has started, looks at its process from outside, and ends it.
async fn look<T>(lab: &Lab, look: impl FnOnce(i32) -> T) -> T {
    let (runner, script) = (lab.runner.clone(), script(Host::default(), &go(&["os"], BLOCKED)));
    let run = tokio::spawn(async move { runner.run(script, pending()).await });
    lab.started().await;
    let seen = look(processes_in(&lab.scripts())[0]);
    run.abort();
    lab.clean().await;
    seen
}

#[tokio::test]
async fn the_environment_is_a_short_list() {
    let lab = Lab::new();
    let body = "env := os.Environ(); sort.Strings(env); return strings.Join(env, `\n`), nil";
    let found = output(lab.run(&go(&["os", "sort", "strings"], body)).await.end);
    let run = lab.scripts().join("run-1");
    let run = run.display();
    let (before, rest) = found.split_once("HOST_FD=").unwrap();
    assert_eq!(before, format!("GOMAXPROCS=1\nGOMEMLIMIT=409MiB\nGOPATH={run}\nHOME={run}/tmp\n"));
    assert_eq!(rest.split_once('\n').unwrap().1, format!("MALLOC_ARENA_MAX=1\nTMPDIR={run}/tmp"));
}

#[tokio::test]
async fn descriptors_of_the_server_are_not_inherited() {
    let folder = tempfile::tempdir().unwrap();
    let leak = File::create(folder.path().join("leak")).unwrap();
    // Unlike everything that Rust opens, this one is inherited.
    let _leak = rustix::io::dup(&leak).unwrap();
    let open = look(&Lab::new(), |pid| {
        let entries = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().map(|entry| entry.unwrap().path());
        let mut open: Vec<String> = entries
            .map(|path| {
                let target = fs::read_link(&path).unwrap().to_string_lossy().into_owned();
                format!("{} {}", path.file_name().unwrap().to_string_lossy(), target.split(':').next().unwrap())
            })
            .collect();
        open.sort();
        open
    })
    .await;
    assert_eq!(&open[..3], ["0 /dev/null", "1 pipe", "2 pipe"]);
    assert!(!open.iter().any(|file| file.contains("leak")), "{open:?}");
    // Apart from the channel there is only what Go's poller made for itself.
    assert_eq!(open.iter().filter(|file| file.ends_with(" socket")).count(), 1, "{open:?}");
}

#[tokio::test]
async fn session_limits_and_rights_are_set() {
    let lab = Lab::new();
    let (pid, limits, status, stat, victim) = look(&lab, |pid| {
        let read = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap();
        (pid.to_string(), read("limits"), read("status"), read("stat"), read("oom_score_adj"))
    })
    .await;
    // Process group and session are its own.
    let fields: Vec<&str> = stat.split_whitespace().collect();
    assert_eq!((fields[4], fields[5]), (pid.as_str(), pid.as_str()));
    // The server and its neighbours come first.
    let own = rustix::process::getpriority_process(None).unwrap();
    assert_eq!((fields[18].parse(), victim.trim()), (Ok(own.max(5)), "1000"));
    let words = |text: &str, name: &str, count: usize| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].split_whitespace().take(count).collect::<Vec<_>>().join(" ")
    };
    for (name, expected) in [
        ("Max core file size", "0 0"),
        ("Max open files", "256 256"),
        ("Max stack size", "1048576 1048576"),
        ("Max file size", "67108864 67108864"),
        ("Max cpu time", "35 35"),
        ("Max address space", "1409286144 1409286144"),
    ] {
        assert_eq!(words(&limits, name, 2), expected, "{name}");
    }
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
        // Without root's rights, nobody can lower the bounds; they are of no use without new privileges.
        if set != "CapBnd:" || rustix::process::geteuid().is_root() {
            assert_eq!(words(&status, set, 1), "0000000000000000", "{set}");
        }
    }
    assert_eq!(words(&status, "NoNewPrivs:", 1), "1");
    assert_eq!((words(&status, "Seccomp:", 1), words(&status, "Seccomp_filters:", 1)), ("2".into(), "2".into()));
}

#[tokio::test]
async fn secrets_are_nowhere_but_on_the_socket() {
    let canary = "canary-5f1c7a";
    let lab = Lab::new();
    let source =
        go(&["os", "secrets"], &format!("if secrets.Get(`k`) != `canary-` + `5f1c7a` {{ return ``, nil }}; {BLOCKED}"));
    let (runner, script) = (lab.runner.clone(), script(host(&[("k", canary)], &[]), &source));
    let run = tokio::spawn(async move { runner.run(script, pending()).await });
    lab.started().await;
    let pid = processes_in(&lab.scripts())[0];
    for file in ["cmdline", "environ"] {
        let text = fs::read(format!("/proc/{pid}/{file}")).unwrap();
        assert!(!String::from_utf8_lossy(&text).contains(canary), "{file}");
    }
    assert!(files(&lab.scripts()) >= 7);
    assert_eq!(files_with(&lab.scripts(), canary), 0);
    run.abort();
    lab.clean().await;
}

fn files(folder: &Path) -> usize {
    files_with(folder, "")
}

/// How many files below a folder contain a text.
fn files_with(folder: &Path, text: &str) -> usize {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| {
            if path.is_dir() {
                files_with(&path, text)
            } else {
                usize::from(String::from_utf8_lossy(&fs::read(&path).unwrap()).contains(text))
            }
        })
        .sum()
}

#[tokio::test]
async fn a_folder_that_is_used_again_holds_nothing_of_the_run_before() {
    let lab = Lab::new();
    let idle = || {
        let entries = fs::read_dir(lab.scripts()).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("idle-")).collect::<Vec<_>>()
    };
    lab.run(&go(&[], "// canary-5f1c7a\nreturn ``, nil")).await;
    until("the folder to wait", || idle().len() == 1).await;
    assert_eq!(files_with(&lab.scripts(), "canary-5f1c7a"), 0);
    let used = fs::metadata(&idle()[0]).unwrap().ino();
    // In the same folder: its own script, and nothing beside.
    let body = r#"
script, err := os.ReadFile("../src/task/script.go")
if err != nil { return "", err }
entries, err := os.ReadDir(".")
os.WriteFile("left", nil, 0600)
return fmt.Sprint(strings.Contains(string(script), "own words"), len(entries)), err"#;
    let outcome = lab.run(&go(&["fmt", "os", "strings"], body)).await;
    assert_eq!(output(outcome.end), "true 0");
    // What it left went with the folder.
    lab.run(&go(&[], "return ``, nil")).await;
    until("another folder to wait", || idle().len() == 1).await;
    assert_ne!(fs::metadata(&idle()[0]).unwrap().ino(), used);
}
