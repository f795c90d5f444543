//! The script runtime with the real interpreter.

mod calls;
mod endings;
mod failures;
mod fetch;
mod gworkspace;
mod isolation;
mod results;
mod support;
mod web;
