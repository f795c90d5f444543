use proptest::prelude::*;

use super::*;

fn read(bytes: &[u8], ty: &Type) -> Result<Value, ValueError> {
    Value::from_msgpack(bytes, ty)
}

fn refused(bytes: &[u8], ty: &Type) -> String {
    read(bytes, ty).unwrap_err().to_string()
}

/// Each element of an array takes at least a byte.
fn array(length: u32, elements: &[u8]) -> Vec<u8> {
    [&[0xdd][..], &length.to_be_bytes(), elements].concat()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn a_message_cut_anywhere_is_refused((ty, value) in typed(true)) {
        let bytes = value.to_msgpack(&ty).unwrap();
        for end in 0..bytes.len() {
            prop_assert!(read(&bytes[..end], &ty).is_err(), "{end}");
        }
    }

    #[test]
    fn a_flipped_bit_is_refused_or_makes_another_value((ty, value) in typed(true), at in any::<prop::sample::Index>()) {
        let mut bytes = value.to_msgpack(&ty).unwrap();
        let at = at.index(8 * bytes.len());
        bytes[at / 8] ^= 1 << (at % 8);
        if let Ok(value) = read(&bytes, &ty) {
            prop_assert!(count(&value) <= bytes.len());
            prop_assert_eq!(read(&value.to_msgpack(&ty).unwrap(), &ty).unwrap(), value);
        }
    }

    #[test]
    fn any_bytes_are_read_as_no_more_values_than_bytes_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for ty in any_types() {
            if let Ok(value) = read(&bytes, &ty) {
                prop_assert!(count(&value) <= bytes.len());
            }
        }
    }
}

#[test]
fn absurd_lengths_are_refused() {
    // Arrays, maps, texts, bytes and extensions of up to four thousand million, of which next to nothing follows.
    let heads: [&[u8]; 14] = [
        &[0x9f],
        &[0xdc, 0xff, 0xff],
        &[0xdd, 0xff, 0xff, 0xff, 0xff],
        &[0x8f],
        &[0xde, 0xff, 0xff],
        &[0xdf, 0xff, 0xff, 0xff, 0xff],
        &[0xbf],
        &[0xd9, 0xff],
        &[0xda, 0xff, 0xff],
        &[0xdb, 0xff, 0xff, 0xff, 0xff],
        &[0xc6, 0xff, 0xff, 0xff, 0xff],
        &[0xc7, 0xff, 0],
        &[0xc8, 0xff, 0xff, 12],
        &[0xc9, 0xff, 0xff, 0xff, 0xff, 12],
    ];
    for ty in any_types() {
        for head in heads {
            for rest in [&b""[..], b"\xa1", b"\xa1a\xc0"] {
                let bytes = [head, rest].concat();
                assert!(read(&bytes, &ty).is_err(), "{ty} {bytes:02x?}");
                let type_and_value = [b"\x92", head, rest].concat();
                assert!(read(&type_and_value, &Type::Dynamic).is_err(), "{bytes:02x?}");
            }
        }
    }
    assert_eq!(refused(&array(u32::MAX, &[0xc0]), &Type::list(Type::Bool)), "ends too early");
}

#[test]
fn what_is_far_too_deep_is_refused() {
    assert!(refused(&b"\x91".repeat(ABYSS), &deepest(Type::list)).ends_with("expected a bool in msgpack"));
    assert!(refused(&b"\x81\xa0".repeat(ABYSS), &deepest(Type::map)).ends_with("expected a bool in msgpack"));
    let too_deep = Type::list(deepest(Type::list));
    assert!(refused(&b"\x91".repeat(ABYSS), &too_deep).ends_with("is nested too deeply"));
    // Values of dynamic type in one another, at once and in lists.
    let dynamic = b"\x92\xc4\x09\"dynamic\"".repeat(ABYSS);
    assert_eq!(refused(&dynamic, &Type::Dynamic), "is nested too deeply");
    let listed = b"\x92\xc4\x12[\"list\",\"dynamic\"]\x91".repeat(ABYSS);
    assert!(refused(&listed, &Type::Dynamic).ends_with("is nested too deeply"));
    let ty = format!("{}\"bool\"{}", "[\"list\",".repeat(ABYSS), "]".repeat(ABYSS));
    let length = u32::try_from(ty.len()).unwrap().to_be_bytes();
    let typed = [b"\x92\xc6", &length[..], ty.as_bytes(), b"\xc0"].concat();
    assert_eq!(refused(&typed, &Type::Dynamic), "has a malformed type");
}

#[test]
fn what_is_as_deep_as_may_be_is_read() {
    for (outer, bytes) in [(Type::list as fn(Type) -> Type, &b"\x91"[..]), (Type::map, b"\x81\xa0")] {
        let bytes = [&bytes.repeat(MAX_DEPTH)[..], b"\xc3"].concat();
        let ty = deepest(outer);
        let value = read(&bytes, &ty).unwrap();
        assert_eq!(value.to_msgpack(&ty).unwrap(), bytes);
        assert_eq!(Value::from_json(&value.to_json(&ty).unwrap(), &ty).unwrap(), value);
        assert_eq!(value.clone().conform(&ty).unwrap(), value);
    }
}

#[test]
fn more_values_than_anybody_means_are_refused() {
    let many = 0x0050_0000;
    let nulls = array(many, &vec![0xc0; many as usize]);
    assert!(refused(&nulls, &Type::list(Type::String)).ends_with("has too many values"));
}

