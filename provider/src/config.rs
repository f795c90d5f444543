//! The `provider` block.

use std::time::Duration;

use justiam_sdk::Client;
use justiam_sdk::client::Retry;
use tfplugin::{Attr, Attribute, Check, Configure, Diagnostics, Schema, Sensitive, model};

use crate::client::Api;

model! {
    /// The `provider` block.
    #[derive(Debug)]
    pub struct Config {
        pub endpoint: Attr<String>,
        pub token: Attr<Sensitive<String>>,
        pub ca_certificate: Attr<String>,
        pub request_timeout: Attr<i64>,
        pub max_retries: Attr<i64>,
        pub max_concurrency: Attr<i64>,
    }
}

const DEFAULT_REQUEST_TIMEOUT: i64 = 30;
const DEFAULT_MAX_RETRIES: i64 = 4;
/// As many as Terraform works on at a time by default, so that the provider is no brake.
const DEFAULT_MAX_CONCURRENCY: i64 = 10;

pub(crate) fn schema() -> Schema {
    Schema::new()
        .markdown("Manages scheduled tasks, schedules and connected systems of a JustIAM server. Every setting can also come from the environment.")
        .attributes([
            Attribute::string("endpoint").optional().markdown(
                "Address of the server, such as `https://iam.example.com`. Environment: `JUSTIAM_ENDPOINT`.",
            ),
            Attribute::string("token").optional().sensitive().markdown(
                "Personal access token. Planning needs the permission `tasks.view`, applying `tasks.manage` and, for secrets, \
                 `secrets.write`. Better in the environment than in a file: `JUSTIAM_TOKEN`.",
            ),
            Attribute::string("ca_certificate").optional().markdown(
                "PEM text of a certificate authority to trust beside those of the system. Environment: `JUSTIAM_CA_CERTIFICATE`.",
            ),
            Attribute::number("request_timeout").optional().check(Check::int(1..=600)).markdown(
                "Seconds that one attempt of a request may take, from 1 to 600. Default `30`. Environment: `JUSTIAM_REQUEST_TIMEOUT`.",
            ),
            Attribute::number("max_retries").optional().check(Check::int(0..=20)).markdown(
                "How often a request is tried again after a failure that may pass (no connection, time-out, 429, 502, 503, 504), \
                 from 0 to 20. Default `4`. Environment: `JUSTIAM_MAX_RETRIES`.",
            ),
            Attribute::number("max_concurrency").optional().check(Check::int(1..=100)).markdown(
                "How many requests the server gets at a time, from 1 to 100. Default `10`. Environment: `JUSTIAM_MAX_CONCURRENCY`.",
            ),
        ])
}

/// Checks what can be checked before anything is planned.
pub(crate) fn validate(config: &Config, diagnostics: &mut Diagnostics) {
    if let Some(endpoint) = config.endpoint.as_str()
        && let Err(error) = Client::builder(endpoint).build()
    {
        diagnostics.error_at("endpoint", "Invalid endpoint", sentence(&error));
    }
}

/// Makes the client. `None` without an error where a value is not known yet.
pub(crate) fn connect(config: Config, setup: Configure<'_>) -> Option<Api> {
    let unknown = config.endpoint.is_unknown()
        || config.token.is_unknown()
        || config.ca_certificate.is_unknown()
        || config.request_timeout.is_unknown()
        || config.max_retries.is_unknown()
        || config.max_concurrency.is_unknown();
    if unknown {
        return None;
    }
    let diagnostics = setup.diagnostics;
    let endpoint = config.endpoint.into_known().or_else(|| env("JUSTIAM_ENDPOINT"));
    let token = config.token.into_known().map(|token| token.expose().clone()).or_else(|| env("JUSTIAM_TOKEN"));
    if endpoint.is_none() {
        let detail = "Set `endpoint` in the provider block, or `JUSTIAM_ENDPOINT` in the environment, to the server's address, such as `https://iam.example.com`.";
        diagnostics.error_at("endpoint", "Missing endpoint", detail);
    }
    if token.is_none() {
        let detail =
            "Set `JUSTIAM_TOKEN` in the environment, or `token` in the provider block, to a personal access token.";
        diagnostics.error_at("token", "Missing token", detail);
    }
    let mut number =
        |name: &str, variable: &str, given: Attr<i64>, default: i64, range: std::ops::RangeInclusive<i64>| {
            if let Some(given) = given.into_known() {
                return given;
            }
            let Some(text) = env(variable) else { return default };
            text.trim().parse().ok().filter(|number| range.contains(number)).unwrap_or_else(|| {
                let (least, most) = (range.start(), range.end());
                let detail = format!(
                    "`{variable}` in the environment must be a whole number from {least} to {most}, not `{text}`."
                );
                diagnostics.error_at(name, format!("Invalid {name}"), detail);
                default
            })
        };
    let timeout =
        number("request_timeout", "JUSTIAM_REQUEST_TIMEOUT", config.request_timeout, DEFAULT_REQUEST_TIMEOUT, 1..=600);
    let retries = number("max_retries", "JUSTIAM_MAX_RETRIES", config.max_retries, DEFAULT_MAX_RETRIES, 0..=20);
    let concurrency =
        number("max_concurrency", "JUSTIAM_MAX_CONCURRENCY", config.max_concurrency, DEFAULT_MAX_CONCURRENCY, 1..=100);
    let (endpoint, token) = endpoint.zip(token)?;
    if diagnostics.has_errors() {
        return None;
    }
    let retry = Retry { max_retries: u32::try_from(retries).unwrap_or_default(), ..Retry::default() };
    let version = env!("CARGO_PKG_VERSION");
    let mut builder = Client::builder(endpoint)
        .token(token)
        .request_timeout(Duration::from_secs(u64::try_from(timeout).unwrap_or_default()))
        .retry(retry)
        .user_agent(format!("terraform-provider-justiam/{version} terraform/{}", setup.terraform_version));
    if let Some(pem) = config.ca_certificate.into_known().or_else(|| env("JUSTIAM_CA_CERTIFICATE")) {
        builder = builder.ca_certificate(pem);
    }
    match builder.build() {
        Ok(client) => Some(Api::new(client, usize::try_from(concurrency).unwrap_or(1))),
        Err(error) => {
            diagnostics.error("Could not set up the connection to the server", sentence(&error));
            None
        }
    }
}

fn sentence(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}

/// A variable that is set to nothing counts as not set.
fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
