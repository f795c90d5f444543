//! Unix sockets.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;

use justiam_server::Server;
use justiam_server::config::Config;
use justiam_server::lifecycle::Shutdown;
use justiam_server::listen::{Listener, Listeners};
use justiam_tests::clock::ManualClock;
use justiam_tests::programs::program;
use justiam_tests::server::START;
use justiam_tests::soon;
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;

use super::{ALIVE, answer};

async fn bind(path: &Path) -> Result<Listener, String> {
    Listener::bind(&format!("unix:{}", path.display()), None).await.map_err(|error| {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        format!("{error}: {}", source.unwrap_or_default())
    })
}

async fn ask(path: &Path) -> String {
    let mut stream = UnixStream::connect(path).await.unwrap();
    stream.write_all(ALIVE.as_bytes()).await.unwrap();
    answer(&mut stream).await
}

#[tokio::test]
async fn a_server_is_reached_through_a_socket_that_goes_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let mut config = Config::new(folder.path().join("server"));
    config.helper = program("justiam-server");
    config.limits.connections_per_address = 1;
    let server = Server::open(config, Arc::new(ManualClock::at(START))).await.unwrap();
    let api = bind(&path).await.unwrap();
    assert_eq!(api.endpoint().unwrap(), format!("unix:{}", path.display()));
    let file = fs::symlink_metadata(&path).unwrap();
    assert!(file.file_type().is_socket());
    assert_eq!(file.permissions().mode() & 0o7777, 0o660);
    let shutdown = Shutdown::new();
    let running = tokio::spawn(server.serve_on(Listeners { api, metrics: None }, shutdown.clone()));
    // Its clients have no addresses, so they have no share, either.
    let (one, other) = tokio::join!(ask(&path), ask(&path));
    assert!(one.starts_with("HTTP/1.1 200 OK\r\n"), "{one}");
    assert!(other.starts_with("HTTP/1.1 200 OK\r\n"), "{other}");
    shutdown.soft.cancel();
    soon("the server to end", running).await.unwrap().unwrap();
    assert!(!path.exists());
}

#[tokio::test]
async fn only_a_socket_on_which_nobody_listens_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    // As a server leaves it that was killed.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let first = bind(&path).await.unwrap();
    let refused = |why: &str| Err(format!("could not listen on unix:{}: {why}", path.display()));
    assert_eq!(bind(&path).await.map(drop), refused("another program listens there"));
    // Somebody has taken the path since, so the file is not the first one's any more.
    fs::remove_file(&path).unwrap();
    fs::write(&path, "precious").unwrap();
    drop(first);
    assert_eq!(bind(&path).await.map(drop), refused("there is something else than a socket"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}
