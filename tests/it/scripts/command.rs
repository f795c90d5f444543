//! `justiam-server script`: checking and running scripts without a server.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use justiam_tests::programs::program;
use justiam_tests::until;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::support::{BLOCKED, go, processes_in, run_folders};

/// A folder with files, beside one for what the command makes.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("tmp")).unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        Self { folder }
    }

    fn with(source: &str) -> Self {
        Self::new(&[("script.go", source)])
    }

    /// The folder for temporary ones, as the interpreter names it.
    fn temporary(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join("tmp")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program("justiam-server"));
        command.arg("script").args(arguments).current_dir(self.folder.path());
        command.env("TMPDIR", self.temporary()).env_remove("JUSTIAM_YAEGI").kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().await.unwrap();
        self.assert_clean();
        output
    }

    /// Runs the command and looks at all that it says: exit code, standard output, standard error.
    async fn says(&self, arguments: &[&str], code: i32, out: &str, err: &str) {
        let output = self.run(arguments).await;
        assert_eq!((output.status.code(), text(&output.stdout), text(&output.stderr)), (Some(code), out, err));
    }

    fn assert_clean(&self) {
        assert_eq!(fs::read_dir(self.temporary()).unwrap().count(), 0);
        assert_eq!(processes_in(&self.temporary()), Vec::<i32>::new());
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn check_names_file_line_and_column() {
    let desk = Desk::new(&[
        ("good.go", &go(&["config"], "return config.Get(`a`), nil")),
        ("type.go", &go(&[], "\treturn 1, nil")),
        ("syntax.go", "package task\r\nfun Run() (string, error) {}\r\n"),
        ("entry.go", "package task\nfunc Run() string { return undefined }"),
        ("none.go", "package task\nfunc run() {}"),
        ("other.go", "package main\nfunc main() {}"),
        ("empty.go", ""),
    ]);
    desk.says(&["check", "good.go"], 0, "good.go: ok\n", "").await;
    for (file, expected) in [
        ("type.go", "type.go:4:9: cannot use 1 (type intT) as type stringT in return argument\n"),
        ("syntax.go", "syntax.go:2:1: expected declaration, found fun\n"),
        (
            "entry.go",
            "entry.go: `func Run` must take nothing and return `(string, error)`; this one returns one value\n\
             entry.go:2:28: undefined: undefined\n",
        ),
        ("none.go", "none.go: the script has no `func Run() (string, error)`\n"),
        ("other.go", "other.go: the script declares `package main`; it must be `package task`\n"),
        (
            "empty.go",
            "empty.go: the script is empty; it needs `package task` and `func Run() (string, error)`\n\
             empty.go:1:1: expected 'package', found 'EOF'\n",
        ),
    ] {
        desk.says(&["check", file], 1, "", expected).await;
    }
    // One that is wrong makes the whole wrong, and the others are looked at all the same.
    let output = desk.run(&["check", "type.go", "good.go"]).await;
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), "good.go: ok\n"));
}

#[tokio::test]
async fn what_cannot_be_a_script_is_told_without_reading_all_of_it() {
    let desk = Desk::new(&[("long.go", &format!("package task\n//{}", "x".repeat(300_000)))]);
    fs::write(desk.folder.path().join("bytes.go"), b"package task\n// \xff\n").unwrap();
    let long = "long.go: the script is longer than 262144 bytes\n";
    let bytes = "bytes.go: the script is not valid UTF-8: byte 17 does not fit\n";
    for action in ["check", "run"] {
        desk.says(&[action, "long.go"], 1, "", long).await;
        desk.says(&[action, "bytes.go"], 1, "", bytes).await;
        desk.says(&[action, "/dev/zero"], 1, "", "/dev/zero: the script is longer than 262144 bytes\n").await;
        let missing = "error: could not read none.go: No such file or directory (os error 2)\n";
        desk.says(&[action, "none.go"], 2, "", missing).await;
        let folder = "error: could not read tmp: Is a directory (os error 21)\n";
        desk.says(&[action, "tmp"], 2, "", folder).await;
    }
}

