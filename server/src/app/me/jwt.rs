//! JWTs of the one form that this server makes: HS256, and these claims.
//!
//! A library would let the token choose among algorithms, which is how such libraries have been tricked. Here the header is a
//! constant, and the signature is checked before anything of the token is read.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use justiam_sdk::api::ids::TokenId;
use justiam_sdk::api::secrets::Secret;
use serde::{Deserialize, Serialize};

use crate::app::caller::Why;
use crate::app::vault::Vault;
use crate::app::{Error, Result};

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
const ISSUER: &str = "justiam";
const AUDIENCE: &str = "justiam-api";

/// Servers that share a database can be a moment apart: a token that one of them made is valid on the others at once.
const APART_SECONDS: i64 = 5;

/// What a token says. Times are seconds since 1970, as the standard wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claims {
    iss: String,
    aud: String,
    sub: String,
    pub(super) jti: TokenId,
    iat: i64,
    nbf: i64,
    exp: i64,
}

impl Claims {
    /// The claims of a token for a principal that was made at an instant and cannot live longer than until another one.
    pub(super) fn new(id: TokenId, principal: &str, made_at: Timestamp, latest_end: Timestamp) -> Self {
        Self {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: principal.to_owned(),
            jti: id,
            iat: made_at.as_second(),
            nbf: made_at.as_second() - APART_SECONDS,
            exp: latest_end.as_second(),
        }
    }

    /// The token that says this.
    pub(super) fn sign(&self, vault: &Vault) -> Result<Secret> {
        let claims = serde_json::to_vec(self).map_err(|_| Error::Crypto)?;
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(HEADER), URL_SAFE_NO_PAD.encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(vault.sign(signed.as_bytes()));
        Ok(Secret::new(format!("{signed}.{signature}")))
    }

    /// What a token says, if this server has signed it, or another one with the same secret.
    pub(super) fn read(token: &str, vault: &Vault) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        if !vault.has_signed(signed.as_bytes(), &signature) {
            return None;
        }
        let (header, claims) = signed.split_once('.')?;
        if header != URL_SAFE_NO_PAD.encode(HEADER) {
            return None;
        }
        let claims: Self = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        (claims.iss == ISSUER && claims.aud == AUDIENCE).then_some(claims)
    }

    /// Fails before and after the time of the token.
    pub(super) fn check_time(&self, now: Timestamp) -> Result<()> {
        if now.as_second() < self.nbf {
            return Err(Why::TooEarly.into());
        }
        if now.as_second() >= self.exp {
            return Err(Why::Expired.into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ID: &str = "0199f2a6-0000-7000-8000-000000000001";

    fn vault() -> Vault {
        Vault::new(&"0123456789abcdef0123456789abcdef".into()).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn claims() -> Claims {
        let principal = "account:0199f2a6-0000-7000-8000-0000000000aa";
        Claims::new(ID.parse().unwrap(), principal, at("2026-01-01T00:00:00.9Z"), at("2026-01-02T00:00:00Z"))
    }

    /// A token with any header and any claims, rightly signed.
    fn signed(header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(vault().sign(signed.as_bytes())))
    }

    #[test]
    fn a_token_is_a_jwt_that_says_who_for_whom_and_until_when() {
        let token = claims().sign(&vault()).unwrap();
        let parts: Vec<&str> = token.expose().split('.').collect();
        let part =
            |index: usize| -> Value { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[index]).unwrap()).unwrap() };
        assert_eq!((parts.len(), part(0)), (3, json!({ "alg": "HS256", "typ": "JWT" })));
        let expected = json!({
            "iss": "justiam", "aud": "justiam-api", "sub": "account:0199f2a6-0000-7000-8000-0000000000aa", "jti": ID,
            "iat": 1_767_225_600, "nbf": 1_767_225_595, "exp": 1_767_312_000,
        });
        assert_eq!(part(1), expected);
        assert_eq!(Claims::read(token.expose(), &vault()), Some(claims()));
    }

    #[test]
    fn nothing_but_a_signature_of_this_server_over_exactly_this_form_counts() {
        let vault = vault();
        let token = claims().sign(&vault).unwrap();
        let token = token.expose();
        let (signed_part, signature) = token.rsplit_once('.').unwrap();
        let (header, body) = signed_part.split_once('.').unwrap();
        let right = serde_json::to_value(claims()).unwrap();
        let with = |name: &str, value: Value| {
            let mut changed = right.clone();
            changed[name] = value;
            signed(HEADER, &changed.to_string())
        };
        let without = |name: &str| {
            let mut changed = right.clone();
            changed.as_object_mut().unwrap().remove(name);
            signed(HEADER, &changed.to_string())
        };
        assert_eq!(Claims::read(&signed(HEADER, &right.to_string()), &vault), Some(claims()));
        for wrong in [
            // Other algorithms, other spellings of the same header, keys from elsewhere.
            signed(r#"{"alg":"none","typ":"JWT"}"#, &right.to_string()),
            signed(r#"{"alg":"HS512","typ":"JWT"}"#, &right.to_string()),
            signed(r#"{"typ":"JWT","alg":"HS256"}"#, &right.to_string()),
            signed(r#"{"alg":"HS256","typ":"JWT","jwk":{}}"#, &right.to_string()),
            format!("{}.{body}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#)),
            // Other forms.
            String::new(),
            "..".to_owned(),
            signed_part.to_owned(),
            format!("{signed_part}."),
            format!("{signed_part}.{signature}="),
            format!("{signed_part}.{}", &signature[..42]),
            format!("{token}.{signature}"),
            format!("{header}..{signature}"),
            format!(".{body}.{signature}"),
            signed(HEADER, "no json"),
            signed(HEADER, "[]"),
            // Other claims.
            with("iss", json!("other")),
            with("aud", json!("other")),
            with("aud", json!(["justiam-api"])),
            with("jti", json!("1")),
            with("exp", json!("1767312000")),
            with("nbf", json!("0")),
            with("nbf", json!(1.5)),
            with("admin", json!(true)),
            without("exp"),
            without("nbf"),
            without("aud"),
        ] {
            assert_eq!(Claims::read(&wrong, &vault), None, "{wrong}");
        }
        // The last letter of a signature holds bits that are no part of it.
        let last = if signature.ends_with('A') { 'B' } else { 'A' };
        assert_eq!(Claims::read(&format!("{signed_part}.{}{last}", &signature[..42]), &vault), None);
        let other = Vault::new(&"0123456789abcdef0123456789abcdeg".into()).unwrap();
        assert_eq!(Claims::read(token, &other), None);
    }

    #[test]
    fn a_token_has_a_first_and_a_last_moment() {
        for (now, said) in [
            ("2025-12-31T23:59:54.9Z", Some("the token is not valid yet")),
            ("2025-12-31T23:59:55Z", None),
            ("2026-01-01T23:59:59.9Z", None),
            ("2026-01-02T00:00:00Z", Some("the token has expired")),
        ] {
            let error = claims().check_time(at(now)).err().map(|error| error.to_string());
            assert_eq!(error.as_deref(), said, "{now}");
        }
    }
}
