use proptest::prelude::*;

use super::*;

fn read(text: impl AsRef<[u8]>, ty: &Type) -> Result<Value, ValueError> {
    Value::from_json(text.as_ref(), ty)
}

fn refused(text: impl AsRef<[u8]>, ty: &Type) -> String {
    read(text, ty).unwrap_err().to_string()
}

fn nested(open: &str, inner: &str, close: &str, depth: usize) -> String {
    format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    #[test]
    fn a_text_cut_anywhere_is_refused((ty, value) in typed(false)) {
        // The beginning of a number is a number.
        let text = [b"[", &value.to_json(&ty).unwrap()[..], b"]"].concat();
        let ty = Type::list(ty);
        for end in 0..text.len() {
            prop_assert!(read(&text[..end], &ty).is_err(), "{end}");
        }
    }

    #[test]
    fn a_flipped_bit_is_refused_or_makes_another_value((ty, value) in typed(false), at in any::<prop::sample::Index>()) {
        let mut text = value.to_json(&ty).unwrap();
        let at = at.index(8 * text.len());
        text[at / 8] ^= 1 << (at % 8);
        if let Ok(value) = read(&text, &ty) {
            prop_assert!(count(&value) <= text.len() + 10_000);
            prop_assert_eq!(read(value.to_json(&ty).unwrap(), &ty).unwrap(), value);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[\\[\\]{}\",:0-9eE.+nul-]{0,60}") {
        for ty in any_types() {
            if let Ok(value) = read(&text, &ty) {
                prop_assert_eq!(read(value.to_json(&ty).unwrap(), &ty).unwrap(), value);
            }
        }
        let _ = Type::from_json(text.as_bytes());
    }
}

#[test]
fn what_is_far_too_deep_is_refused() {
    for ty in any_types() {
        for open in ["[", "{\"a\":", "{\"type\":", "{\"value\":", "[[{\"\":"] {
            assert!(read(open.repeat(ABYSS), &ty).is_err(), "{ty} {open}");
        }
    }
    assert!(refused("[".repeat(ABYSS), &deepest(Type::list)).ends_with("expected a value of type bool, found a list"));
    assert!(refused("[".repeat(ABYSS), &Type::list(deepest(Type::list))).ends_with("is nested too deeply"));
    // Dropped attributes are only skipped.
    let dropped = format!("{{\"x\":{},\"k\":true}}", nested("[", "", "]", ABYSS));
    assert_eq!(read(dropped, &Type::object([("k", Type::Bool)])).unwrap().get("k"), Some(&true.into()));
}

#[test]
fn types_that_are_far_too_deep_are_refused() {
    for (open, close) in [("[\"list\",", "]"), ("[\"object\",{\"a\":", "}]"), ("[\"tuple\",[", "]]"), ("[", "]")] {
        for depth in [200, ABYSS] {
            let text = nested(open, "\"bool\"", close, depth);
            assert_eq!(Type::from_json(text.as_bytes()).unwrap_err().to_string(), "has a malformed type");
            assert!(Type::from_json(open.repeat(depth).as_bytes()).is_err());
        }
    }
    let deepest = deepest(Type::list);
    assert_eq!(Type::from_json(&deepest.to_json()).unwrap(), deepest);
}

#[test]
fn what_is_no_type_is_refused() {
    let texts = [
        "",
        "null",
        "true",
        "5",
        "5.5",
        "{}",
        "[]",
        "[[]]",
        "[\"list\"]",
        "[\"list\",null]",
        "[\"list\",5.5]",
        "\"any\"",
        "\"List\"",
        "[\"bool\"]",
        "[\"dynamic\",\"bool\"]",
        "[\"object\"]",
        "[\"object\",[]]",
        "[\"object\",5.5]",
        "[\"object\",{\"a\":null}]",
        "[\"object\",{\"a\"}]",
        "[\"tuple\",{}]",
        "[\"tuple\",\"bool\"]",
        "[5,\"bool\"]",
        "\"bool\" \"bool\"",
        "\"bool",
        "[\"list\",\"bool\"",
        "[\"list\",\"bool\",]",
    ];
    for text in texts {
        assert!(Type::from_json(text.as_bytes()).is_err(), "{text}");
    }
    assert!(Type::from_json(b"\"\xff\"").is_err());
    let ty = Type::from_json(br#" ["object", {"a": "bool", "a": "string"}, ["a"]] "#).unwrap();
    assert_eq!(ty, Type::object([("a", Type::String)]), "the last one counts");
}

#[test]
fn a_type_may_have_attributes_of_any_name() {
    // The parser knows them as something else.
    let names = ["$serde_json::private::Number", "$serde_json::private::RawValue", "", "a\"b", "\u{0}"];
    let ty = Type::object(names.map(|name| (name, Type::String)));
    assert_eq!(Type::from_json(&ty.to_json()).unwrap(), ty);
    let value = Value::Object(names.map(|name| (name.to_owned(), "[5]".into())).into());
    assert_eq!(read(value.to_json(&ty).unwrap(), &ty).unwrap(), value);
    let map = Value::Map(names.map(|name| (name.to_owned(), "5".into())).into());
    let ty = Type::map(Type::String);
    assert_eq!(read(map.to_json(&ty).unwrap(), &ty).unwrap(), map);
}

#[test]
fn a_number_is_not_read_as_a_map() {
    for number in ["5", "5.5", "-0", "1e99", "123456789012345678901234567890"] {
        let map = Type::map(Type::String);
        assert_eq!(refused(number, &map), "expected a value of type map(string)");
        assert_eq!(refused(format!("[{number}]"), &Type::list(map)), "[0]: expected a value of type map(string)");
        assert_eq!(refused(number, &Type::object([("a", Type::Bool)])), "expected a value of type object");
        assert!(refused(number, &Type::Bool).starts_with("expected a value of type bool"));
        assert!(refused(number, &Type::String).starts_with("expected a value of type string"));
        assert_eq!(refused(number, &Type::Dynamic), "expected a value of type any");
    }
}

#[test]
fn an_error_does_not_repeat_the_value() {
    for ty in any_types().into_iter().filter(|ty| *ty != Type::String) {
        for text in
            ["\"hush\"", "[\"hush\"]", "{\"a\":\"hush\"}", "{\"type\":\"bool\",\"value\":\"hush\"}", "[hush", "\"hush"]
        {
            if let Err(error) = read(text, &ty) {
                assert!(!error.to_string().contains("hush"), "{error}");
            }
        }
    }
    assert_eq!(
        refused("{\"a\":[{\"b\":x}]}", &Type::map(Type::list(Type::map(Type::Bool)))),
        "[\"a\"][0][\"b\"]: is malformed JSON"
    );
    assert_eq!(
        refused("{\"a\":[{\"b\"x}]}", &Type::map(Type::list(Type::map(Type::Bool)))),
        "[\"a\"][0][\"b\"]: is malformed JSON"
    );
}

#[test]
fn a_few_bytes_that_lack_attributes_do_not_become_gigabytes() {
    let names = (0..100).map(|number| (format!("attribute{number}"), Type::Bool));
    let object = Type::object(names);
    let objects = |count: usize| format!("[{}{{}}]", "{},".repeat(count - 1));
    assert_eq!(refused(objects(5_000), &Type::list(object.clone())), "[100]: lacks too many attributes");
    let of_its_own = format!(
        "{{\"value\":{},\"type\":{}}}",
        objects(5_000),
        String::from_utf8(Type::list(object.clone()).to_json()).unwrap()
    );
    assert_eq!(refused(of_its_own, &Type::Dynamic), "[100]: lacks too many attributes");
    // An old state of a resource that has grown is another matter.
    assert!(read(objects(100), &Type::list(object)).is_ok());
}

#[test]
fn the_values_of_all_texts_within_count_together() {
    let maps = format!("{{\"value\":[{}{{}}],\"type\":[\"list\",[\"map\",\"bool\"]]}}", "{\"\":null},".repeat(100_000));
    let ty = Type::list(Type::Dynamic);
    assert!(read(format!("[{maps}]"), &ty).is_ok());
    assert!(refused(format!("[{maps},{maps}]"), &ty).ends_with("has too many values"));
}

#[test]
fn values_that_come_before_their_types_are_not_read_again_and_again() {
    let before = |depth| nested("{\"value\":", "null", ",\"type\":\"dynamic\"}", depth);
    assert_eq!(read(before(15), &Type::Dynamic).unwrap(), Value::Null);
    assert_eq!(refused(before(16), &Type::Dynamic), "is nested too deeply");
    // With the type first, each byte is read once.
    let after = |depth| nested("{\"type\":\"dynamic\",\"value\":", "null", "}", depth);
    assert_eq!(read(after(MAX_DEPTH), &Type::Dynamic).unwrap(), Value::Null);
    assert_eq!(refused(after(MAX_DEPTH + 1), &Type::Dynamic), "is nested too deeply");
    // One after the other is no matter.
    let many = format!("[{}null]", format!("{},", before(10)).repeat(100));
    assert!(read(many, &Type::list(Type::Dynamic)).is_ok());
}

#[test]
fn a_value_of_no_particular_type_is_the_same_in_all_forms() {
    for ty in [Type::Dynamic, Type::list(Type::Dynamic)] {
        let json = nested("{\"type\":\"dynamic\",\"value\":", "null", "}", 3);
        let text = if ty == Type::Dynamic { json } else { format!("[{json}]") };
        let value = read(text, &ty).unwrap();
        assert_eq!(value.clone().conform(&ty).unwrap(), value);
        assert_eq!(Value::from_msgpack(&value.to_msgpack(&ty).unwrap(), &ty).unwrap(), value);
    }
    let wrapped = Value::Dynamic(Box::new(Typed { ty: Type::Dynamic, value: Value::UNKNOWN }));
    assert_eq!(wrapped.conform(&Type::Dynamic).unwrap(), Value::UNKNOWN);
}

#[test]
fn a_dynamic_value_is_a_type_and_a_value() {
    let texts = [
        "{}",
        "[]",
        "5",
        "true",
        "\"x\"",
        "{\"type\":\"bool\"}",
        "{\"value\":true}",
        "{\"type\":\"bool\",\"value\":true,\"x\":1}",
        "{\"type\":\"bool\",\"type\":\"bool\",\"value\":true}",
        "{\"value\":true,\"value\":true,\"type\":\"bool\"}",
        "{\"type\":\"bool\",\"value\":true,\"value\":true}",
        "{\"value\":true,\"type\":\"bool\",\"value\":true}",
        "{\"type\":null,\"value\":true}",
        "{\"value\":true,\"type\":\"bool\"",
        "{\"value\":true,,\"type\":\"bool\"}",
    ];
    for text in texts {
        assert!(read(text, &Type::Dynamic).is_err(), "{text}");
    }
}

#[test]
fn the_last_of_two_equal_names_counts() {
    let text = r#"{"k": 1, "k": 2}"#;
    assert_eq!(read(text, &Type::map(Type::Number)).unwrap().get("k"), Some(&2.into()));
    assert_eq!(read(text, &Type::object([("k", Type::Number)])).unwrap().get("k"), Some(&2.into()));
}

#[test]
fn what_is_no_number_is_refused() {
    let ty = Type::Number;
    for text in [
        "",
        "-",
        ".",
        "\"\"",
        "\"-\"",
        "\"\"\"5\"\"\"",
        "01",
        "+1",
        "1.",
        ".5",
        "NaN",
        "Infinity",
        "\"inf\"",
        "\"\\\"5\\\"\"",
        "\"5",
        "true",
        "[5]",
        "{}",
    ] {
        assert!(read(text, &ty).is_err(), "{text}");
    }
    for text in ["1e999999999", "-1e-999999999", "1e99999999999999999999999", "\"1e999999999\""] {
        assert_eq!(refused(text, &ty), "is not a decimal number");
    }
    assert_eq!(read("\"0x\"", &Type::String).unwrap(), "0x".into());
    assert_eq!(read("\"12\"", &ty).unwrap(), 12.into());
}

#[test]
fn text_is_utf_8_and_ends() {
    assert_eq!(refused(b"\"\xff\"", &Type::String), "is malformed JSON");
    assert_eq!(refused(br#""\ud800""#, &Type::String), "is malformed JSON");
    for text in ["true true", "true,", "true]", "true x"] {
        assert_eq!(refused(text, &Type::Bool), "is malformed JSON");
    }
    assert_eq!(read(" true\n", &Type::Bool).unwrap(), true.into());
}
