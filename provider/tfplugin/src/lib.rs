// The README links to files; here the same names lead to the modules that show them. The first definition counts.
//! [core-versions]: crate::core_versions
//! [recipes]: crate::recipes
//!
#![doc = include_str!("../README.md")]

#[cfg(not(unix))]
compile_error!("tfplugin serves on Unix sockets only, so far");

mod action;
mod attr;
mod context;
mod convert;
#[doc = include_str!("../docs/core-versions.md")]
#[expect(clippy::doc_markdown, reason = "a page of tables, in which calls and projects are plain words")]
pub mod core_versions {}
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
pub mod recipes;
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
