#![doc = include_str!("../README.md")]
//!
//! ## The layers
//!
//! Each knows only those that come after it:
//!
//! - `serve`: the life of the process. It uses `handshake` (the first words), `tls` (who is let in) and `log`.
//! - `service`: answers Terraform's calls, with a `guard` against panics.
//! - `rules`: what Terraform demands of an answer.
//! - `wire`: the messages, and the translation into them.
//! - `provider`, `resource`: what an author implements.
//! - `schema`, `model`, `value`: what travels.

#[cfg(not(unix))]
compile_error!("tfplugin serves on Unix sockets only, so far");

mod attr;
mod convert;
mod diagnostics;
mod guard;
mod handshake;
mod log;
#[doc(hidden)]
pub mod model;
mod provider;
mod resource;
mod rules;
mod schema;
mod serve;
mod service;
mod stop;
mod tls;
mod value;
mod wire;

pub use async_trait::async_trait;

pub use attr::Attr;
pub use convert::{FromValue, IntoValue, Sensitive};
pub use diagnostics::{Diagnostic, Diagnostics, Severity};
pub use model::Model;
pub use provider::{Catalog, Configure, Provider};
pub use resource::{Context, Plan, Private, Read, Resource, StoredState};
pub use schema::{Attribute, Block, Check, Message, Schema};
pub use serve::serve;
pub use stop::Stop;
pub use value::{AttributePath, Number, Set, Step, Type, Typed, Value, ValueError};
