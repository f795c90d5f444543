//! Managed resources, one module each.

pub(crate) mod connected_system;
pub(crate) mod run_profile;
pub(crate) mod schedule;
pub(crate) mod scheduled_task;
pub(crate) mod task_run;
