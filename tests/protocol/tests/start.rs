//! Programs that are no provider: each failure says what happened, and none waits forever.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, test_kill_process};
use tfplugin_client::{Launch, Plugin, Session};

/// The shell with a script in place of a provider.
fn shell(script: &str) -> Launch {
    Plugin::builder(Path::new("/bin/sh")).arg("-c").arg(script)
}

/// The text with which a start fails.
fn failure<T>(start: impl FnOnce() -> T) -> String {
    let panic = catch_unwind(AssertUnwindSafe(start)).err().expect("the start should have failed");
    *panic.downcast::<String>().expect("a text")
}

/// A line whose every field is right.
fn line(socket: &str) -> String {
    format!("1|6|unix|{socket}|grpc|{}", "A".repeat(80))
}

#[test]
fn garbage_is_no_handshake() {
    let text = failure(|| shell("echo 'Hello, world'; echo 'what is this' >&2; exec tail -f /dev/null").start());
    assert!(text.contains("/bin/sh printed no handshake line but \"Hello, world\\n\": it has 1 fields"), "{text}");
}

#[test]
fn a_program_that_ends_at_once_is_told_with_its_last_words() {
    let text = failure(|| shell("echo 'no such file' >&2; exit 3").start());
    assert!(text.contains("/bin/sh ended without a handshake line (exit status: 3)"), "{text}");
    assert!(text.ends_with("On standard error it said:\nno such file\n"), "{text}");
    let text = failure(|| shell("kill -9 $$").start());
    assert!(text.contains("(signal: 9 (SIGKILL))") && text.ends_with("It said nothing on standard error."), "{text}");
}

#[test]
fn of_long_last_words_the_end_is_shown() {
    let text = failure(|| shell("i=0; while [ $i -lt 2000 ]; do echo ü$i >&2; i=$((i+1)); done; exit 1").start());
    assert!(text.ends_with("ü1999\n") && text.len() < 5000, "{text}");
}

#[test]
fn a_program_that_is_not_there_is_told() {
    let text = failure(|| Plugin::start(Path::new("/no/such/provider")));
    assert!(text.starts_with("/no/such/provider cannot be started: No such file"), "{text}");
}

#[test]
fn a_program_that_says_nothing_is_given_up_and_killed() {
    let marks = tempfile::TempDir::new().unwrap();
    let mark = marks.path().join("pid");
    let asked = Instant::now();
    // In one go, so that nobody reads half of it.
    let script = format!("echo $$ > {0}.new; mv {0}.new {0}; exec tail -f /dev/null", mark.display());
    let text = failure(|| shell(&script).patience(Duration::from_secs(1)).start());
    assert!(text.starts_with("/bin/sh said nothing within 1s"), "{text}");
    assert!(asked.elapsed() < Duration::from_secs(10));
    let process = std::fs::read_to_string(&mark).unwrap().trim().parse().unwrap();
    assert!(test_kill_process(Pid::from_raw(process).unwrap()).is_err(), "it is still there");
}

#[test]
fn a_program_that_does_not_end_is_given_up() {
    let text = failure(|| shell("exec tail -f /dev/null >/dev/null").patience(Duration::from_millis(100)).output());
    assert!(text.starts_with("waited 100ms in vain until /bin/sh ends"), "{text}");
    let script = format!("echo '{}'; exec tail -f /dev/null", line("/tmp/none"));
    let text = failure(|| shell(&script).patience(Duration::from_secs(1)).start().ended());
    assert!(text.starts_with("waited 1s in vain until /bin/sh ends"), "{text}");
}

#[test]
fn what_is_printed_after_the_line_is_no_secret() {
    let script = format!("echo '{}'; echo 'debugging'", line("/tmp/none"));
    let text = failure(|| shell(&script).start().ended());
    assert!(text.contains("something was printed on stdout") && text.contains("debugging"), "{text}");
}

#[test]
fn a_program_is_started_as_terraform_does() {
    let script = "printf '%s;' \"$TF_PLUGIN_MAGIC_COOKIE\" \"$PLUGIN_PROTOCOL_VERSIONS\" \"$PLUGIN_UNIX_SOCKET_DIR\" \
                  \"$TMPDIR\" \"$PLUGIN_CLIENT_CERT\" \"$MORE\"";
    let words = |launch: Launch| {
        let output = launch.output();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap().split(';').map(str::to_owned).collect::<Vec<_>>()
    };
    let said = words(shell(script).env("MORE", "more"));
    assert_eq!((&said[0][..8], &said[1][..], &said[5][..]), ("d602bf8f", "5,6", "more"));
    assert!(said[2].starts_with('/') && said[2] == said[3], "{said:?}");
    assert!(said[4].starts_with("-----BEGIN CERTIFICATE-----\n"), "{said:?}");
    let by_hand = words(shell(script).by_hand());
    assert_eq!([&by_hand[0][..], &by_hand[1], &by_hand[4]], ["", "", ""]);
}

/// The text with which a connection to a program fails that says it listens there.
async fn no_connection(socket: &Path) -> String {
    let script = format!("echo '{}'; exec tail -f /dev/null", line(socket.to_str().expect("a path")));
    let plugin = shell(&script).patience(Duration::from_secs(1)).start();
    let panic = tokio::spawn(async { drop(Session::new(plugin).await) }).await.expect_err("no connection").into_panic();
    *panic.downcast::<String>().expect("a text")
}

#[tokio::test]
async fn nobody_at_the_socket_is_told() {
    let text = no_connection(Path::new("/no/such/socket")).await;
    assert!(text.starts_with("there is no connection to the provider: No such file"), "{text}");
}

#[tokio::test]
async fn somebody_at_the_socket_who_says_nothing_is_given_up() {
    let folder = tempfile::TempDir::new().unwrap();
    let socket = folder.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let text = no_connection(&socket).await;
    assert_eq!(text, "there is no connection to the provider: nothing happened within 1s");
}
