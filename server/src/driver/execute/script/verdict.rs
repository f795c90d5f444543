//! Puts what is known about a run into words for the script's author.

use std::path::Path;

use super::super::log::Log;
use super::End;
use super::attend::{Attended, Cause};
use super::channel::{MAX_OUTPUT, Report, Said, Text};
use super::clues::{Clues, Crash};
use super::folder;
use super::helper::{INTERPRETER, NO_SANDBOX};
use super::process::Exit;
use super::usage::Excess;

/// The longest message, not counting the note that says so.
const LONGEST: usize = 4 << 10;

/// What every script must have.
const ENTRY: &str = "`func Run() (string, error)`";

/// How the run ended.
pub(super) fn judge(attended: &Attended, source: &str, folders: &Path) -> End {
    match &attended.cause {
        Cause::Stopped => End::Stopped,
        Cause::Flood => {
            End::error("the script printed more than 64 MiB and was stopped; print less, or return a summary")
        }
        Cause::Exceeded(excess) => End::error(excess.text()),
        Cause::Said(Said::Report(Report::Unstartable { step, .. }, _)) if !is_from_the_helper(step, attended) => {
            nonsense("what only the server's own helper may say")
        }
        Cause::Said(Said::Report(report, output)) => reported(report, output, attended.printed.clues(), source),
        Cause::Said(Said::Nonsense(what)) => nonsense(what),
        Cause::Said(Said::Closed) | Cause::Silence => End::error(silent(attended, folders)),
    }
}

fn nonsense(what: &str) -> End {
    End::error(format!("the script was stopped: it sent the server {what} over the host channel"))
}

/// Whether the helper can have failed at a step. Once it has said what it achieved, little is left to it before the script's
/// turn comes; and a script must not tell an operator what is wrong with the server.
fn is_from_the_helper(step: &str, attended: &Attended) -> bool {
    match attended.isolated {
        None => true,
        Some(achieved) => step == INTERPRETER || step == NO_SANDBOX && attended.policy.whole && !achieved.is_whole(),
    }
}

/// Ends the log: without the interpreter's own report of a failure.
pub(super) fn finish(log: &Log, attended: &Attended) {
    let end = match attended.cause {
        Cause::Silence => refused(attended).map(|(_, at)| at).or_else(|| crashed(attended).map(|crash| crash.at)),
        _ => None,
    };
    log.finish(end);
}

/// Whether the interpreter itself ended the process, because it does not accept the script or cannot cope with it.
pub(super) fn is_objection(attended: &Attended) -> bool {
    matches!(attended.cause, Cause::Silence | Cause::Said(Said::Closed))
        && (refused(attended).is_some()
            || crashed(attended)
                .is_some_and(|crash| crash.in_main && crash.places.is_empty() && crash.text.starts_with("panic: ")))
}

fn reported(report: &Report, output: &[u8], clues: &Clues, source: &str) -> End {
    match report {
        Report::Returned { bytes } if *bytes > MAX_OUTPUT => End::error(format!(
            "the script returned {} bytes of output; the limit is {} (1 MiB): return a summary",
            grouped(*bytes),
            grouped(MAX_OUTPUT)
        )),
        Report::Returned { .. } => match std::str::from_utf8(output) {
            Ok(output) => match output.find('\0') {
                None => End::Success { output: output.to_owned() },
                Some(at) => End::error(format!(
                    "the returned string has a NUL character, byte {} of {}, which is in no text: encode it, for \
                     example as Base64",
                    grouped(at as u64 + 1),
                    grouped(output.len() as u64)
                )),
            },
            Err(error) => End::error(format!(
                "the returned string is not valid UTF-8: byte {} of {} does not fit",
                grouped(error.valid_up_to() as u64 + 1),
                grouped(output.len() as u64)
            )),
        },
        Report::Failed(Text { bytes: 0, .. }) => End::error("Run returned an error whose text is empty"),
        Report::Failed(error) => End::error(bounded(&error.text, error.bytes)),
        Report::Panicked { value, r#type } => {
            let what = bounded(&value.text, value.bytes);
            End::error(if r#type == "string" {
                interpreters_panic(&what, clues, source)
            } else {
                panic(&what, clues.places())
            })
        }
        Report::Exited {} => End::error("Run ended without returning: the script called runtime.Goexit"),
        Report::Unstartable { step, error } if step == INTERPRETER => End::error(format!(
            "the Go interpreter could not be started: {}; JUSTIAM_YAEGI must name the yaegi program on the server",
            bounded(error, error.len() as u64)
        )),
        Report::Unstartable { step, error } if step == NO_SANDBOX => End::error(format!(
            "scripts are not run on this server: it demands a sandbox (--script-isolation sandbox), and its kernel gives \
             no {}",
            bounded(error, error.len() as u64)
        )),
        Report::Unstartable { step, error } => End::error(bounded(
            &format!("the server could not prepare the script's process ({step}): {error}"),
            (step.len() + error.len()) as u64,
        )),
    }
}

