//! What the planner promises, in one binary: it is linked once.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bugs;
mod matrix;
mod pattern_expressions;
mod pattern_fields;
mod pattern_matrix;
mod pattern_walk;
mod support;
mod walk;
