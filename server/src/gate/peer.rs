//! From where a request comes.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;

use crate::config::Limits;

/// The client's address. Clients of a Unix socket have none, unless a trusted proxy names one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peer(pub(crate) Option<IpAddr>);

impl Peer {
    /// Who asks, where somebody connected from `address`: that one, or for whom a trusted proxy says that it asks.
    pub(super) fn of(address: Option<IpAddr>, headers: &HeaderMap, limits: &Limits) -> Self {
        let mut client = address;
        if !limits.trusts(address) {
            return Self(client);
        }
        // Each proxy appends whom it has heard, so the last name that is no trusted proxy's is the client's. What stands before it, the
        // client may have written itself.
        let forwarded: Vec<_> =
            headers.get_all("x-forwarded-for").iter().map(|value| value.to_str().unwrap_or("not text")).collect();
        for name in forwarded.iter().flat_map(|value| value.split(',')).rev() {
            let Some(named) = address_in(name.trim()) else { break };
            client = Some(named);
            if !limits.trusts(client) {
                break;
            }
        }
        Self(client)
    }
}

/// Some proxies name the port as well.
fn address_in(name: &str) -> Option<IpAddr> {
    let address = name.parse().or_else(|_| name.parse::<SocketAddr>().map(|address| address.ip()));
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn only_trusted_proxies_say_for_whom_they_ask() {
        let trusted_proxies = vec!["10.0.0.0/8".parse().unwrap(), "unix".parse().unwrap()];
        let limits = Limits { trusted_proxies, ..Limits::default() };
        let cases: [(Option<&str>, &[&str], Option<&str>); 10] = [
            (Some("203.0.113.7"), &["198.51.100.1"], Some("203.0.113.7")),
            (Some("10.0.0.1"), &[], Some("10.0.0.1")),
            (Some("10.0.0.1"), &["198.51.100.1"], Some("198.51.100.1")),
            (Some("10.0.0.1"), &["192.0.2.66, 198.51.100.1, 10.0.0.2"], Some("198.51.100.1")),
            (Some("10.0.0.1"), &["192.0.2.66", "198.51.100.1", "10.0.0.2"], Some("198.51.100.1")),
            (Some("10.0.0.1"), &["198.51.100.1:4321"], Some("198.51.100.1")),
            (Some("10.0.0.1"), &["[2001:db8::1]:4321"], Some("2001:db8::1")),
            (Some("10.0.0.1"), &["198.51.100.1, somebody"], Some("10.0.0.1")),
            (None, &["::ffff:198.51.100.1"], Some("198.51.100.1")),
            (None, &[], None),
        ];
        for (connected, forwarded, client) in cases {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append("x-forwarded-for", HeaderValue::from_str(value).unwrap());
            }
            let address = |text: &str| text.parse().unwrap();
            let peer = Peer::of(connected.map(address), &headers, &limits);
            assert_eq!(peer, Peer(client.map(address)), "{connected:?} {forwarded:?}");
        }
    }
}
