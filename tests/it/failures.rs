//! A server whose machine gives it no more: what it says, and that it goes on as if nothing had been.

mod database;
mod descriptors;
mod disk;
mod log;
mod shutdown;
mod support;
