//! Sends requests for a run.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, read};
use crate::outbound::{Outbound, Request, canonical_name};

#[derive(Deserialize)]
struct Params {
    method: String,
    url: String,
    headers: Option<BTreeMap<String, String>>,
}

/// Answers `fetch.do`.
pub(super) async fn answer(outbound: &Outbound, params: Value, body: Vec<u8>) -> Result<Answer, String> {
    let request = request(params, body)?;
    let response = outbound.send(request).await.map_err(|error| format!("fetch: {error}"))?;
    let mut headers = serde_json::Map::new();
    for name in response.headers.keys() {
        let values: Vec<_> =
            response.headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        headers.insert(canonical_name(name.as_str()), values.join(", ").into());
    }
    Ok(Answer {
        result: json!({"status": response.status, "headers": headers}),
        tail: response.body,
        room: response.room,
    })
}

/// What a script wants to be sent.
pub(in crate::driver::execute::script) fn request(params: Value, body: Vec<u8>) -> Result<Request, String> {
    let Params { method, url, headers } =
        read("fetch.do", "the texts `method` and `url`, and texts in `headers`", params)?;
    Request::new(&method, &url, headers.iter().flatten(), body).map_err(|error| format!("fetch: {error}"))
}
