//! Arguments of a function as a tuple.

use super::FunctionError;
use crate::convert::FromValue;
use crate::value::{Step, Value, ValueError};

/// A tuple that the arguments of a [`Function`](super::Function) are read into: up to eight parts.
pub trait Arguments: Sized + Send {
    /// How many parts there are.
    const COUNT: usize;

    /// Reads the arguments; there are [`COUNT`](Self::COUNT) of them, those of a variadic parameter in one list.
    ///
    /// # Errors
    /// Names the argument that does not fit.
    fn from_values(values: Vec<Value>) -> Result<Self, FunctionError>;
}

/// Reads one argument.
fn take<T: FromValue>(values: &mut impl Iterator<Item = (usize, Value)>) -> Result<T, FunctionError> {
    let Some((number, value)) = values.next() else { return Err(FunctionError::new("There are too few arguments.")) };
    let is_variadic = matches!(value, Value::Tuple(_));
    T::from_value(value).map_err(|error| misfit(number, is_variadic, &error))
}

fn misfit(number: usize, is_variadic: bool, error: &ValueError) -> FunctionError {
    // The arguments of a variadic parameter are counted on, one by one.
    let path = error.path();
    let (number, path) = match path.steps() {
        [Step::Index(index), rest @ ..] if is_variadic => (number + index, rest.iter().cloned().collect()),
        _ => (number, path),
    };
    let place = if path.steps().is_empty() { String::new() } else { format!("{path}: ") };
    FunctionError::argument(number, format!("{place}{}.", error.problem()))
}

macro_rules! tuples {
    ($( ($($part:ident)*) )+) => {$(
        impl<$($part: FromValue + Send),*> Arguments for ($($part,)*) {
            const COUNT: usize = <[&str]>::len(&[$(stringify!($part)),*]);

            fn from_values(values: Vec<Value>) -> Result<Self, FunctionError> {
                let mut values = values.into_iter().enumerate();
                let arguments = ($(take::<$part>(&mut values)?,)*);
                match values.next() {
                    None => Ok(arguments),
                    Some((number, _)) => Err(FunctionError::argument(number, "This is one argument too many.")),
                }
            }
        }
    )+};
}

tuples! {
    ()
    (A)
    (A B)
    (A B C)
    (A B C D)
    (A B C D E)
    (A B C D E F)
    (A B C D E F G)
    (A B C D E F G H)
}
