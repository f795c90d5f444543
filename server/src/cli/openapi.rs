//! `justiam-server openapi`

use clap::Args;

use super::{Done, say};
use crate::http::openapi::{Form, document, tables};

#[derive(Debug, Args)]
pub(super) struct OpenApi {
    /// Allow nothing in answers that this version does not have, as tests want it
    #[arg(long)]
    closed: bool,
    /// Print tables of the operations in Markdown, as the documentation has them
    #[arg(long, conflicts_with = "closed")]
    tables: bool,
}

impl OpenApi {
    pub(super) fn run(&self) -> Done {
        if self.tables {
            return say(tables().trim_end());
        }
        let form = if self.closed { Form::Closed } else { Form::Open };
        say(&format!("{:#}", document(form)))
    }
}
