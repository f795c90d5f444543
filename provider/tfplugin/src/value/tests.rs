use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

pub(super) fn number() -> impl Strategy<Value = Number> {
    let number = prop_oneof![
        any::<i64>().prop_map(Number::from),
        any::<u64>().prop_map(Number::from),
        any::<f64>().prop_filter_map("NaN is no number", Number::from_f64),
        any::<f64>().prop_filter_map("NaN is no number", Number::from_exact_f64),
        "-?[1-9][0-9]{0,40}(\\.[0-9]{1,20})?(e-?[0-9]{1,3})?".prop_map(|text| text.parse().unwrap()),
    ];
    number.prop_filter("JSON has no infinity", Number::is_finite)
}

/// Something that can be known of an unknown value, of any type.
pub(super) fn refinement() -> impl Strategy<Value = Refinement> {
    let bound = || prop::option::of((number(), any::<bool>()));
    let length = || prop::option::of(any::<u32>());
    (any::<bool>(), prop::option::of("\\PC{0,90}"), (bound(), bound()), (length(), length())).prop_map(
        |(not_null, prefix, (mut lower, mut upper), (mut least, mut most))| {
            if lower.is_some() && upper.is_some() && lower > upper {
                (lower, upper) = (upper, lower);
            }
            if least.is_some() && most.is_some() && least > most {
                (least, most) = (most, least);
            }
            let mut known = Refinement::new();
            if not_null {
                known = known.not_null();
            }
            known = prefix.into_iter().fold(known, Refinement::prefix);
            known = lower.into_iter().fold(known, |known, (number, inclusive)| known.lower(number, inclusive));
            known = upper.into_iter().fold(known, |known, (number, inclusive)| known.upper(number, inclusive));
            known = least.into_iter().fold(known, Refinement::min_length);
            most.into_iter().fold(known, Refinement::max_length)
        },
    )
}

/// Now and then null or unknown in place of the value.
fn perhaps(typed: impl Strategy<Value = (Type, Value)>, unknown: bool) -> impl Strategy<Value = (Type, Value)> {
    (typed, 0..10_u8, refinement()).prop_map(move |((ty, value), dice, known)| match dice {
        0 => (ty, Value::Null),
        1 if unknown => (ty, Value::UNKNOWN),
        2 if unknown => {
            let known = known.of_type(&ty);
            (ty, Value::Unknown(known))
        }
        _ => (ty, value),
    })
}