#[test]
fn small_maps_count_by_the_room_they_take() {
    // Each takes three bytes here, and as much memory as a map of eleven.
    let many = 200_000;
    let maps = array(many, &b"\x81\xa0\xc0".repeat(many as usize));
    assert!(refused(&maps, &Type::list(Type::map(Type::Bool))).ends_with("has too many values"));
    let maps = array(many, &b"\x81\xa1a\xc0".repeat(many as usize));
    assert!(refused(&maps, &Type::list(Type::object([("a", Type::Bool)]))).ends_with("has too many values"));
    let empty = array(many, &b"\x80".repeat(many as usize));
    assert!(read(&empty, &Type::list(Type::map(Type::Bool))).is_ok());
}

#[test]
fn lists_make_no_more_room_than_they_need() {
    // One more than a power of two: room for twice as many would be made.
    let length = (1 << 16) + 1;
    let Value::List(items) = read(&array(length, &vec![0xc0; length as usize]), &Type::list(Type::Bool)).unwrap()
    else {
        unreachable!()
    };
    assert_eq!(items.capacity(), length as usize);
}

#[test]
fn the_last_of_two_equal_names_counts() {
    let map = Type::map(Type::Number);
    let value = read(b"\x82\xa1k\x01\xa1k\x02", &map).unwrap();
    assert_eq!(value, Value::Map(BTreeMap::from([("k".to_owned(), 2.into())])));
    let object = Type::object([("k", Type::Number)]);
    assert_eq!(read(b"\x82\xa1k\x01\xa1k\x02", &object).unwrap().get("k"), Some(&2.into()));
    // Twice the one does not stand for the other.
    let two = Type::object([("k", Type::Number), ("l", Type::Number)]);
    assert_eq!(refused(b"\x82\xa1k\x01\xa1k\x02", &two), "l: is missing");
}

#[test]
fn duplicates_in_a_set_are_one_element() {
    let ty = Type::set(Type::Number);
    // One and a half as a float and as text, and one twice.
    let bytes = b"\x94\xcb\x3f\xf8\0\0\0\0\0\0\xa31.5\x01\xa31.0";
    let value = read(bytes, &ty).unwrap();
    assert_eq!(value.as_elements().unwrap().len(), 2);
    assert_eq!(read(&value.to_msgpack(&ty).unwrap(), &ty).unwrap(), value);
    let unknown = read(b"\x92\xd4\0\0\xd4\0\0", &ty).unwrap();
    assert_eq!(unknown.as_elements().unwrap().len(), 2, "they may turn out to be different");
}

#[test]
fn text_is_utf_8_and_no_bytes() {
    assert_eq!(refused(b"\xa2\xc3\x28", &Type::String), "is not UTF-8");
    assert_eq!(refused(b"\xa3\xed\xa0\x80", &Type::String), "is not UTF-8", "half of a surrogate pair");
    assert_eq!(refused(b"\xc4\x01a", &Type::String), "expected a string in msgpack");
    assert_eq!(refused(b"\x81\xa1\xff\xc0", &Type::map(Type::Bool)), "is not UTF-8");
    assert_eq!(refused(b"\x81\xc4\x01a\xc0", &Type::map(Type::Bool)), "expected a string in msgpack");
    assert_eq!(refused(b"\xa2\xff\xff", &Type::Number), "is not UTF-8");
}

#[test]
fn bytes_after_the_end_are_refused() {
    for rest in [&b"\xc0"[..], b"\xc3", b"\xc1", b"\0"] {
        assert_eq!(refused(&[b"\xc3", rest].concat(), &Type::Bool), "has bytes after its end");
        assert_eq!(refused(&[b"\xc0", rest].concat(), &Type::Dynamic), "has bytes after its end");
    }
}

#[test]
fn unknown_values_of_all_sorts_are_read() {
    for ty in any_types() {
        for code in [0_u8, 1, 11, 12, 13, 127, 128, 255] {
            let forms: [&[u8]; 3] = [&[0xd4, code, 0], &[0xc7, 0, code], &[0xc9, 0, 0, 0, 1, code, 0xff]];
            for bytes in forms {
                assert_eq!(read(bytes, &ty).unwrap(), Value::UNKNOWN, "{ty} {bytes:02x?}");
            }
            let more = [0xc7, 5, code, 0xc1, 0xc1, 0xc1, 0xc1, 0xc1];
            assert_eq!(read(&more, &ty).is_ok(), code != 12, "{ty} {code}");
        }
    }
}

#[test]
fn what_is_no_number_is_refused() {
    let nan = [0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0];
    assert_eq!(refused(&nan, &Type::Number), "is not a number");
    assert_eq!(refused(&[0xca, 0xff, 0xc0, 0, 0], &Type::Number), "is not a number");
    for text in [&b"\xa0"[..], b"\xa1-", b"\xa1.", b"\xa3inf", b"\xa3NaN", b"\xab1e999999999"] {
        assert_eq!(refused(text, &Type::Number), "is not a decimal number");
    }
    // Terraform has infinities; JSON has none.
    for (float, text) in [(f64::INFINITY, "inf"), (f64::NEG_INFINITY, "-inf")] {
        let bytes = [&[0xcb][..], &float.to_be_bytes()].concat();
        let value = read(&bytes, &Type::Number).unwrap();
        assert_eq!(value.as_number().unwrap().to_string(), text);
        assert_eq!(value.to_msgpack(&Type::Number).unwrap(), bytes);
        assert_eq!(value.to_json(&Type::Number).unwrap_err().to_string(), "is infinite");
    }
}
