//! Users, groups, and what else scripts and clients manage about people and programs.
//!
//! Clients come with a token and scripts with their run, so these use cases take an [`actor::Actor`] where both may call
//! them.

pub mod actor;
pub(in crate::app) mod rules;
