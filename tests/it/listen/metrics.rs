//! A listener for whoever watches the server.

use std::sync::Arc;

use justiam_server::Server;
use justiam_server::config::Config;
use justiam_server::lifecycle::Shutdown;
use justiam_server::listen::{Listener, Listeners};
use justiam_tests::clock::ManualClock;
use justiam_tests::programs::program;
use justiam_tests::server::START;
use justiam_tests::soon;

#[tokio::test]
async fn figures_need_no_token_on_a_listener_of_their_own_and_nothing_else_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::new(folder.path());
    config.helper = program("justiam-server");
    let server = Server::open(config, Arc::new(ManualClock::at(START))).await.unwrap();
    let token = server.bootstrap_token().await.unwrap().unwrap().token;
    let (api, metrics) = (Listener::bind("127.0.0.1:0", None).await, Listener::bind("127.0.0.1:0", None).await);
    let listeners = Listeners { api: api.unwrap(), metrics: Some(metrics.unwrap()) };
    let endpoints = [&listeners.api, listeners.metrics.as_ref().unwrap()].map(|listener| listener.endpoint().unwrap());
    let shutdown = Shutdown::new();
    let running = tokio::spawn(server.serve_on(listeners, shutdown.clone()));
    let http = reqwest::Client::new();
    for (path, statuses) in [
        ("/metrics", [401, 200]),
        ("/health", [200, 200]),
        ("/health/ready", [200, 200]),
        ("/api/v1/tasks", [401, 404]),
        ("/api/v1/version", [200, 404]),
    ] {
        for (endpoint, status) in endpoints.iter().zip(statuses) {
            let answer = http.get(format!("{endpoint}{path}")).send().await.unwrap();
            assert_eq!(answer.status(), status, "{path}");
            assert!(answer.headers().contains_key("x-request-id"));
        }
    }
    let tasks = |endpoint: &str| http.get(format!("{endpoint}/api/v1/tasks")).bearer_auth(token.expose()).send();
    assert_eq!(tasks(&endpoints[0]).await.unwrap().status(), 200);
    assert_eq!(tasks(&endpoints[1]).await.unwrap().status(), 404);
    let figures = http.get(format!("{}/metrics", endpoints[1])).send().await.unwrap().text().await.unwrap();
    assert!(figures.contains("justiam_due_lag_seconds 0"), "{figures}");
    shutdown.soft.cancel();
    soon("the server to end", running).await.unwrap().unwrap();
}
