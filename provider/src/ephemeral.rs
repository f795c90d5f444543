//! Ephemeral resources, one module each.

pub(crate) mod token;
