//! The messages on the wire, and the translation of this crate's types into them.

mod opaque;
mod schema;
mod signature;
mod translate;

pub(crate) use schema::{identity_schema, schema};
pub(crate) use signature::{function, function_error};
pub(crate) use translate::{decode, deferred, diagnostics, encode, path};

/// Messages and service of the provider protocol, generated from `proto/tfplugin6.proto`.
#[expect(
    clippy::pedantic,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    unreachable_pub,
    unused_qualifications,
    reason = "generated code"
)]
#[allow(dead_code, reason = "each message that only holds others becomes a struct; `expect` does not see these")]
pub(crate) mod tfplugin6 {
    include!(concat!(env!("OUT_DIR"), "/tfplugin6.rs"));
}

/// Services that every plugin has, generated from `proto/plugin.proto`.
#[expect(
    clippy::pedantic,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    unreachable_pub,
    unused_qualifications,
    reason = "generated code"
)]
pub(crate) mod plugin {
    include!(concat!(env!("OUT_DIR"), "/plugin.rs"));
}

#[cfg(test)]
mod tests;
