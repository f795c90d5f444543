//! Tokens of the caller's, and the audit log.

use super::{Answer, Operation};
use crate::api::audit::{AuditEntry, AuditQuery};
use crate::api::me::{NewShortToken, RenewShortToken, RenewedShortToken, ShortToken};
use crate::api::page::Page;
use crate::api::paths::routes;
use crate::api::permissions::Permission::AuditView;

const TOKENS: &str = "Tokens";
const AUDIT: &str = "Audit log";

pub(super) const OPERATIONS: &[Operation] = &[
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
