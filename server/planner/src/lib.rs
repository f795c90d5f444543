//! The rules of scheduling, pure: no I/O, no async function, no clock. The same arguments give the same answer.
//!
//! - [`calendar`]: at which instants a cron expression fires in a time zone, daylight saving included.
//! - [`due`]: what to record when a task's time has come, and when it fires next.
//! - [`overlap`]: what becomes of a run while others of its task are active.
//! - [`lease`]: who may work on a run, and for how long.
//! - [`warnings`]: what a user may not expect of an expression.
//!
//! The server's driver carries out what is decided here.
#![warn(clippy::wildcard_enum_match_arm)]

pub mod calendar;
pub mod due;
pub mod lease;
pub mod overlap;
pub mod warnings;
