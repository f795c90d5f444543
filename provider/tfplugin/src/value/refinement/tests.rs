use proptest::prelude::*;

use super::*;
use crate::value::tests::refinement;
use crate::value::{Set, Typed};

/// The extension with these bytes in it.
fn extension(payload: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(payload.len()).unwrap().to_be_bytes();
    [&[0xc8, high, low, 12], payload].concat()
}

fn read(payload: &[u8], ty: &Type) -> Value {
    Value::from_msgpack(&extension(payload), ty).unwrap()
}

fn refused(payload: &[u8], ty: &Type) -> String {
    Value::from_msgpack(&extension(payload), ty).unwrap_err().to_string()
}

fn number(text: &str) -> Number {
    text.parse().unwrap()
}

#[test]
fn each_key_is_read_and_written() {
    let any = Refinement::new;
    let list = Type::list(Type::Bool);
    let cases: [(&[u8], &Type, Refinement); 10] = [
        (&[0x81, 1, 0xc2], &Type::Bool, any().not_null()),
        (&[0x81, 2, 0xa2, b'a', b'-'], &Type::String, any().prefix("a-")),
        (&[0x82, 1, 0xc2, 2, 0xa1, b'a'], &Type::String, any().not_null().prefix("a")),
        (&[0x81, 3, 0x92, 0x05, 0xc3], &Type::Number, any().lower(5_i64, true)),
        (&[0x81, 4, 0x92, 0xff, 0xc2], &Type::Number, any().upper(-1_i64, false)),
        (&[0x81, 4, 0x92, 0xa3, b'0', b'.', b'1', 0xc2], &Type::Number, any().upper(number("0.1"), false)),
        (
            &[0x83, 1, 0xc2, 3, 0x92, 0x00, 0xc2, 4, 0x92, 0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0, 0xc3],
            &Type::Number,
            any().not_null().lower(0_i64, false).upper(number("1.5"), true),
        ),
        (&[0x81, 5, 0x02], &list, any().min_length(2)),
        (&[0x81, 6, 0xcd, 0x01, 0x00], &list, any().max_length(256)),
        (&[0x82, 5, 0x01, 6, 0x03], &list, any().min_length(1).max_length(3)),
    ];
    for (payload, ty, known) in cases {
        let value = read(payload, ty);
        assert_eq!(value, Value::from(known));
        let bytes = value.to_msgpack(ty).unwrap();
        assert!(bytes.ends_with(payload), "{bytes:02x?}");
        assert_eq!(Value::from_msgpack(&bytes, ty).unwrap(), value);
        assert_eq!(value.clone().conform(ty).unwrap(), value);
        assert_ne!(value, Value::UNKNOWN);
    }
}

