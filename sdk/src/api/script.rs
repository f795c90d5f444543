//! The header that every script needs: `package task` and `func Run() (string, error)`.
//!
//! This is a look at the tokens, not a compiler. It refuses what is certainly wrong, so that a plan or a request can say so
//! early, and lets through whatever it cannot decide: the interpreter has the last word, and a false refusal is worse than
//! a late error.

/// Why a script cannot run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// There is no source.
    #[error("the script is empty; it needs `package task` and `func Run() (string, error)`")]
    Empty,
    /// The first statement is no package clause.
    #[error("the script must begin with `package task`")]
    NoPackage,
    /// It is another package.
    #[error("the script declares `package {0}`; it must be `package task`")]
    OtherPackage(String),
    /// There is no `Run` at the top level.
    #[error("the script has no `func Run() (string, error)`")]
    NoRun,
    /// `Run` has another signature.
    #[error("`func Run` must take nothing and return `(string, error)`; {0}")]
    Signature(&'static str),
}

/// Checks the header of a script.
pub fn check_header(source: &str) -> Result<(), HeaderError> {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let Some(tokens) = tokens(source) else { return Ok(()) };
    match tokens.as_slice() {
        [] => return Err(HeaderError::Empty),
        ["package", "task", ..] => {}
        ["package", other, ..] => return Err(HeaderError::OtherPackage((*other).chars().take(64).collect())),
        _ => return Err(HeaderError::NoPackage),
    }
    let mut depth = 0_i32;
    let mut named_otherwise = false;
    for (index, token) in tokens.iter().enumerate() {
        match *token {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            "Run" if depth == 0 && tokens[index - 1] == "func" => return check_signature(&tokens[index + 1..]),
            // A method: its receiver stands between `func` and its name.
            "Run" if depth == 0 && tokens[index - 1] == ")" => {}
            // `var Run = …` and `var ( Run … )` may hold a function; that cannot be decided here.
            "Run" if depth <= 1 => named_otherwise = true,
            _ => {}
        }
    }
    if named_otherwise { Ok(()) } else { Err(HeaderError::NoRun) }
}

/// Looks at what follows `func Run`.
fn check_signature(tokens: &[&str]) -> Result<(), HeaderError> {
    match tokens {
        ["(", ")", "{", ..] => Err(HeaderError::Signature("this one returns nothing")),
        ["(", ")", "(", rest @ ..] => {
            let Some(end) = rest.iter().position(|token| matches!(*token, ")" | "{")) else { return Ok(()) };
            if rest[end] == "{" || rest[..end].contains(&"(") {
                return Ok(());
            }
            check_results(&rest[..end])
        }
        ["(", ")", single, "{", ..] if is_name(single) => Err(HeaderError::Signature("this one returns one value")),
        ["(", first, ..] if is_name(first) => Err(HeaderError::Signature("this one takes parameters")),
        _ => Ok(()),
    }
}

fn check_results(tokens: &[&str]) -> Result<(), HeaderError> {
    let results: Vec<&[&str]> = tokens.split(|token| *token == ",").filter(|result| !result.is_empty()).collect();
    if results.len() != 2 {
        return Err(HeaderError::Signature("this one does not return two values"));
    }
    // In `(out string, err error)` each result has a name before its type; in `(a, b string)` both share the type.
    let named = results[1].len() > 1 && is_name(results[1][0]) && results[1][1] != ".";
    let second = if named { &results[1][1..] } else { results[1] };
    let first = match (named, results[0].len()) {
        (true, 1) => second,
        (true, _) => &results[0][1..],
        (false, _) => results[0],
    };
    if certainly_not("string", first) {
        return Err(HeaderError::Signature("the first value of this one is no string"));
    }
    if certainly_not("error", second) {
        return Err(HeaderError::Signature("the second value of this one is no error"));
    }
    Ok(())
}

/// Whether a type cannot be the wanted one. A name that the script may have declared itself could be an alias of it.
fn certainly_not(wanted: &str, found: &[&str]) -> bool {
    const PREDECLARED: [&str; 22] = [
        "any",
        "bool",
        "byte",
        "complex128",
        "complex64",
        "error",
        "float32",
        "float64",
        "int",
        "int16",
        "int32",
        "int64",
        "int8",
        "rune",
        "string",
        "uint",
        "uint16",
        "uint32",
        "uint64",
        "uint8",
        "uintptr",
        "interface",
    ];
    match found {
        [name] => *name != wanted && PREDECLARED.contains(name),
        [first, ..] => matches!(*first, "[" | "*" | "map" | "chan" | "struct" | "interface"),
        [] => false,
    }
}