/// A panic with a plain string did not come from the script's own `panic`: the interpreter raises it, also in place of
/// ending the process.
fn interpreters_panic(value: &str, clues: &Clues, source: &str) -> String {
    let places = clues.places();
    if let Some(code) = exit_code(value) {
        return format!("{}{}", exit(code), lines(places));
    }
    // log.Fatal prints its text first, as log.Panic does.
    if source.contains(".Fatal") && clues.ends_with(value) {
        return format!("the script called log.Fatal; it should return an error instead: {value}{}", lines(places));
    }
    panic(value, places)
}

fn panic(value: &str, places: &[String]) -> String {
    format!("panic: {value}{}", lines(places))
}

fn exit(code: &str) -> String {
    format!("the script called os.Exit({code}); it should return an error, or nil, instead")
}

/// The code in the text that stands for `os.Exit`.
fn exit_code(text: &str) -> Option<&str> {
    let code = text.strip_prefix("os.Exit(")?.strip_suffix(')')?;
    code.parse::<i64>().is_ok().then_some(code)
}

fn lines(places: &[String]) -> String {
    places.iter().fold(String::new(), |text, place| text + "\n    near " + place)
}

/// What to say of a process that went without a report.
fn silent(attended: &Attended, folders: &Path) -> String {
    let text = if let Some((text, _)) = refused(attended) {
        refusal(&plain(text, folders))
    } else if crashed(attended).is_some_and(|crash| is_about_memory(&crash.text)) {
        Excess::Memory(attended.policy.memory_mib).text()
    } else if let Some(crash) = crashed(attended) {
        breakdown(crash, folders)
    } else {
        match attended.exit {
            Exit::Code(0) => "the script's process ended before Run returned".to_owned(),
            Exit::Code(code) => format!("the script's process ended with exit code {code} before Run returned"),
            Exit::Signal(9) => format!(
                "the Go interpreter was killed by signal 9 (KILL), not by this server; the machine may have run out of \
                 memory, or the script used more than {} s of processor time",
                attended.policy.cpu_seconds
            ),
            Exit::Signal(signal) => format!("the Go interpreter was killed by signal {signal}"),
            Exit::Unknown => "the script's process was lost".to_owned(),
        }
    };
    bounded(&text, text.len() as u64)
}

/// The interpreter exits with 1 when it refuses a script.
fn refused(attended: &Attended) -> Option<(&str, u64)> {
    let refusal = attended.printed.clues().refusal().filter(|_| attended.exit == Exit::Code(1))?;
    Some((&refusal.text, refusal.at))
}

/// Go's runtime exits with 2, or aborts.
fn crashed(attended: &Attended) -> Option<&Crash> {
    attended.printed.clues().crash().filter(|_| matches!(attended.exit, Exit::Code(2) | Exit::Signal(_)))
}

/// Whether Go's runtime gave up because the system gave it no more memory, or no thread for want of it.
fn is_about_memory(text: &str) -> bool {
    let text = text.strip_prefix("fatal error: ").unwrap_or_default();
    ["out of memory", "cannot allocate memory", "failed to reserve page summary memory", "pthread_create failed"]
        .iter()
        .any(|reason| text.contains(reason))
}

fn breakdown(crash: &Crash, folders: &Path) -> String {
    let text = plain(&crash.text, folders);
    let Some(value) = text.strip_prefix("panic: ") else {
        let hint = if text.contains("stack overflow") { " (does a function call itself without end?)" } else { "" };
        return format!("the Go runtime gave up: {text}{hint}");
    };
    if let Some(code) = exit_code(value) {
        return format!("{}{}", exit(code), lines(&crash.places));
    }
    // The runtime knows no more than the type of a value that the interpreter wrapped.
    let kind = value.strip_prefix('<').and_then(|rest| rest.strip_suffix(" Value>"));
    let wrapped = kind.map(|kind| format!("a value of type {kind}, which nothing recovered"));
    let value = wrapped.as_deref().unwrap_or(value);
    match (crash.in_main, crash.places.is_empty()) {
        (true, true) => format!(
            "the Go interpreter failed on this script: {value}\n\
             It does not know all of Go: no range over a number, no min, max or clear, and only simple generics."
        ),
        // The goroutine without places is that of the generated program.
        (true, false) | (false, true) => panic(value, &crash.places),
        (false, false) => format!("{}\n    in a goroutine that the script started", panic(value, &crash.places)),
    }
}

