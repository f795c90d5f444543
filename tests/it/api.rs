//! The HTTP API: an in-process server through the SDK's client, and raw requests for what the client cannot express.

mod access;
mod audit;
mod concurrency;
mod confidential;
mod config;
mod edits;
mod fixtures;
mod groups;
mod idempotency;
mod limits;
mod lists;
mod messages;
mod metrics;
mod next;
mod revisions;
mod routes;
mod runs;
mod secrets;
mod seed;
mod support;
mod system_tasks;
mod tasks;
mod tokens;
mod users;
mod validate;
mod validation;
