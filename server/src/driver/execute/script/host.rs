//! What a run may ask the server for. Each package of scripts has its file here, but for `secrets`, which is one line.
//!
//! A run is known by its socket, so nothing here asks who is calling: a script can send any method with any
//! parameters, whichever Go package it uses for it.

mod config;
pub(super) mod fetch;
mod gworkspace;
mod idp;

use std::fmt;

use justiam_sdk::api::config::ConfigMap;
use justiam_sdk::api::secrets::{Secret, SecretMap};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::outbound::{Outbound, Room};

pub use idp::Directory;

/// What the run may ask the server for. `Debug` shows names, no values.
#[derive(Clone, Default)]
pub struct Host {
    secrets: SecretMap,
    config: ConfigMap,
    outbound: Option<Outbound>,
    directory: Option<Directory>,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Configuration is no secret, but it is the task's business and can be long.
        let config: Vec<&String> = self.config.keys().collect();
        let mut text = f.debug_struct("Host");
        text.field("secrets", &self.secrets).field("config", &config);
        text.field("outbound", &self.outbound.is_some()).field("directory", &self.directory.is_some()).finish()
    }
}

/// What a call is answered with.
#[derive(Debug)]
pub(super) struct Answer {
    /// JSON.
    pub(super) result: Value,
    /// Bytes that follow it.
    pub(super) tail: Vec<u8>,
    /// What this takes of the run's share, until it is sent.
    pub(super) room: Option<Room>,
}

impl<T: Into<Value>> From<T> for Answer {
    fn from(result: T) -> Self {
        Self { result: result.into(), tail: Vec::new(), room: None }
    }
}

/// The parameters of methods that read one value.
#[derive(Deserialize)]
struct Key {
    key: String,
}

impl Host {
    /// Takes the decrypted secrets and the configuration of the task.
    pub fn new(secrets: SecretMap, config: ConfigMap) -> Self {
        Self { secrets, config, outbound: None, directory: None }
    }

    /// Lets the run send HTTP requests through the server.
    #[must_use]
    pub fn with_outbound(mut self, outbound: Outbound) -> Self {
        self.outbound = Some(outbound);
        self
    }

    /// Lets the run read and change the server's users, groups and what belongs to them.
    #[must_use]
    pub fn with_directory(mut self, directory: Directory) -> Self {
        self.directory = Some(directory);
        self
    }

    /// Answers one call of the script; `body` followed it. The error is a text for the script.
    pub(super) async fn answer(&self, method: &str, params: Value, body: Vec<u8>) -> Result<Answer, String> {
        let unknown = || unknown(method);
        match method.split_once('.').map_or("", |(package, _)| package) {
            "secrets" if method == "secrets.get" => {
                let Key { key } = read("secrets.get", "a text named `key`", params)?;
                Ok(self.secrets.get(&key).map_or("", Secret::expose).into())
            }
            "config" => config::answer(&self.config, method, params).unwrap_or_else(|| Err(unknown())),
            "fetch" if method == "fetch.do" => fetch::answer(self.outbound()?, params, body).await,
            "gworkspace" if method == "gworkspace.list_users" => gworkspace::answer(self.outbound()?, params).await,
            "idp" => match &self.directory {
                Some(directory) => directory.answer(method, params).await,
                None => Err("this run has no users and groups: give `script run` the server's folder with --data-dir"
                    .to_owned()),
            },
            _ => Err(unknown()),
        }
    }

    fn outbound(&self) -> Result<&Outbound, String> {
        self.outbound
            .as_ref()
            .ok_or_else(|| "this run has no network: the server's --script-network says so".to_owned())
    }
}

fn unknown(method: &str) -> String {
    format!("the server knows no method `{}`", method.chars().take(100).collect::<String>())
}

/// Reads the parameters of a method, which `needs` describes.
fn read<T: DeserializeOwned>(method: &str, needs: &str, params: Value) -> Result<T, String> {
    T::deserialize(params).map_err(|_| format!("{method} needs {needs}"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Host;

    fn host() -> Host {
        let secrets = [("API_KEY".to_owned(), "hunter2".into())];
        let config = [("ids".to_owned(), r#"["a", 1]"#.to_owned())];
        Host::new(secrets.into(), config.into())
    }

    #[tokio::test]
    async fn calls_are_answered_or_refused_with_a_text() {
        let host = host();
        let ask = async |method: &str, params: Value| {
            let answer = host.answer(method, params, Vec::new()).await?;
            assert_eq!(answer.tail, b"");
            Ok::<_, String>(answer.result)
        };
        assert_eq!(ask("secrets.get", json!({"key": "API_KEY"})).await, Ok(json!("hunter2")));
        assert_eq!(ask("secrets.get", json!({"key": "NONE"})).await, Ok(json!("")));
        assert_eq!(ask("config.get_list", json!({"key": "ids"})).await, Ok(json!(["a", "1"])));
        assert_eq!(ask("config.get", json!({"key": "none"})).await, Ok(json!("")));
        assert_eq!(ask("config.get", json!([1])).await, Err("config.get needs a text named `key`".into()));
        for method in ["secrets.set", "config.set", "fetch", "fetch.", ""] {
            assert_eq!(ask(method, Value::Null).await, Err(format!("the server knows no method `{method}`")));
        }
        let none = "this run has no network: the server's --script-network says so";
        assert_eq!(ask("fetch.do", json!({})).await, Err(none.into()));
        let none = "this run has no users and groups: give `script run` the server's folder with --data-dir";
        assert_eq!(ask("idp.list_users", json!({})).await, Err(none.into()));
    }

    #[test]
    fn debug_shows_names_only() {
        let expected =
            r#"Host { secrets: {"API_KEY": Secret(…)}, config: ["ids"], outbound: false, directory: false }"#;
        assert_eq!(format!("{:?}", host()), expected);
    }
}
