//! What scripts return, print and get from their configuration.

use justiam_server::driver::execute::script::End;

use super::support::{Lab, go, host, message, script, success};

#[tokio::test]
async fn the_first_example_of_the_documentation_runs() {
    let source = "package task\n\nimport \"fmt\"\n\nfunc Run() (string, error) {\nreturn fmt.Sprintf(\"hello from terraform\"), nil\n}\n";
    let outcome = Lab::new().run(source).await;
    assert_eq!((outcome.end, outcome.log), (success("hello from terraform"), Vec::new()));
}

#[tokio::test]
async fn the_example_with_secrets_runs() {
    let lab = Lab::new();
    let source = r#"
package task
import (
"fmt"
"secrets"
)
func Run() (string, error) {
apiKey := secrets.Get("API_KEY")
if apiKey == "" {
return "", fmt.Errorf("API_KEY secret not set")
}
// use apiKey ...
return fmt.Sprintf("key length: %d", len(apiKey)), nil
}"#;
    assert_eq!(lab.run_with(host(&[("API_KEY", "hunter2")], &[]), source).await.end, success("key length: 7"));
    assert_eq!(lab.message(source).await, "API_KEY secret not set");
}

#[tokio::test]
async fn the_example_with_config_runs() {
    let body = r#"
domain := config.Get("domain")
groupIDs := config.GetList("group_ids")
active := config.GetBool("active")
retries := config.GetInt("retries")
return fmt.Sprintf("%q %q %v %d | %q %q %v %d %v", domain, groupIDs, active, retries,
    config.Get("none"), config.GetList("none"), config.GetBool("none"), config.GetInt("none"), config.GetList("none") == nil), nil"#;
    let config =
        host(&[], &[("domain", "é\n\"x"), ("group_ids", r#"["g1","g2"]"#), ("active", "Yes"), ("retries", " 3 ")]);
    let outcome = Lab::new().run_with(config, &go(&["config", "fmt"], body)).await;
    assert_eq!(outcome.end, success(r#""é\n\"x" ["g1" "g2"] true 3 | "" [] false 0 false"#));
}

#[tokio::test]
async fn output_is_returned_byte_for_byte() {
    let lab = Lab::new();
    let body = r#"return " a\r\n\tä\x01\u2028\n{\"id\":1}\n ", nil"#;
    assert_eq!(lab.run(&go(&[], body)).await.end, success(" a\r\n\tä\u{1}\u{2028}\n{\"id\":1}\n "));
    assert_eq!(lab.run(&go(&[], r#"return "", nil"#)).await.end, success(""));
    let outcome = lab.run(&go(&["strings"], r#"return strings.Repeat("x", 1<<20), nil"#)).await;
    assert_eq!(outcome.end, success(&"x".repeat(1 << 20)));
}

#[tokio::test]
async fn output_that_is_too_long_or_no_text_is_an_error() {
    let lab = Lab::new();
    for (bytes, words) in [(1_048_577, "1,048,577"), (10_000_000, "10,000,000"), (200_000_000, "200,000,000")] {
        let source = go(&["strings"], &format!(r#"return strings.Repeat("x", {bytes}), nil"#));
        let expected =
            format!("the script returned {words} bytes of output; the limit is 1,048,576 (1 MiB): return a summary");
        assert_eq!(lab.message(&source).await, expected);
    }
    let message = lab.message(&go(&[], r#"return "ab\xff\xfe", nil"#)).await;
    assert_eq!(message, "the returned string is not valid UTF-8: byte 3 of 4 does not fit");
    let expected =
        "the returned string has a NUL character, byte 3 of 4, which is in no text: encode it, for example as Base64";
    assert_eq!(lab.message(&go(&[], r#"return "ab\x00c", nil"#)).await, expected);
}

#[tokio::test]
async fn what_is_printed_is_the_log_in_its_order() {
    let body = r#"
fmt.Println("one"); fmt.Fprintln(os.Stderr, "two"); println("three"); fmt.Print("four")
return "out", nil"#;
    let outcome = Lab::new().run(&go(&["fmt", "os"], body)).await;
    assert_eq!((outcome.end, outcome.log), (success("out"), b"one\ntwo\nthree\nfour".to_vec()));
}

#[tokio::test]
async fn much_print_is_cut_and_too_much_ends_the_run() {
    let lab = Lab::new();
    let body = r#"
line := strings.Repeat("x", 99)
for i := 0; i < 100000; i++ { fmt.Println(line) }
fmt.Println("last"); return "out", nil"#;
    let outcome = lab.run(&go(&["fmt", "strings"], body)).await;
    assert_eq!(outcome.end, success("out"));
    let log = String::from_utf8(outcome.log).unwrap();
    let (head, rest) = log.split_once("\n… ").unwrap();
    let (missing, tail) = rest.split_once(" bytes left out …\n").unwrap();
    let kept = (64 << 10)..(72 << 10) + 1;
    assert!(kept.contains(&head.len()) && kept.contains(&tail.len()), "{} {}", head.len(), tail.len());
    assert_eq!(head.len() + missing.parse::<usize>().unwrap() + tail.len(), 10_000_005);
    assert!(tail.ends_with("x\nlast\n"));
    let outcome =
        lab.run(&go(&["fmt", "strings"], r#"line := strings.Repeat("x", 4000); for { fmt.Println(line) }"#)).await;
    assert!(outcome.log.len() < (144 << 10) + 50);
    assert_eq!(
        message(outcome),
        "the script printed more than 64 MiB and was stopped; print less, or return a summary"
    );
}

#[tokio::test]
async fn the_standard_library_is_there() {
    let body = r#"
var v struct { A int; B []string }
if err := json.Unmarshal([]byte(`{"A":1,"B":["x"]}`), &v); err != nil { return "", err }
sum := sha256.Sum256([]byte("x"))
where, err := time.LoadLocation("Europe/Zurich")
if err != nil { return "", err }
return fmt.Sprintf("%v %x %s %v", v, sum[:2], time.Unix(0, 0).In(where).Format(time.RFC3339),
    regexp.MustCompile(`a+`).FindString("baab")), nil"#;
    let source = go(&["crypto/sha256", "encoding/json", "fmt", "regexp", "time"], body);
    assert_eq!(Lab::new().run(&source).await.end, success("{1 [x]} 2d71 1970-01-01T01:00:00+01:00 aa"));
}

#[tokio::test]
async fn line_ends_and_byte_order_marks_are_accepted() {
    let source = "\u{feff}// about\r\npackage task\r\n\r\nfunc Run() (string, error) {\r\n\treturn `a`, nil\r\n}\r\n";
    assert_eq!(Lab::new().run(source).await.end, success("a"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_runs_at_once_keep_their_values_apart() {
    let lab = Lab::new();
    let source = go(&["config", "fmt", "secrets"], r#"fmt.Println(config.Get("n")); return secrets.Get("n"), nil"#);
    let runs: Vec<_> = (0..20)
        .map(|n| {
            let (runner, n) = (lab.runner.clone(), n.to_string());
            let script = script(host(&[("n", &format!("secret {n}"))], &[("n", &n)]), &source);
            tokio::spawn(async move { (n, runner.run(script, std::future::pending()).await) })
        })
        .collect();
    for run in runs {
        let (n, outcome) = run.await.unwrap();
        let expected = End::Success { output: format!("secret {n}") };
        assert_eq!((outcome.end, outcome.log), (expected, format!("{n}\n").into_bytes()));
    }
    lab.assert_clean();
}
