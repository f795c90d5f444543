//! The fields of an event or a span, as JSON.

use std::error::Error;
use std::fmt;

use serde_json::{Map, Value as Json};
use tracing::field::{Field, Visit};

/// Fields by name.
#[derive(Default)]
pub(super) struct Fields(pub(super) Map<String, Json>);

impl Fields {
    fn put(&mut self, field: &Field, value: Json) {
        // Empty ones say nothing: a call that is not about a resource has no type.
        if value != "" {
            self.0.insert(field.name().to_owned(), value);
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    /// An error with its causes, which its own text does not repeat.
    fn record_error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        let causes = std::iter::successors(Some(error), |&error| error.source());
        let text = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
        self.put(field, text.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }
}
