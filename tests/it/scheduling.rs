//! Stories of ticks and runs: a whole server whose clock the test moves.

mod bench;
mod builtin;
mod edits;
mod executions;
mod identities;
mod invariants;
mod logs;
mod next;
mod once;
mod outage;
mod overlap;
mod recovery;
mod replicas;
mod retention;
mod runs;
mod scripts;
mod shutdown;
pub(crate) mod support;
mod ticks;
