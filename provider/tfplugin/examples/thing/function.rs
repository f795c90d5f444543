//! Functions for expressions.

use tfplugin::{Attr, Check, Function, FunctionError, IntoValue, Parameter, Signature, Type, Value};

/// `join(separator, words...)`: the words that are not null.
pub(crate) struct Join;

impl Function for Join {
    const NAME: &'static str = "join";
    type Arguments = (String, Vec<Option<String>>);
    type Output = String;

    fn signature(&self) -> Signature {
        let separator = Parameter::string("separator").check(Check::length(0..=3));
        Signature::new([separator], Type::String)
            .variadic(Parameter::string("words").allow_null())
            .summary("Joins words.")
            .markdown("Joins words; those that are null are left out.")
    }

    fn call(&self, (separator, words): Self::Arguments) -> Result<String, FunctionError> {
        let words: Vec<String> = words.into_iter().flatten().collect();
        match words.iter().position(|word| word == "panic") {
            Some(_) => panic!("this function panics"),
            None => Ok(words.join(&separator)),
        }
    }
}

/// `share(whole, part)`: how much of the whole the part is.
pub(crate) struct Share;

impl Function for Share {
    const NAME: &'static str = "share";
    type Arguments = (i64, u32);
    type Output = f64;

    fn signature(&self) -> Signature {
        Signature::new([Parameter::number("whole"), Parameter::number("part")], Type::Number)
            .summary("Divides.")
            .deprecated("Write the division itself.")
    }

    fn call(&self, (whole, part): Self::Arguments) -> Result<f64, FunctionError> {
        let whole = i32::try_from(whole).map_err(|_| FunctionError::argument(0, "The whole is too large."))?;
        if whole == 0 {
            return Err(FunctionError::argument(0, "Nothing has no parts."));
        }
        Ok(f64::from(part) / f64::from(whole))
    }
}

/// `state(value)`: how a value is, whatever it is.
pub(crate) struct State;

impl Function for State {
    const NAME: &'static str = "state";
    type Arguments = (Attr<Value>,);
    type Output = Value;

    fn signature(&self) -> Signature {
        let value = Parameter::dynamic("value").allow_null().allow_unknown().markdown("Anything.");
        Signature::new([value], Type::object([("known", Type::Bool), ("null", Type::Bool)]))
    }

    fn call(&self, (value,): Self::Arguments) -> Result<Value, FunctionError> {
        let known = ("known".to_owned(), (!value.is_unknown()).into_value());
        Ok(Value::Object([known, ("null".to_owned(), value.is_null().into_value())].into()))
    }
}

/// `longest(words)`: the longest word of a list.
pub(crate) struct Longest;

impl Function for Longest {
    const NAME: &'static str = "longest";
    type Arguments = (Vec<String>,);
    type Output = Option<String>;

    fn signature(&self) -> Signature {
        Signature::new([Parameter::of("words", Type::list(Type::String))], Type::String)
            .summary("Finds the longest word.")
    }

    fn call(&self, (words,): Self::Arguments) -> Result<Option<String>, FunctionError> {
        Ok(words.into_iter().max_by_key(String::len))
    }
}
