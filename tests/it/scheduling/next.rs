//! `justiam-server next`: what the command line says about an expression.

use std::process::{Output, Stdio};

use justiam_tests::programs::program;
use tokio::process::Command;

async fn next(arguments: &[&str]) -> Output {
    let mut command = Command::new(program("justiam-server"));
    command.arg("next").args(arguments).stdin(Stdio::null()).output().await.unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn prints_one_instant_a_line_after_the_given_one() {
    for (arguments, expected) in [
        // Midnight itself is not after midnight.
        (
            &["0 0 * * *", "--from", "2026-01-01T00:00:00Z", "--count", "2"][..],
            &["2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"][..],
        ),
        // The clocks of New York skip 02:30 on 8 March: 03:00 instead.
        (
            &["30 2 * * *", "--timezone", "America/New_York", "--from", "2026-03-07T12:00:00Z", "--count", "2"],
            &["2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"],
        ),
        // And show 01:30 twice on 1 November.
        (
            &["30 * * * *", "--timezone", "America/New_York", "--from", "2026-11-01T01:00:00-04:00", "--count", "3"],
            &["2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z", "2026-11-01T07:30:00Z"],
        ),
        // Fewer than asked for where the calendar ends.
        (&["@yearly", "--from", "4999-06-01T00:00:00Z", "--count", "5"], &["5000-01-01T00:00:00Z"]),
    ] {
        let output = next(arguments).await;
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""), "{arguments:?}");
        assert_eq!(text(&output.stdout), format!("{}\n", expected.join("\n")), "{arguments:?}");
    }
}

#[tokio::test]
async fn begins_now_in_utc_with_ten() {
    let output = next(&["*/5 * * * *"]).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let instants: Vec<jiff::Timestamp> = text(&output.stdout).lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(instants.len(), 10);
    assert!(instants.windows(2).all(|pair| pair[1].duration_since(pair[0]).as_secs() == 300), "{instants:?}");
}

#[tokio::test]
async fn says_in_one_line_what_is_wrong() {
    for (arguments, code, expected) in [
        (&["61 * * * *"][..], 1, "error: `61` is not a valid minute field; it takes 0-59"),
        (&["0 0 30 2 *"], 1, "error: `0 0 30 2 *` never fires: no date matches its day and month fields"),
        (&["0 0\n* *"], 1, "error: `0 0 * *` has 4 fields"),
        (&["* * * * *", "--timezone", "CET"], 1, "error: `CET` is not an IANA time zone name"),
        (&["* * * * *", "--from", "yesterday"], 1, "error: `yesterday` is not an instant with date, time and offset"),
        (&["* * * * *", "--from", "2026-01-01T00:00:00"], 1, "error: `2026-01-01T00:00:00` is not an instant"),
        (&["* * * * *", "--from", "9999-01-01T00:00:00Z"], 1, "error: `* * * * *` does not fire after 9999-01-01"),
        (&["* * * * *", "--count", "0"], 1, "`0` is not a count: it must be a whole number from 1 to 1000"),
        (&["* * * * *", "--count", "1001"], 1, "`1001` is not a count"),
        (&[], 2, "EXPR"),
    ] {
        let output = next(arguments).await;
        let said = text(&output.stderr);
        assert!(output.status.code() == Some(code) && said.contains(expected), "{arguments:?}: {output:?}");
        assert!(code == 2 || said.lines().count() == 1, "{said}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
    }
}
