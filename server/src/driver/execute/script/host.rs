//! What a run may ask the server for: the secrets and the configuration of its own task.
//!
//! A run is known by its socket, so nothing here asks who is calling: a script can send any method with any
//! parameters, whichever Go package it uses for it.

use std::fmt;

use justiam_sdk::api::config::ConfigMap;
use justiam_sdk::api::secrets::{Secret, SecretMap};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// What the run may ask the server for. `Debug` shows names, no values.
#[derive(Clone, Default)]
pub struct Host {
    secrets: SecretMap,
    config: ConfigMap,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Configuration is no secret, but it is the task's business and can be long.
        let config: Vec<&String> = self.config.keys().collect();
        f.debug_struct("Host").field("secrets", &self.secrets).field("config", &config).finish()
    }
}

/// The parameters of every method so far.
#[derive(Deserialize)]
struct Key {
    key: String,
}

impl Host {
    /// Takes the decrypted secrets and the configuration of the task.
    pub fn new(secrets: SecretMap, config: ConfigMap) -> Self {
        Self { secrets, config }
    }

    /// Answers one call of the script; the error is a text for the script.
    #[expect(
        clippy::unused_async,
        reason = "calls that wait, such as those to the directory, come with their packages"
    )]
    pub async fn answer(&self, method: &str, params: Value) -> Result<Value, String> {
        let key = || Key::deserialize(&params).map_err(|_| format!("{method} needs a text named `key`"));
        match method {
            "secrets.get" => Ok(self.secrets.get(&key()?.key).map_or("", Secret::expose).into()),
            "config.get" => Ok(self.config(&key()?.key).into()),
            "config.get_list" => Ok(list(self.config(&key()?.key)).into()),
            "config.get_bool" => Ok(truth(self.config(&key()?.key)).into()),
            "config.get_int" => Ok(number(self.config(&key()?.key)).into()),
            _ => Err(format!("the server knows no method `{}`", method.chars().take(100).collect::<String>())),
        }
    }

    fn config(&self, key: &str) -> &str {
        self.config.get(key).map_or("", String::as_str)
    }
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

    use serde_json::{Value, json};

    use super::{Host, list, number, truth};

    fn host() -> Host {
        let secrets = [("API_KEY".to_owned(), "hunter2".into())];
        let config = [("ids".to_owned(), r#"["a", 1]"#.to_owned())];
        Host::new(secrets.into(), config.into())
    }

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

    #[tokio::test]
    async fn calls_are_answered_or_refused_with_a_text() {
        let host = host();
        let ask = async |method: &str, params: Value| host.answer(method, params).await;
        assert_eq!(ask("secrets.get", json!({"key": "API_KEY"})).await, Ok(json!("hunter2")));
        assert_eq!(ask("secrets.get", json!({"key": "NONE"})).await, Ok(json!("")));
        assert_eq!(ask("config.get_list", json!({"key": "ids"})).await, Ok(json!(["a", "1"])));
        assert_eq!(ask("config.get", json!({"key": "none"})).await, Ok(json!("")));
        assert_eq!(ask("config.get", json!([1])).await, Err("config.get needs a text named `key`".into()));
        assert_eq!(ask("idp.drop", Value::Null).await, Err("the server knows no method `idp.drop`".into()));
    }

    #[test]
    fn debug_shows_names_only() {
        assert_eq!(format!("{:?}", host()), r#"Host { secrets: {"API_KEY": Secret(…)}, config: ["ids"] }"#);
    }
}