#[test]
fn what_is_not_known_or_makes_no_sense_is_skipped() {
    let not_null = Value::from(Refinement::new().not_null());
    // A key of a later version, with everything that a value may be.
    let strange: [&[u8]; 14] = [
        &[0xc0],
        &[0x07],
        &[0xcd, 1, 2],
        &[0xd3, 1, 2, 3, 4, 5, 6, 7, 8],
        &[0xca, 1, 2, 3, 4],
        &[0xcb, 1, 2, 3, 4, 5, 6, 7, 8],
        &[0xa2, b'h', b'i'],
        &[0xc4, 2, 0xc1, 0xc1],
        &[0xd4, 12, 0],
        &[0xc7, 3, 12, 1, 2, 3],
        &[0x93, 1, 0x91, 0xc3, 3],
        &[0x82, 1, 0x90, 0xa1, b'k', 0x80],
        &[0xdc, 0, 1, 0xe0],
        &[0xde, 0, 1, 0xcc, 200, 0xd0, 100],
    ];
    for value in strange {
        let payload = [&[0x82, 99], value, &[1, 0xc2]].concat();
        assert_eq!(read(&payload, &Type::String), not_null, "{value:02x?}");
    }
    // What makes no sense for the type, and what comes after the map.
    assert_eq!(read(&[0x82, 2, 0xa1, b'a', 1, 0xc2, 0xc1], &Type::Number), not_null);
    assert_eq!(read(&[0x82, 5, 1, 1, 0xc2], &Type::object([("a", Type::Bool)])), not_null);
    assert_eq!(read(&[0x81, 3, 0x92, 5, 0xc3], &Type::String), Value::UNKNOWN);
    assert_eq!(read(&[0x81, 1, 0xc2], &Type::Dynamic), Value::UNKNOWN);
    assert_eq!(read(&[0x80, 0], &Type::String), Value::UNKNOWN);
    // A bound at infinity is none; neither is a length beyond all lengths.
    assert_eq!(read(&[0x81, 4, 0x92, 0xcb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0, 0xc3], &Type::Number), Value::UNKNOWN);
    let longest = [0x81, 6, 0xcf, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    assert_eq!(read(&longest, &Type::set(Type::Bool)), Value::UNKNOWN);
}

#[test]
fn what_is_certainly_null_is_null() {
    assert_eq!(read(&[0x81, 1, 0xc3], &Type::String), Value::Null);
    assert_eq!(read(&[0x81, 1, 0xc3], &Type::Dynamic), Value::UNKNOWN);
}

#[test]
fn a_malformed_refinement_is_refused() {
    let list = Type::list(Type::Bool);
    let cases: [(&[u8], &Type); 16] = [
        (&[0x92, 1, 2], &Type::Bool),
        (&[0x81, 0xa1, b'k'], &Type::Bool),
        (&[0x82, 1, 0xc2], &Type::Bool),
        (&[0x81, 1, 0xc0], &Type::Bool),
        (&[0x81, 1, 0x00], &Type::Bool),
        (&[0x81, 2, 0x01], &Type::String),
        (&[0x81, 2, 0xa1, 0xff], &Type::String),
        (&[0x81, 2, 0xa9, b'a'], &Type::String),
        (&[0x81, 3, 0x05], &Type::Number),
        (&[0x81, 3, 0x91, 0x05], &Type::Number),
        (&[0x81, 3, 0x92, 0xc0, 0xc2], &Type::Number),
        (&[0x81, 3, 0x92, 0xd4, 0, 0, 0xc2], &Type::Number),
        (&[0x81, 3, 0x92, 0x05, 0xc0], &Type::Number),
        (&[0x81, 5, 0xff], &list),
        (&[0x81, 99, 0xc1], &list),
        (&[0x81, 99, 0xdd, 0xff, 0xff, 0xff, 0xff, 0x01], &list),
    ];
    for (payload, ty) in cases {
        refused(payload, ty);
    }
    assert_eq!(refused(&[0x81, 1, 0x00], &Type::Bool), "expected a bool in msgpack");
    let crossed = [0x82, 3, 0x92, 0x05, 0xc3, 4, 0x92, 0x04, 0xc3];
    assert_eq!(refused(&crossed, &Type::Number), "has a refinement that contradicts itself");
    assert_eq!(refused(&[0x82, 5, 4, 6, 3], &list), "has a refinement that contradicts itself");
    let long = [&[0x81, 2, 0xda, 0x03, 0xfb], [b'a'; 1019].as_slice()].concat();
    assert_eq!(long.len(), 1024);
    assert!(Value::from_msgpack(&extension(&long), &Type::String).is_ok());
    let longer = [&[0x81, 2, 0xda, 0x03, 0xfc], [b'a'; 1020].as_slice()].concat();
    assert_eq!(refused(&longer, &Type::String), "has a refinement of more than 1024 bytes");
}

#[test]
fn long_promises_are_cut_short_and_never_too_long_to_be_read() {
    let prefix = |text: String| Refinement::new().prefix(text).prefix;
    assert_eq!(prefix("a".repeat(300)), "a".repeat(256));
    assert_eq!(prefix("a".to_owned() + &"ä".repeat(200)), "a".to_owned() + &"ä".repeat(127));
    assert_eq!(Refinement::new().lower(number(&"9".repeat(257)), true), Refinement::new());
    let known = Refinement::new().not_null().lower(number(&format!("-{}", "9".repeat(255))), true);
    let bytes = Value::from(known.upper(number(&"9".repeat(256)), true)).to_msgpack(&Type::Number).unwrap();
    assert!(bytes.len() < 1024);
}

#[test]
fn a_promise_that_says_nothing_is_written_as_none() {
    let empty = Value::Unknown(Some(Box::default()));
    let prefixed = Value::from(Refinement::new().prefix("a"));
    for (value, ty) in [(&empty, Type::String), (&prefixed, Type::Bool), (&prefixed, Type::Dynamic)] {
        assert_eq!(value.to_msgpack(&ty).unwrap(), [0xd4, 0x00, 0x00]);
        assert_eq!(value.clone().conform(&ty).unwrap(), Value::UNKNOWN);
    }
    assert_eq!(Value::from(Refinement::new()), Value::UNKNOWN);
}

#[test]
fn what_breaks_a_promise_is_told_without_the_value() {
    let any = Refinement::new;
    let list = |length| Value::List(vec![Value::Null; length]);
    let set = Value::Set([Value::from(1), Value::from(2)].into_iter().collect::<Set>());
    let wrapped = Value::Dynamic(Box::new(Typed { ty: Type::String, value: "b".into() }));
    let kept = [
        (any(), Value::Null),
        (any().prefix("a").lower(1_i64, true).min_length(1), Value::Null),
        (any().not_null().prefix("a"), "abc".into()),
        (any().lower(1_i64, true).upper(1_i64, true), 1.into()),
        (any().min_length(2).max_length(2), set.clone()),
        (any().prefix("a").lower(5_i64, true), list(1)),
        // In normal form, this might be one letter.
        (any().prefix("\u{e9}"), "e\u{301}".into()),
        (any().not_null(), Value::UNKNOWN),
    ];
    for (known, value) in kept {
        assert_eq!(known.violation(&value), None, "{known:?} {value:?}");
    }
    let broken = [
        (any().not_null(), Value::Null, "is null, which the plan excludes"),
        (any().prefix("a"), "b".into(), "does not begin as planned"),
        (any().prefix("a"), wrapped, "does not begin as planned"),
        (any().lower(1_i64, true), 0.into(), "is less than planned"),
        (any().lower(1_i64, false), 1.into(), "is less than planned"),
        (any().upper(10_i64, true), Value::Number(number("10.5")), "is more than planned"),
        (any().upper(9_i64, false), Value::Number(number("9")), "is more than planned"),
        (any().min_length(1), list(0), "has fewer elements than planned"),
        (any().max_length(1), set, "has more elements than planned"),
        (any().max_length(0), Value::Map([("k".to_owned(), Value::Null)].into()), "has more elements than planned"),
    ];
    for (known, value, problem) in broken {
        assert_eq!(known.violation(&value), Some(problem), "{known:?} {value:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn a_promise_cut_anywhere_is_refused(known in refinement(), at in any::<prop::sample::Index>()) {
        for ty in [Type::String, Type::Number, Type::set(Type::Bool)] {
            let bytes = Value::Unknown(known.of_type(&ty)).to_msgpack(&ty).unwrap();
            prop_assert!(Value::from_msgpack(&bytes[..at.index(bytes.len())], &ty).is_err());
        }
    }
}
