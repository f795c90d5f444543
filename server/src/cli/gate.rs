//! Where an operator lets clients in, and how much they may ask.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::config::{Config, Limits, TrustedProxy};
use crate::listen::{Listener, Listeners, Tls};

/// Where the server is reached, and how much clients may ask.
#[derive(Debug, Args)]
pub(super) struct Gate {
    /// Address to listen on, or `unix:` and the path of a socket; port 0 takes a free one
    #[arg(long, env = "JUSTIAM_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    listen: String,
    /// File to write the real address to once the server listens
    #[arg(long, value_name = "FILE")]
    pub(super) address_file: Option<PathBuf>,
    /// File with the server's certificate and those that connect it with one that clients trust, in PEM form; read again when it
    /// changes. Without one the server speaks plain HTTP
    #[arg(long, env = "JUSTIAM_TLS_CERTIFICATE", value_name = "FILE")]
    tls_certificate: Option<PathBuf>,
    /// File with the certificate's private key, in PEM form
    #[arg(long, env = "JUSTIAM_TLS_KEY", value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Another address to listen on, for `/metrics` and `/health` alone, without a token and without TLS; also `unix:` and a path
    #[arg(long, env = "JUSTIAM_METRICS_LISTEN", value_name = "ADDRESS")]
    metrics_listen: Option<String>,
    #[command(flatten)]
    limits: Clients,
}

/// How much clients may ask.
#[derive(Debug, Args)]
struct Clients {
    /// How many connections there may be at one time
    #[arg(long, env = "JUSTIAM_MAX_CONNECTIONS", default_value_t = Limits::default().connections, value_parser = clap::value_parser!(u32).range(1..=100_000), value_name = "N")]
    max_connections: u32,
    /// How many of them may come from one address, but for trusted proxies
    #[arg(long, env = "JUSTIAM_MAX_CONNECTIONS_PER_ADDRESS", default_value_t = Limits::default().connections_per_address, value_parser = clap::value_parser!(u32).range(1..=100_000), value_name = "N")]
    max_connections_per_address: u32,
    /// How long a client may take for the head of a request, and before that for the TLS handshake
    #[arg(long, env = "JUSTIAM_HEAD_TIMEOUT_SECONDS", default_value_t = Limits::default().head_patience.as_secs(), value_parser = clap::value_parser!(u64).range(1..=3600), value_name = "SECONDS")]
    head_timeout_seconds: u64,
    /// How long a client may take for the body of a request
    #[arg(long, env = "JUSTIAM_BODY_TIMEOUT_SECONDS", default_value_t = Limits::default().body_patience.as_secs(), value_parser = clap::value_parser!(u64).range(1..=50), value_name = "SECONDS")]
    body_timeout_seconds: u64,
    /// How long a connection may stay open on which nothing is asked
    #[arg(long, env = "JUSTIAM_IDLE_TIMEOUT_SECONDS", default_value_t = Limits::default().idle_patience.as_secs(), value_parser = clap::value_parser!(u64).range(1..=3600), value_name = "SECONDS")]
    idle_timeout_seconds: u64,
    /// How long a client may read nothing of its answer
    #[arg(long, env = "JUSTIAM_WRITE_TIMEOUT_SECONDS", default_value_t = Limits::default().write_patience.as_secs(), value_parser = clap::value_parser!(u64).range(1..=3600), value_name = "SECONDS")]
    write_timeout_seconds: u64,
    /// How many requests may be at work at one time, half of them of one account; more wait for a second and are refused then
    #[arg(long, env = "JUSTIAM_MAX_REQUESTS", default_value_t = Limits::default().requests_at_work, value_parser = clap::value_parser!(u32).range(1..=100_000), value_name = "N")]
    max_requests: u32,
    /// How many requests each principal may make per second, again and again
    #[arg(long, env = "JUSTIAM_REQUESTS_PER_SECOND", default_value_t = Limits::default().requests_per_second, value_parser = clap::value_parser!(u32).range(1..=1_000_000), value_name = "N")]
    requests_per_second: u32,
    /// How many requests each principal may make at once
    #[arg(long, env = "JUSTIAM_REQUEST_BURST", default_value_t = Limits::default().request_burst, value_parser = clap::value_parser!(u32).range(1..=1_000_000), value_name = "N")]
    request_burst: u32,
    /// How many requests without a valid token may come from one address in a minute
    #[arg(long, env = "JUSTIAM_FAILED_LOGINS_PER_MINUTE", default_value_t = Limits::default().failed_logins_per_minute, value_parser = clap::value_parser!(u32).range(1..=1_000_000), value_name = "N")]
    failed_logins_per_minute: u32,
    /// Proxies that are believed when they say for whom they ask, in `X-Forwarded-For`: a list of addresses and networks, and `unix`
    /// for whoever connects to the Unix socket
    #[arg(long, env = "JUSTIAM_TRUSTED_PROXIES", value_delimiter = ',', value_name = "LIST")]
    trusted_proxies: Vec<TrustedProxy>,
}

impl Gate {
    /// Adds the limits to a server's settings.
    pub(super) fn set(&self, config: &mut Config) {
        let limits = &self.limits;
        config.limits = Limits {
            connections: limits.max_connections,
            connections_per_address: limits.max_connections_per_address,
            head_patience: Duration::from_secs(limits.head_timeout_seconds),
            body_patience: Duration::from_secs(limits.body_timeout_seconds),
            idle_patience: Duration::from_secs(limits.idle_timeout_seconds),
            write_patience: Duration::from_secs(limits.write_timeout_seconds),
            requests_at_work: limits.max_requests,
            requests_per_second: limits.requests_per_second,
            request_burst: limits.request_burst,
            failed_logins_per_minute: limits.failed_logins_per_minute,
            trusted_proxies: limits.trusted_proxies.clone(),
        };
    }

    /// The files that hold a secret, and their settings.
    pub(super) fn secret_files(&self) -> [(&'static str, &Option<PathBuf>); 1] {
        [("--tls-key", &self.tls_key)]
    }

    /// Begins to listen.
    pub(super) async fn listen(&self) -> Result<Listeners, Box<dyn Error>> {
        // An empty variable counts as none.
        let named = |file: &Option<PathBuf>| file.clone().filter(|file| !file.as_os_str().is_empty());
        let tls = match (named(&self.tls_certificate), named(&self.tls_key)) {
            (Some(certificate), Some(key)) => Some(Tls::load(&certificate, &key)?),
            (None, None) => None,
            (Some(_), None) => return Err("--tls-certificate needs --tls-key, the file with its private key".into()),
            (None, Some(_)) => return Err("--tls-key needs --tls-certificate, the file with its certificate".into()),
        };
        let api = Listener::bind(&self.listen, tls).await?;
        if api.is_readable_on_the_way() {
            tracing::warn!(
                "tokens and secrets can be read on the way to this server: give it a certificate, or let it listen on \
                 127.0.0.1 behind a proxy that ends TLS"
            );
        }
        let metrics = match self.metrics_listen.as_deref().filter(|address| !address.is_empty()) {
            Some(address) => Some(Listener::bind(address, None).await?),
            None => None,
        };
        if metrics.as_ref().is_some_and(Listener::is_readable_on_the_way) {
            tracing::warn!(
                "the listener for metrics can be reached from other machines, and nobody needs a token there"
            );
        }
        Ok(Listeners { api, metrics })
    }
}
