//! What Terraform's core does with the answers of a provider, as functions of values: which object it proposes, and
//! which rules it checks.
//!
//! [`Lifecycle`](crate::Lifecycle) applies them to a running provider.

mod plan;
mod promise;
mod proposed;
mod result;
mod rule;
mod walk;
mod whole;

pub use plan::check_plan;
pub use proposed::proposed;
pub(crate) use result::check_known;
pub use result::{check_promises, check_result};
pub use rule::{Breach, Rule};
pub(crate) use walk::{at, leads_somewhere};
pub use whole::check_object;

#[cfg(test)]
mod tests;
