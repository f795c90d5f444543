//! Values, paths and diagnostics in the form of the wire.

use super::tfplugin6::{self as pb, DynamicValue, attribute_path};
use crate::context::Reason;
use crate::diagnostics::{Diagnostics, Severity};
use crate::value::{AttributePath, Step, Type, Value, ValueError};

/// Reads a value. Terraform sends msgpack; JSON is allowed too, and nothing at all is null.
pub(crate) fn decode(value: Option<&DynamicValue>, ty: &Type) -> Result<Value, ValueError> {
    match value {
        Some(value) if !value.msgpack.is_empty() => Value::from_msgpack(&value.msgpack, ty),
        Some(value) if !value.json.is_empty() => Value::from_json(&value.json, ty),
        _ => Ok(Value::Null),
    }
}

/// Writes a value, always as msgpack: JSON has no unknown values.
pub(crate) fn encode(value: &Value, ty: &Type) -> Result<DynamicValue, ValueError> {
    Ok(DynamicValue { msgpack: value.to_msgpack(ty)?, json: Vec::new() })
}

pub(crate) fn path(path: &AttributePath) -> pb::AttributePath {
    use attribute_path::step::Selector;
    let step = |step: &Step| {
        let selector = match step {
            Step::Attribute(name) => Selector::AttributeName(name.clone()),
            Step::Key(key) => Selector::ElementKeyString(key.clone()),
            Step::Index(index) => Selector::ElementKeyInt(i64::try_from(*index).unwrap_or(i64::MAX)),
        };
        attribute_path::Step { selector: Some(selector) }
    };
    pb::AttributePath { steps: path.steps().iter().map(step).collect() }
}

pub(crate) fn diagnostics(diagnostics: Diagnostics) -> Vec<pb::Diagnostic> {
    let translate = |diagnostic: crate::Diagnostic| pb::Diagnostic {
        severity: match diagnostic.severity {
            Severity::Error => pb::diagnostic::Severity::Error.into(),
            Severity::Warning => pb::diagnostic::Severity::Warning.into(),
        },
        summary: diagnostic.summary,
        detail: diagnostic.detail,
        attribute: (!diagnostic.path.steps().is_empty()).then(|| path(&diagnostic.path)),
    };
    diagnostics.into_iter().map(translate).collect()
}

pub(crate) fn deferred(reason: Reason) -> pb::Deferred {
    use pb::deferred::Reason as Wire;
    let reason = match reason {
        Reason::ConfigUnknown => Wire::ResourceConfigUnknown,
        Reason::ProviderConfigUnknown => Wire::ProviderConfigUnknown,
        Reason::AbsentPrerequisite => Wire::AbsentPrereq,
    };
    pb::Deferred { reason: reason.into() }
}
