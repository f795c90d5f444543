//! A web server for scripts to talk to.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

/// Serves on a free port until it is dropped.
pub(crate) struct Web {
    pub(crate) address: SocketAddr,
    task: AbortHandle,
}

impl Drop for Web {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Web {
    /// `/echo…` says what it got, `/status/N` answers with a status, `/to/STATUS?URL` redirects, `/bytes/N` sends so many bytes with a
    /// length and `/stream/N` without.
    pub(crate) async fn start() -> Self {
        let router = Router::new()
            .route("/echo", any(echo))
            .route("/echo/{*rest}", any(echo))
            .route(
                "/status/{status}",
                any(|Path(status): Path<u16>| async move { StatusCode::from_u16(status).unwrap() }),
            )
            .route("/to/{status}", any(redirect))
            .route("/bytes/{count}", any(|Path(count): Path<usize>| async move { vec![b'x'; count] }))
            .route("/stream/{count}", any(stream));
        Self::serve(router).await
    }

    pub(crate) async fn serve(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(axum::serve(listener, router).into_future()).abort_handle();
        Self { address, task }
    }

    /// Answers every connection with these bytes and closes it.
    pub(crate) async fn raw(answer: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(answer).await;
            }
        });
        Self { address, task: task.abort_handle() }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

async fn echo(method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let headers: BTreeMap<&str, String> =
        headers.iter().map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes()).into())).collect();
    let body = String::from_utf8_lossy(&body);
    let said = json!({"method": method.as_str(), "path": uri.to_string(), "headers": headers, "body": body});
    ([("x-two", "a"), ("content-type", "application/json")], said.to_string()).into_response()
}

async fn redirect(Path(status): Path<u16>, uri: Uri) -> Response {
    let to = uri.query().unwrap_or_default().to_owned();
    (StatusCode::from_u16(status).unwrap(), [(header::LOCATION, to)]).into_response()
}

async fn stream(Path(count): Path<usize>) -> Body {
    let pieces = (0..count.div_ceil(1000)).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 1000]));
    Body::from_stream(futures::stream::iter(pieces))
}
