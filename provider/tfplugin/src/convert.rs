//! Conversions between Rust's types and Terraform's values.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::attr::elements;
use crate::value::{Number, Step, Value, ValueError};

/// A type that a value can be read into.
pub trait FromValue: Sized {
    /// Reads the value.
    ///
    /// # Errors
    /// Names the part of the value that does not fit.
    fn from_value(value: Value) -> Result<Self, ValueError>;
}

/// A type that makes a value.
pub trait IntoValue {
    /// The value. Its exact type (list or set, object or map) is settled later, by the schema.
    fn into_value(self) -> Value;
}

impl FromValue for Value {
    fn from_value(value: Value) -> Result<Self, ValueError> {
        Ok(value)
    }
}

impl IntoValue for Value {
    fn into_value(self) -> Value {
        self
    }
}

impl IntoValue for &str {
    fn into_value(self) -> Value {
        self.into()
    }
}

/// Types that are one variant of [`Value`].
macro_rules! scalar {
    ($($ty:ty = $variant:ident, $expected:literal;)+) => {$(
        impl FromValue for $ty {
            fn from_value(value: Value) -> Result<Self, ValueError> {
                match value {
                    Value::$variant(inner) => Ok(inner),
                    Value::Dynamic(typed) => Self::from_value(typed.value),
                    other => Err(ValueError::expected($expected, &other)),
                }
            }
        }

        impl IntoValue for $ty {
            fn into_value(self) -> Value {
                Value::$variant(self)
            }
        }
    )+};
}

scalar! {
    bool = Bool, "a bool";
    String = String, "a string";
    Number = Number, "a number";
}

/// Whole numbers: what does not fit is an error, not another number.
macro_rules! integer {
    ($($ty:ty)+) => {$(
        impl FromValue for $ty {
            fn from_value(value: Value) -> Result<Self, ValueError> {
                let number = Number::from_value(value)?;
                number.as_i64().and_then(|int| int.try_into().ok()).ok_or_else(|| {
                    ValueError::new(format!("expected a whole number from {} to {}", Self::MIN, Self::MAX))
                })
            }
        }

        impl IntoValue for $ty {
            fn into_value(self) -> Value {
                i64::from(self).into_value()
            }
        }
    )+};
}

integer! { u8 u16 u32 i32 }

impl FromValue for i64 {
    fn from_value(value: Value) -> Result<Self, ValueError> {
        let number = Number::from_value(value)?;
        number.as_i64().ok_or_else(|| ValueError::new("expected a whole number of at most 64 bits"))
    }
}

impl IntoValue for i64 {
    fn into_value(self) -> Value {
        Value::Number(self.into())
    }
}

impl FromValue for u64 {
    fn from_value(value: Value) -> Result<Self, ValueError> {
        let number = Number::from_value(value)?;
        let expected = || ValueError::new(format!("expected a whole number from 0 to {}", Self::MAX));
        number.as_u64().ok_or_else(expected)
    }
}

impl IntoValue for u64 {
    fn into_value(self) -> Value {
        Value::Number(self.into())
    }
}

impl FromValue for usize {
    fn from_value(value: Value) -> Result<Self, ValueError> {
        let number = Number::from_value(value)?;
        let expected = || ValueError::new(format!("expected a whole number from 0 to {}", Self::MAX));
        number.as_u64().and_then(|int| int.try_into().ok()).ok_or_else(expected)
    }
}

impl IntoValue for usize {
    fn into_value(self) -> Value {
        // There is no machine with more than 64 bits.
        u64::try_from(self).unwrap_or(u64::MAX).into_value()
    }
}

impl FromValue for f64 {
    fn from_value(value: Value) -> Result<Self, ValueError> {
        Ok(Number::from_value(value)?.to_f64())
    }
}

/// A float becomes the decimal number that a person would write for it. What is no number becomes null.
impl IntoValue for f64 {
    fn into_value(self) -> Value {
        Number::from_f64(self).map_or(Value::Null, Value::Number)
    }
}

impl<T: FromValue> FromValue for Vec<T> {
    fn from_value(value: Value) -> Result<Self, ValueError> {
        match value {
            Value::List(items) | Value::Tuple(items) => elements(items),
            Value::Set(items) => elements(items),
            Value::Dynamic(typed) => Self::from_value(typed.value),
            other => Err(ValueError::expected("a list", &other)),
        }
    }
}

impl<T: IntoValue> IntoValue for Vec<T> {
    fn into_value(self) -> Value {
        Value::List(self.into_iter().map(IntoValue::into_value).collect())
    }
}

impl<T: FromValue + Ord> FromValue for BTreeSet<T> {
    fn from_value(value: Value) -> Result<Self, ValueError> {
        match value {
            Value::List(items) | Value::Tuple(items) => elements(items),
            Value::Set(items) => elements(items),
            Value::Dynamic(typed) => Self::from_value(typed.value),
            other => Err(ValueError::expected("a set", &other)),
        }
    }
}

impl<T: IntoValue> IntoValue for BTreeSet<T> {
    fn into_value(self) -> Value {
        Value::Set(self.into_iter().map(IntoValue::into_value).collect())
    }
}

impl<T: FromValue> FromValue for BTreeMap<String, T> {
    fn from_value(value: Value) -> Result<Self, ValueError> {
        match value {
            Value::Map(entries) | Value::Object(entries) => {
                let entry = |(key, value)| match T::from_value(value) {
                    Ok(value) => Ok((key, value)),
                    Err(error) => Err(error.under(Step::Key(key))),
                };
                entries.into_iter().map(entry).collect()
            }
            Value::Dynamic(typed) => Self::from_value(typed.value),
            other => Err(ValueError::expected("a map", &other)),
        }
    }
}

