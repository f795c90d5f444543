//! What a run reads of its task's configuration.

use justiam_sdk::api::config::ConfigMap;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Answer, Key, read};

/// Answers `config.…`; `None` when there is no such method.
pub(super) fn answer(config: &ConfigMap, method: &str, params: Value) -> Option<Result<Answer, String>> {
    let convert: fn(&str) -> Answer = match method {
        "config.get" => |value| value.into(),
        "config.get_list" => |value| list(value).into(),
        "config.get_bool" => |value| truth(value).into(),
        "config.get_int" => |value| number(value).into(),
        _ => return None,
    };
    let key = read::<Key>(method, "a text named `key`", params);
    Some(key.map(|Key { key }| convert(config.get(&key).map_or("", String::as_str))))
}

/// The items of a JSON array, or of a comma-separated text.
fn list(value: &str) -> Vec<String> {
    // Raw, because the number of an account can have more digits than any number type keeps.
    if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(value) {
        return items.into_iter().map(RawValue::get).filter(|item| *item != "null").map(item_text).collect();
    }
    value.split(',').map(str::trim).filter(|item| !item.is_empty()).map(String::from).collect()
}

/// A text without its quotes, anything else as it is written.
fn item_text(json: &str) -> String {
    serde_json::from_str(json).unwrap_or_else(|_| json.to_owned())
}

fn truth(value: &str) -> bool {
    ["true", "1", "yes"].iter().any(|word| value.trim().eq_ignore_ascii_case(word))
}

fn number(value: &str) -> i64 {
    value.trim().parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{list, number, truth};

    #[test]
    fn lists_are_json_arrays_or_comma_separated() {
        let cases: [(&str, &[&str]); 11] = [
            ("", &[]),
            ("  ", &[]),
            ("[]", &[]),
            (r#"["g1","g2"]"#, &["g1", "g2"]),
            (r#" [ "a,b" , "c\u0041\"" ] "#, &["a,b", "cA\""]),
            ("[1, 2.50, true, null, 108234567890123456789]", &["1", "2.50", "true", "108234567890123456789"]),
            (r#"[{"a":1},[2]]"#, &[r#"{"a":1}"#, "[2]"]),
            ("g1, g2 ,,g3,", &["g1", "g2", "g3"]),
            ("single", &["single"]),
            (r#""quoted""#, &[r#""quoted""#]),
            ("[a,b", &["[a", "b"]),
        ];
        for (value, items) in cases {
            assert_eq!(list(value), items, "{value:?}");
        }
    }

    #[test]
    fn truth_is_one_of_three_words() {
        for value in ["true", "1", "yes", " TRUE\n", "Yes"] {
            assert!(truth(value), "{value:?}");
        }
        for value in ["", "false", "0", "no", "on", "truer", "11"] {
            assert!(!truth(value), "{value:?}");
        }
    }

    #[test]
    fn a_number_that_is_none_is_zero() {
        let cases = [("3", 3), (" -7 ", -7), ("+5", 5), ("", 0), ("3.5", 0), ("x", 0), ("99999999999999999999", 0)];
        for (value, expected) in cases {
            assert_eq!(number(value), expected, "{value:?}");
        }
    }
}
