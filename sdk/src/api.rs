//! The HTTP contract: what travels between a client and a server, and nothing else.
//!
//! The server, the client and the Terraform provider all use these types, so the contract exists once. This module does no
//! I/O. What may change: a new optional field, a new word of an enum (clients keep words that they do not know), a new
//! path. What may not: the meaning, type or spelling of anything that is here.

pub mod access_requests;
pub mod activities;
pub mod applications;
pub mod audit;
pub mod config;
pub mod connected_systems;
pub mod connection;
pub mod cron;
pub mod executions;
pub mod federated_providers;
pub mod groups;
pub mod ids;
pub mod me;
pub mod messages;
pub mod operations;
pub mod page;
pub mod paths;
pub mod pattern;
pub mod permissions;
pub mod preview;
pub mod problem;
pub mod run_logs;
pub mod runs;
pub mod schedules;
mod schema;
pub mod script;
pub mod secrets;
pub mod service_accounts;
pub mod tasks;
pub mod tokens;
pub mod users;
pub mod values;
pub mod zone;
