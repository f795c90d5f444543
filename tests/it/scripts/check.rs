//! A look at scripts that runs none of them.

use std::time::Duration;

use futures::future::join_all;
use justiam_server::app::syntax::Checked;
use justiam_server::driver::execute::script::Host;
use justiam_server::driver::execute::syntax::SyntaxChecker;
use tokio::time::timeout;

use super::support::{Lab, go, message, script, success};

async fn check(lab: &Lab, source: &str) -> Checked {
    let checked = timeout(Duration::from_secs(20), lab.runner.check(script(Host::default(), source))).await.unwrap();
    lab.assert_clean();
    checked
}

fn wrong(messages: &[&str]) -> Checked {
    Checked::Wrong(messages.iter().map(|message| (*message).to_owned()).collect())
}

/// Scripts that the compiler refuses, with its words.
fn refused() -> Vec<(String, &'static str)> {
    let missing = "there is no function Run; a script needs `func Run() (string, error)`";
    let whole = |source: &str| source.to_owned();
    let mut cases = vec![
        (go(&[], "\treturn `a` + 3, nil"), "4:9: invalid operation: mismatched types untyped string and untyped int"),
        (go(&[], "\treturn max(1, 2), nil"), "4:9: undefined: max"),
        (go(&[], "\treturn 1, nil"), "4:9: cannot use 1 (type intT) as type stringT in return argument"),
        (go(&["os/exec"], "return ``, nil"), "2:8: the package \"os/exec\" is not available to scripts"),
        (go(&["no/such"], "return ``, nil"), "2:8: the package \"no/such\" is not available to scripts"),
        (
            go(&["strings"], "\tstrings.CutPrefix(`a`, `b`)\n\treturn ``, nil"),
            "5:2: package strings \"strings\" has no symbol CutPrefix",
        ),
        // In a function that nothing calls, on a line with Windows' end and after letters of two bytes.
        (
            whole(
                "package task\r\nfunc Run() (string, error) { return ``, nil }\r\nfunc f() { _ = `ü`; undefined() }\r\n",
            ),
            "3:22: undefined: undefined",
        ),
        (
            whole("package task\nfunc Run() (string, error) { return ``, nil }\nfunc f() {}\nfunc f() {}"),
            "4:6: f redeclared in this block",
        ),
        (whole("package task\nfunc run() {}"), missing),
        (whole("package task"), missing),
        (
            whole("package task\nfunc Run() string { return `` }"),
            "Run has the type func() string; a script needs `func Run() (string, error)`",
        ),
        (whole("package task\nvar Run = 3"), "Run has the type int; a script needs `func Run() (string, error)`"),
    ];
    // The script's own mistakes come before those of its Run.
    cases.push((whole("package task\nfunc Run() string { return undefined }"), "2:28: undefined: undefined"));
    let failed = "the Go interpreter failed on this script: nil type\n\
        It does not know all of Go: no range over a number, no min, max or clear, and only simple generics.";
    cases.push((go(&[], "for i := range 5 { _ = i }\nreturn ``, nil"), failed));
    cases
}

#[tokio::test]
async fn what_the_compiler_refuses_is_told_with_line_and_column() {
    let lab = Lab::new();
    for (source, expected) in refused() {
        assert_eq!(check(&lab, &source).await, wrong(&[expected]), "{source}");
    }
}

#[tokio::test]
async fn a_run_of_what_was_refused_says_the_same() {
    let lab = Lab::new();
    for (source, expected) in refused() {
        let said = lab.message(&source).await;
        let said = said.strip_prefix("script.go:").map_or(said.as_str(), str::trim_start);
        assert_eq!(said, expected, "{source}");
    }
}

#[tokio::test]
async fn all_errors_of_the_syntax_are_told_and_the_compiler_is_not_asked() {
    let lab = Lab::new();
    let expected = wrong(&["4:19: expected ';', found nil", "5:3: expected '}', found 'EOF'"]);
    assert_eq!(check(&lab, &go(&[], "\treturn undefined nil")).await, expected);
    let Checked::Wrong(found) = check(&lab, &format!("package task\n{}", "fun\n".repeat(1000))).await else {
        panic!("a parser that accepts anything")
    };
    assert!((1..=11).contains(&found.len()), "{found:?}");
    assert_eq!(check(&lab, "").await, wrong(&["1:1: expected 'package', found 'EOF'"]));
}

#[tokio::test]
async fn of_another_package_only_the_syntax_is_looked_at() {
    let lab = Lab::new();
    assert_eq!(check(&lab, "package main\nfunc main() { undefined() }").await, Checked::Sound);
    assert_eq!(check(&lab, "package main\nfun main()").await, wrong(&["2:1: expected declaration, found fun"]));
}

