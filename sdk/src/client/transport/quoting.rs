//! What an error may repeat of the answer to a request that has sent something.
//!
//! Proxies, firewalls and debugging tools like to show the request that they have refused: as it was, escaped, cut, or encoded. Where
//! secrets may have been sent, nothing of such a text is repeated, because no search would find them in every form. The server's
//! own words, which have a code, stay; only the secrets themselves are cut out of them, in case it is not the server who speaks.

use serde::Serialize;
use serde::de::Error as _;
use serde_json::Value;

use crate::api::problem::Problem;
use crate::api::values::Words;
use crate::client::error::Error;

/// Shorter values are in every text; to cut them out would garble it and hide nothing.
const SHORTEST: usize = 4;

const WITHHELD: &str = "its words are not repeated, because they are not the server's own and may show what was sent";

/// Takes out of an error what a request with this body may have told whoever answered.
pub(super) fn conceal<B: Serialize>(error: Error, path: &str, body: Option<&B>) -> Error {
    match error {
        Error::Unexpected { url, status, what, .. } => Error::Unexpected { url, status, what, excerpt: String::new() },
        Error::Api(mut answer) => {
            let problem = &mut answer.problem;
            if problem.code.as_ref().is_some_and(Words::is_known) {
                let body = body.and_then(|body| serde_json::to_value(body).ok()).unwrap_or_default();
                cut(problem, &forms(&body, path.contains("/secrets")));
            } else {
                let code = problem.code.take().filter(|code| is_word(code.as_str()));
                let timestamp = problem.timestamp;
                let message = WITHHELD.to_owned();
                *problem = Problem { code, message, details: None, validation_errors: [].into(), timestamp };
            }
            Error::Api(answer)
        }
        other => other,
    }
}

/// Why an answer does not fit, without what it holds.
pub(super) fn neutral(source: serde_json::Error) -> serde_json::Error {
    // The name of a field that is missing is the contract's.
    if source.to_string().starts_with("missing field `") {
        return source;
    }
    let what = match source.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Data => "a value is of another kind than expected",
        _ => "it is no JSON",
    };
    serde_json::Error::custom(what)
}

/// A code of a newer server, and not a sentence in its place.
fn is_word(code: &str) -> bool {
    code.len() <= 40 && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

/// Every form of the secrets in a body that is looked for, the longest first. `all`: the body is nothing but secrets.
fn forms(body: &Value, all: bool) -> Vec<String> {
    let mut values = Vec::new();
    collect(body, all, &mut values);
    let mut forms: Vec<String> = values
        .into_iter()
        .filter(|value| value.len() >= SHORTEST)
        .flat_map(|value| {
            let escaped = Value::from(value).to_string();
            let percent: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
            let spaced = percent.replace('+', "%20");
            [value.to_owned(), escaped[1..escaped.len() - 1].to_owned(), percent, spaced]
        })
        .collect();
    forms.sort_unstable_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
    forms.dedup();
    forms
}

/// The texts below a member that holds secrets. Items of lists are keys.
fn collect<'a>(value: &'a Value, is_secret: bool, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let is_secret = is_secret || matches!(name.as_str(), "secrets" | "sqlConnectionString");
                match value {
                    Value::String(text) if is_secret => found.push(text),
                    other => collect(other, is_secret, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, is_secret, found)),
        _ => {}
    }
}

fn cut(problem: &mut Problem, forms: &[String]) {
    let without = |text: &str| forms.iter().fold(text.to_owned(), |text, form| text.replace(form.as_str(), "…"));
    problem.message = without(&problem.message);
    // However often it was escaped.
    let plain = |text: &str| text.replace('\\', "");
    problem.details = problem.details.take().filter(|details| {
        let text = plain(&details.to_string());
        !forms.iter().any(|form| text.contains(&plain(form)))
    });
    problem.validation_errors = std::mem::take(&mut problem.validation_errors)
        .into_iter()
        .map(|(field, messages)| (without(&field), messages.iter().map(|message| without(message)).collect()))
        .collect();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_form_of_a_secret_is_cut_out_of_the_servers_words_and_nothing_else() {
        let body = json!({
            "name": "Nightly", "secrets": { "set": { "A": "pass\"word 1", "B": "pass", "C": "abc" }, "remove": ["GONE"] },
            "steps": [{ "sqlConnectionString": "postgres://u:p@db" }],
        });
        let mut problem: Problem = serde_json::from_value(json!({
            "code": "CONFLICT", "details": { "said": "pass" },
            "message": "`Nightly` GONE pass\"word 1, pass\\\"word 1, pass%22word+1, pass%22word%201, pass, abc, postgres://u:p@db",
            "validationErrors": { "secrets.A": ["is pass"] },
        }))
        .unwrap();
        cut(&mut problem, &forms(&body, false));
        assert_eq!(problem.message, "`Nightly` GONE …, …, …, …, …, abc, …");
        assert_eq!(
            (problem.details.clone(), &problem.validation_errors["secrets.A"]),
            (None, &vec!["is …".to_owned()])
        );
        assert_eq!(forms(&json!({ "KEY": "value" }), true), ["value"]);
        assert!(forms(&json!({ "KEY": "value" }), false).is_empty());
    }

    #[test]
    fn why_an_answer_does_not_fit_is_told_without_what_it_holds() {
        let why = |text: &str| neutral(serde_json::from_str::<bool>(text).unwrap_err()).to_string();
        assert_eq!(why("\"canary\""), "a value is of another kind than expected");
        assert_eq!((why("canary").as_str(), why("").as_str()), ("it is no JSON", "it ends too early"));
    }
}
