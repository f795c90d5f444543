use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use futures::FutureExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::*;
use crate::clock::SystemClock;

fn outbound() -> Outbound {
    let gworkspace = Url::parse("http://directory.invalid/").unwrap();
    let settings = Settings { destinations: Destinations::default(), max_body_mib: 10, gworkspace };
    Outbound::new(settings, Telemetry::new(None).unwrap(), Arc::new(SystemClock)).unwrap()
}

async fn get_from(outbound: &Outbound, address: SocketAddr, path: &str) -> Response {
    let request = Request::new("GET", &format!("http://{address}{path}"), [].into_iter(), Vec::new()).unwrap();
    timeout(Duration::from_secs(20), outbound.send(request)).await.unwrap().unwrap()
}

#[tokio::test]
async fn no_connection_outlives_its_request() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let outbound = outbound();
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut got = [0; 4096];
        assert!(stream.read(&mut got).await.unwrap() > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
        // The end comes while there is still somebody who could send another request.
        assert_eq!(timeout(Duration::from_secs(20), stream.read(&mut got)).await.unwrap().unwrap(), 0);
    };
    let (answer, ()) = tokio::join!(get_from(&outbound, address, "/"), serve);
    assert_eq!(answer.body, b"ok");
    drop(outbound);
}

#[tokio::test]
async fn long_answers_of_a_run_take_turns_and_short_ones_do_not_wait() {
    let router = Router::new().route("/{bytes}", get(|Path(bytes): Path<usize>| async move { vec![b'x'; bytes] }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(axum::serve(listener, router).into_future());
    let outbound = outbound();
    let long = "/10485760";
    let mut kept = Vec::new();
    for _ in 0..3 {
        kept.push(get_from(&outbound, address, long).await);
    }
    assert!(outbound.share.body(10 << 20).now_or_never().is_none());
    assert_eq!(get_from(&outbound, address, "/1048576").await.body.len(), 1 << 20);
    // Another run has a share of its own.
    let other = outbound.of_run(SpanContext::empty_context(), str::to_owned);
    assert_eq!(get_from(&other, address, long).await.body.len(), 10 << 20);
    kept.pop();
    assert_eq!(get_from(&outbound, address, long).await.body.len(), 10 << 20);
    server.abort();
}
