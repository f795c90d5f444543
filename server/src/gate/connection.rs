//! One connection, from its handshake to its end.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use super::patient::{Activity, Answer, Patient};
use super::peer::Peer;
use super::slots::{Slot, Slots};
use crate::config::Limits;
use crate::listen::{Stream, Tls};

/// How long the head of a request may be, in bytes: its first line and all headers.
const MAX_HEAD: usize = 32 << 10;

/// The request came over TLS that ends here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OverTls;

/// What all connections of a listener share.
pub(super) struct Shared {
    pub(super) routes: Router,
    pub(super) limits: Limits,
    pub(super) tls: Option<Tls>,
    pub(super) slots: Arc<Slots>,
    /// Nothing new is begun.
    pub(super) soft: CancellationToken,
    /// What has begun is given up.
    pub(super) broken_off: CancellationToken,
}

impl Shared {
    /// Attends to a connection until it ends. What a client does wrong ends it and is nobody else's business.
    pub(super) async fn attend(self: Arc<Self>, stream: Stream, address: Option<IpAddr>, slot: Slot) {
        let attend = async {
            match (stream, &self.tls) {
                (Stream::Unix(stream), _) => self.serve(stream, address).await,
                (Stream::Tcp(stream), None) => self.serve(stream, address).await,
                (Stream::Tcp(stream), Some(tls)) => {
                    match tokio::time::timeout(self.limits.head_patience, tls.accept(stream)).await {
                        Ok(Ok(stream)) => self.serve(stream, address).await,
                        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                        Err(_) => tracing::debug!("a TLS handshake took too long"),
                    }
                }
            }
        };
        tokio::select! {
            () = attend => {}
            () = self.broken_off.cancelled() => {}
        }
        drop(slot);
    }

    async fn serve(&self, stream: impl AsyncRead + AsyncWrite + Unpin, address: Option<IpAddr>) {
        let activity = Arc::new(Activity::default());
        let stream = TokioIo::new(Patient::new(stream, &self.limits, Arc::clone(&activity)));
        let routes = TowerToHyperService::new(self.routes.clone());
        let service = service_fn(move |mut request: http::Request<Incoming>| {
            let peer = Peer::of(address, request.headers(), &self.limits);
            request.extensions_mut().insert(peer);
            if self.tls.is_some() {
                request.extensions_mut().insert(OverTls);
            }
            let (answer, at_work) = (routes.call(request), activity.begin());
            async move {
                let answer = answer.await?;
                Ok::<_, Infallible>(answer.map(|body| Answer { body, _at_work: at_work }))
            }
        });
        // Time limits are the stream's.
        let mut connection = pin!(http1::Builder::new().max_header_size(MAX_HEAD).serve_connection(stream, service));
        let mut end = pin!(async {
            tokio::select! {
                () = self.soft.cancelled() => {}
                () = self.slots.crowded() => {}
            }
        });
        let mut ending = false;
        loop {
            tokio::select! {
                served = connection.as_mut() => {
                    if let Err(error) = served {
                        tracing::debug!(error = &error as &dyn std::error::Error, "a connection ended early");
                    }
                    return;
                }
                () = &mut end, if !ending => {
                    ending = true;
                    // At once if nothing is asked, else after the answer.
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
}
