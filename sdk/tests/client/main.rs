//! The client against servers that behave well, badly, or not at all.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod lists;
mod logs;
mod outcomes;
mod requests;
mod retries;
mod schedules;
mod support;
