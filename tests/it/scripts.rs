//! The script runtime with the real interpreter.

mod calls;
mod check;
mod command;
mod command_idp;
mod endings;
mod failures;
mod fetch;
pub(crate) mod gworkspace;
mod hostile;
mod hostile_amounts;
mod idp;
mod isolation;
mod layers;
mod raw;
mod results;
mod support;
mod traces;
pub(crate) mod web;
