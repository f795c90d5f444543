//! `justiam-server openapi`

use clap::Args;

use super::{Done, say};
use crate::http::openapi::{Form, document};

#[derive(Debug, Args)]
pub(super) struct OpenApi {
    /// Allow nothing in answers that this version does not have, as tests want it
    #[arg(long)]
    closed: bool,
}

impl OpenApi {
    pub(super) fn run(&self) -> Done {
        let form = if self.closed { Form::Closed } else { Form::Open };
        say(&format!("{:#}\n", document(form)))
    }
}
