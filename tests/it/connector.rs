//! Connected systems at work: files become users and groups, and users become files.

mod imports;
mod inbound;
mod outbound;
mod server;
mod support;
