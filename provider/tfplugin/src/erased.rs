//! What an author offers, without its types: the service works on plain values.

use crate::diagnostics::Diagnostics;
use crate::model::Model;
use crate::value::Value;

/// Something with types, about to lose them.
pub(crate) struct Typed<T>(pub(crate) T);

/// Reads a model, or reports why it cannot be.
pub(crate) fn model<M: Model>(value: Value, diagnostics: &mut Diagnostics) -> Option<M> {
    M::from_value(value).map_err(|error| diagnostics.value_error("Unexpected value", &error)).ok()
}
