//! The types of values: in words for readers, and as Terraform writes them.

use serde_json::Value as Json;

/// Such as `Map of String`.
pub(super) fn in_words(ty: &Json) -> String {
    match ty {
        Json::String(name) => match name.as_str() {
            "string" => "String".to_owned(),
            "number" => "Number".to_owned(),
            "bool" => "Boolean".to_owned(),
            _ => "Dynamic".to_owned(),
        },
        Json::Array(parts) => match (parts.first().and_then(Json::as_str), parts.get(1)) {
            (Some("list"), Some(element)) => format!("List of {}", in_words(element)),
            (Some("set"), Some(element)) => format!("Set of {}", in_words(element)),
            (Some("map"), Some(element)) => format!("Map of {}", in_words(element)),
            (Some("tuple"), _) => "Tuple".to_owned(),
            _ => "Object".to_owned(),
        },
        _ => "Dynamic".to_owned(),
    }
}

/// Such as `map(string)`. The attributes of an object are left out: a table has them.
pub(super) fn in_code(ty: &Json) -> String {
    match ty {
        Json::String(name) if name == "dynamic" => "any".to_owned(),
        Json::String(name) => name.clone(),
        Json::Array(parts) => match (parts.first().and_then(Json::as_str), parts.get(1)) {
            (Some(kind @ ("list" | "set" | "map")), Some(element)) => format!("{kind}({})", in_code(element)),
            (Some(kind), _) => kind.to_owned(),
            (None, _) => "any".to_owned(),
        },
        _ => "any".to_owned(),
    }
}

/// The attributes of an object's type, by name; none where it is something else.
pub(super) fn attributes(ty: &Json) -> Vec<(&str, &Json)> {
    let attributes = ty.as_array().filter(|parts| parts.first().is_some_and(|kind| kind == "object"));
    let attributes = attributes.and_then(|parts| parts.get(1)).and_then(Json::as_object);
    let mut found: Vec<_> = attributes.into_iter().flatten().map(|(name, ty)| (name.as_str(), ty)).collect();
    found.sort_by_key(|(name, _)| *name);
    found
}

/// Reads a type from the wire.
pub(super) fn read(json: &[u8], name: &str) -> Result<Json, String> {
    serde_json::from_slice(json).map_err(|error| format!("`{name}` has no type that can be read: {error}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_have_words_and_code() {
        let ty = json!(["map", ["list", "bool"]]);
        assert_eq!(in_words(&ty), "Map of List of Boolean");
        assert_eq!(in_code(&ty), "map(list(bool))");
        let ty = json!(["object", {"b": "number", "a": ["set", "string"]}]);
        assert_eq!((in_words(&ty).as_str(), in_code(&ty).as_str()), ("Object", "object"));
        assert_eq!(attributes(&ty), [("a", &json!(["set", "string"])), ("b", &json!("number"))]);
    }
}
