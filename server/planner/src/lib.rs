//! The rules of scheduling, pure: no I/O, no async function, no clock. The same arguments give the same answer.
//!
//! - [`calendar`]: at which instants a cron expression or a pattern fires in a time zone, daylight saving included.
//! - [`pattern`]: the patterns of schedules, and the cron expressions that say the same.
//! - [`due`]: what to record when the time of a task or a schedule has come, and when it fires next.
//! - [`steps`]: in which order the steps of an execution go, and how it ends.
//! - [`overlap`]: what becomes of a run while others of its task are active.
//! - [`lease`]: who may work on a run, and for how long.
//! - [`warnings`]: what a user may not expect of an expression or a pattern.
//!
//! The server's driver carries out what is decided here.
#![warn(clippy::wildcard_enum_match_arm)]

pub mod calendar;
pub mod due;
pub mod lease;
pub mod overlap;
pub mod pattern;
pub mod steps;
pub mod warnings;
