//! What holds for identities.

use crate::diagnostics::Diagnostics;
use crate::value::Value;

/// Reports an identity that is another than before: it is what tells one object from all others. What was not known of
/// it before may have been found out.
pub(crate) fn same_identity(before: &Value, now: &Value, diagnostics: &mut Diagnostics) -> bool {
    let mut same = true;
    for (name, before) in before.as_entries().into_iter().flatten() {
        if !before.is_null() && Some(before) != now.get(name) {
            same = false;
            diagnostics.error(
                "Identity changed",
                format!(
                    "The object's identity has another {name} than before, and an object keeps its identity. If another \
                     object has taken its place, the provider should have said that this one is gone; otherwise this is \
                     a mistake in the provider."
                ),
            );
        }
    }
    same
}
