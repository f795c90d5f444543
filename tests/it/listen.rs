//! Connections: how long a client may dawdle, how many there may be, and where the server is reached.

mod metrics;
mod tls;
mod unix;

use std::io::ErrorKind;
use std::time::Duration;

use justiam_server::config::Limits;
use justiam_tests::server::TestServer;
use justiam_tests::{soon, until};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::api::support::{Api, SCRIPT, body};

/// Longer than any test lasts.
const LONG: Duration = Duration::from_mins(10);
/// As long as a test is ready to wait.
const SHORT: Duration = Duration::from_millis(200);

const ALIVE: &str = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";

async fn with_limits(change: impl FnOnce(&mut Limits)) -> TestServer {
    TestServer::start_with(|config| {
        config.limits.head_patience = LONG;
        config.limits.idle_patience = LONG;
        change(&mut config.limits);
    })
    .await
}

async fn connect(server: &TestServer) -> TcpStream {
    TcpStream::connect(server.endpoint.trim_start_matches("http://")).await.unwrap()
}

/// Sends a request and reads the head of its answer and a body without an end of its own.
async fn ask(stream: &mut TcpStream, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    answer(stream).await
}

/// Reads an answer whose body is of a known length.
async fn answer(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let read = async {
        let mut text = Vec::new();
        loop {
            let shown = String::from_utf8_lossy(&text);
            if let Some((head, body)) = shown.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                    return shown.into_owned();
                }
            }
            let mut piece = [0; 4096];
            match stream.read(&mut piece).await.unwrap() {
                0 => panic!("the connection ended after: {shown}"),
                count => text.extend(&piece[..count]),
            }
        }
    };
    soon("an answer", read).await
}

