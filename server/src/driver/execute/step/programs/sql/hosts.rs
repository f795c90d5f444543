//! Which hosts of databases the operator allows.

use std::net::IpAddr;

use tokio::net::lookup_host;

use crate::outbound::Rule;

/// Where to connect to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Allowed {
    /// To the host as it is named.
    AsNamed,
    /// To this address and to no other one that the name may stand for by then.
    Address(IpAddr),
}

/// Whether a host may be used, by its name, or by all addresses that it stands for.
pub(super) async fn check(host: &str, port: u16, rules: &[Rule]) -> Result<Allowed, String> {
    if rules.is_empty() {
        return Ok(Allowed::AsNamed);
    }
    let refused = || {
        format!(
            "sqlConnectionString: the host `{host}` is not one that this server allows; its operator can allow more with \
             --sql-hosts (JUSTIAM_SQL_HOSTS)"
        )
    };
    if host.starts_with('/') {
        return Err(format!(
            "sqlConnectionString: `{host}` is a socket of this machine, and this server allows certain hosts only (--sql-hosts)"
        ));
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if bare.parse::<IpAddr>().is_err() && rules.iter().any(|rule| rule.names(bare)) {
        return Ok(Allowed::AsNamed);
    }
    let found = lookup_host((bare, port)).await;
    let found: Vec<IpAddr> = found
        .map_err(|error| format!("sqlConnectionString: the host `{host}` has no address: {error}"))?
        .map(|address| address.ip())
        .collect();
    let covered = |address: &IpAddr| rules.iter().any(|rule| rule.covers(address.to_canonical()));
    match found.first() {
        Some(first) if found.iter().all(covered) => Ok(Allowed::Address(*first)),
        _ => Err(refused()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn checked(host: &str, rules: &[&str]) -> Result<Allowed, String> {
        let rules: Vec<Rule> = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        check(host, 5432, &rules).await
    }

    #[tokio::test]
    async fn hosts_are_allowed_by_their_name_or_by_all_their_addresses() {
        let local = |text: &str| Ok(Allowed::Address(text.parse().unwrap()));
        assert_eq!(checked("anything.example", &[]).await, Ok(Allowed::AsNamed));
        assert_eq!(checked("DB.example.com.", &["db.example.com"]).await, Ok(Allowed::AsNamed));
        assert_eq!(checked("a.example.com", &["*.example.com"]).await, Ok(Allowed::AsNamed));
        assert_eq!(checked("127.0.0.1", &["127.0.0.0/8"]).await, local("127.0.0.1"));
        assert_eq!(checked("[::ffff:127.0.0.1]", &["127.0.0.0/8"]).await, local("::ffff:127.0.0.1"));
        assert!(matches!(checked("localhost", &["127.0.0.0/8", "::1"]).await, Ok(Allowed::Address(_))));
        for (host, rules) in [
            ("127.0.0.1", &["10.0.0.0/8"][..]),
            ("localhost", &["10.0.0.0/8"]),
            ("127.1", &["db.example.com"]),
            ("::1", &["127.0.0.0/8"]),
        ] {
            let why = checked(host, rules).await.unwrap_err();
            assert_eq!(
                why,
                format!(
                    "sqlConnectionString: the host `{host}` is not one that this server allows; its operator can allow more with \
                     --sql-hosts (JUSTIAM_SQL_HOSTS)"
                )
            );
        }
        assert!(checked("/run/postgresql", &["db.example.com"]).await.unwrap_err().contains("socket of this machine"));
    }
}
