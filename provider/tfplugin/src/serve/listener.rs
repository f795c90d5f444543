//! Accepts connections.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use futures::Stream;
use futures::stream::poll_fn;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc::{Sender, channel};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::connection::{Connection, Connections};

/// How long a client may take to prove who it is.
const TLS_LIMIT: Duration = Duration::from_secs(10);

/// What runs on the socket.
#[derive(Clone)]
pub(super) enum Transport {
    Tls(TlsAcceptor),
    Plain,
}

/// The connections that have proved who they are.
///
/// Each proves it in a task of its own: a silent client keeps only itself waiting, and a bad one ends only itself.
pub(super) fn incoming(
    listener: UnixListener,
    transport: Transport,
    connections: Connections,
    shutdown: CancellationToken,
) -> impl Stream<Item = Result<Connection, Infallible>> {
    let (sender, mut receiver) = channel(8);
    tokio::spawn(async move {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = shutdown.cancelled() => break,
            };
            match accepted {
                Ok((stream, _)) => {
                    tokio::spawn(admit(stream, transport.clone(), connections.clone(), sender.clone()));
                }
                Err(error) => {
                    // Mostly a lack of descriptors, which passes.
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(Duration::from_millis(50)).await;
                }
            }
        }
    });
    poll_fn(move |context| receiver.poll_recv(context).map(|connection| connection.map(Ok)))
}

async fn admit(stream: UnixStream, transport: Transport, connections: Connections, admitted: Sender<Connection>) {
    let connection = match transport {
        Transport::Plain => connections.open(stream),
        Transport::Tls(acceptor) => {
            let accepted = timeout(TLS_LIMIT, acceptor.accept(stream)).await;
            match accepted.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
                Ok(stream) => connections.open(stream),
                Err(error) => {
                    tracing::warn!(%error, "a client was refused");
                    return;
                }
            }
        }
    };
    // Fails only while the server is ending.
    let _ = admitted.send(connection).await;
}
