//! What is checked before anything is planned.

use crate::diagnostics::Diagnostics;
use crate::schema::{Fields, Schema, walk};
use crate::value::{AttributePath, Value};

/// Runs the checks of all attributes.
pub(crate) fn run_checks(fields: &Fields, config: &mut Value, diagnostics: &mut Diagnostics) {
    walk(fields, config, [None, None], &mut |pair| {
        for check in &pair.attribute.checks {
            check.run(pair.target, pair.path, diagnostics);
        }
        true
    });
}

/// Warns of everything deprecated that the configuration uses: Terraform shows the flag in its documentation, and
/// leaves the warning to the provider.
pub(crate) fn deprecations(schema: &Schema, config: &mut Value, diagnostics: &mut Diagnostics) {
    if let Some(message) = &schema.deprecated {
        diagnostics.warning("Deprecated", message);
    }
    walk(&schema.fields, config, [None, None], &mut |pair| {
        if let (Some(message), false) = (&pair.attribute.deprecated, pair.target.is_null()) {
            diagnostics.warning_at(pair.path.clone(), "Attribute is deprecated", message);
        }
        true
    });
    deprecated_blocks(&schema.fields, config, &AttributePath::default(), diagnostics);
}

fn deprecated_blocks(fields: &Fields, object: &Value, path: &AttributePath, diagnostics: &mut Diagnostics) {
    for block in &fields.blocks {
        let Some(value) = object.get(&block.name) else { continue };
        let path = path.clone().attribute(&block.name);
        let mut warn = |used: bool| {
            if let (Some(message), true) = (&block.deprecated, used) {
                diagnostics.warning_at(path.clone(), "Block is deprecated", message);
            }
        };
        match value {
            Value::Map(entries) => {
                warn(!entries.is_empty());
                for (key, object) in entries {
                    deprecated_blocks(&block.fields, object, &path.clone().key(key), diagnostics);
                }
            }
            Value::List(items) => {
                warn(!items.is_empty());
                for (index, object) in items.iter().enumerate() {
                    deprecated_blocks(&block.fields, object, &path.clone().index(index), diagnostics);
                }
            }
            Value::Set(items) => {
                warn(!items.is_empty());
                for object in items {
                    deprecated_blocks(&block.fields, object, &path, diagnostics);
                }
            }
            object => {
                warn(!object.is_null());
                deprecated_blocks(&block.fields, object, &path, diagnostics);
            }
        }
    }
}

/// Refuses write-only attributes when Terraform is too old to keep them out of its files.
pub(crate) fn refuse_write_only(fields: &Fields, config: &mut Value, diagnostics: &mut Diagnostics) {
    walk(fields, config, [None, None], &mut |pair| {
        if pair.attribute.write_only && !pair.target.is_null() {
            diagnostics.error_at(
                pair.path.clone(),
                "Write-only attribute not supported",
                "This attribute is kept out of plans and states, which needs Terraform 1.11 or later. Upgrade \
                 Terraform, or use the attribute's counterpart that is stored.",
            );
        }
        true
    });
}
