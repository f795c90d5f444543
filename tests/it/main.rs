//! All integration tests but those of the provider in one binary: it is linked once.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod api;
mod chaos;
mod connector;
mod docs;
mod examples;
mod failures;
mod limits;
mod listen;
mod observability;
mod postgres;
mod rotation;
mod scheduling;
mod scripts;
mod settings;
mod steps;
mod store;
mod supply_chain;