#[tokio::test]
async fn run_prints_the_output_as_it_is_and_the_log_beside_it() {
    let desk = Desk::new(&[
        (
            "script.go",
            "package task\r\nimport (\"config\"; \"fmt\"; \"secrets\")\r\nfunc Run() (string, error) {\r\n\
             fmt.Println(\"printed\", secrets.Get(\"TOKEN\"))\r\n\
             return fmt.Sprintf(\"%s|%d|%d|%v\", config.Get(\"a\"), len(secrets.Get(\"TOKEN\")), len(secrets.Get(\"TWO\")), config.GetList(\"l\")), nil }\r\n",
        ),
        ("token", "hunter2\n"),
        ("two", "line\r\n\r\n"),
    ]);
    let arguments = [
        "run",
        "script.go",
        "--config",
        "a=b=\n c",
        "--config",
        "l=x,y",
        "--secret",
        "TOKEN=@token",
        "--secret",
        "TWO=@two",
    ];
    // Of the two line breaks one is the file's; and what the server would not store is not shown.
    desk.says(&arguments, 0, "b=\n c|7|6|[x y]", "printed ****\n").await;
    let tells = go(&["secrets", "errors"], "return ``, errors.New(`with ` + secrets.Get(`TOKEN`))");
    fs::write(desk.folder.path().join("tells.go"), tells).unwrap();
    desk.says(&["run", "tells.go", "--secret", "TOKEN=@token"], 1, "", "error: with ****\n").await;
}

#[tokio::test]
async fn a_script_can_come_from_standard_input() {
    let desk = Desk::new(&[]);
    for (action, source, expected) in [
        ("run", go(&[], "return `from there`, nil"), (Some(0), "from there", "")),
        ("check", go(&[], "return ``, nil"), (Some(0), "<stdin>: ok\n", "")),
        ("check", go(&[], "\treturn x, nil"), (Some(1), "", "<stdin>:4:9: undefined: x\n")),
    ] {
        let mut child = desk.command(&[action, "-"]).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(source.as_bytes()).await.unwrap();
        drop(stdin);
        let output = child.wait_with_output().await.unwrap();
        assert_eq!((output.status.code(), text(&output.stdout), text(&output.stderr)), expected);
        desk.assert_clean();
    }
}

#[tokio::test]
async fn a_script_that_fails_ends_with_1_and_its_text() {
    for (source, expected) in [
        (go(&["errors"], "println(`log`); return `lost`, errors.New(`no`)"), "log\nerror: no\n"),
        (go(&[], "\treturn undefined, nil"), "error: script.go:4:9: undefined: undefined\n"),
        (
            "package main".to_owned(),
            "error: script.go: the script declares `package main`; it must be `package task`\n",
        ),
    ] {
        Desk::with(&source).says(&["run", "script.go"], 1, "", expected).await;
    }
    Desk::with(&go(&[], "select {}"))
        .says(&["run", "script.go", "--timeout", "1"], 1, "", "error: timed out after 1 s\n")
        .await;
}

#[tokio::test]
async fn a_secret_on_the_command_line_is_refused_and_not_repeated() {
    let desk = Desk::with(&go(&[], "return ``, nil"));
    let output = desk.run(&["run", "script.go", "--secret", "K=hunter2"]).await;
    assert_eq!(output.status.code(), Some(2));
    let expected = "error: --secret K: everybody on this machine can read a command line; \
        write the secret to a file and give --secret K=@FILE\n";
    assert_eq!((text(&output.stdout), text(&output.stderr)), ("", expected));
    desk.says(&["run", "script.go", "--secret", "hunter2"], 2, "", "error: --secret: a secret is given as KEY=@FILE\n")
        .await;
}

