//! How much clients may ask of a server.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use crate::outbound::Rule;

/// How many connections there may be at one time.
pub const CONNECTIONS: RangeInclusive<u32> = 1..=100_000;
/// How many requests may be at work at one time.
pub const REQUESTS_AT_WORK: RangeInclusive<u32> = 1..=100_000;
/// How many requests a principal, or how many failed logins an address may make in some time.
pub const RATES: RangeInclusive<u32> = 1..=1_000_000;
/// How long clients may take for something, for an operator in whole seconds. Tests have less patience.
const PATIENCE: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_hours(1);

/// How much clients may ask of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How many connections there may be, within [`CONNECTIONS`]. The listener for metrics counts its own.
    pub connections: u32,
    /// How many of them may come from one address. Trusted proxies may have as many as there are.
    pub connections_per_address: u32,
    /// How long a client may take for its TLS handshake, and then for the head of a request.
    pub head_patience: Duration,
    /// How long a client may take for the body of a request: less than the minute that a whole request has.
    pub body_patience: Duration,
    /// How long a connection may stay open on which nothing is asked.
    pub idle_patience: Duration,
    /// How long a client may read nothing of an answer.
    pub write_patience: Duration,
    /// How many requests may be at work, within [`REQUESTS_AT_WORK`]. Others wait for a second.
    pub requests_at_work: u32,
    /// How many requests one principal may make in a second, again and again, within [`RATES`].
    pub requests_per_second: u32,
    /// How many requests one principal may make at once, within [`RATES`].
    pub request_burst: u32,
    /// How many requests without a valid token one address may make in a minute, within [`RATES`].
    pub failed_logins_per_minute: u32,
    /// Who is believed when it says for whom it asks, in the header `X-Forwarded-For`.
    pub trusted_proxies: Vec<TrustedProxy>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1000,
            connections_per_address: 200,
            head_patience: Duration::from_secs(10),
            body_patience: Duration::from_secs(30),
            idle_patience: Duration::from_secs(75),
            write_patience: Duration::from_secs(30),
            requests_at_work: 512,
            requests_per_second: 200,
            request_burst: 1000,
            failed_logins_per_minute: 10,
            trusted_proxies: Vec::new(),
        }
    }
}

impl Limits {
    /// Whether all of them are within their ranges; else what is wrong with the first that is not.
    pub(super) fn check(&self) -> Result<(), String> {
        for (name, value, range) in [
            ("connections", self.connections, CONNECTIONS),
            ("connections_per_address", self.connections_per_address, CONNECTIONS),
            ("requests_at_work", self.requests_at_work, REQUESTS_AT_WORK),
            ("requests_per_second", self.requests_per_second, RATES),
            ("request_burst", self.request_burst, RATES),
            ("failed_logins_per_minute", self.failed_logins_per_minute, RATES),
        ] {
            if !range.contains(&value) {
                return Err(format!("limits.{name} must be from {} to {}, not {value}", range.start(), range.end()));
            }
        }
        for (name, value) in [
            ("head_patience", self.head_patience),
            ("body_patience", self.body_patience),
            ("idle_patience", self.idle_patience),
            ("write_patience", self.write_patience),
        ] {
            if !PATIENCE.contains(&value) {
                return Err(format!("limits.{name} must be from a millisecond to an hour, not {value:?}"));
            }
        }
        Ok(())
    }

    /// Whether whoever connects from here is a trusted proxy. Clients of a socket have no address.
    pub(crate) fn trusts(&self, address: Option<IpAddr>) -> bool {
        self.trusted_proxies.iter().any(|proxy| match (proxy, address) {
            (TrustedProxy::Socket, None) => true,
            (TrustedProxy::Network(network), Some(address)) => network.covers(address),
            _ => false,
        })
    }
}

/// A proxy that is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustedProxy {
    /// Whoever connects through the Unix socket.
    Socket,
    /// An address, or all of a network.
    Network(Rule),
}

impl FromStr for TrustedProxy {
    type Err = String;

    /// Reads `unix`, `10.1.2.3`, `10.0.0.0/8`, `::1` or `fd00::/8`.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim() == "unix" {
            return Ok(Self::Socket);
        }
        match text.parse() {
            Ok(network @ Rule::Network { .. }) => Ok(Self::Network(network)),
            _ => Err(format!(
                "`{text}` is no proxy: write an address, a network such as `10.0.0.0/8`, or `unix` for the Unix socket"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_addresses_networks_and_the_socket() {
        let proxies = ["unix", "10.0.0.0/8", "::1"].map(|text| text.parse().unwrap());
        let limits = Limits { trusted_proxies: proxies.into(), ..Limits::default() };
        for (address, trusted) in [
            (Some("10.9.8.7"), true),
            (Some("::1"), true),
            (None, true),
            (Some("11.0.0.1"), false),
            (Some("::2"), false),
        ] {
            assert_eq!(limits.trusts(address.map(|text| text.parse().unwrap())), trusted, "{address:?}");
        }
        assert!(!Limits::default().trusts(None));
        "proxy.example.com".parse::<TrustedProxy>().unwrap_err();
    }
}
