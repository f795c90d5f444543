//! What a script's process gets to see.

use std::fs::{self, File};
use std::future::pending;
use std::path::Path;

use justiam_server::driver::execute::script::End;

use super::support::{BLOCKED, Lab, go, host, processes_in, script};

fn output(end: End) -> String {
    match end {
        End::Success { output } => output,
        end => panic!("{end:?}"),
    }
}

#[tokio::test]
async fn the_environment_is_a_short_list() {
    let lab = Lab::new();
    let body = "env := os.Environ(); sort.Strings(env); return strings.Join(env, `\n`), nil";
    let found = output(lab.run(&go(&["os", "sort", "strings"], body)).await.end);
    let run = lab.scripts().join("run-1");
    let run = run.display();
    let (before, rest) = found.split_once("HOST_FD=").unwrap();
    assert_eq!(before, format!("GOMAXPROCS=1\nGOPATH={run}\nHOME={run}\n"));
    assert_eq!(rest.split_once('\n').unwrap().1, format!("MALLOC_ARENA_MAX=1\nTMPDIR={run}"));
}

#[tokio::test]
async fn descriptors_of_the_server_are_not_inherited() {
    let folder = tempfile::tempdir().unwrap();
    let leak = File::create(folder.path().join("leak")).unwrap();
    // Unlike everything that Rust opens, this one is inherited.
    let _leak = rustix::io::dup(&leak).unwrap();
    let body = r#"
entries, err := os.ReadDir("/proc/self/fd")
for _, entry := range entries {
    target, _ := os.Readlink("/proc/self/fd/" + entry.Name())
    fmt.Println(entry.Name(), strings.Split(target, ":")[0])
}
return os.Getenv("HOST_FD"), err"#;
    let outcome = Lab::new().run(&go(&["fmt", "os", "strings"], body)).await;
    let channel = output(outcome.end);
    let log = String::from_utf8(outcome.log).unwrap();
    assert!(!log.contains("leak"), "{log}");
    assert!(log.starts_with("0 /dev/null\n1 pipe\n2 pipe\n"), "{log}");
    // Apart from the channel there is only what Go's poller made for itself.
    let sockets: Vec<&str> = log.lines().filter(|line| line.ends_with(" socket")).collect();
    assert_eq!(sockets, [format!("{channel} socket")], "{log}");
}

#[tokio::test]
async fn session_and_limits_are_set() {
    let body = r#"
limits, err := os.ReadFile("/proc/self/limits")
stat, _ := os.ReadFile("/proc/self/stat")
fields := strings.Fields(string(stat))
fmt.Println(fields[0] == fields[4], fields[0] == fields[5])
return string(limits), err"#;
    let outcome = Lab::new().run(&go(&["fmt", "os", "strings"], body)).await;
    assert_eq!(String::from_utf8_lossy(&outcome.log), "true true\n");
    let limits = output(outcome.end);
    let limit = |name: &str| {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(limit("Max core file size"), "0 0");
    assert_eq!(limit("Max open files"), "256 256");
    assert_eq!(limit("Max stack size"), "1048576 1048576");
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