/// A type with a value of it, unknown and null parts included.
pub(super) fn typed(unknown: bool) -> impl Strategy<Value = (Type, Value)> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(|value| (Type::Bool, Value::Bool(value))),
        number().prop_map(|number| (Type::Number, Value::Number(number))),
        any::<String>().prop_map(|text| (Type::String, Value::String(text))),
    ];
    perhaps(leaf, unknown).prop_recursive(4, 40, 5, move |inner| {
        let outer = prop_oneof![
            inner.clone().prop_map(|(ty, value)| (Type::list(ty), Value::List(vec![value.clone(), value]))),
            inner.clone().prop_map(|(ty, value)| (Type::set(ty), Value::Set([value].into_iter().collect()))),
            (any::<String>(), inner.clone())
                .prop_map(|(key, (ty, value))| (Type::map(ty), Value::Map(BTreeMap::from([(key, value)])))),
            prop::collection::btree_map("[a-z]{1,8}", inner.clone(), 0..4).prop_map(|entries| {
                let ty = entries.iter().map(|(name, (ty, _))| (name.clone(), ty.clone())).collect();
                (Type::Object(ty), Value::Object(entries.into_iter().map(|(name, (_, value))| (name, value)).collect()))
            }),
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| {
                let (types, values) = items.into_iter().unzip();
                (Type::Tuple(types), Value::Tuple(values))
            }),
            inner.prop_map(|(ty, value)| match ty {
                Type::Dynamic => (Type::Dynamic, value),
                ty => (Type::Dynamic, Value::Dynamic(Box::new(Typed { ty, value }))),
            }),
        ];
        perhaps(outer, unknown)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn msgpack_there_and_back((ty, value) in typed(true)) {
        let bytes = value.to_msgpack(&ty).unwrap();
        prop_assert_eq!(Value::from_msgpack(&bytes, &ty).unwrap(), value);
    }

    #[test]
    fn json_there_and_back((ty, value) in typed(false)) {
        let text = value.to_json(&ty).unwrap();
        prop_assert_eq!(Value::from_json(&text, &ty).unwrap(), value);
    }

    #[test]
    fn types_there_and_back((ty, _) in typed(false)) {
        prop_assert_eq!(Type::from_json(&ty.to_json()).unwrap(), ty);
    }

    #[test]
    fn what_is_known_of_unknown_parts_makes_no_difference((ty, value) in typed(true), (_, other) in typed(true)) {
        let plain = value.clone().unrefined();
        prop_assert!(value.alike(&plain) && plain.alike(&value));
        prop_assert_eq!(value.alike(&other), plain == other.clone().unrefined());
        let bytes = plain.to_msgpack(&ty).unwrap();
        prop_assert_eq!(Value::from_msgpack(&bytes, &ty).unwrap(), plain);
    }

    #[test]
    fn a_value_of_the_type_conforms_to_it((ty, value) in typed(true)) {
        prop_assert_eq!(value.clone().conform(&ty).unwrap(), value);
    }

    #[test]
    fn any_bytes_are_read_or_refused((ty, value) in typed(true), at in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = value.to_msgpack(&ty).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = Value::from_msgpack(&bytes, &ty);
        let _ = Value::from_msgpack(&bytes[..at], &ty);
        let _ = Value::from_json(&bytes, &ty);
        let _ = Type::from_json(&bytes);
    }

    #[test]
    fn numbers_are_equal_by_value(digits in "[1-9][0-9]{0,30}", shift in 0_usize..40) {
        let plain: Number = digits.parse().unwrap();
        let shifted: Number = format!("{digits}{}e-{shift}", "0".repeat(shift)).parse().unwrap();
        prop_assert_eq!(&plain, &shifted);
        prop_assert_eq!(plain.to_string(), shifted.to_string());
    }

    #[test]
    fn floats_are_equal_to_their_exact_decimals(float in any::<f64>().prop_filter("finite", |float| float.is_finite())) {
        let exact: Result<Number, _> = format!("{float:.1074}").parse();
        prop_assert_eq!(Number::from_exact_f64(float).unwrap(), exact.unwrap());
    }
}

#[test]
fn pitfall_09_unknown_is_any_extension() {
    assert_eq!(Value::UNKNOWN.to_msgpack(&Type::String).unwrap(), [0xd4, 0x00, 0x00]);
    // As other hosts write it: empty, plain, of the type of refinements without any, and of a type of their own.
    for bytes in [&[0xc7, 0, 0][..], &[0xd4, 0, 0], &[0xc7, 0, 12], &[0xd4, 12, 0], &[0xd5, 0xff, 1, 0xc2]] {
        for ty in [Type::String, Type::Dynamic, Type::list(Type::Bool)] {
            assert_eq!(Value::from_msgpack(bytes, &ty).unwrap(), Value::UNKNOWN);
        }
    }
    assert_eq!(Value::from_msgpack(&[0xc0], &Type::String).unwrap(), Value::Null);
}

#[test]
fn pitfall_10_an_object_carries_every_attribute() {
    let ty = Type::object([("a", Type::String), ("b", Type::list(Type::Bool))]);
    let sparse = Value::Object(BTreeMap::from([("a".to_owned(), "x".into())]));
    assert!(sparse.to_msgpack(&ty).is_err());
    let bytes = sparse.clone().conform(&ty).unwrap().to_msgpack(&ty).unwrap();
    assert_eq!(bytes, [0x82, 0xa1, b'a', 0xa1, b'x', 0xa1, b'b', 0xc0]);
    let error = Value::from_msgpack(&[0x81, 0xa1, b'a', 0xc0], &ty).unwrap_err();
    assert_eq!(error.to_string(), "b: is missing");
    let surplus = Value::Object(BTreeMap::from([("c".to_owned(), Value::Null)]));
    assert_eq!(surplus.conform(&ty).unwrap_err().to_string(), "c: is not in the schema");
}

#[test]
fn pitfall_10_sets_have_no_order_and_no_duplicates() {
    let set = |items: &[&str]| Value::Set(items.iter().map(|item| Value::from(*item)).collect());
    assert_eq!(set(&["b", "a", "b"]), set(&["a", "b"]));
    // Two unknown elements may turn out to be different.
    let unknown: Set = [Value::UNKNOWN, Value::UNKNOWN].into_iter().collect();
    assert_eq!(unknown.len(), 2);
    let list = Value::List(vec!["b".into(), "a".into(), "b".into()]);
    assert_eq!(list.conform(&Type::set(Type::String)).unwrap(), set(&["a", "b"]));
}

