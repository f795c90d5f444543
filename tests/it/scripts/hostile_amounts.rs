//! Scripts that take too much of everything: they end with a reason, beside a run that notices nothing.

use std::fs;
use std::future::pending;
use std::time::Duration;

use justiam_server::driver::execute::script::{End, Host, Outcome};

use super::support::{Lab, go, message, script, success};

/// How long a script may take that must be stopped by a limit.
const PATIENCE: Duration = Duration::from_secs(25);

/// A run that works for as long as the test wants it to.
const BYSTANDER: &str = r#"
os.WriteFile("started", nil, 0600)
for n := 0; ; n++ {
    if _, err := os.Stat("finish"); err == nil { return "unharmed", nil }
    if err := os.WriteFile("work", []byte(config.Get("word")), 0600); err != nil { return "", err }
    time.Sleep(2 * time.Millisecond)
}"#;

/// Runs a script beside another one, which must end well afterwards; and nothing may be left.
async fn beside_another(lab: &Lab, source: &str, stop: impl Future<Output = ()>) -> Outcome {
    let runner = lab.runner.clone();
    let other = script(super::support::host(&[], &[("word", "still here")]), &go(&["config", "os", "time"], BYSTANDER));
    let other = tokio::spawn(async move { runner.run(other, pending()).await });
    lab.started().await;
    let outcome = tokio::time::timeout(PATIENCE, lab.runner.run(script(Host::default(), source), stop)).await.unwrap();
    fs::write(lab.scripts().join("run-1/tmp/finish"), "").unwrap();
    assert_eq!(other.await.unwrap().end, success("unharmed"));
    lab.assert_clean();
    outcome
}

async fn reason(source: &str) -> String {
    message(beside_another(&Lab::new(), source, pending()).await)
}

const MEMORY: &str = "memory limit of 512 MiB exceeded";

#[tokio::test]
async fn ten_gigabytes_in_steps_are_too_much() {
    let body = "var all [][]byte\nfor i := 0; i < 160; i++ {\n b := make([]byte, 64<<20)\n\
        for j := 0; j < len(b); j += 4096 { b[j] = 1 }\n all = append(all, b)\n}\nreturn fmt.Sprint(len(all)), nil";
    assert_eq!(reason(&go(&["fmt"], body)).await, MEMORY);
}

#[tokio::test]
async fn ten_gigabytes_at_once_are_too_much() {
    let body = "b := make([]byte, 10<<30)\nreturn fmt.Sprint(len(b)), nil";
    assert_eq!(reason(&go(&["fmt"], body)).await, MEMORY);
}

#[tokio::test]
async fn a_map_that_grows_for_ever_is_too_much() {
    let body = "m := map[string]string{}\nlong := strings.Repeat(`x`, 10000)\n\
        for i := 0; i < 1000000; i++ { m[fmt.Sprint(i)] = long + fmt.Sprint(i) }\nreturn fmt.Sprint(len(m)), nil";
    assert_eq!(reason(&go(&["fmt", "strings"], body)).await, MEMORY);
}

#[tokio::test]
async fn what_fits_into_the_limit_is_no_reason_to_stop() {
    let body = "keep := make([][]byte, 250)\nfor n := 0; n < 10; n++ { for i := range keep { b := make([]byte, 1<<20)\n\
        for j := 0; j < len(b); j += 4096 { b[j] = 1 }\n keep[i] = b } }\nreturn fmt.Sprint(len(keep)), nil";
    assert_eq!(Lab::new().run(&go(&["fmt"], body)).await.end, success("250"));
}

#[tokio::test]
async fn the_smallest_limit_is_enough_for_a_small_script_and_named_in_the_reason() {
    let lab = Lab::with(|settings| settings.memory_mib = 64);
    let small = go(
        &["config", "fmt", "net/http", "time"],
        "return fmt.Sprint(http.StatusOK, time.Second, config.Get(`k`)), nil",
    );
    assert_eq!(lab.run(&small).await.end, success("200 1s"));
    let body = "var all [][]byte\nfor i := 0; i < 40; i++ {\n b := make([]byte, 64<<20)\n\
        for j := 0; j < len(b); j += 4096 { b[j] = 1 }\n all = append(all, b)\n}\nreturn ``, nil";
    assert_eq!(lab.message(&go(&[], body)).await, "memory limit of 64 MiB exceeded");
}

#[tokio::test]
async fn a_recursion_without_end_ends() {
    let source = "package task\nfunc f(n int) int { return f(n+1) + 1 }\n\
        func Run() (string, error) { f(1); return ``, nil }";
    assert_eq!(reason(source).await, MEMORY);
}