fn is_name(token: &str) -> bool {
    token.chars().next().is_some_and(|c| c == '_' || c.is_alphabetic())
}

/// Splits Go source into names and punctuation; comments and literals are left out. `None` where a literal or comment does
/// not end: nothing can be said then.
fn tokens(source: &str) -> Option<Vec<&str>> {
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            _ if first.is_whitespace() || first == ';' => first.len_utf8(),
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => 4 + rest[2..].find("*/")?,
            '`' => 2 + rest[1..].find('`')?,
            '"' | '\'' => quoted(rest, first)?,
            _ if first == '_' || first.is_alphanumeric() => {
                let end = rest.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(rest.len());
                tokens.push(&rest[..end]);
                end
            }
            _ => {
                tokens.push(&rest[..first.len_utf8()]);
                first.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    Some(tokens)
}

/// The length of an interpreted literal with its quotes.
fn quoted(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (index, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\n' => return None,
            _ if c == quote => return Some(index + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_every_spelling_of_the_header() {
        for source in [
            "package task\nfunc Run() (string, error) { return \"\", nil }",
            "// package other\n/* func Run() {} */ package task // x\n\nfunc  Run ( ) ( string ,\n\terror ) {\n}",
            "package task; func Run() (out string, err error) { return }",
            "package task\r\n\r\nfunc Run() (_ string, _ error) {\r\n}\r\n",
            "\u{feff}package task\nfunc Run() (string, error) {}",
            "package task\nvar s = `func Run() {`\nfunc Run() (string, error) {}",
            "package task\nvar s = \"\\\"func Run() {\"\nvar r = '\"'\nfunc Run() (string, error) {}",
            "package task\nfunc helper() { Run() }\nfunc Run() (string, error) {}",
        ] {
            assert_eq!(check_header(source), Ok(()), "{source}");
        }
    }

    #[test]
    fn lets_through_what_it_cannot_decide() {
        for source in [
            "package task\ntype S = string\nfunc Run() (S, error) {}",
            "package task\nimport e \"errors\"\nfunc Run() (string, e.Error) {}",
            "package task\nvar Run = func() (string, error) { return \"\", nil }",
            "package task\nvar (\n\tRun = helper\n)\n",
            "package task\nvar Run = func() (string, error) { return b() }\nfunc b() (string, error) { a(); Run() }",
            "package task\ntype T int\nfunc (t T) Run() int { return 1 }\nvar Run = func() (string, error) { return ``, nil }",
            "package task\nvar s = `never ends",
            "package task\n/* never ends",
        ] {
            assert_eq!(check_header(source), Ok(()), "{source}");
        }
    }

    #[test]
    fn refuses_what_is_certainly_wrong() {
        let check = |source| check_header(source).unwrap_err();
        assert_eq!(check(""), HeaderError::Empty);
        assert_eq!(check("// only a comment"), HeaderError::Empty);
        assert_eq!(check("#!/bin/sh\necho"), HeaderError::NoPackage);
        assert_eq!(check("func Run() (string, error) {}"), HeaderError::NoPackage);
        assert_eq!(check("package main\nfunc main() {}"), HeaderError::OtherPackage("main".into()));
        assert_eq!(check("package task\nfunc run() (string, error) {}"), HeaderError::NoRun);
        assert_eq!(check("package task\n// func Run() (string, error) {}"), HeaderError::NoRun);
        assert_eq!(check("package task\nvar s = \"func Run() (string, error) {}\""), HeaderError::NoRun);
        assert_eq!(check("package task\ntype T int\nfunc (t T) Run() (string, error) {}"), HeaderError::NoRun);
        for source in [
            "func Run() {}",
            "func Run() error {}",
            "func Run() string {}",
            "func Run(ctx int) (string, error) {}",
            "func Run() (error, string) {}",
            "func Run() (string, string) {}",
            "func Run() (a, b string) {}",
            "func Run() (string, int, error) {}",
            "func Run() ([]byte, error) {}",
            "func Run() (n int, err error) {}",
        ] {
            let error = check_header(&format!("package task\n{source}"));
            assert!(matches!(error, Err(HeaderError::Signature(_))), "{source}: {error:?}");
        }
    }
}