#[test]
fn pitfall_10_numbers_come_as_integers_floats_and_text() {
    let number = |text: &str| Value::Number(text.parse().unwrap());
    let read = |bytes: &[u8]| Value::from_msgpack(bytes, &Type::Number).unwrap();
    assert_eq!(read(&[0x07]), number("7"));
    assert_eq!(read(&[0xff]), number("-1"));
    assert_eq!(read(&[0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), number("18446744073709551615"));
    assert_eq!(read(&[0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0]), number("1.5"));
    assert_eq!(read(b"\xa40.10"), number("0.1"));
    assert_eq!(read(&[0xcb, 0x40, 0x1c, 0, 0, 0, 0, 0, 0]), Value::from(7));
    assert!(Value::from_msgpack(&[0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0], &Type::Number).is_err(), "NaN");
    // One tenth goes out as text: its binary fraction is another number.
    assert_eq!(Value::Number(Number::from_f64(0.1).unwrap()).to_msgpack(&Type::Number).unwrap(), b"\xa30.1");
}

#[test]
fn pitfall_10_dynamic_values_carry_their_type() {
    let bytes = b"\x92\xc4\x08\"string\"\xa1x";
    let value = Value::from_msgpack(bytes, &Type::Dynamic).unwrap();
    assert_eq!(value, Value::Dynamic(Box::new(Typed { ty: Type::String, value: "x".into() })));
    assert_eq!(value.to_msgpack(&Type::Dynamic).unwrap(), bytes);
    assert_eq!(Value::from_json(br#"{"value":"x","type":"string"}"#, &Type::Dynamic).unwrap(), value);
    assert_eq!(Value::from("x").conform(&Type::Dynamic).unwrap(), value);
}

#[test]
fn pitfall_11_json_numbers_keep_every_digit() {
    for text in ["123456789012345678901234567890", "0.1", "1.5", "-9223372036854775809", "18446744073709551616"] {
        let value = Value::from_json(text.as_bytes(), &Type::Number).unwrap();
        assert_eq!(value.to_json(&Type::Number).unwrap(), text.as_bytes());
    }
    let big = Value::from_json(b"1e400", &Type::Number).unwrap();
    assert_eq!(big.to_json(&Type::Number).unwrap(), b"1e400");
}

#[test]
fn numbers_that_are_none_are_refused() {
    for text in ["", "-", ".", "e5", "1e", "0x10", "1_000", " 1", "1 ", "NaN", "inf", "1e999999999", "--1", "1.2.3"] {
        assert!(text.parse::<Number>().is_err(), "{text}");
    }
    for (text, canonical) in [("+1", "1"), ("-0.0", "0"), ("1e2", "100"), ("01.50", "1.5"), ("1e100", "1e100")] {
        assert_eq!(text.parse::<Number>().unwrap().to_string(), canonical);
    }
}

#[test]
fn a_state_with_other_attributes_is_read() {
    let ty = Type::object([("a", Type::Number), ("b", Type::String)]);
    let value = Value::from_json(br#"{"a": 1, "gone": {"deep": [1, 2]}}"#, &ty).unwrap();
    assert_eq!(value.get("a"), Some(&Value::from(1)));
    assert_eq!(value.get("b"), Some(&Value::Null));
    assert_eq!(value.get("gone"), None);
}

#[test]
fn errors_say_where() {
    let ty = Type::object([("steps", Type::list(Type::map(Type::Bool)))]);
    let error = Value::from_json(br#"{"steps": [{}, {"retry \"now\"": "yes"}]}"#, &ty).unwrap_err();
    assert_eq!(error.to_string(), "steps[1][\"retry \\\"now\\\"\"]: expected a value of type bool, found a string");
    let bytes = [&b"\x81\xa5steps\x92\x80\x81\xa1k\xa1x"[..]].concat();
    let error = Value::from_msgpack(&bytes, &ty).unwrap_err();
    assert_eq!(error.to_string(), "steps[1][\"k\"]: expected a bool in msgpack");
    assert_eq!(error.path(), AttributePath::of("steps").index(1).key("k"));
}
