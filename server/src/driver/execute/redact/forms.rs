//! The forms in which the value of a secret is looked for.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use justiam_sdk::api::secrets::{Secret, SecretMap};

use super::SHORTEST;

/// Encoded forms of shorter values would be found where they are not.
const SHORTEST_ENCODED: usize = 8;
/// Encoded forms of longer values are not looked for: they would cost more memory than the script itself.
const LONGEST_ENCODED: usize = 16 << 10;
/// How many bytes of values are looked for in encoded forms, the shortest values first.
const MOST_ENCODED: usize = 64 << 10;
/// Shorter lines of a value, such as `}`, tell nothing about it.
const SHORTEST_LINE: usize = 16;

/// All forms of all values, in the order of their bytes.
pub(super) fn all(secrets: &SecretMap) -> Vec<Vec<u8>> {
    let mut values: Vec<&str> = secrets.values().map(Secret::expose).filter(|value| value.len() >= SHORTEST).collect();
    values.sort_unstable_by_key(|value| value.len());
    let mut forms = Vec::new();
    let mut encoded = 0;
    for value in values {
        forms.push(value.as_bytes().to_vec());
        if value.contains('\n') {
            let lines = value.split('\n').map(str::trim).filter(|line| line.len() >= SHORTEST_LINE);
            forms.extend(lines.map(|line| line.as_bytes().to_vec()));
        }
        encoded += value.len();
        if (SHORTEST_ENCODED..=LONGEST_ENCODED).contains(&value.len()) && encoded <= MOST_ENCODED {
            forms.extend(encodings(value));
        }
    }
    forms.sort_unstable();
    forms.dedup();
    forms
}

fn encodings(value: &str) -> Vec<Vec<u8>> {
    let bytes = value.as_bytes();
    let quoted = serde_json::Value::from(value).to_string();
    // A parser of URLs leaves these out wherever they stand, and takes the other slash for one in a path.
    let in_query: String = value.chars().filter(|letter| !matches!(letter, '\t' | '\n' | '\r')).collect();
    let in_path = in_query.replace('\\', "/");
    let mut forms = vec![
        quoted[1..quoted.len() - 1].to_owned(),
        json_of_go(value),
        percent(bytes, b"-_.~", "%20", false),
        percent(bytes, b"-_.~", "%20", true),
        // A query, and a part of a path, as Go writes them.
        percent(bytes, b"-_.~", "+", false),
        percent(bytes, b"-_.~$&+=:@", "%20", false),
        // The same as they are once a URL has been parsed by the WHATWG's rules, which escape less.
        percent(in_path.as_bytes(), b"!$%&'()*+,-./:;=@[]^_|~", "%20", false),
        percent(in_query.as_bytes(), b"!$%&()*+,-./:;=?@[\\]^_`{|}~", "%20", false),
        hex(bytes, false),
        hex(bytes, true),
        STANDARD_NO_PAD.encode(bytes),
        URL_SAFE_NO_PAD.encode(bytes),
    ];
    for shift in 0..3 {
        // A value in the middle of what is encoded: the characters that it alone decides.
        let shifted = [&[0; 3][..shift], bytes].concat();
        let own = [0, 2, 3][shift]..shifted.len() * 8 / 6;
        forms.push(STANDARD_NO_PAD.encode(&shifted)[own.clone()].to_owned());
        forms.push(URL_SAFE_NO_PAD.encode(&shifted)[own].to_owned());
    }
    forms.into_iter().map(String::into_bytes).collect()
}

/// A JSON text as Go's `encoding/json` writes it, without the quotes.
fn json_of_go(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for letter in value.chars() {
        match letter {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\0'..'\u{20}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(text, "\\u{:04x}", u32::from(letter));
            }
            _ => text.push(letter),
        }
    }
    text
}

fn percent(bytes: &[u8], kept: &[u8], blank: &str, lower: bool) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b' ' => text.push_str(blank),
            _ if byte.is_ascii_alphanumeric() || kept.contains(byte) => text.push(char::from(*byte)),
            _ => {
                text.push('%');
                text.push_str(&hex(&[*byte], !lower));
            }
        }
    }
    text
}