#[tokio::test]
async fn nothing_of_a_script_runs() {
    let run = "func Run() (string, error) { return ``, nil }\n";
    let effect = "func effect(x int) int { panic(`ran`) }\n";
    let lab = Lab::new();
    for declared in [
        "var x = effect(1)",
        "var _ = effect(1)",
        "var x, y = effect(1), effect(2)",
        // Later variables first.
        "var x = y\nvar y = z\nvar z = effect(1)",
        "var m = map[int]int{effect(1): 2}",
        "var f = func() int { return effect(1) }()",
        "type T struct{ n int }\nfunc (t T) M() T { effect(1); return t }\nvar x = T{1}.M()",
        "func init() { effect(1) }",
        "func init() {}\nfunc init() { effect(1) }",
        "func init() { for { effect(1) } }",
        // Names that the check itself might use.
        "var check = effect(1)\nvar Done = effect(2)\nvar Entry = effect(3)",
        "var check_compiled = effect(1)\nvar check_entry = effect(2)\nvar check_compiled_ = effect(3)",
        "var check_compiled_done = effect(1)\nvar a_compiled = effect(2)",
        "type check_compiled struct{ Done func() bool }\nvar x = effect(1)",
        "type bool string\ntype string2 = string\nvar x = effect(1)",
        "func init() { effect(1) }\nfunc main() { effect(1) }",
    ] {
        let source = format!("package task\n{declared}\n{effect}{run}");
        assert_eq!(check(&lab, &source).await, Checked::Sound, "{declared}");
        // It is the check that does not run it.
        assert!(lab.message(&source).await.starts_with("panic: ran\n"), "{declared}");
    }
    // Nor what would never end, or would end the process.
    for declared in ["func init() { for {} }", "func init() { select {} }"] {
        assert_eq!(check(&lab, &format!("package task\n{declared}\n{run}")).await, Checked::Sound, "{declared}");
    }
    let exits = format!("package task\nimport \"os\"\nvar _ = f()\nfunc f() int {{ os.Exit(0); return 1 }}\n{run}");
    assert_eq!(check(&lab, &exits).await, Checked::Sound);
}

#[tokio::test]
async fn nothing_of_an_own_run_variable_runs_either() {
    let lab = Lab::new();
    let source = "package task\nvar Run = made()\nfunc made() func() (string, error) { panic(`ran`) }\n";
    assert_eq!(check(&lab, source).await, Checked::Sound);
    let source = "package task\nvar Run = func() (string, error) { return `out`, nil }\n";
    assert_eq!(check(&lab, source).await, Checked::Sound);
    assert_eq!(lab.run(source).await.end, success("out"));
}

#[tokio::test]
async fn what_runs_is_sound() {
    let lab = Lab::new();
    for source in [
        go(&["fmt", "secrets", "config"], "return fmt.Sprint(secrets.Get(`a`), config.GetList(`b`)), nil"),
        "package task\n\n// ' \" ` { \u{2028} 🦀\nfunc Run() (string, error) {\n\treturn `\n`, nil\n}".to_owned(),
        "\u{feff}package task\r\nimport . \"fmt\"\r\nfunc Run() (string, error) { return Sprint(), nil }\r\n".to_owned(),
        "package task\ntype L[T any] struct { n *L[T]; v T }\nfunc Run() (out string, err error) { var l L[int]; _ = l; return }".to_owned(),
        format!("package task\nfunc Run() (string, error) {{ return ``, nil }}\n//{}", "x".repeat(250_000)),
    ] {
        assert_eq!(check(&lab, &source).await, Checked::Sound, "{source:.100}");
        assert!(matches!(lab.run(&source).await.end, justiam_server::driver::execute::script::End::Success { .. }));
    }
}

#[tokio::test]
async fn that_nobody_could_look_is_no_mistake_of_the_script() {
    let lab = Lab::with(|settings| settings.yaegi = "no-such-yaegi".into());
    let source = go(&[], "return ``, nil");
    let Checked::Unknown(reason) = check(&lab, &source).await else { panic!("somebody looked") };
    assert!(reason.contains("`no-such-yaegi` was not found"), "{reason}");
    assert_eq!(message(lab.run(&source).await), reason);
}

/// The parser accepts it, and the compiler is at work for minutes.
fn slow() -> String {
    format!("{}\nvar x = {}1{}", go(&[], "return ``, nil"), "(".repeat(60_000), ")".repeat(60_000))
}

#[tokio::test]
async fn a_check_that_is_given_up_leaves_nothing() {
    let lab = Lab::new();
    let check = lab.runner.check(script(Host::default(), &slow()));
    assert!(timeout(Duration::from_millis(300), check).await.is_err());
    lab.clean().await;
}

#[tokio::test]
async fn slow_sources_do_not_keep_others_from_being_checked() {
    let lab = Lab::new();
    let checker = SyntaxChecker::new(lab.runner.clone());
    let checks = [slow(), slow(), go(&[], "return ``, nil")].map(|source| checker.check(source));
    let [first, second, third] = timeout(Duration::from_secs(20), join_all(checks)).await.unwrap().try_into().unwrap();
    let given_up = Checked::Unknown("it took more than 3 s".to_owned());
    assert_eq!((first, second, third), (given_up.clone(), given_up, Checked::Sound));
}
