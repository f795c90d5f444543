//! Steps of schedules, and run profiles that somebody executed.

pub mod programs;

pub use crate::store::activities::{Objects, StepEnding};

/// How many errors of single objects an activity keeps.
pub const MAX_ERRORS: usize = 100;