#[tokio::test]
async fn bad_usage_ends_with_2_and_names_the_option() {
    let desk = Desk::with(&go(&[], "return ``, nil"));
    fs::write(desk.folder.path().join("bytes"), b"ab\xff").unwrap();
    fs::write(desk.folder.path().join("long"), "x".repeat(70_000)).unwrap();
    for (arguments, expected) in [
        (&["--config", "a"][..], "error: --config a: a config entry is given as KEY=VALUE\n"),
        (&["--config", "=a"], "error: --config: the key must not be empty\n"),
        (&["--config", "a=1", "--config", "a=2"], "error: --config a: the key is given more than once\n"),
        (&["--secret", "a\n=@long"], "error: --secret: a key must not contain control characters\n"),
        (&["--secret", "a=@none"], "error: --secret a: none: No such file or directory (os error 2)\n"),
        (&["--secret", "a=@bytes"], "error: --secret a: bytes: the secret is not valid UTF-8: byte 3 does not fit\n"),
        (&["--secret", "a=@long"], "error: --secret a: long: the secret is longer than 65536 bytes\n"),
    ] {
        desk.says(&[&["run", "script.go"], arguments].concat(), 2, "", expected).await;
    }
    for (arguments, expected) in [
        (&["run"][..], "FILE"),
        (&["check"], "FILE"),
        (&["run", "script.go", "--timeout", "31"], "31 is not in 1..=30"),
        (&["run", "script.go", "--timeout", "0"], "0 is not in 1..=30"),
        (&["walk", "script.go"], "walk"),
    ] {
        let output = desk.run(arguments).await;
        assert!(output.status.code() == Some(2) && text(&output.stderr).contains(expected), "{output:?}");
    }
}

#[tokio::test]
async fn without_the_interpreter_both_say_so() {
    let desk = Desk::with(&go(&[], "return ``, nil"));
    let reason = "the Go interpreter `no-such-yaegi` was not found; install yaegi on the server, or set JUSTIAM_YAEGI to its path";
    let check = ["check", "script.go", "--yaegi", "no-such-yaegi"];
    let output = desk.run(&check).await;
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.ends_with(&format!("error: script.go could not be checked: {reason}\n")), "{said}");
    let output = desk.command(&["run", "script.go"]).env("JUSTIAM_YAEGI", "no-such-yaegi").output().await.unwrap();
    assert!(text(&output.stderr).ends_with(&format!("error: {reason}\n")), "{output:?}");
    desk.assert_clean();
}

#[tokio::test]
async fn ctrl_c_stops_the_script_and_removes_everything() {
    for signal in [Signal::INT, Signal::TERM] {
        let desk = Desk::with(&go(&["os"], BLOCKED));
        let child = desk.command(&["run", "script.go"]).spawn().unwrap();
        until("the script to start", async || is_running(&desk)).await;
        let pid = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        let output = child.wait_with_output().await.unwrap();
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), ""));
        assert_eq!(text(&output.stderr), "error: interrupted\n");
        desk.assert_clean();
    }
}

#[tokio::test]
async fn nobody_looks_into_the_command() {
    let desk = Desk::with(&go(&["os"], BLOCKED));
    let mut command = desk.command(&["run", "script.go"]);
    if rustix::process::geteuid().is_root() {
        // What the system says of the owner tells something about another group only.
        command.gid(65534);
    }
    let mut child = command.spawn().unwrap();
    let environment = format!("/proc/{}/environ", child.id().unwrap());
    until("the script to start", async || is_running(&desk)).await;
    // The system gives what belongs to such a process to root.
    assert_eq!(fs::metadata(environment).unwrap().gid(), 0);
    child.kill().await.unwrap();
}

/// Whether the desk's script has written its file.
fn is_running(desk: &Desk) -> bool {
    let folders = fs::read_dir(desk.temporary()).unwrap().flatten();
    folders.flat_map(|folder| run_folders(&folder.path().join("scripts"))).any(|run| has_started(&run))
}

/// Whether the script has written its file, wherever in the run's folder it may write.
fn has_started(run: &Path) -> bool {
    run.join("started").exists() || run.join("tmp/started").exists()
}
