//! A configuration for an object that exists.

use crate::schema::{Fields, Pair, Presence, walk};
use crate::value::Value;

/// Leaves of a state what a configuration can say and needs to: nothing that is only computed, deprecated, write-only,
/// or what the default says anyway.
pub(crate) fn generate_config(fields: &Fields, state: &mut Value) {
    walk(fields, state, [None, None], &mut |Pair { attribute, target, .. }| {
        let default = || attribute.default.clone().and_then(|default| default.conform(&attribute.ty()).ok());
        if attribute.presence == Some(Presence::Computed)
            || attribute.write_only
            || attribute.deprecated.is_some()
            || default().is_some_and(|default| default == *target)
        {
            *target = Value::Null;
        }
        true
    });
}
