//! The programs of steps, with real processes and real databases.

mod executables;
mod executed;
mod hostile;
mod isolation;
mod postgres;
mod powershell;
mod sqlite;
mod support;
