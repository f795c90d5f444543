//! The messages on the wire and their clients, generated from the provider crate's definitions.

/// Messages and client of the provider protocol.
#[expect(
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    missing_docs,
    unused_qualifications,
    reason = "generated code"
)]
pub mod tfplugin6 {
    include!(concat!(env!("OUT_DIR"), "/tfplugin6.rs"));
}

/// Clients of the services that every plugin has: the controller, which ends it, and its output.
#[expect(
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    missing_docs,
    unused_qualifications,
    reason = "generated code"
)]
pub mod plugin {
    include!(concat!(env!("OUT_DIR"), "/plugin.rs"));
}

/// The `Debug` of what can carry secrets, which the build script leaves out: the provider crate's own.
#[path = "../../../provider/tfplugin/src/wire/opaque.rs"]
mod opaque;
