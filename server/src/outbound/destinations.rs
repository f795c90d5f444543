//! Where requests may go.
//!
//! A name is decided by its text and by every address that it stands for, because whoever owns a name can let it stand for
//! any address.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use url::Host;

/// What an operator says about destinations. A denial wins; where anything is allowed, all else is denied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Destinations {
    /// If not empty, the only destinations.
    pub allow: Vec<Rule>,
    /// No destinations.
    pub deny: Vec<Rule>,
}

/// One host, or many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// A host by its name.
    Name(String),
    /// All names that end with this one and have something before it: `*.example.com`.
    Below(String),
    /// Addresses whose first `bits` are those of `address`.
    Network {
        /// The first address, or any other one of the network.
        address: IpAddr,
        /// How many bits count.
        bits: u32,
    },
}

impl FromStr for Rule {
    type Err = String;

    /// Reads `example.com`, `*.example.com`, `10.1.2.3`, `10.0.0.0/8`, `::1` or `fd00::/8`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is no destination: write a host name, `*.` and a domain, an address, or a network such as `10.0.0.0/8`"
            )
        };
        let text = text.trim();
        if let Some((address, bits)) = text.split_once('/') {
            let address: IpAddr = address.parse().map_err(|_| wrong())?;
            let bits: u32 = bits.parse().map_err(|_| wrong())?;
            if bits > if address.is_ipv4() { 32 } else { 128 } {
                return Err(wrong());
            }
            return Ok(match address.to_canonical() {
                canonical if canonical.is_ipv4() && address.is_ipv6() => {
                    // The network of an IPv4 address in the clothes of an IPv6 one.
                    let bits = bits.checked_sub(96).ok_or_else(wrong)?;
                    Self::Network { address: canonical, bits }
                }
                address => Self::Network { address, bits },
            });
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::single(address));
        }
        let (domain, below) = text.strip_prefix("*.").map_or((text, false), |domain| (domain, true));
        match Host::parse(domain) {
            Ok(Host::Domain(domain)) if !domain.is_empty() && !domain.contains('*') => {
                let domain = plain(&domain);
                Ok(if below { Self::Below(domain) } else { Self::Name(domain) })
            }
            Ok(Host::Ipv4(address)) if !below => Ok(Self::single(address.into())),
            Ok(Host::Ipv6(address)) if !below => Ok(Self::single(address.into())),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Below(domain) => write!(f, "*.{domain}"),
            Self::Network { address, bits } if *bits == width(*address) => write!(f, "{address}"),
            Self::Network { address, bits } => write!(f, "{address}/{bits}"),
        }
    }
}

impl Rule {
    fn single(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self::Network { address, bits: width(address) }
    }

