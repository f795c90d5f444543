//! The examples of scripts: applied with Terraform, triggered, and judged by what they leave behind here and there.

mod applications;
mod github;
mod google;
mod inactive;
mod ldap;
mod readme;
mod report;
mod stand_ins;
mod world;