/// What comes until the server hangs up.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    if let Err(error) = soon("the server to hang up", stream.read_to_end(&mut text)).await {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
    }
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn who_does_not_finish_the_head_of_a_request_is_hung_up_on() {
    let server = with_limits(|limits| limits.head_patience = SHORT).await;
    let mut silent = connect(&server).await;
    assert_eq!(rest(&mut silent).await, "");
    let mut dripping = connect(&server).await;
    let (mut read, mut write) = dripping.split();
    let drip = async {
        let mut pause = tokio::time::interval(Duration::from_millis(10));
        write.write_all(b"GET /health HTTP/1.1\r\nX-Long: ").await.unwrap();
        // Until the server resets the connection.
        while write.write_all(b"x").await.is_ok() {
            pause.tick().await;
        }
        futures::future::pending::<()>().await;
    };
    let mut nothing = [0; 64];
    tokio::select! {
        () = drip => unreachable!("it waits"),
        read = soon("the server to hang up", read.read(&mut nothing)) => assert_eq!(read.unwrap_or_default(), 0),
    }
    // The second request of a connection has as long.
    let mut stream = connect(&server).await;
    assert!(ask(&mut stream, ALIVE).await.starts_with("HTTP/1.1 200 OK\r\n"));
    stream.write_all(b"GET").await.unwrap();
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn a_connection_may_rest_for_longer_than_a_head_may_take_and_not_for_ever() {
    let server = with_limits(|limits| limits.head_patience = SHORT).await;
    let mut resting = connect(&server).await;
    ask(&mut resting, ALIVE).await;
    let mut silent = connect(&server).await;
    assert_eq!(rest(&mut silent).await, "");
    ask(&mut resting, ALIVE).await;

    let server = with_limits(|limits| limits.idle_patience = SHORT).await;
    let mut resting = connect(&server).await;
    ask(&mut resting, ALIVE).await;
    ask(&mut resting, ALIVE).await;
    assert_eq!(rest(&mut resting).await, "");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_answered_and_waited_for_no_longer() {
    let server = with_limits(|limits| limits.body_patience = SHORT).await;
    let head = format!(
        "POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: 1000\r\n\r\n{{\"name\":",
        server.token
    );
    let mut stream = connect(&server).await;
    let answer = ask(&mut stream, &head).await;
    assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{answer}");
    assert!(answer.contains("the body did not arrive within 200ms"), "{answer}");
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn who_does_not_read_the_answers_is_hung_up_on() {
    let api = Api::with(with_limits(|limits| limits.write_patience = SHORT).await);
    let script = format!("{SCRIPT}//{}", "x".repeat(200 << 10));
    for index in 0..10 {
        api.create(&body(&json!({ "name": format!("task {index}"), "script": script }))).await;
    }
    let mut stream = connect(&api.server).await;
    let request = format!(
        "GET /api/v1/tasks?include=script HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
        api.server.token
    );
    // More than the sockets' buffers take.
    stream.write_all(request.repeat(20).as_bytes()).await.unwrap();
    let hung_up = async {
        let mut pause = tokio::time::interval(Duration::from_millis(10));
        while stream.write_all(b"\r\n").await.is_ok() {
            pause.tick().await;
        }
    };
    soon("the server to hang up", hung_up).await;
}

#[tokio::test]
async fn a_head_may_have_32_kib_and_100_headers() {
    let server = with_limits(|_| {}).await;
    let with = |headers: &str| format!("GET /health HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
    let long = |bytes: usize| with(&format!("X-Long: {}\r\n", "x".repeat(bytes)));
    let many = |count: usize| with(&"X-Many: x\r\n".repeat(count));
    for (request, status) in [
        (long(32 << 10), "431 Request Header Fields Too Large"),
        (long(31 << 10), "200 OK"),
        (many(100), "431 Request Header Fields Too Large"),
        (many(99), "200 OK"),
        (format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(32 << 10)), "431 Request Header Fields Too Large"),
        ("GET / HTTP/1.1\r\nHo st: x\r\n\r\n".to_owned(), "400 Bad Request"),
    ] {
        let answer = ask(&mut connect(&server).await, &request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{status}: {answer}");
    }
}

#[tokio::test]
async fn one_address_has_only_its_share_of_the_connections() {
    let server = with_limits(|limits| limits.connections_per_address = 2).await;
    let (mut first, mut second) = (connect(&server).await, connect(&server).await);
    ask(&mut first, ALIVE).await;
    ask(&mut second, ALIVE).await;
    let mut third = connect(&server).await;
    assert_eq!(rest(&mut third).await, "");
    drop(second);
    until("there to be room", async || {
        let mut stream = connect(&server).await;
        // It may be hung up on already.
        let _ = stream.write_all(ALIVE.as_bytes()).await;
        matches!(soon("an answer", stream.read(&mut [0; 64])).await, Ok(1..))
    })
    .await;
    ask(&mut first, ALIVE).await;
    // A trusted proxy connects for many.
    let proxy = with_limits(|limits| {
        limits.connections_per_address = 1;
        limits.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let (mut first, mut second) = (connect(&proxy).await, connect(&proxy).await);
    ask(&mut first, ALIVE).await;
    ask(&mut second, ALIVE).await;
}

/// Begins to create a task, so that the server waits for the rest of the body, which is returned.
async fn begin(stream: &mut TcpStream, server: &TestServer) -> String {
    let task = body(&json!({})).to_string();
    let (begin, end) = task.split_at(10);
    let head = format!(
        "POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Expect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        server.token,
        task.len()
    );
    assert_eq!(ask(stream, &head).await, "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(begin.as_bytes()).await.unwrap();
    end.to_owned()
}

#[tokio::test]
async fn connections_on_which_nothing_is_asked_make_room_for_others() {
    let server = with_limits(|limits| limits.connections = 2).await;
    let (mut resting, mut asking) = (connect(&server).await, connect(&server).await);
    ask(&mut resting, ALIVE).await;
    let end = begin(&mut asking, &server).await;
    ask(&mut resting, ALIVE).await;
    let mut other = connect(&server).await;
    ask(&mut other, ALIVE).await;
    assert_eq!(rest(&mut resting).await, "");
    // Whoever has asked gets an answer, which is the last one.
    let answer = ask(&mut asking, &end).await;
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n") && answer.contains("connection: close\r\n"), "{answer}");
    ask(&mut other, ALIVE).await;
}

#[tokio::test]
async fn a_shutdown_hangs_up_on_who_rests_and_answers_who_has_asked() {
    let server = with_limits(|_| {}).await;
    let (mut resting, mut asking) = (connect(&server).await, connect(&server).await);
    ask(&mut resting, ALIVE).await;
    let end = begin(&mut asking, &server).await;
    server.shutdown.soft.cancel();
    assert_eq!(rest(&mut resting).await, "");
    let answer = ask(&mut asking, &end).await;
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n") && answer.contains("connection: close\r\n"), "{answer}");
    assert_eq!(rest(&mut asking).await, "");
    server.stop().await;
}
