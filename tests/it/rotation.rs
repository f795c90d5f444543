//! One server secret follows another, and what becomes of values that no secret opens: with real processes.

mod damage;
mod generated;
mod online;
mod sources;
mod support;
