//! How a service account gets a token: it signs a short text with its key and hands it in (RFC 7523).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{SCOPE, said, send, short};
use crate::outbound::{Outbound, Request};

/// For how long the signed text is good: the most that Google takes.
const LIFE_SECONDS: i64 = 3600;

/// A service account's key. No text of this file shows a part of it.
struct Key {
    email: String,
    id: Option<String>,
    pair: RsaKeyPair,
    token_uri: String,
    subject: Option<String>,
}

/// What `token_uri` answers.
#[derive(Deserialize)]
struct Grant {
    access_token: String,
}

/// Gets a token for the directory.
pub(super) async fn token(outbound: &Outbound, key: &str) -> Result<String, String> {
    let key = Key::read(key)?;
    let assertion = key.sign(outbound.now().as_second())?;
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
        .append_pair("assertion", &assertion)
        .finish();
    let headers = [("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
    let headers = headers.iter().map(|(name, value)| (name, value));
    let request = Request::new("POST", &key.token_uri, headers, form)
        .map_err(|error| format!("`token_uri` of the service account's key cannot be used: {error}"))?;
    let answer = send(outbound, request).await?;
    if answer.status != 200 {
        let hint = match answer.status {
            429 => "the quota is used up: run the task less often".to_owned(),
            500.. => "run the task again later".to_owned(),
            _ => format!(
                "check that the key has not been deleted, that the server's clock is right, and that domain-wide \
                 delegation allows the service account the scope {SCOPE} and the `subject` in the key"
            ),
        };
        return Err(format!("the service account was refused with {}{}; {hint}", answer.status, said(&answer.body)));
    }
    let token = short(&answer.body).map(|Grant { access_token }| access_token).filter(|token| !token.is_empty());
    token.ok_or_else(|| "`token_uri` answered without an access token".to_owned())
}

impl Key {
    fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("the service account's key is empty; does the task have the secret?".to_owned());
        }
        let Some(Value::Object(fields)) = short(text.as_bytes()) else {
            return Err("the service account's key is no JSON object; give the whole file that Google made".to_owned());
        };
        let field = |name: &str| fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let required = |name: &str| {
            field(name).map(ToOwned::to_owned).ok_or_else(|| format!("the service account's key has no `{name}`"))
        };
        if field("type").is_some_and(|kind| kind != "service_account") {
            return Err("the key is not one of a service account: its `type` is another one".to_owned());
        }
        let unreadable = || "`private_key` of the service account's key is no RSA key in PEM".to_owned();
        let pem = required("private_key")?;
        let pair = match PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| unreadable())? {
            PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
            _ => return Err(unreadable()),
        };
        Ok(Self {
            email: required("client_email")?,
            id: field("private_key_id").map(ToOwned::to_owned),
            pair: pair.map_err(|_| unreadable())?,
            token_uri: required("token_uri")?,
            subject: field("subject").map(ToOwned::to_owned),
        })
    }

    /// The text to hand in.
    fn sign(&self, now: i64) -> Result<String, String> {
        let mut header = json!({"alg": "RS256", "typ": "JWT"});
        if let Some(id) = &self.id {
            header["kid"] = id.as_str().into();
        }
        let mut claims = json!({
            "iss": self.email,
            "scope": SCOPE,
            "aud": self.token_uri,
            "iat": now,
            "exp": now + LIFE_SECONDS,
        });
        if let Some(subject) = &self.subject {
            claims["sub"] = subject.as_str().into();
        }
        let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let text = format!("{header}.{claims}");
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
            .map_err(|_| "the service account's key could not sign".to_owned())?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn a_key_that_cannot_be_used_is_refused_without_showing_it() {
        let cases = [
            ("", "the service account's key is empty; does the task have the secret?"),
            ("hunter2", "the service account's key is no JSON object; give the whole file that Google made"),
            ("[]", "the service account's key is no JSON object; give the whole file that Google made"),
            (r#"{"type":"authorized_user"}"#, "the key is not one of a service account: its `type` is another one"),
            (r#"{"type":"service_account"}"#, "the service account's key has no `private_key`"),
            (r#"{"private_key":5}"#, "the service account's key has no `private_key`"),
            (r#"{"private_key":"hunter2"}"#, "`private_key` of the service account's key is no RSA key in PEM"),
            (
                r#"{"private_key":"-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n","client_email":"a","token_uri":"b"}"#,
                "`private_key` of the service account's key is no RSA key in PEM",
            ),
        ];
        for (key, expected) in cases {
            assert_eq!(Key::read(key).err().as_deref(), Some(expected), "{key}");
        }
    }
}
