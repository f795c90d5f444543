//! A configuration for an object that exists.

use crate::schema::{Attribute, Fields, Pair, Presence, walk};
use crate::value::Value;

/// Leaves of a state what a configuration can say and needs to: nothing that is only computed, deprecated, write-only,
/// or what the default says anyway, and no outermost attribute that excludes another.
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
    let can_go = |attribute: &&Attribute| attribute.presence != Some(Presence::Required);
    for relation in &fields.relations {
        let surplus = relation.surplus(fields, state);
        let Value::Object(entries) = &mut *state else { return };
        // A block cannot be null, and there is no telling how many of them are too many.
        for attribute in fields.attributes.iter().filter(can_go).filter(|attribute| surplus.contains(&&*attribute.name))
        {
            entries.insert(attribute.name.clone(), Value::Null);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Relation, Schema};

    #[test]
    fn what_a_configuration_can_say_and_needs_to() {
        let schema = Schema::new()
            .attributes([
                Attribute::string("id").computed(),
                Attribute::string("name").required(),
                Attribute::bool("enabled").default(true),
                Attribute::number("retries").default(3),
                Attribute::string("old").optional().deprecated("Use `name`."),
                Attribute::string("secret_wo").optional().write_only(),
                Attribute::string("zone").optional().computed(),
                Attribute::string("cron").optional().computed(),
                Attribute::string("rate").optional().computed(),
                Attribute::string("user").optional(),
                Attribute::string("group").optional(),
                Attribute::nested_list(
                    "steps",
                    [Attribute::string("uid").computed(), Attribute::string("run").required()],
                )
                .optional(),
            ])
            .relation(Relation::exactly_one_of(["cron", "rate"]))
            .relation(Relation::requires("user", ["group"]));
        let object = |entries: &[(&str, Value)]| {
            let entries = entries.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            Value::Object(entries)
        };
        let step = |uid: Value| Value::List(vec![object(&[("uid", uid), ("run", "r".into())])]);
        let state = object(&[
            ("id", "1".into()),
            ("name", "n".into()),
            ("enabled", true.into()),
            ("retries", 5.into()),
            ("old", "o".into()),
            ("zone", "z".into()),
            ("cron", "* * * * *".into()),
            ("rate", "1 minute".into()),
            ("user", "u".into()),
            ("steps", step("u1".into())),
        ]);
        let expected = object(&[
            ("name", "n".into()),
            ("retries", 5.into()),
            ("zone", "z".into()),
            ("cron", "* * * * *".into()),
            ("steps", step(Value::Null)),
        ]);
        let mut config = state.conform(&schema.ty()).unwrap();
        generate_config(&schema.fields, &mut config);
        assert_eq!(config, expected.conform(&schema.ty()).unwrap());
    }
}
