//! Where a server is reached: TCP, with or without TLS, and Unix sockets.

mod tls;
mod unix;

use std::io;
use std::net::IpAddr;
use std::path::Path;

use tokio::net::{TcpListener, TcpStream, UnixStream};

pub use tls::{Tls, TlsError};
use unix::Socket;

/// What an address of a Unix socket begins with.
const UNIX: &str = "unix:";

/// Where a server is reached.
#[derive(Debug)]
pub struct Listeners {
    /// Everything.
    pub api: Listener,
    /// `/metrics` and `/health` for whoever watches the server, without a token: for addresses that nobody else reaches.
    pub metrics: Option<Listener>,
}

impl From<TcpListener> for Listeners {
    /// One listener, without TLS.
    fn from(listener: TcpListener) -> Self {
        Self { api: Listener::Tcp(listener, None), metrics: None }
    }
}

/// A place at which clients are heard.
#[derive(Debug)]
pub enum Listener {
    /// An address and a port, with TLS if there is a certificate.
    Tcp(TcpListener, Option<Tls>),
    /// A Unix socket.
    Unix(Socket),
}

/// Why nobody can listen at an address.
#[derive(Debug, thiserror::Error)]
#[error("could not listen on {address}")]
pub struct ListenError {
    address: String,
    #[source]
    source: io::Error,
}

/// A connection and whose it is.
pub(crate) struct Accepted {
    pub(crate) stream: Stream,
    /// The address of whoever has connected, unless it came through a Unix socket.
    pub(crate) address: Option<IpAddr>,
}

pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Listener {
    /// Listens at `127.0.0.1:8080` or its like, with TLS if there is a certificate, or at `unix:/path`, where there is none.
    pub async fn bind(address: &str, tls: Option<Tls>) -> Result<Self, ListenError> {
        let bound = match address.strip_prefix(UNIX) {
            Some(_) if tls.is_some() => Err(io::Error::other("a Unix socket has no TLS")),
            Some(path) => Socket::bind(Path::new(path)).await.map(Self::Unix),
            None => TcpListener::bind(address).await.map(|listener| Self::Tcp(listener, tls)),
        };
        bound.map_err(|source| ListenError { address: address.to_owned(), source })
    }

    /// How it is reached: `http://127.0.0.1:8080`, `https://127.0.0.1:8080` or `unix:/path`.
    pub fn endpoint(&self) -> io::Result<String> {
        Ok(match self {
            Self::Tcp(listener, None) => format!("http://{}", listener.local_addr()?),
            Self::Tcp(listener, Some(_)) => format!("https://{}", listener.local_addr()?),
            Self::Unix(socket) => format!("{UNIX}{}", socket.path().display()),
        })
    }

    /// Whether others on the way could read what is said.
    pub fn is_readable_on_the_way(&self) -> bool {
        matches!(self, Self::Tcp(listener, None) if listener.local_addr().is_ok_and(|address| !address.ip().is_loopback()))
    }

    pub(crate) fn tls(&self) -> Option<&Tls> {
        if let Self::Tcp(_, tls) = self { tls.as_ref() } else { None }
    }

    pub(crate) async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(listener, _) => {
                let (stream, address) = listener.accept().await?;
                // Answers are whole when they are sent, so nothing is gained by waiting for more. A connection that is gone says so later.
                let _ = stream.set_nodelay(true);
                Ok(Accepted { stream: Stream::Tcp(stream), address: Some(address.ip().to_canonical()) })
            }
            Self::Unix(socket) => Ok(Accepted { stream: Stream::Unix(socket.accept().await?), address: None }),
        }
    }
}