/// The interpreter's refusal without the way on which it found the script.
fn refusal(text: &str) -> String {
    let Some((_, text)) = text.split_once("import \"task\" error: ") else { return about_the_entry(text) };
    if let Some((place, rest)) = text.split_once(": import \"")
        && let Some((package, cause)) = rest.split_once("\" error: ")
        && (cause.contains("not in GOPATH") || cause.contains("unable to find source"))
    {
        return format!("{place}: the package \"{package}\" is not available to scripts");
    }
    if text.starts_with(folder::ENTRY_FILE) {
        return about_the_entry(text);
    }
    text.to_owned()
}

/// What is wrong where the generated program, or what stands for it in a check, names the script's `Run`.
fn about_the_entry(text: &str) -> String {
    let what = text.splitn(4, ':').nth(3).unwrap_or(text).trim_start();
    if what.contains("undefined selector: task.Run") || what == "undefined: Run" {
        return format!("script.go: there is no function Run; a script needs {ENTRY}");
    }
    if let Some(kind) = what.strip_prefix("cannot use type ").and_then(|rest| rest.split_once(" as type ")) {
        return format!("script.go: Run has the type {}; a script needs {ENTRY}", kind.0);
    }
    format!("script.go: {what}")
}

/// A text with the script's name in place of its path.
fn plain(text: &str, folders: &Path) -> String {
    String::from_utf8_lossy(&folder::without_paths(text.as_bytes(), folders)).into_owned()
}

/// The first part of a text, with its length when that is not all. `bytes` is the length of the whole.
fn bounded(text: &str, bytes: u64) -> String {
    if text.len() <= LONGEST && bytes <= text.len() as u64 {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(LONGEST.min(text.len()));
    format!("{} … ({} bytes in all)", &text[..end], grouped(bytes.max(text.len() as u64)))
}

/// A number with commas between groups of three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.char_indices() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{bounded, exit_code, grouped, refusal};

    #[test]
    fn refusals_are_put_into_an_authors_words() {
        let cases = [
            (
                r#"main.go:8:2: import "task" error: script.go:3:8: import "os/exec" error: package location /x not in GOPATH"#,
                r#"script.go:3:8: the package "os/exec" is not available to scripts"#,
            ),
            (r#"main.go:8:2: import "task" error: script.go:4:9: undefined: max"#, "script.go:4:9: undefined: max"),
            (
                "main.go:8:24: undefined selector: task.Run",
                "script.go: there is no function Run; a script needs `func Run() (string, error)`",
            ),
            (
                "main.go:8:24: cannot use type func() string as type func() (string,error)",
                "script.go: Run has the type func() string; a script needs `func Run() (string, error)`",
            ),
            (
                r#"main.go:8:2: import "task" error: z_entry.go:5:43: undefined: Run"#,
                "script.go: there is no function Run; a script needs `func Run() (string, error)`",
            ),
            (
                r#"main.go:8:2: import "task" error: z_entry.go:5:43: cannot use type int as type func() (string,error)"#,
                "script.go: Run has the type int; a script needs `func Run() (string, error)`",
            ),
            ("main.go:8:24: something new", "script.go: something new"),
            ("something else", "script.go: something else"),
        ];
        for (text, expected) in cases {
            assert_eq!(refusal(text), expected);
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(bounded("short", 5), "short");
        assert_eq!(bounded(&"x".repeat(4096), 4096), "x".repeat(4096));
        assert_eq!(bounded(&"ü".repeat(3000), 6000), format!("{} … (6,000 bytes in all)", "ü".repeat(2048)));
        assert_eq!(bounded("sent in part", 1_000_000), "sent in part … (1,000,000 bytes in all)");
    }

    #[test]
    fn numbers_are_grouped() {
        let cases = [(0, "0"), (999, "999"), (1000, "1,000"), (1_048_576, "1,048,576")];
        for (number, text) in cases {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn an_exit_is_told_from_a_text_about_one() {
        assert_eq!(exit_code("os.Exit(-3)"), Some("-3"));
        assert_eq!(exit_code("os.Exit(x)"), None);
        assert_eq!(exit_code("called os.Exit(3)"), None);
    }
}
