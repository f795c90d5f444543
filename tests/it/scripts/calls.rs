//! The host channel, used as intended and misused.

use super::support::{Lab, go, host, success};

#[tokio::test]
async fn goroutines_call_side_by_side() {
    let body = r#"
var group sync.WaitGroup
results := make([]int, 200)
for i := 0; i < 200; i++ {
    group.Add(1)
    i := i // the interpreter hands a goroutine the variable, not its value
    go func() { defer group.Done(); results[i] = config.GetInt(fmt.Sprint("n", i % 10)) }()
}
group.Wait()
sum := 0
for _, r := range results { sum += r }
return fmt.Sprint(sum), nil"#;
    let values: Vec<(String, String)> = (0..10).map(|n| (format!("n{n}"), n.to_string())).collect();
    let values: Vec<(&str, &str)> = values.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let outcome = Lab::new().run_with(host(&[], &values), &go(&["config", "fmt", "sync"], body)).await;
    assert_eq!(outcome.end, success("900"));
}

#[tokio::test]
async fn long_values_arrive_whole() {
    let value = "ü\n\"".repeat(20_000);
    let outcome =
        Lab::new().run_with(host(&[("k", &value)], &[]), &go(&["secrets"], r#"return secrets.Get("k"), nil"#)).await;
    assert_eq!(outcome.end, success(&value));
}

#[tokio::test]
async fn a_call_that_is_too_long_is_an_error_and_the_run_goes_on() {
    let body = r#"
var v string
long := strings.Repeat("x", 1 << 20)
a := host.Call("secrets.get", map[string]string{"key": long}, &v)
b := host.Call("secrets.get", map[string]string{"key": "k"}, &v)
return fmt.Sprint(a, "; ", b, " ", v), nil"#;
    let source = go(&["fmt", "strings", "justiam/host"], body);
    let outcome = Lab::new().run_with(host(&[("k", "v")], &[]), &source).await;
    let expected = "the call has 1048627 bytes as JSON; the limit is 1048576 (1 MiB); <nil> v";
    assert_eq!(outcome.end, success(expected));
}

#[tokio::test]
async fn package_variables_may_call_too() {
    let source =
        "package task\nimport \"config\"\nvar x = config.Get(`k`)\nfunc Run() (string, error) { return x, nil }";
    assert_eq!(Lab::new().run_with(host(&[], &[("k", "v")]), source).await.end, success("v"));
}

#[tokio::test]
async fn unknown_methods_and_parameters_get_an_error() {
    let body = r#"
var v string
a := host.Call("config.everything", map[string]string{"key": "x"}, &v)
b := host.Call("secrets.get", []int{1}, &v)
c := host.Call("secrets.get", map[string]string{"key": "k"}, &v)
return fmt.Sprint(a, "; ", b, "; ", c, " ", v), nil"#;
    let outcome = Lab::new().run_with(host(&[("k", "v")], &[]), &go(&["fmt", "justiam/host"], body)).await;
    let expected = "the server knows no method `config.everything`; secrets.get needs a text named `key`; <nil> v";
    assert_eq!(outcome.end, success(expected));
}

#[tokio::test]
async fn what_is_no_call_ends_the_run() {
    let lab = Lab::new();
    for line in [
        "{}",
        "x",
        "",
        "[1]",
        r#"{\"id\":-1,\"method\":\"secrets.get\"}"#,
        r#"{\"method\":\"run.returned\"}"#,
        r"\xff\xfe",
    ] {
        let source = go(&["justiam/socket"], &format!("socket.File.WriteString(\"{line}\\n\"); select {{}}"));
        let expected = "the script was stopped: it sent the server a line that is no call over the host channel";
        assert_eq!(lab.message(&source).await, expected, "{line}");
    }
    let nested =
        go(&["justiam/socket", "strings"], r#"socket.File.WriteString(strings.Repeat("[", 500000) + "\n"); select {}"#);
    assert!(lab.message(&nested).await.contains("no call"));
    let tail =
        go(&["justiam/socket"], r#"socket.File.WriteString(`{"id":1,"method":"a","tail":8388609}` + "\n"); select {}"#);
    let expected =
        "the script was stopped: it sent the server a call with more than 8 MiB behind it over the host channel";
    assert_eq!(lab.message(&tail).await, expected);
    let endless = go(&["justiam/socket", "strings"], r#"for { socket.File.WriteString(strings.Repeat("x", 10000)) }"#);
    let expected = "the script was stopped: it sent the server a line of more than 1 MiB over the host channel";
    assert_eq!(lab.message(&endless).await, expected);
}

#[tokio::test]
async fn a_script_that_reports_for_itself_deceives_nobody_else() {
    let lab = Lab::new();
    let early =
        go(&["justiam/socket"], r#"socket.Send(`{"method":"run.returned","params":{"bytes":3}}`, "abc"); select {}"#);
    assert_eq!(lab.run(&early).await.end, success("abc"));
    let short = go(
        &["justiam/socket"],
        r#"socket.Send(`{"method":"run.returned","params":{"bytes":300}}`, "abc"); socket.File.Close(); return "", nil"#,
    );
    let expected = "panic: could not tell the server how the script ended: write server: file already closed";
    assert_eq!(lab.message(&short).await, expected);
}

#[tokio::test]
async fn a_closed_socket_fails_the_call_not_the_value() {
    let lab = Lab::new();
    let source = go(&["justiam/socket", "secrets"], "\tsocket.File.Close()\n\treturn secrets.Get(`k`), nil");
    let message = lab.message(&source).await;
    assert!(message.starts_with("panic: secrets.get: write server: file already closed\n"), "{message}");
}

#[tokio::test]
async fn a_script_that_never_reads_its_answers_can_still_end() {
    let body = r#"
line := []byte(`{"id":1,"method":"secrets.get","params":{"key":"k"}}` + "\n")
go func() { for { socket.File.Write(line) } }()
time.Sleep(200 * time.Millisecond)
go func() { time.Sleep(200 * time.Millisecond); panic("enough") }()
return "out", nil"#;
    let value = "x".repeat(60_000);
    let source = go(&["justiam/socket", "time"], body);
    let outcome = Lab::new().run_with(host(&[("k", &value)], &[]), &source).await;
    assert!(super::support::message(outcome).starts_with("panic: enough"));
}
