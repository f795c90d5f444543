#![doc = include_str!("../README.md")]
//!
//! ## The modules
//!
//! - [`Plugin`] is the process, [`Session`] the process with a connection; [`connect`] and [`is_let_in`] are for tests of
//!   the TLS itself.
//! - [`Schemas`] reads what the provider says of itself, so that values can be written as JSON.
//! - [`core`] has the rules of Terraform as functions of values; [`Lifecycle`] applies them to a running provider.
//! - [`wire`] is generated from the provider crate's definitions: every call can be made by hand.

pub mod core;
pub mod diagnostics;
mod lifecycle;
mod plugin;
mod schema;
mod session;
mod tls;
mod value;
pub mod wire;

use std::time::Duration;

pub use lifecycle::{Action, Answer, Lifecycle, Plan, Source, State};
pub use plugin::{Launch, Plugin};
pub use schema::{Attribute, Block, Function, IdentitySchema, Kind, Nesting, Object, Schema, Schemas};
pub use session::{Connection, Session, Transport};
pub use tls::{Identity, connect, is_let_in};
pub use value::{UNKNOWN, decode, encode, from_json, unknown};

use wire::tfplugin6::ClientCapabilities;

/// How long anything that is waited for may take.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The version of Terraform that the provider is told of.
pub const TERRAFORM_VERSION: &str = "1.14.0";

/// What this client can do: write-only attributes, and no postponing.
fn capabilities() -> ClientCapabilities {
    ClientCapabilities { write_only_attributes_allowed: true, ..ClientCapabilities::default() }
}

/// The answer to a call, which must not have failed as a call.
fn answered<T>(rpc: &str, answer: Result<tonic::Response<T>, tonic::Status>) -> T {
    answer.unwrap_or_else(|status| panic!("{rpc} failed: {status}")).into_inner()
}
