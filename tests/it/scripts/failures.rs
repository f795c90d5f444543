//! What the author of a script is told when it fails.

use std::os::unix::fs::PermissionsExt as _;

use super::support::{Lab, go, message};

/// Runs scripts that must fail, each with its message.
async fn assert_messages(cases: &[(&str, &str)]) {
    let lab = Lab::new();
    let mut wrong = Vec::new();
    for (source, expected) in cases {
        let outcome = lab.run(source).await;
        let message = message(outcome);
        if message != *expected {
            wrong.push(format!("{source}\n--- expected\n{expected}\n--- got\n{message}\n"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n=====\n"));
}

#[tokio::test]
async fn errors_are_given_as_they_are() {
    let lab = Lab::new();
    assert_eq!(lab.message(&go(&["errors"], r#"return "lost", errors.New(" a\nb\tü ")"#)).await, " a\nb\tü ");
    assert_eq!(
        lab.message(&go(&["errors"], r#"return "", errors.New("")"#)).await,
        "Run returned an error whose text is empty"
    );
    let long = lab.message(&go(&["errors", "strings"], r#"return "", errors.New(strings.Repeat("ü", 100000))"#)).await;
    assert_eq!(long, format!("{} … (200,000 bytes in all)", "ü".repeat(2048)));
}

#[tokio::test]
async fn panics_name_their_place() {
    assert_messages(&[
        (
            "package task\nimport \"errors\"\nfunc h() {\n\tpanic(errors.New(\"boom\"))\n}\nfunc Run() (string, error) {\n\th()\n\treturn ``, nil\n}",
            "panic: boom\n    near script.go:4:8\n    near script.go:7:2",
        ),
        (&go(&[], "\tpanic(42)"), "panic: 42\n    near script.go:4:2"),
        (&go(&[], "\tpanic(nil)"), "panic: <nil>\n    near script.go:4:2"),
        (&go(&[], "\tpanic(`os.Exit(3)`)"), "panic: os.Exit(3)\n    near script.go:4:2"),
        (&go(&[], "\ta := []int{}\n\treturn string(a[3]), nil"), "panic: reflect: slice index out of range\n    near script.go:4:7"),
        (&go(&[], "\tvar m map[string]int\n\tm[`a`] = 1\n\treturn ``, nil"), "panic: assignment to entry in nil map\n    near script.go:4:6"),
        (
            "package task\nfunc r() {\n\tdefer func() { recover() }()\n\tpanic(1)\n}\nfunc Run() (string, error) {\n\tr()\n\tprintln()\n\tpanic(2)\n}",
            "panic: 2\n    near script.go:7:2",
        ),
        ("package task\nfunc init() { panic(`early`) }\nfunc Run() (string, error) { return ``, nil }", "panic: early\n    near script.go:2:15"),
    ])
    .await;
}

#[tokio::test]
async fn leaving_without_returning_is_explained() {
    let exit = "the script called os.Exit(3); it should return an error, or nil, instead";
    assert_messages(&[
        (&go(&["os"], "\tos.Exit(3)\n\treturn ``, nil"), &format!("{exit}\n    near script.go:5:2")),
        (&go(&["os"], "\tgo os.Exit(3)\n\tselect {}"), exit),
        (
            &go(&["os"], "\tgo func() { os.Exit(3) }()\n\tselect {}"),
            &format!("{exit}\n    near script.go:5:14"),
        ),
        (
            &go(&["log"], "\tlog.Fatalf(`no %d`, 1)\n\treturn ``, nil"),
            "the script called log.Fatal; it should return an error instead: no 1\n    near script.go:5:2",
        ),
        (&go(&["runtime"], "runtime.Goexit(); return ``, nil"), "Run ended without returning: the script called runtime.Goexit"),
        (
            &go(&["time"], "\tgo func() { panic(`inside`) }()\n\ttime.Sleep(time.Hour)\n\treturn ``, nil"),
            "panic: inside\n    near script.go:5:14\n    in a goroutine that the script started",
        ),
        (
            &go(&["errors", "time"], "\tgo func() { panic(errors.New(`inside`)) }()\n\ttime.Sleep(time.Hour)\n\treturn ``, nil"),
            "panic: a value of type error, which nothing recovered\n    near script.go:6:20\n    in a goroutine that the script started",
        ),
        (
            &go(&["os"], "p := &os.Process{Pid: os.Getpid()}; p.Kill(); select {}"),
            "the Go interpreter was killed by signal 9 (KILL), not by this server; the machine may have run out of memory, \
             or the script used more than 35 s of processor time",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_crash_of_the_runtime_keeps_the_log_and_drops_the_stacks() {
    let lab = Lab::new();
    let outcome =
        lab.run(&go(&["fmt", "sync"], "fmt.Println(`before`)\nvar m sync.Mutex\nm.Unlock()\nreturn ``, nil")).await;
    assert_eq!(String::from_utf8_lossy(&outcome.log), "before\n");
    assert_eq!(message(outcome), "the Go runtime gave up: fatal error: sync: unlock of unlocked mutex");
    let source = "package task\nimport \"runtime/debug\"\nfunc f(n int) int { return f(n+1) + 1 }\n\
        func Run() (string, error) {\n\tdebug.SetMaxStack(16 << 20)\n\tf(1)\n\treturn ``, nil\n}";
    let outcome = lab.run(source).await;
    assert!(outcome.log.len() < 1000, "{}", String::from_utf8_lossy(&outcome.log));
    let expected = "the Go runtime gave up: fatal error: stack overflow (does a function call itself without end?)";
    assert_eq!(message(outcome), expected);
}

#[tokio::test]
async fn what_the_interpreter_refuses_is_told_with_its_place() {
    assert_messages(&[
        (
            &go(&[], "\treturn `a` + 3, nil"),
            "script.go:4:9: invalid operation: mismatched types untyped string and untyped int",
        ),
        (&go(&[], "\tx := :="), "script.go:4:7: expected operand, found ':=' (and 1 more errors)"),
        (&go(&[], "\treturn max(1, 2), nil"), "script.go:4:9: undefined: max"),
        (
            &go(&["os/exec"], "exec.Command(`x`)\nreturn ``, nil"),
            "script.go:2:8: the package \"os/exec\" is not available to scripts",
        ),
        (
            &go(&["github.com/x/y"], "return y.X, nil"),
            "script.go:2:8: the package \"github.com/x/y\" is not available to scripts",
        ),
        (
            &go(&["strings"], "\tstrings.CutPrefix(`a`, `b`)\n\treturn ``, nil"),
            "script.go:5:2: package strings \"strings\" has no symbol CutPrefix",
        ),
        ("", "script.go:1:1: expected 'package', found 'EOF'"),
        ("package main\nfunc main() {}", "script.go: the script declares `package main`; it must be `package task`"),
        (
            "package task\nfunc run() {}",
            "script.go: there is no function Run; a script needs `func Run() (string, error)`",
        ),
        (
            "package task\nfunc Run() string { return `` }",
            "script.go: Run has the type func() string; a script needs `func Run() (string, error)`",
        ),
        (
            "package task\nfunc Run(n int) (string, error) { return ``, nil }",
            "script.go: Run has the type func(int) (string,error); a script needs `func Run() (string, error)`",
        ),
        ("package task\nvar Run = 3", "script.go: Run has the type int; a script needs `func Run() (string, error)`"),
        (
            &go(&[], "for i := range 5 { _ = i }\nreturn ``, nil"),
            "the Go interpreter failed on this script: nil type\n\
             It does not know all of Go: no range over a number, no min, max or clear, and only simple generics.",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_refused_script_has_no_log() {
    let outcome = Lab::new().run(&go(&[], "return undefined, nil")).await;
    assert_eq!(String::from_utf8_lossy(&outcome.log), "");
}

#[tokio::test]
async fn paths_of_the_server_stay_out_of_the_log() {
    let lab = Lab::new();
    let outcome = lab.run(&go(&[], "\tpanic(1)")).await;
    assert_eq!(String::from_utf8_lossy(&outcome.log), "script.go:4:2: panic\n");
}

#[tokio::test]
async fn a_missing_interpreter_is_named_with_its_setting() {
    let lab = Lab::with(|settings| settings.yaegi = "no-such-yaegi".into());
    let expected = "the Go interpreter `no-such-yaegi` was not found; install yaegi on the server, or set JUSTIAM_YAEGI to its path";
    assert_eq!(lab.message(&go(&[], "return ``, nil")).await, expected);

    let lab = Lab::with(|settings| settings.yaegi = "/no/such/yaegi".into());
    let expected = "the Go interpreter could not be started: No such file or directory (os error 2); \
        JUSTIAM_YAEGI must name the yaegi program on the server";
    assert_eq!(lab.message(&go(&[], "return ``, nil")).await, expected);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("yaegi");
    std::fs::write(&file, "text").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let lab = Lab::with(|settings| settings.yaegi = file.clone());
    let expected = "the Go interpreter could not be started: Permission denied (os error 13); \
        JUSTIAM_YAEGI must name the yaegi program on the server";
    assert_eq!(lab.message(&go(&[], "return ``, nil")).await, expected);
}

#[tokio::test]
async fn a_missing_helper_is_the_servers_fault() {
    let lab = Lab::with(|settings| settings.helper = "/no/such/helper".into());
    let expected = "the server could not start the script: could not start the helper; its log has the cause";
    assert_eq!(lab.message(&go(&[], "return ``, nil")).await, expected);
}
