//! The script runtime with the real interpreter.

mod calls;
mod endings;
mod failures;
mod isolation;
mod results;
mod support;
