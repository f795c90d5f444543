//! Makes the arguments of a program of one text, as a POSIX shell makes words of it, and without anything else that a shell does: nothing
//! is expanded, and no character but quotes, backslash and white space has a meaning. (Libraries for this take `#` for the beginning of
//! a comment, and so lose arguments.)

use std::str::Chars;

/// Splits a text at white space. Between single quotes every character stands for itself; between double quotes a backslash takes the
/// meaning from `"`, `\`, `$` and `` ` ``; elsewhere it takes the meaning from any character.
pub(crate) fn split(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = text.chars();
    while let Some(one) = rest.next() {
        match one {
            '\0' => return Err("arguments: a null character cannot be part of an argument".to_owned()),
            '\'' => single_quoted(&mut rest, word.get_or_insert_default())?,
            '"' => double_quoted(&mut rest, word.get_or_insert_default())?,
            '\\' => {
                let Some(one) = rest.next() else {
                    let why = "arguments: a backslash at the end stands before nothing; write `\\\\` for a backslash";
                    return Err(why.to_owned());
                };
                word.get_or_insert_default().push(one);
            }
            one if one.is_ascii_whitespace() => words.extend(word.take()),
            one => word.get_or_insert_default().push(one),
        }
    }
    words.extend(word);
    Ok(words)
}

fn single_quoted(rest: &mut Chars<'_>, word: &mut String) -> Result<(), String> {
    for one in rest {
        if one == '\'' {
            return Ok(());
        }
        word.push(one);
    }
    Err(unclosed('\''))
}

fn double_quoted(rest: &mut Chars<'_>, word: &mut String) -> Result<(), String> {
    while let Some(one) = rest.next() {
        match one {
            '"' => return Ok(()),
            '\\' => match rest.next() {
                Some(one @ ('"' | '\\' | '$' | '`')) => word.push(one),
                Some(one) => word.extend(['\\', one]),
                None => break,
            },
            one => word.push(one),
        }
    }
    Err(unclosed('"'))
}

fn unclosed(quote: char) -> String {
    format!("arguments: a quote `{quote}` is not closed; write `\\{quote}` for the character itself")
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn words_are_those_of_a_shell() {
        for (text, words) in [
            ("", &[][..]),
            ("  a\tb \n c ", &["a", "b", "c"]),
            ("'a b' \"c d\" e\\ f", &["a b", "c d", "e f"]),
            ("--name='O'\\''Neil' --x=\"1 2\"", &["--name=O'Neil", "--x=1 2"]),
            ("'' \"\"", &["", ""]),
            (r#""a\"b\\c\$d\`e\nf""#, &[r#"a"b\c$d`e\nf"#]),
            (r"'a\b' a\\b \'", &[r"a\b", r"a\b", "'"]),
            ("\"it's\" '\"'", &["it's", "\""]),
        ] {
            assert_eq!(split(text).unwrap(), words, "{text}");
        }
    }

    #[test]
    fn nothing_is_expanded() {
        let text = "$HOME ${x} $(id) `id` * ? ~ a;b a|b a&b >x <y #fff # z !! {a,b}";
        assert_eq!(split(text).unwrap(), text.split(' ').collect::<Vec<_>>());
    }

    #[test]
    fn what_is_not_closed_is_refused() {
        assert_eq!(
            split("a 'b").unwrap_err(),
            "arguments: a quote `'` is not closed; write `\\'` for the character itself"
        );
        for text in ["\"a", "\"a\\", "a\\", "a\0b"] {
            assert!(split(text).unwrap_err().starts_with("arguments: "), "{text}");
        }
    }
}
