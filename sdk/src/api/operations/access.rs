//! Service accounts, tokens, and the audit log.

use super::{Answer, Operation};
use crate::api::audit::{AuditEntry, AuditQuery};
use crate::api::me::{Me, NewShortToken, RenewShortToken, RenewedShortToken, ShortToken};
use crate::api::page::{Page, PageQuery};
use crate::api::paths::routes;
use crate::api::permissions::Permission::{AccountsManage, AccountsView, AuditView};
use crate::api::service_accounts::{NewServiceAccount, ServiceAccount, ServiceAccountPatch, ServiceAccountQuery};
use crate::api::tokens::{IssuedToken, NewToken, Token};

const ACCOUNTS: &str = "Service accounts";
const TOKENS: &str = "Tokens";
const AUDIT: &str = "Audit log";

const NAME_TAKEN: (u16, &str) = (409, "another account has the name");
const TOO_MUCH: (u16, &str) =
    (403, "the caller would give what it does not have, or change an admin's account without being an admin");
const NO_ROOM: (u16, &str) = (409, "the account is disabled, or has as many valid tokens as it may have");

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::post("createServiceAccount", routes::SERVICE_ACCOUNTS, "creates a service account")
        .of(ACCOUNTS)
        .needs(&[AccountsManage])
        .body::<NewServiceAccount>(
            r#"{"name": "deployments", "description": "What the pipeline may do", "is_enabled": true}"#,
        )
        .repeatable()
        .answers(&[Answer::created::<ServiceAccount>(routes::SERVICE_ACCOUNT)])
        .fails(&[NAME_TAKEN, TOO_MUCH]),
    Operation::get("listServiceAccounts", routes::SERVICE_ACCOUNTS, "lists service accounts by name")
        .of(ACCOUNTS)
        .needs(&[AccountsView])
        .query::<ServiceAccountQuery>()
        .answers(&[Answer::json::<Page<ServiceAccount>>(200)]),
    Operation::get("readServiceAccount", routes::SERVICE_ACCOUNT, "reads a service account")
        .of(ACCOUNTS)
        .needs(&[AccountsView])
        .answers(&[Answer::json::<ServiceAccount>(200)]),
    Operation::put("replaceServiceAccount", routes::SERVICE_ACCOUNT, "replaces a service account; its tokens stay")
        .of(ACCOUNTS)
        .needs(&[AccountsManage])
        .body::<NewServiceAccount>(r#"{"name": "retired", "permissions": []}"#)
        .answers(&[Answer::json::<ServiceAccount>(200)])
        .fails(&[NAME_TAKEN, TOO_MUCH]),
    Operation::patch("changeServiceAccount", routes::SERVICE_ACCOUNT, "changes what the body names")
        .of(ACCOUNTS)
        .needs(&[AccountsManage])
        .body::<ServiceAccountPatch>(r#"{"is_enabled": false}"#)
        .answers(&[Answer::json::<ServiceAccount>(200)])
        .fails(&[NAME_TAKEN, TOO_MUCH]),
    Operation::delete("deleteServiceAccount", routes::SERVICE_ACCOUNT, "deletes it; its tokens are refused at once")
        .of(ACCOUNTS)
        .needs(&[AccountsManage])
        .fails(&[TOO_MUCH]),
    Operation::post("createAccountToken", routes::SERVICE_ACCOUNT_TOKENS, "makes a token of a service account")
        .of(ACCOUNTS)
        .needs(&[AccountsManage])
        .body::<NewToken>(r#"{"name": "pipeline", "permissions": ["tasks.view"], "expires_in_days": 30}"#)
        .repeatable()
        .answers(&[Answer::json::<IssuedToken>(201)])
        .fails(&[NO_ROOM, TOO_MUCH]),
    Operation::get(
        "listAccountTokens",
        routes::SERVICE_ACCOUNT_TOKENS,
        "lists the tokens of a service account, newest first",
    )
    .of(ACCOUNTS)
    .needs(&[AccountsView])
    .query::<PageQuery>()
    .answers(&[Answer::json::<Page<Token>>(200)]),
    Operation::delete("revokeAccountToken", routes::SERVICE_ACCOUNT_TOKEN, "ends a token of a service account at once")
        .of(ACCOUNTS)
        .needs(&[AccountsManage])
        .fails(&[TOO_MUCH]),
    Operation::get("readMe", routes::ME, "tells who the caller is and what it may do")
        .of(TOKENS)
        .answers(&[Answer::json::<Me>(200)]),
    Operation::post("createMyToken", routes::MY_TOKENS, "makes a token of the caller's account")
        .of(TOKENS)
        .body::<NewToken>(r#"{"name": "laptop", "expires_in_days": 7}"#)
        .repeatable()
        .answers(&[Answer::json::<IssuedToken>(201)])
        .fails(&[NO_ROOM, (403, "the caller comes with a short token, or lacks one of the permissions")]),
    Operation::get("listMyTokens", routes::MY_TOKENS, "lists the tokens of the caller's account, newest first")
        .of(TOKENS)
        .query::<PageQuery>()
        .answers(&[Answer::json::<Page<Token>>(200)]),
    Operation::delete("revokeMyToken", routes::MY_TOKEN, "ends a token of the caller's account at once")
        .of(TOKENS)
        .fails(&[(403, "the caller comes with a short token, or the other token may do more")]),
    Operation::post("createShortToken", routes::SHORT_TOKENS, "makes a short token")
        .of(TOKENS)
        .body::<NewShortToken>(r#"{"ttl_seconds": 900, "permissions": ["tasks.view"]}"#)
        .repeatable()
        .answers(&[Answer::json::<ShortToken>(201)])
        .fails(&[
            (403, "the caller comes with a short token, or lacks one of the permissions"),
            (409, "the token has 100 living short tokens"),
        ]),
    Operation::post("renewShortToken", routes::SHORT_TOKEN_RENEW, "lets it live for `ttl_seconds` from now")
        .of(TOKENS)
        .body::<RenewShortToken>(r#"{"ttl_seconds": 900}"#)
        .answers(&[Answer::json::<RenewedShortToken>(200)])
        .fails(&[(409, "the token has ended")])
        .notes("For the token that made it, and for the short token itself; to others it is a 404."),
    Operation::delete("revokeShortToken", routes::SHORT_TOKEN, "ends it at once, or has ended it before")
        .of(TOKENS)
        .notes("For the token that made it, and for the short token itself; to others it is a 404."),
    Operation::get("listAudit", routes::AUDIT_LOG, "lists who changed what, newest first")
        .of(AUDIT)
        .needs(&[AuditView])
        .query::<AuditQuery>()
        .answers(&[Answer::json::<Page<AuditEntry>>(200)]),
];
