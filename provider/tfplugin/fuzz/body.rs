//! What must hold of any input. The fuzz targets call it, and a test replays the corpus with it.

use tfplugin::{Type, Value, ValueError};

/// Types that the first byte of an input chooses from; any other byte is the length of a type's JSON that follows.
const TYPES: [&str; 16] = [
    r#""bool""#,
    r#""number""#,
    r#""string""#,
    r#""dynamic""#,
    r#"["list","dynamic"]"#,
    r#"["set","dynamic"]"#,
    r#"["map","dynamic"]"#,
    r#"["list","number"]"#,
    r#"["set",["set","number"]]"#,
    r#"["map",["map","string"]]"#,
    r#"["tuple",[]]"#,
    r#"["tuple",["bool","number","dynamic"]]"#,
    r#"["object",{}]"#,
    r#"["object",{"a":"number","b":["list","dynamic"],"c":["set","string"],"d":["map","bool"],"e":"string"}]"#,
    r#"["list",["object",{"name":"string","rule":["set",["object",{"allow":"string","port":"number"}]]}]]"#,
    r#"["set",["object",{"a":"bool","b":["tuple",["string","dynamic"]]}]]"#,
];

/// An input whose message is msgpack.
pub fn msgpack(input: &[u8]) {
    let Some((ty, message)) = split(input) else { return };
    match Value::from_msgpack(message, &ty) {
        Ok(value) => check(&value, &ty),
        Err(error) => show(&error),
    }
}

/// An input whose message is JSON.
pub fn json(input: &[u8]) {
    let Some((ty, message)) = split(input) else { return };
    match Value::from_json(message, &ty) {
        Ok(value) => {
            assert!(!value.has_unknown(), "JSON says nothing of what is unknown");
            check(&value, &ty);
        }
        Err(error) => show(&error),
    }
}

fn split(input: &[u8]) -> Option<(Type, &[u8])> {
    let (first, rest) = input.split_first()?;
    let (ty, message) = if let Some(ty) = TYPES.get(usize::from(*first)) {
        (Type::from_json(ty.as_bytes()), rest)
    } else {
        let (ty, message) = rest.split_at_checked(usize::from(*first))?;
        (Type::from_json(ty), message)
    };
    let ty = ty.map_err(|error| show(&error)).ok()?;
    assert_eq!(Type::from_json(&ty.to_json()).as_ref(), Ok(&ty), "a type there and back");
    Some((ty, message))
}

fn check(value: &Value, ty: &Type) {
    assert_eq!(value.clone().conform(ty).as_ref(), Ok(value), "what was read has the shape of its type");
    assert!(!format!("{value:?} {ty}").is_empty());
    let bytes = value.to_msgpack(ty).expect("what was read can be written as msgpack");
    assert_eq!(Value::from_msgpack(&bytes, ty).as_ref(), Ok(value), "msgpack there and back");
    if value.has_unknown() {
        value.to_json(ty).expect_err("JSON says nothing of what is unknown");
        return;
    }
    match value.to_json(ty) {
        Ok(text) => assert_eq!(Value::from_json(&text, ty).as_ref(), Ok(value), "JSON there and back"),
        Err(error) => assert_eq!(error.problem(), "is infinite"),
    }
}

fn show(error: &ValueError) {
    assert!(!error.to_string().is_empty() && !error.problem().is_empty());
    assert!(error.path().steps().is_empty() || error.to_string().starts_with(&error.path().to_string()));
}
