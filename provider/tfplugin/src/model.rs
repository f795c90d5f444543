//! Structs that mirror a schema.

use std::collections::BTreeMap;

use crate::convert::{FromValue, IntoValue};
use crate::value::{Step, Value, ValueError};

/// A struct with one field for each attribute and block of a schema. [`model!`](crate::model!) writes it.
pub trait Model: FromValue + IntoValue + Clone + Send + Sync + 'static {
    /// The names of the attributes and blocks.
    const FIELDS: &'static [&'static str];
}

/// Defines structs that mirror a schema: each field is an attribute or a block of the same name.
///
/// A field is usually an [`Attr`](crate::Attr), which can be null and unknown. Within it stand `String`, `bool`,
/// numbers, `Vec`, `BTreeSet`, `BTreeMap<String, _>`, other models, [`Sensitive`](crate::Sensitive) or
/// [`Value`]. Elements that a configuration may leave unknown are an `Attr` themselves.
///
/// A list or set of blocks is an `Attr<Vec<_>>`, and a map of blocks an `Attr<BTreeMap<String, _>>`. They are never
/// null: empty where there is no block, and unknown while the `for_each` of a `dynamic` block is. A single block is an
/// `Attr` of its model, and null where there is none.
///
/// The structs are `Clone`, `Default` and `PartialEq`; further derives are up to you.
///
/// ```
/// use std::collections::BTreeMap;
/// use tfplugin::{Attr, Sensitive, model};
///
/// model! {
///     /// A job of the scheduler.
///     #[derive(Debug)]
///     pub struct Job {
///         pub name: Attr<String>,
///         pub secrets: Attr<BTreeMap<String, Attr<Sensitive<String>>>>,
///         pub steps: Attr<Vec<Step>>,
///     }
///
///     /// One step of a job.
///     #[derive(Debug)]
///     pub struct Step {
///         pub program: Attr<String>,
///     }
/// }
///
/// let job = Job { name: "nightly".into(), ..Job::default() };
/// assert!(job.steps.is_null());
/// ```
#[macro_export]
macro_rules! model {
    ($(
        $(#[$meta:meta])*
        $visibility:vis struct $name:ident {
            $( $(#[$field_meta:meta])* $field_visibility:vis $field:ident : $ty:ty ),* $(,)?
        }
    )+) => {$(
        $(#[$meta])*
        #[derive(Clone, Default, PartialEq)]
        $visibility struct $name {
            $(
                $(#[$field_meta])*
                #[doc = concat!("The attribute or block `", stringify!($field), "`.")]
                $field_visibility $field: $ty,
            )*
        }

        impl $crate::FromValue for $name {
            fn from_value(value: $crate::Value) -> ::core::result::Result<Self, $crate::ValueError> {
                let mut fields = $crate::model::Fields::new(value)?;
                let model = Self { $( $field: fields.take($crate::model::field_name(stringify!($field)))?, )* };
                fields.finish()?;
                Ok(model)
            }
        }

        impl $crate::IntoValue for $name {
            fn into_value(self) -> $crate::Value {
                $crate::model::object([
                    $( ($crate::model::field_name(stringify!($field)), $crate::IntoValue::into_value(self.$field)), )*
                ])
            }
        }

        impl $crate::Model for $name {
            const FIELDS: &'static [&'static str] = &[$( $crate::model::field_name(stringify!($field)), )*];
        }
    )+};
}

/// The name of a field without the mark of a raw identifier: an attribute may be called `type`.
#[doc(hidden)]
pub const fn field_name(identifier: &'static str) -> &'static str {
    match identifier.as_bytes() {
        [b'r', b'#', ..] => identifier.split_at(2).1,
        _ => identifier,
    }
}

#[doc(hidden)]
pub fn object<const N: usize>(fields: [(&'static str, Value); N]) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// The fields of an object, as [`model!`](crate::model!) takes them out.
#[doc(hidden)]
#[derive(Debug)]
pub struct Fields(BTreeMap<String, Value>);

impl Fields {
    pub fn new(value: Value) -> Result<Self, ValueError> {
        match value {
            Value::Object(entries) | Value::Map(entries) => Ok(Self(entries)),
            Value::Dynamic(typed) => Self::new(typed.value),
            other => Err(ValueError::expected("an object", &other)),
        }
    }

    pub fn take<T: FromValue>(&mut self, name: &'static str) -> Result<T, ValueError> {
        let at = |error: ValueError| error.under(Step::Attribute(name.to_owned()));
        let value = self.0.remove(name).ok_or_else(|| at(ValueError::new("is in the model, but not in the schema")))?;
        T::from_value(value).map_err(at)
    }

    pub fn finish(self) -> Result<(), ValueError> {
        match self.0.into_keys().next() {
            None => Ok(()),
            Some(name) => Err(ValueError::new("is in the schema, but not in the model").under(Step::Attribute(name))),
        }
    }
}
