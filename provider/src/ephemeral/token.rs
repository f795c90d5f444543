//! `ephemeral "justiam_token"`.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use justiam_sdk::Error;
use justiam_sdk::api::ids::TokenId;
use justiam_sdk::api::me::{NewShortToken, TTL_SECONDS};
use tfplugin::{
    Attr, Attribute, AttributePath, Check, Context, EphemeralResource, Opened, Schema, Sensitive, Type, async_trait,
    model,
};

use crate::client::Api;
use crate::problem::{Subject, chain, report};

model! {
    /// What is asked for, and the token.
    #[derive(Debug)]
    pub struct State {
        pub ttl_seconds: Attr<i64>,
        pub permissions: Attr<BTreeSet<Attr<String>>>,
        pub id: Attr<String>,
        pub token: Attr<Sensitive<String>>,
        pub expires_at: Attr<String>,
    }
}

/// The ephemeral resource.
pub(crate) struct Token;

const SUBJECT: Subject = Subject { type_name: Token::TYPE_NAME, noun: "token", attribute };

/// How many seconds a token lives unless it is renewed, where the configuration says nothing.
const DEFAULT_TTL: i64 = 900;

/// What private state remembers, for renewals and the end.
const ID: &str = "id";
const TTL: &str = "ttl_seconds";

#[async_trait]
impl EphemeralResource for Token {
    const TYPE_NAME: &'static str = "justiam_token";
    type Client = Api;
    type State = State;

    fn schema(&self) -> Schema {
        Schema::new()
            .markdown(
                "A token for as long as Terraform works with it: for a second provider configuration with fewer permissions, or for a program \
                 that a provisioner starts. It is made when Terraform plans and again when it applies, renewed after two thirds of its life, \
                 and revoked at the end. It is in no state and no plan.\n\nIt may do no more than the provider's own token, and it ends when \
                 that does; after 24 hours at the latest. A short token cannot make another one, and one token has at most 100 of \
                 them at a time.",
            )
            .attributes([
                Attribute::number("ttl_seconds").default(DEFAULT_TTL).check(Check::int(TTL_SECONDS)).markdown(
                    "How many seconds it is valid unless it is renewed, from 60 to 3,600. That long it may outlive a Terraform that was killed. \
                     Default `900`.",
                ),
                Attribute::set("permissions", Type::String).optional().check(Check::items(1..=1000)).markdown(
                    "What it may do, such as `tasks.view`. All that the provider's own token may do where this is not set.",
                ),
                Attribute::string("id").computed().markdown("The token's id, as the server's audit log shows it."),
                Attribute::string("token").computed().sensitive().markdown("The token, for `Authorization: Bearer …` and for `token` of a provider block."),
                Attribute::string("expires_at").computed().markdown("When it ends unless it is renewed."),
            ])
    }

    async fn open(&self, wanted: State, context: &mut Context<'_, Api>) -> Option<Opened<State>> {
        let summary = "Could not make a token";
        let ttl = wanted.ttl_seconds.as_known().copied().unwrap_or(DEFAULT_TTL);
        let mut new = NewShortToken::new(ttl);
        if let Some(permissions) = wanted.permissions.as_known() {
            new = new.with_permissions(permissions.iter().filter_map(Attr::as_str));
        }
        if context.stop.is_requested() {
            context.diagnostics.error(summary, "Terraform was interrupted before the request was sent.");
            return None;
        }
        let asked_at = now();
        // Not given up when Terraform is interrupted: only the answer tells what is to be revoked.
        let made = match context.client.call(async |client| client.me().short_token(&new).await).await {
            Ok(made) => made,
            Err(error) => {
                report(context.diagnostics, &SUBJECT, summary, &error);
                return None;
            }
        };
        let remembered = context.private.set(ID, &made.id).and_then(|()| context.private.set(TTL, &ttl));
        if context.diagnostics.ok("Could not remember the token", remembered).is_none() {
            // Terraform closes only what it has got.
            revoke(made.id, context).await;
            return None;
        }
        let state = State {
            id: Attr::known(made.id.to_string()),
            token: Attr::Known(made.token.expose().to_owned().into()),
            expires_at: Attr::known(made.expires_at.to_string()),
            ..wanted
        };
        Some(Opened::new(state).renew_at(renewal(asked_at, ttl)))
    }

    async fn renew(&self, context: &mut Context<'_, Api>) -> Option<SystemTime> {
        let summary = "Could not renew the token";
        let (Some(id), Some(ttl)) = (context.private.get::<TokenId>(ID), context.private.get(TTL)) else {
            context.diagnostics.error(summary, "Terraform has not handed over what the provider has remembered of it.");
            return None;
        };
        let asked_at = now();
        let request = context.client.call(async |client| client.me().renew_short_token(&id, ttl).await);
        let answer = tokio::select! {
            answer = request => answer,
            () = context.stop.requested() => {
                context.diagnostics.error(summary, "Terraform was interrupted.");
                return None;
            }
        };
        match answer {
            Ok(_) => Some(renewal(asked_at, ttl)),
            Err(error) => {
                report(context.diagnostics, &SUBJECT, summary, &error);
                None
            }
        }
    }

    async fn close(&self, context: &mut Context<'_, Api>) {
        if let Some(id) = context.private.get::<TokenId>(ID) {
            revoke(id, context).await;
        }
    }
}

/// Ends a token. One that has ended by itself is what was wanted.
async fn revoke(id: TokenId, context: &mut Context<'_, Api>) {
    match context.client.call(async |client| client.me().revoke_short_token(&id).await).await {
        Err(error) if !error.is_not_found() => not_revoked(id, &error, context),
        Ok(()) | Err(_) => {}
    }
}

/// A warning, because everything that was to be done with the token is done, and it ends by itself.
fn not_revoked(id: TokenId, error: &Error, context: &mut Context<'_, Api>) {
    let detail = format!(
        "{}. The token ends by itself within {} s of its last renewal. To end it at once: DELETE /api/v1/me/tokens/short/{id}.",
        chain(error),
        context.private.get(TTL).unwrap_or(DEFAULT_TTL)
    );
    context.diagnostics.warning(format!("Could not revoke the token {id}"), detail);
}

/// When two thirds of a life are over. Terraform compares it with the clock of its own machine, so the server's says nothing here.
fn renewal(asked_at: SystemTime, ttl: i64) -> SystemTime {
    asked_at + Duration::from_secs(ttl.unsigned_abs()) * 2 / 3
}

#[expect(clippy::disallowed_methods, reason = "Terraform compares it with the clock of the machine")]
fn now() -> SystemTime {
    SystemTime::now()
}

/// The attribute that a field of the API comes from.
fn attribute(field: &str) -> Option<AttributePath> {
    let name = field.split(['[', '.']).next()?;
    ["ttl_seconds", "permissions"].contains(&name).then(|| AttributePath::of(name))
}
