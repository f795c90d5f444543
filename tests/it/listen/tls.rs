//! TLS that ends in the server.

use std::error::Error as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use justiam_sdk::Client;
use justiam_sdk::api::tasks::TaskQuery;
use justiam_sdk::client::Retry;
use justiam_server::Server;
use justiam_server::config::Config;
use justiam_server::lifecycle::Shutdown;
use justiam_server::listen::{Listener, Listeners, Tls};
use justiam_tests::clock::ManualClock;
use justiam_tests::process::ServerProcess;
use justiam_tests::programs::program;
use justiam_tests::server::START;
use justiam_tests::{soon, until};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

/// A certificate for this machine that signs itself, in two files.
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

impl Files {
    fn within(folder: &Path) -> Self {
        Self { certificate: folder.join("certificate.pem"), key: folder.join("key.pem") }
    }

    /// Writes another pair, and returns its certificate.
    fn renew(&self) -> String {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        fs::write(&self.key, made.signing_key.serialize_pem()).unwrap();
        fs::write(&self.certificate, made.cert.pem()).unwrap();
        made.cert.pem()
    }
}

struct Served {
    tls: Tls,
    files: Files,
    /// What clients trust.
    certificate: String,
    endpoint: String,
    token: String,
    _data: TempDir,
}

async fn serve() -> Served {
    let data = TempDir::new().unwrap();
    let files = Files::within(data.path());
    let certificate = files.renew();
    let tls = Tls::load(&files.certificate, &files.key).unwrap();
    let mut config = Config::new(data.path().join("server"));
    config.helper = program("justiam-server");
    config.limits.head_patience = Duration::from_millis(500);
    let server = Server::open(config, Arc::new(ManualClock::at(START))).await.unwrap();
    let token = server.bootstrap_token().await.unwrap().unwrap().token.expose().to_owned();
    let api = Listener::bind("127.0.0.1:0", Some(tls.clone())).await.unwrap();
    let endpoint = api.endpoint().unwrap();
    tokio::spawn(server.serve_on(Listeners { api, metrics: None }, Shutdown::new()));
    Served { tls, files, certificate, endpoint, token, _data: data }
}

/// Whether a client that trusts this certificate gets an answer.
async fn answers(endpoint: &str, certificate: &str, token: &str) -> bool {
    let retry = Retry { max_retries: 0, ..Default::default() };
    let client = Client::builder(endpoint).ca_certificate(certificate).token(token).retry(retry).build().unwrap();
    soon("an answer", client.tasks().page(&TaskQuery::new())).await.is_ok()
}

#[tokio::test]
async fn a_client_that_trusts_the_certificate_is_served_over_tls_alone() {
    let served = serve().await;
    assert!(served.endpoint.starts_with("https://"), "{}", served.endpoint);
    assert!(answers(&served.endpoint, &served.certificate, &served.token).await);
    let trusted = reqwest::Certificate::from_pem(served.certificate.as_bytes()).unwrap();
    let http = reqwest::Client::builder().tls_certs_only([trusted]).build().unwrap();
    let answer = http.get(format!("{}/health", served.endpoint)).send().await.unwrap();
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000");
    // Somebody else's certificate is not trusted, and nobody is answered in the clear.
    let other = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap().cert.pem();
    assert!(!answers(&served.endpoint, &other, &served.token).await);
    reqwest::get(served.endpoint.replace("https", "http")).await.unwrap_err();
    // Who does not shake hands is hung up on.
    let mut silent = TcpStream::connect(served.endpoint.trim_start_matches("https://")).await.unwrap();
    assert_eq!(soon("the server to hang up", silent.read(&mut [0; 16])).await.unwrap(), 0);
}

#[tokio::test]
async fn a_new_pair_is_used_for_new_connections_and_a_bad_one_never() {
    let served = serve().await;
    assert!(!served.tls.reload().unwrap());
    let new = served.files.renew();
    // Another look may have been quicker.
    let _ = served.tls.reload().unwrap();
    assert!(!answers(&served.endpoint, &served.certificate, &served.token).await);
    assert!(answers(&served.endpoint, &new, &served.token).await);
    fs::write(&served.files.key, "no key").unwrap();
    fs::write(&served.files.certificate, "no certificate").unwrap();
    let _ = served.tls.reload();
    assert!(answers(&served.endpoint, &new, &served.token).await);
}

#[test]
fn what_cannot_be_used_is_named_and_not_shown() {
    let folder = TempDir::new().unwrap();
    let (files, other) = (Files::within(folder.path()), Files::within(&folder.path().join("other")));
    fs::create_dir(folder.path().join("other")).unwrap();
    files.renew();
    other.renew();
    let empty = folder.path().join("empty");
    fs::write(&empty, "SECRET").unwrap();
    let missing = folder.path().join("missing");
    for (certificate, key, expected) in [
        (&missing, &files.key, "could not read FOLDER/missing"),
        (&empty, &files.key, "FOLDER/empty holds no certificate in PEM form"),
        (
            &files.certificate,
            &empty,
            "FOLDER/empty holds no private key in PEM form (PKCS #8, PKCS #1 or SEC 1, without a password)",
        ),
        (
            &files.certificate,
            &other.key,
            "the certificate in FOLDER/certificate.pem cannot be used with the key in FOLDER/other/key.pem",
        ),
    ] {
        let error = Tls::load(certificate, key).unwrap_err();
        let shown = error.to_string().replace(folder.path().to_str().unwrap(), "FOLDER");
        assert_eq!(shown, expected);
        assert!(!error.source().is_some_and(|cause| cause.to_string().contains("SECRET")));
    }
}

#[tokio::test]
async fn a_process_takes_a_renewed_certificate_without_a_restart() {
    let folder = TempDir::new().unwrap();
    let files = Files::within(folder.path());
    let first = files.renew();
    let (certificate, key) = (files.certificate.to_str().unwrap(), files.key.to_str().unwrap());
    let environment = [("JUSTIAM_TLS_CERTIFICATE", certificate), ("JUSTIAM_TLS_KEY", key)];
    let server = ServerProcess::start_with(folder.path(), &environment, Stdio::inherit()).await;
    assert!(answers(&server.endpoint, &first, &server.token).await);
    let second = files.renew();
    let process = Pid::from_raw(i32::try_from(server.child.id().unwrap()).unwrap()).unwrap();
    kill_process(process, Signal::HUP).unwrap();
    until("the new certificate", async || answers(&server.endpoint, &second, &server.token).await).await;
    // Without a signal it is seen soon, too.
    let third = files.renew();
    until("the newest certificate", async || answers(&server.endpoint, &third, &server.token).await).await;
}
