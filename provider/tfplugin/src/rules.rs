//! What Terraform demands of a provider's answers, in one place.
//!
//! Terraform checks each answer and reports a violation as "a bug in the provider". Here the answer is brought into
//! shape, and what cannot be is reported with the attribute's name, so that the author finds it. Nothing in this
//! layer knows the wire.

mod apply;
mod generate;
mod identity;
mod plan;
mod replace;
mod restore;
mod validate;

pub(crate) use apply::{forget_unknown, forget_write_only, settle, verify_result};
pub(crate) use generate::generate_config;
pub(crate) use identity::same_identity;
pub(crate) use plan::{check_configured, mark_changes, prepare_plan, promise};
pub(crate) use replace::{address_of_path, replacements};
pub(crate) use restore::restore;
pub(crate) use validate::{check_relations, deprecations, refuse_write_only, run_checks};

#[cfg(test)]
mod tests;