fn hex(bytes: &[u8], upper: bool) -> String {
    let digits = if upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves.map(|half| char::from(digits[usize::from(half)])).collect()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    use url::Url;

    use super::super::tests::redactor;
    use super::*;

    /// With characters that each encoding treats in its own way.
    const VALUE: &str = "pä\"ss\\w <ord>&=/\n?ÿ";

    #[test]
    fn a_value_is_found_however_it_is_encoded() {
        let redactor = redactor(&[VALUE]);
        for (encoded, expected) in [
            (VALUE.to_owned(), "****"),
            (r#""pä\"ss\\w <ord>&=/\n?ÿ""#.to_owned(), "\"****\""),
            (r#""pä\"ss\\w \u003cord\u003e\u0026=/\n?ÿ""#.to_owned(), "\"****\""),
            ("p%C3%A4%22ss%5Cw%20%3Cord%3E%26%3D%2F%0A%3F%C3%BF".to_owned(), "****"),
            ("p%c3%a4%22ss%5cw%20%3cord%3e%26%3d%2f%0a%3f%c3%bf".to_owned(), "****"),
            ("p%C3%A4%22ss%5Cw+%3Cord%3E%26%3D%2F%0A%3F%C3%BF".to_owned(), "****"),
            ("p%C3%A4%22ss%5Cw%20%3Cord%3E&=%2F%0A%3F%C3%BF".to_owned(), "****"),
            (hex(VALUE.as_bytes(), false), "****"),
            (hex(VALUE.as_bytes(), true), "****"),
        ] {
            assert_eq!(redactor.whole(&encoded), expected, "{encoded}");
        }
    }

    #[test]
    fn a_value_is_found_in_a_url_that_was_parsed() {
        for value in ["p(a)ss{word}", "pä\"s\ts'\\w `<o>&=/\n[r]^|;d%7b!$*+,:@~."] {
            let redactor = redactor(&[value]);
            let url = Url::parse(&format!("http://a/x/{value}/y?q={value}&z")).unwrap();
            assert_eq!(redactor.whole(url.as_str()), "http://a/x/****/y?q=****&z", "{url}");
        }
    }

    #[test]
    fn a_value_is_found_in_base64_wherever_it_stands() {
        let redactor = redactor(&[VALUE]);
        for before in ["", "u", "us", "use", "user:"] {
            for after in ["", "x", "xy", "xyz"] {
                let text = format!("{before}{VALUE}{after}");
                for encoded in [STANDARD.encode(&text), URL_SAFE.encode(&text)] {
                    let clean = redactor.whole(&encoded);
                    let (start, end) = clean.split_once("****").unwrap_or_else(|| panic!("{encoded}: {clean}"));
                    // What is left are the characters of the neighbours, and at most one that they share with the value.
                    assert!(start.len() <= (before.len() * 8).div_ceil(6), "{encoded}: {clean}");
                    assert!(end.trim_end_matches('=').len() <= (after.len() * 8).div_ceil(6) + 1, "{encoded}: {clean}");
                }
            }
        }
    }

    #[test]
    fn lines_of_a_value_are_found_alone() {
        let redactor = redactor(&["-----BEGIN KEY-----\r\n  MIIEvQIBADANBgkqhk\nshort\n-----END KEY-----\n"]);
        assert_eq!(redactor.whole("> MIIEvQIBADANBgkqhk <, short"), "> **** <, short");
        assert_eq!(redactor.whole("-----BEGIN KEY-----"), "****");
    }

    #[test]
    fn short_and_long_values_are_looked_for_as_they_are() {
        let long = "0123456789abcdef".repeat(1025);
        let redactor = redactor(&["1234567", &long]);
        assert_eq!(redactor.whole("1234567 31323334353637"), "**** 31323334353637");
        assert_eq!(redactor.whole(&long), "****");
        assert_eq!(redactor.whole(&hex(long.as_bytes(), false)).len(), long.len() * 2);
    }
}