impl<T: IntoValue> IntoValue for BTreeMap<String, T> {
    fn into_value(self) -> Value {
        Value::Map(self.into_iter().map(|(key, value)| (key, value.into_value())).collect())
    }
}

/// `None` stands for null; an unknown value is an error.
impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Result<Self, ValueError> {
        match value {
            Value::Null => Ok(None),
            // Of open type, and the type is all that there is.
            Value::Dynamic(typed) if typed.value.is_null() => Ok(None),
            value => T::from_value(value).map(Some),
        }
    }
}

impl<T: IntoValue> IntoValue for Option<T> {
    fn into_value(self) -> Value {
        self.map_or(Value::Null, IntoValue::into_value)
    }
}

/// A value that never shows in a `Debug` output, and so in no log.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sensitive<T>(T);

impl<T> Sensitive<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value. The name is long so that a reviewer sees it.
    pub fn expose(&self) -> &T {
        &self.0
    }

    /// The value. The name is long so that a reviewer sees it.
    pub fn into_exposed(self) -> T {
        self.0
    }
}

impl<T> From<T> for Sensitive<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(sensitive)")
    }
}

impl<T: FromValue> FromValue for Sensitive<T> {
    fn from_value(value: Value) -> Result<Self, ValueError> {
        T::from_value(value).map(Self)
    }
}

impl<T: IntoValue> IntoValue for Sensitive<T> {
    fn into_value(self) -> Value {
        self.0.into_value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Attr, AttributePath, Type, model};

    model! {
        /// An outer model.
        #[derive(Debug)]
        struct Outer {
            r#type: Attr<String>,
            inner: Attr<Vec<Inner>>,
            secret: Attr<Sensitive<String>>,
        }

        /// An inner model.
        #[derive(Debug)]
        struct Inner {
            count: Attr<u8>,
            tags: Attr<BTreeSet<Attr<String>>>,
        }
    }

    fn outer() -> Outer {
        let tags = [Attr::known("b"), Attr::Unknown].into_iter().collect();
        Outer {
            r#type: "t".to_owned().into(),
            inner: Attr::Known(vec![Inner { count: Attr::Known(3), tags: Attr::Known(tags) }, Inner::default()]),
            secret: Attr::Known("hush".to_owned().into()),
        }
    }

    #[test]
    fn models_there_and_back() {
        let value = outer().into_value();
        assert_eq!(value.get("type"), Some(&"t".into()));
        assert_eq!(Outer::from_value(value).unwrap(), outer());
        assert!(!format!("{:?}", outer()).contains("hush"));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let Value::Object(mut entries) = outer().into_value() else { unreachable!() };
        entries.insert("inner".into(), Value::List(vec![Inner::default().into_value(), Value::UNKNOWN]));
        let error = Outer::from_value(Value::Object(entries.clone())).unwrap_err();
        assert_eq!(error.path(), AttributePath::of("inner").index(1));
        let big = Value::Object(BTreeMap::from([("count".to_owned(), 256.into()), ("tags".to_owned(), Value::Null)]));
        entries.insert("inner".into(), Value::List(vec![big]));
        let error = Outer::from_value(Value::Object(entries.clone())).unwrap_err();
        assert_eq!(error.to_string(), "inner[0].count: expected a whole number from 0 to 255");
        entries.insert("more".into(), Value::Null);
        entries.insert("inner".into(), Value::Null);
        let error = Outer::from_value(Value::Object(entries)).unwrap_err();
        assert_eq!(error.to_string(), "more: is in the schema, but not in the model");
    }

    #[test]
    fn what_brings_its_type_is_read_like_what_does_not() {
        let typed = |ty, value| Value::Dynamic(Box::new(crate::Typed { ty, value }));
        assert_eq!(Option::<String>::from_value(typed(Type::String, Value::Null)), Ok(None));
        assert_eq!(Option::<String>::from_value(typed(Type::String, "x".into())), Ok(Some("x".to_owned())));
        assert!(Option::<String>::from_value(typed(Type::String, Value::UNKNOWN)).is_err());
        let inner = Inner { count: Attr::Known(3), tags: Attr::Null };
        let ty = Type::object([("count", Type::Number), ("tags", Type::set(Type::String))]);
        assert_eq!(Inner::from_value(typed(ty, inner.clone().into_value())).unwrap(), inner);
    }

    #[test]
    fn large_whole_numbers_go_there_and_back() {
        for int in [0, 1, 1 << 53, (1 << 63) - 1, 1 << 63, (1 << 63) + 1, u64::MAX - 2047, u64::MAX] {
            assert_eq!(u64::from_value(int.into_value()), Ok(int));
            assert_eq!(int.into_value().as_number().unwrap().to_string(), int.to_string());
        }
        assert_eq!(usize::from_value(usize::MAX.into_value()), Ok(usize::MAX));
        for wrong in ["-1", "0.5", "18446744073709551616", "18446744073709551615.5", "1e30"] {
            let wrong = || Value::Number(wrong.parse().unwrap());
            let error = u64::from_value(wrong()).unwrap_err();
            assert_eq!(error.to_string(), "expected a whole number from 0 to 18446744073709551615");
            assert!(usize::from_value(wrong()).is_err());
        }
    }

    #[test]
    fn numbers_that_do_not_fit_are_errors() {
        assert_eq!(f64::from_value(Value::Number("0.5".parse().unwrap())).unwrap().to_bits(), 0.5_f64.to_bits());
        assert!(i64::from_value(Value::Number("0.5".parse().unwrap())).is_err());
        assert!(i64::from_value(Value::Number("9223372036854775808".parse().unwrap())).is_err());
        assert_eq!(f64::NAN.into_value(), Value::Null);
        assert_eq!(0.1.into_value(), Value::Number("0.1".parse().unwrap()));
    }
}
