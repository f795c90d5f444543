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
//! - `provider`, `resource`, `data_source`, `ephemeral`, `function`, `action`, `list`: what an author implements.
//! - `schema`, `model`, `value`: what travels.

#[cfg(not(unix))]
compile_error!("tfplugin serves on Unix sockets only, so far");

mod action;
mod attr;
mod context;
mod convert;
mod data_source;
mod diagnostics;
mod ephemeral;
mod erased;
mod function;
mod guard;
mod handshake;
mod identity;
mod list;
mod log;
#[doc(hidden)]
pub mod model;
mod private;
mod provider;
mod resource;
mod rules;
mod schema;
mod serve;
mod service;
mod stop;
mod stored;
mod tls;
mod value;
mod wire;

pub use async_trait::async_trait;

pub use action::{Action, Progress};
pub use attr::Attr;
pub use context::{Call, Context, Deferral, Reason};
pub use convert::{FromValue, IntoValue, Sensitive};
pub use data_source::DataSource;
pub use diagnostics::{Diagnostic, Diagnostics, Severity};
pub use ephemeral::{EphemeralResource, Opened};
pub use function::{Arguments, Function, FunctionError, Parameter, Signature};
pub use identity::{IdentityAttribute, IdentitySchema};
pub use list::{Found, List};
pub use model::Model;
pub use private::Private;
pub use provider::{Catalog, Configure, Provider};
pub use resource::{Import, MovedState, Plan, Read, Resource};
pub use schema::{Attribute, Block, Check, Message, Relation, Schema, same};
pub use serve::serve;
pub use stop::Stop;
pub use stored::Stored;
pub use value::{AttributePath, Number, Refinement, Set, Step, Type, Typed, Value, ValueError};
