//! Steps of schedules, and run profiles that somebody executed.

pub mod programs;

use std::collections::BTreeMap;

use justiam_sdk::api::activities::{ActivityStatus, ObjectError};

/// How many errors of single objects an activity keeps.
pub const MAX_ERRORS: usize = 100;

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepEnding {
    /// One that will never change again.
    pub status: ActivityStatus,
    /// What was done, in words.
    pub message: Option<String>,
    /// What went wrong.
    pub error: Option<String>,
    /// What the program ended with; a signal is 128 and its number.
    pub exit_code: Option<i64>,
    /// The end of what was printed.
    pub output: Option<String>,
    /// How the program was isolated.
    pub isolation: Option<String>,
    /// What became of objects.
    pub objects: Objects,
}

impl StepEnding {
    /// An end with nothing to tell.
    pub fn new(status: ActivityStatus) -> Self {
        Self {
            status,
            message: None,
            error: None,
            exit_code: None,
            output: None,
            isolation: None,
            objects: Objects::default(),
        }
    }

    /// A bad end.
    pub fn failed(error: impl Into<String>) -> Self {
        Self { error: Some(error.into()), ..Self::new(ActivityStatus::FailedWithError) }
    }
}

/// What a run profile did to objects.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Objects {
    /// How many there are, where that is known.
    pub to_process: Option<i64>,
    /// How many have been processed.
    pub processed: i64,
    /// What became of them: a number for each word.
    pub counts: BTreeMap<String, i64>,
    /// The first errors of single objects.
    pub errors: Vec<ObjectError>,
}
