//! Finds the addresses of names. Whatever it finds is checked here, and exactly this is then connected to.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::destinations::{Denied, Destinations};

/// Why a name has no address to connect to.
#[derive(Debug, thiserror::Error)]
pub(super) enum ResolveError {
    #[error(transparent)]
    Denied(Denied),
    #[error("the name {name} could not be resolved: {source}")]
    Unknown { name: String, source: io::Error },
}

pub(super) struct Resolver(pub(super) Arc<Destinations>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let destinations = Arc::clone(&self.0);
        Box::pin(async move {
            let name = name.as_str();
            let unknown = |source| ResolveError::Unknown { name: name.to_owned(), source };
            // The port comes from the URL.
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name, 0)).await.map_err(unknown)?.collect();
            let mut denied = None;
            let mut allowed = Vec::with_capacity(found.len());
            for address in found {
                match destinations.check_address(address.ip(), Some(name)) {
                    Ok(()) => allowed.push(address),
                    Err(why) => denied = Some(why),
                }
            }
            match denied {
                Some(denied) if allowed.is_empty() => Err(ResolveError::Denied(denied).into()),
                None if allowed.is_empty() => Err(unknown(io::Error::other("it has no address")).into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}
