//! What the program says about its settings.

use std::process::Command;

use justiam_tests::programs::program;

fn show(env: &[(&str, &str)], flags: &[&str]) -> String {
    let mut command = Command::new(program("justiam-server"));
    command.args(["config", "show"]).args(flags).env_clear().envs(env.iter().copied());
    let done = command.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// The words of the line about a setting.
fn line<'a>(shown: &'a str, name: &str) -> Vec<&'a str> {
    let mut lines = shown.lines().filter(|line| line.split_whitespace().next() == Some(name));
    let line = lines.next().unwrap_or_else(|| panic!("{name} is missing in\n{shown}"));
    assert!(lines.next().is_none(), "{name} is there twice in\n{shown}");
    line.split_whitespace().skip(1).collect()
}

#[test]
fn config_show_tells_every_setting_and_where_it_comes_from_and_no_secret() {
    let shown = show(&[], &[]);
    assert_eq!(line(&shown, "--listen"), ["127.0.0.1:8080", "default"]);
    assert_eq!(line(&shown, "--tls-key"), ["not", "set"]);
    assert_eq!(line(&shown, "JWT_SECRET"), ["not", "set"]);
    assert!(!shown.contains("--help"), "{shown}");
    let documented =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/server/running.md")).unwrap();
    for name in shown.lines().filter_map(|line| line.split_whitespace().next()) {
        assert!(documented.contains(&format!("`{name}")), "the page about running a server does not tell of {name}");
    }
    let shown = show(
        &[
            ("JUSTIAM_LISTEN", "0.0.0.0:1"),
            ("JUSTIAM_WORKERS", "3"),
            ("JUSTIAM_TRUSTED_PROXIES", "10.0.0.0/8,unix"),
            ("JWT_SECRET", "SECRET-jwt"),
            ("DATABASE_URL", "postgres://user:SECRET-url@host/name"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://user:SECRET-otlp@host:4318/base?key=SECRET-key"),
        ],
        &[
            "--jwt-secret-command",
            "print SECRET-command",
            "--listen",
            "unix:/run/justiam.sock",
            "--database-url-file",
            "/nowhere",
        ],
    );
    assert!(!shown.contains("SECRET-"), "{shown}");
    assert_eq!(line(&shown, "--listen"), ["unix:/run/justiam.sock", "flag"]);
    assert_eq!(line(&shown, "--workers"), ["3", "environment", "(JUSTIAM_WORKERS)"]);
    assert_eq!(line(&shown, "--trusted-proxies"), ["10.0.0.0/8,unix", "environment", "(JUSTIAM_TRUSTED_PROXIES)"]);
    assert_eq!(line(&shown, "--idle-timeout-seconds"), ["75", "default"]);
    assert_eq!(line(&shown, "JWT_SECRET")[..2], ["set", "environment;"]);
    assert_eq!(line(&shown, "JWT_SECRET_OLD"), ["not", "set"]);
    assert_eq!(line(&shown, "--jwt-secret-command"), ["set", "flag"]);
    assert_eq!(line(&shown, "DATABASE_URL")[..2], ["set", "environment;"]);
    assert_eq!(line(&shown, "--otlp-endpoint")[..2], ["https://host:4318/base", "(and"]);
}
