//! The audit log.

use futures::Stream;

use super::error::Error;
use super::pages;
use super::transport::Transport;
use crate::api::audit::{AuditEntry, AuditQuery};
use crate::api::page::Page;
use crate::api::paths;

/// The audit log.
#[derive(Clone, Copy)]
#[must_use]
pub struct Audit<'a>(pub(super) &'a Transport);

impl<'a> Audit<'a> {
    /// Reads one page of entries, newest first.
    pub async fn page(&self, query: &AuditQuery) -> Result<Page<AuditEntry>, Error> {
        self.0.get_with(&paths::audit_log(), query).await
    }

    /// All entries that fit, newest first, page by page as they are asked for.
    pub fn list(&self, query: AuditQuery) -> impl Stream<Item = Result<AuditEntry, Error>> + Unpin + 'a {
        let audit = Audit(self.0);
        pages::all(move |page| {
            let query = AuditQuery { page: Some(page), ..query.clone() };
            async move { audit.page(&query).await }
        })
    }
}
