//! What an operator sees of a server: pages that name real metrics, logs and traces that belong together, and a backup that can be
//! restored.

mod backup;
mod lines;
mod pages;
