//! What the author of a function writes.

mod arguments;
mod signature;

pub use arguments::Arguments;
pub use signature::{Parameter, Signature};

use crate::convert::IntoValue as _;
use crate::erased::Typed;
use crate::value::Value;

/// A function for expressions: `provider::scheduler::next(…)`.
///
/// It is pure: the same arguments give the same result, without the provider's configuration, without a network. That
/// is why it is neither asynchronous nor given a client.
///
/// ```
/// use tfplugin::{Check, Function, FunctionError, Parameter, Signature, Type};
///
/// /// `repeat(text, times)`, with any number of texts to follow.
/// struct Repeat;
///
/// impl Function for Repeat {
///     const NAME: &'static str = "repeat";
///     type Arguments = (String, u32, Vec<String>);
///     type Output = String;
///
///     fn signature(&self) -> Signature {
///         let times = Parameter::number("times").check(Check::int(0..=100));
///         Signature::new([Parameter::string("text"), times], Type::String).variadic(Parameter::string("more"))
///     }
///
///     fn call(&self, (text, times, more): Self::Arguments) -> Result<String, FunctionError> {
///         if text.is_empty() {
///             return Err(FunctionError::argument(0, "There is nothing to repeat."));
///         }
///         Ok((text + &more.concat()).repeat(times as usize))
///     }
/// }
///
/// assert_eq!(Repeat.call(("ab".into(), 2, vec!["c".into()])).unwrap(), "abcabc");
/// ```
pub trait Function: Send + Sync + 'static {
    /// The name, without the provider's: `next`.
    const NAME: &'static str;

    /// A tuple of what the parameters are read into, one part each. A variadic parameter is a `Vec` at the end.
    ///
    /// A part is an `Option` where null is allowed, an [`Attr`](crate::Attr) where unknown values are.
    type Arguments: Arguments;
    /// The result. An `Option`, or an [`Attr`](crate::Attr), if it can be null or unknown.
    type Output: crate::IntoValue;

    /// Parameters and result; asked once.
    fn signature(&self) -> Signature;

    /// Computes the result.
    ///
    /// # Errors
    /// What is wrong, and with which argument: Terraform shows it beside the call.
    fn call(&self, arguments: Self::Arguments) -> Result<Self::Output, FunctionError>;
}

/// Why a function has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct FunctionError {
    /// The reason, for the user.
    pub text: String,
    /// The number of the argument that is to blame, from 0.
    pub argument: Option<usize>,
}

impl FunctionError {
    /// An error that no single argument is to blame for.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), argument: None }
    }

    /// An error in one argument, counted from 0.
    pub fn argument(number: usize, text: impl Into<String>) -> Self {
        Self { text: text.into(), argument: Some(number) }
    }
}

/// [`Function`] without its types.
pub(crate) trait Erased: Send + Sync {
    fn name(&self) -> &'static str;
    fn signature(&self) -> Signature;
    /// How many parts the arguments' tuple has.
    fn parts(&self) -> usize;
    fn call(&self, arguments: Vec<Value>) -> Result<Value, FunctionError>;
}

impl<F: Function> Erased for Typed<F> {
    fn name(&self) -> &'static str {
        F::NAME
    }

    fn signature(&self) -> Signature {
        self.0.signature()
    }

    fn parts(&self) -> usize {
        F::Arguments::COUNT
    }

    fn call(&self, arguments: Vec<Value>) -> Result<Value, FunctionError> {
        Ok(self.0.call(F::Arguments::from_values(arguments)?)?.into_value())
    }
}
