//! Looks at the package clause of a script before it runs.
//!
//! The interpreter would take another package's name and then complain about its own generated program, which helps no
//! author. Everything else about the source is left to the interpreter, which knows Go better.

/// The package that a script must declare.
const PACKAGE: &str = "task";

/// Refuses a script of another package. A script without a package clause passes: the interpreter's text for that is good.
pub(super) fn check(source: &str) -> Result<(), String> {
    let Some(clause) = after_comments(source).strip_prefix("package") else { return Ok(()) };
    let name = after_comments(clause);
    if name.len() == clause.len() {
        return Ok(());
    }
    let end = name.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(name.len());
    if end == 0 || &name[..end] == PACKAGE {
        return Ok(());
    }
    let (line, column) = position(source, source.len() - name.len());
    Err(format!(
        "script.go:{line}:{column}: the package is `{}`; a script starts with `package {PACKAGE}`",
        &name[..end]
    ))
}

/// What follows blanks and comments; the same text when there are none.
fn after_comments(text: &str) -> &str {
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    loop {
        rest = rest.trim_start();
        rest = if let Some(comment) = rest.strip_prefix("//") {
            comment.split_once('\n').map_or("", |(_, after)| after)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, after)| after)
        } else {
            return rest;
        };
    }
}

/// Line and column as Go counts them: from 1, in bytes.
fn position(source: &str, at: usize) -> (usize, usize) {
    let before = &source[..at];
    let column = before.len() - before.rfind('\n').map_or(0, |newline| newline + 1) + 1;
    (before.split('\n').count(), column)
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn the_package_task_passes_whatever_stands_around_it() {
        for source in [
            "package task",
            "\u{feff}package task\r\n",
            "// about\n/* more\n */ package /* odd */ task // yes\nfunc Run()",
            "//go:build ignore\n\npackage task;import \"fmt\"",
            "",
            "func Run() {}",
            "packages",
            "package",
            "/* never closed",
        ] {
            assert_eq!(check(source), Ok(()), "{source:?}");
        }
    }

    #[test]
    fn another_package_is_named_with_its_place() {
        let refused = check("// a\n  package main\n").unwrap_err();
        assert_eq!(refused, "script.go:2:11: the package is `main`; a script starts with `package task`");
        assert!(check("package tasks").is_err());
        assert!(check("package täsk").is_err());
    }
}