    /// Whether it is about a host with this name.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.is_name(&plain(name))
    }

    fn is_name(&self, name: &str) -> bool {
        match self {
            Self::Name(own) => own == name,
            Self::Below(domain) => name
                .strip_suffix(domain.as_str())
                .and_then(|rest| rest.strip_suffix('.'))
                .is_some_and(|rest| !rest.is_empty()),
            Self::Network { .. } => false,
        }
    }

    /// Whether it is about an address.
    pub(crate) fn covers(&self, address: IpAddr) -> bool {
        let Self::Network { address: own, bits } = self else { return false };
        let apart = match (own, address) {
            (IpAddr::V4(own), IpAddr::V4(address)) => u128::from(own.to_bits() ^ address.to_bits()) << 96,
            (IpAddr::V6(own), IpAddr::V6(address)) => own.to_bits() ^ address.to_bits(),
            _ => return false,
        };
        apart.leading_zeros() >= *bits
    }
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// A name as rules have it: in small letters, without the dot of the root.
fn plain(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// Why a request may not go to where it wants to go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the server sends no requests of scripts to {destination}: {why}")]
pub struct Denied {
    destination: String,
    why: String,
}

impl Destinations {
    /// Whether a host may be connected to, as far as its name or its literal address tells.
    pub fn check_host(&self, host: &Host<&str>) -> Result<(), Denied> {
        match host {
            Host::Domain(name) => self.check_name(&plain(name)),
            Host::Ipv4(address) => self.check_address((*address).into(), None),
            Host::Ipv6(address) => self.check_address((*address).into(), None),
        }
    }

    fn check_name(&self, name: &str) -> Result<(), Denied> {
        let denied = |why| Denied { destination: name.to_owned(), why };
        if let Some(rule) = self.deny.iter().find(|rule| rule.is_name(name)) {
            return Err(denied(by_rule(rule)));
        }
        // Addresses may still allow a name that no rule names.
        let addresses_decide = self.allow.iter().any(|rule| matches!(rule, Rule::Network { .. }));
        if self.allow.is_empty() || addresses_decide || self.names(name) {
            return Ok(());
        }
        Err(denied(NOT_LISTED.to_owned()))
    }

    /// Whether an address may be connected to; `name` is what it was found for.
    pub fn check_address(&self, address: IpAddr, name: Option<&str>) -> Result<(), Denied> {
        let written = address;
        let address = canonical(address);
        let name = name.map(plain);
        let denied = |why| {
            let destination = name.as_ref().map_or_else(|| address.to_string(), |name| format!("{name} ({address})"));
            Denied { destination, why }
        };
        // A rule may name the address that is meant, or the IPv6 network that stands for it.
        if let Some(rule) = self.deny.iter().find(|rule| rule.covers(address) || rule.covers(written)) {
            return Err(denied(by_rule(rule)));
        }
        if self.allow.iter().any(|rule| rule.covers(address)) {
            return Ok(());
        }
        if let Some(what) = special(address) {
            let why = format!("it is {what}; an address or a network in --fetch-allow opens it");
            return Err(denied(why));
        }
        if self.allow.is_empty() || name.as_ref().is_some_and(|name| self.names(name)) {
            return Ok(());
        }
        Err(denied(NOT_LISTED.to_owned()))
    }

    fn names(&self, name: &str) -> bool {
        self.allow.iter().any(|rule| rule.is_name(name))
    }
}

const NOT_LISTED: &str = "it is not listed in --fetch-allow";

fn by_rule(rule: &Rule) -> String {
    format!("--fetch-deny lists {rule}")
}

/// An IPv4 address in the clothes of an IPv6 one is that IPv4 address, also where a gateway translates it or a tunnel leads to it.
fn canonical(address: IpAddr) -> IpAddr {
    let IpAddr::V6(address) = address.to_canonical() else { return address.to_canonical() };
    let (high, low) = match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => (high, low),
        [0, 0, 0, 0, 0, 0, high, low] if (high, low) > (0, 1) => (high, low),
        _ => return address.into(),
    };
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)).into()
}

/// Where clouds keep metadata, beside the link-local addresses: Alibaba, Azure, Oracle.
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(192, 0, 0, 192)];
/// The same: Amazon's metadata and the credentials of its containers, Google, Scaleway.
const METADATA_V6: [Ipv6Addr; 4] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42),
];

/// Addresses that no request goes to unless an operator names them.
fn special(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) if address.is_link_local() => Some("link-local, where clouds keep their metadata"),
        IpAddr::V6(address) if address.is_unicast_link_local() => Some("link-local"),
        IpAddr::V4(address) if METADATA_V4.contains(&address) => Some("where a cloud keeps its metadata"),
        IpAddr::V6(address) if METADATA_V6.contains(&address) => Some("where a cloud keeps its metadata"),
        // How such an address stands for an IPv4 one is up to the gateway.
        IpAddr::V6(address) if address.segments()[..3] == [0x64, 0xff9b, 1] => {
            Some("translated by a gateway, to an address that cannot be checked")
        }
        address if address.is_multicast() || address == IpAddr::V4(Ipv4Addr::BROADCAST) => {
            Some("not the address of one host")
        }
        address if address.is_unspecified() => Some("not the address of a host"),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
