use std::cmp::Ordering;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Number {
    text.parse().unwrap()
}

fn exact(float: f64) -> Number {
    Number::from_exact_f64(float).unwrap()
}

/// Numbers close to one another, in all forms.
fn close() -> impl Strategy<Value = Number> {
    let float = prop_oneof![
        Just(0.1),
        Just(5e-324),
        Just(f64::MAX),
        Just(9_223_372_036_854_775_808.0),
        Just(1e22),
        Just(-0.5),
        Just(4_503_599_627_370_496.5),
    ];
    (float, 0..6_u8, 1..40_usize).prop_map(|(float, form, digits)| match form {
        0 => exact(float),
        1 => Number::from_f64(float).unwrap(),
        2 => exact(float.next_down()),
        3 => parse(&exact(float).to_string()),
        // Rounded to so many digits, which is a little more or less.
        4 => parse(&format!("{float:.digits$e}")),
        _ => parse(&format!("{:.0}", float.clamp(-1e18, 1e18))),
    })
}

fn check_order(a: &Number, b: &Number, c: &Number) -> Result<(), TestCaseError> {
    prop_assert_eq!(a.cmp(b), b.cmp(a).reverse());
    prop_assert_eq!(a == b, a.cmp(b) == Ordering::Equal);
    prop_assert_eq!(a == b, a.to_string() == b.to_string());
    prop_assert_eq!(a.cmp(a), Ordering::Equal);
    if a <= b && b <= c {
        prop_assert!(a <= c);
    }
    // Rounding to a float keeps the order.
    if a < b {
        prop_assert!(a.to_f64() <= b.to_f64());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn the_order_is_total_and_agrees_with_equality(a in number(), b in number(), c in number()) {
        check_order(&a, &b, &c)?;
    }

    #[test]
    fn the_order_is_total_among_neighbours(a in close(), b in close(), c in close()) {
        check_order(&a, &b, &c)?;
    }

    #[test]
    fn whole_numbers_are_in_order(a: i64, b: i64, c: u64, d: u64) {
        prop_assert_eq!(Number::from(a).cmp(&b.into()), a.cmp(&b));
        prop_assert_eq!(Number::from(c).cmp(&d.into()), c.cmp(&d));
        prop_assert_eq!(Number::from(a).cmp(&c.into()), i128::from(a).cmp(&c.into()));
        prop_assert_eq!(Number::from(c).cmp(&a.into()), i128::from(c).cmp(&a.into()));
    }

    #[test]
    fn fractions_are_in_order(a: i64, b: i64, places in 0..12_usize) {
        let scaled = |int: i64| parse(&format!("{int}e-{places}"));
        prop_assert_eq!(scaled(a).cmp(&scaled(b)), a.cmp(&b));
    }

    #[test]
    fn floats_are_in_order(a: f64, b: f64, int: i64, small: i32) {
        prop_assume!(!a.is_nan() && !b.is_nan());
        prop_assert_eq!(Some(exact(a).cmp(&exact(b))), a.partial_cmp(&b));
        prop_assert_eq!(Number::from(int).cmp(&exact(small.into())), int.cmp(&small.into()));
    }

    #[test]
    fn what_is_shown_is_read_as_the_same(a in number(), b in close()) {
        for number in [a, b] {
            prop_assert_eq!(&parse(&number.to_string()), &number);
            prop_assert_eq!(parse(&number.to_string()).to_string(), number.to_string());
        }
    }

    #[test]
    fn a_float_there_and_back(float: f64) {
        prop_assume!(!float.is_nan());
        let float = float + 0.0;
        prop_assert_eq!(exact(float).to_f64().to_bits(), float.to_bits());
        prop_assert_eq!(Number::from_f64(float).unwrap().to_f64().to_bits(), float.to_bits());
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[-+]?[0-9.eE+-]{0,30}") {
        if let Ok(number) = text.parse::<Number>() {
            prop_assert_eq!(parse(&number.to_string()), number);
        }
    }
}

#[test]
fn the_ends_of_ranges_are_in_order() {
    let ascending = [
        "-inf",
        "-1e100000",
        "-1.7976931348623157e308",
        "-18446744073709551616",
        "-9223372036854775808.5",
        "-9223372036854775808",
        "-9223372036854775807.5",
        "-1.5",
        "-1",
        "-0.5",
        "-5e-324",
        "-1e-100000",
        "0",
        "1e-100000",
        "4.9e-324",
        "5e-324",
        "0.1",
        "0.1000000000000000055511151231257827",
        "0.11",
        "0.5",
        "1",
        "1.5",
        "10",
        "9007199254740992",
        "9007199254740993",
        "9223372036854775806.5",
        "9223372036854775807",
        "9223372036854775807.5",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "1.7976931348623157e308",
        "1.7976931348623159e308",
        "1e100000",
        "inf",
    ];
    let infinite = |text: &str| match text {
        "inf" => exact(f64::INFINITY),
        "-inf" => exact(f64::NEG_INFINITY),
        text => parse(text),
    };
    let numbers = ascending.map(infinite);
    for (position, number) in numbers.iter().enumerate() {
        for (other, compared) in numbers.iter().enumerate() {
            assert_eq!(number.cmp(compared), position.cmp(&other), "{number} {compared}");
        }
    }
    assert_eq!(exact(-0.0), 0_i64.into());
    assert_eq!(parse("-0"), 0_i64.into());
    assert_eq!(exact(9_223_372_036_854_775_808.0), parse("9223372036854775808"));
    assert_eq!(exact(-9_223_372_036_854_775_808.0).as_i64(), Some(i64::MIN));
    assert_eq!(Number::from(u64::MAX).to_string(), "18446744073709551615");
    assert_eq!(Number::from(1_u64 << 63), exact(9_223_372_036_854_775_808.0));
    assert_eq!(Number::from_f64(f64::NAN), None);
}

#[test]
fn a_binary_fraction_goes_out_as_one_whatever_it_came_as() {
    let written = |number: Number| Value::Number(number).to_msgpack(&Type::Number).unwrap();
    let float = [0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0];
    assert_eq!(written(parse("1.5")), float);
    assert_eq!(written(Number::from_f64(1.5).unwrap()), float);
    assert_eq!(written(parse("1.50000000000000000000000000001")), b"\xbf1.50000000000000000000000000001");
    assert_eq!(written(parse("1e400")), b"\xa51e400");
}

#[test]
fn a_number_of_millions_of_digits_is_read_and_compared() {
    let digits = "9".repeat(1 << 21);
    let number = parse(&digits);
    assert_eq!(number.to_string(), digits);
    assert!(number > exact(f64::MAX) && number < exact(f64::INFINITY) && number > i64::MAX.into());
    assert_eq!(number, parse(&format!("000{digits}.000")));
    assert!(number < parse(&format!("1{digits}")));
    assert!(number.to_f64().is_infinite());
    // More zeros, or places, than anybody means.
    for text in [format!("1{}", "0".repeat(1 << 21)), format!("0.{digits}"), format!("{digits}e999999999")] {
        assert!(text.parse::<Number>().is_err());
    }
}

#[test]
fn tiny_numbers_are_sorted_in_time() {
    let begun = Instant::now();
    let numbers = (0..50_000_u32).map(|index| match index % 3 {
        0 => exact(f64::from_bits(u64::from(index) + 1)),
        // As many digits as a float needs, beside it.
        1 => parse(&format!("{:e}", f64::from_bits(u64::from(index)))),
        _ => parse(&format!("{:.20e}", f64::from_bits(u64::from(index)))),
    });
    let set: Set = numbers.map(Value::Number).collect();
    assert_eq!(set.len(), 50_000);
    // With all digits of each float at each comparison, this took minutes.
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}
