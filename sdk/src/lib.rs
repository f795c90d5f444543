#![doc = include_str!("../README.md")]

pub mod api;
#[cfg(feature = "client")]
pub mod client;

#[cfg(feature = "client")]
pub use client::{Client, Error};
