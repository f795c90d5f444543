//! Managed resources, one module each.

pub(crate) mod scheduled_task;
