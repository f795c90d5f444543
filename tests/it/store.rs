//! What each function of the store does, the same on both databases.

mod access_requests;
mod active_runs;
mod active_steps;
mod activities;
mod applications;
mod audit;
mod bench;
mod complete;
mod connected_systems;
mod connector_objects;
mod db;
mod executions;
mod federation;
mod idempotency;
mod identity;
mod invariants;
mod metrics;
mod people;
mod run_logs;
mod runs;
mod schedules;
mod secrets;
mod support;
mod tasks;
mod tokens;
mod turns;