#[tokio::test]
async fn ten_thousand_busy_goroutines_stop_when_they_are_told_to() {
    let body = "for i := 0; i < 10000; i++ { go func() { for {} }() }\nselect {}";
    let after_a_while = tokio::time::sleep(Duration::from_millis(500));
    let outcome = beside_another(&Lab::new(), &go(&[], body), after_a_while).await;
    assert_eq!(outcome.end, End::Stopped);
}

#[tokio::test]
async fn processor_time_has_a_limit_of_its_own() {
    let mut busy = script(Host::default(), &go(&["runtime"], "runtime.GOMAXPROCS(2)\ngo func() { for {} }()\nfor {}"));
    busy.timeout = Duration::ZERO;
    let lab = Lab::new();
    let outcome = tokio::time::timeout(PATIENCE, lab.runner.run(busy, pending())).await.unwrap();
    assert!(message(outcome).ends_with("or the script used more than 5 s of processor time"));
    lab.assert_clean();
}

#[tokio::test]
async fn output_without_an_end_or_a_line_is_stopped() {
    let body = "text := strings.Repeat(`x`, 1<<16)\nfor i := 0; i < 100000; i++ { fmt.Print(text) }\nreturn ``, nil";
    let expected = "the script printed more than 64 MiB and was stopped; print less, or return a summary";
    assert_eq!(reason(&go(&["fmt", "strings"], body)).await, expected);
}

#[tokio::test]
async fn a_file_has_a_largest_size() {
    let body = "data := make([]byte, 1<<20)\nf, err := os.Create(`big`)\nif err != nil { return ``, err }\n\
        for i := 0; i < 200; i++ { if _, err := f.Write(data); err != nil { return ``, err } }\nreturn `all`, nil";
    assert_eq!(reason(&go(&["os"], body)).await, "write big: file too large");
}

const WRITTEN: &str = "the script wrote more than 512 MiB and was stopped; write less to files";

#[tokio::test]
async fn many_big_files_are_too_much() {
    let body = "data := make([]byte, 60<<20)\nfor i := 0; i < 30; i++ {\n\
        if err := os.WriteFile(fmt.Sprint(i), data, 0600); err != nil { return ``, err } }\ntime.Sleep(5 * time.Second)\nreturn `all`, nil";
    assert_eq!(reason(&go(&["fmt", "os", "time"], body)).await, WRITTEN);
}

#[tokio::test]
async fn files_without_a_name_count_as_well() {
    let body = "data := make([]byte, 60<<20)\nfor i := 0; i < 30; i++ {\nf, err := os.Create(`f`)\n\
        if err != nil { return ``, err }\nos.Remove(`f`)\nif _, err := f.Write(data); err != nil { return ``, err } }\n\
        time.Sleep(5 * time.Second)\nreturn `all`, nil";
    assert_eq!(reason(&go(&["os", "time"], body)).await, WRITTEN);
}

#[tokio::test]
async fn many_files_and_deep_folders_are_too_much() {
    let expected =
        "the script was stopped: it made more than 10,000 files and folders, or folders that cannot be looked into";
    let many = "for i := 0; i < 12000; i++ {\nf, err := os.Create(fmt.Sprint(i)); if err != nil { return ``, err }\nf.Close() }\n\
        time.Sleep(5 * time.Second)\nreturn `all`, nil";
    assert_eq!(reason(&go(&["fmt", "os", "time"], many)).await, expected);
    let deep = "name := strings.Repeat(`d`, 200)\nfor i := 0; i < 3000; i++ {\n\
        if err := os.Mkdir(name, 0700); err != nil { return ``, err }\n\
        if err := os.Chdir(name); err != nil { return ``, err } }\ntime.Sleep(5 * time.Second)\nreturn `all`, nil";
    assert_eq!(reason(&go(&["os", "strings", "time"], deep)).await, expected);
}

const THREADS: &str = "the script was stopped: it had more than 128 threads; goroutines that block in a file or that called \
    runtime.LockOSThread have one each";

#[tokio::test]
async fn a_thousand_threads_are_too_many() {
    // Blocked, and busy on as many processors as the script thinks that it has.
    for (before, each) in [("", "select {}"), ("runtime.GOMAXPROCS(64)", "for {}")] {
        let body = format!(
            "{before}\nfor i := 0; i < 1000; i++ {{ go func() {{ runtime.LockOSThread(); {each} }}() }}\n\
             time.Sleep(10 * time.Second)\nreturn `survived`, nil"
        );
        assert_eq!(reason(&go(&["runtime", "time"], &body)).await, THREADS);
    }
}
