//! Requests of scripts.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use justiam_server::driver::execute::script::{End, Host};
use justiam_tests::programs::program;
use justiam_tests::soon;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};

use super::support::{Lab, go, message, online, script, until};
use super::web::Web;

/// The body of a script that returns what it got, or the error.
fn tell(call: &str) -> String {
    let body = format!(
        "r, err := {call}\nif err != nil {{ return \"\", err }}\nreturn fmt.Sprint(r.StatusCode, \" \", r.Body), nil"
    );
    go(&["fetch", "fmt"], &body)
}

/// The output of a script that must succeed.
async fn output(host: Host, source: &str) -> String {
    match Lab::new().run_with(host, source).await.end {
        End::Success { output } => output,
        end => panic!("{end:?}"),
    }
}

/// What the echo got from a call.
async fn echoed(host: Host, call: &str) -> Value {
    let output = output(host, &tell(call)).await;
    serde_json::from_str(output.strip_prefix("200 ").unwrap_or_else(|| panic!("{output}"))).unwrap()
}

async fn failure(host: Host, call: &str) -> String {
    message(Lab::new().run_with(host, &tell(call)).await)
}

#[tokio::test]
async fn a_request_arrives_as_the_script_made_it() {
    let web = Web::start().await;
    let url = web.url("/echo/x?q=1");
    let got = echoed(online(|_| {}), &format!("fetch.Get(`{url}`)")).await;
    assert_eq!((&got["method"], &got["path"], &got["body"]), (&"GET".into(), &"/echo/x?q=1".into(), &"".into()));
    assert_eq!(got["headers"]["user-agent"], concat!("justiam-server/", env!("CARGO_PKG_VERSION")));
    assert_eq!(got["headers"].get("content-length"), None);

    let got = echoed(online(|_| {}), &format!("fetch.Post(`{url}`, `text/plain`, \"a\\nü\")")).await;
    assert_eq!((&got["method"], &got["body"]), (&"POST".into(), &"a\nü".into()));
    assert_eq!(
        (&got["headers"]["content-type"], &got["headers"]["content-length"]),
        (&"text/plain".into(), &"4".into())
    );

    let call = format!(
        "fetch.Do(`PATCH`, `{url}`, `{{}}`, map[string]string{{`Authorization`: `Bearer t`, `X-Name`: `Jürgen`, \
         `traceparent`: `mine`, `TraceState`: `mine`, `User-Agent`: `me`}})"
    );
    let got = echoed(online(|_| {}), &call).await;
    let headers = &got["headers"];
    assert_eq!((&got["method"], &got["body"]), (&"PATCH".into(), &"{}".into()));
    assert_eq!(
        (&headers["authorization"], &headers["x-name"], &headers["user-agent"]),
        (&"Bearer t".into(), &"Jürgen".into(), &"me".into())
    );
    let parent = headers["traceparent"].as_str().unwrap();
    assert!(parent.len() == 55 && parent.starts_with("00-") && parent.ends_with("-00"), "{parent}");
    assert_eq!(headers.get("tracestate"), None);

    let basic = web.url("/echo").replace("http://", "http://user:p%40ss@");
    let got = echoed(online(|_| {}), &format!("fetch.Get(`{basic}`)")).await;
    assert_eq!(got["headers"]["authorization"], "Basic dXNlcjpwQHNz");
}

#[tokio::test]
async fn an_answer_arrives_whole_whatever_its_status() {
    let web = Web::start().await;
    for status in [201, 304, 404, 503] {
        let call = tell(&format!("fetch.Do(`DELETE`, `{}`, ``, nil)", web.url(&format!("/status/{status}"))));
        assert_eq!(output(online(|_| {}), &call).await, format!("{status} "));
    }
    let raw =
        Web::raw(b"HTTP/1.1 200 OK\r\nX-TWO: a\r\nx-two: b\r\netag: \"e\"\r\nconnection: close\r\n\r\n\xff\x00\n{}")
            .await;
    let body = format!(
        "r, err := fetch.Get(`{}`)\nif err != nil {{ return ``, err }}\nreturn fmt.Sprintf(\"%q %q %q\", r.Headers[`X-Two`], \
         r.Headers[`Etag`], r.Body), nil",
        raw.url("/")
    );
    let expected = r#""a, b" "\"e\"" "\xff\x00\n{}""#;
    assert_eq!(output(online(|_| {}), &go(&["fetch", "fmt"], &body)).await, expected);
}

#[tokio::test]
async fn large_bodies_go_both_ways_up_to_their_limits() {
    let web = Web::serve(
        Router::new().route(
            "/",
            axum::routing::post(|body: axum::body::Bytes| async move { body })
                .layer(axum::extract::DefaultBodyLimit::disable()),
        ),
    )
    .await;
    let body = format!(
        "big := strings.Repeat(`x`, 8<<20)\nr, err := fetch.Post(`{url}`, ``, big)\nif err != nil {{ return ``, err }}\n\
         _, err = fetch.Post(`{url}`, ``, big + `x`)\nreturn fmt.Sprint(r.Body == big, ` `, err), nil",
        url = web.url("/")
    );
    let host = online(|settings| settings.max_body_mib = 8);
    let expected = "true fetch: the body has 8388609 bytes; the limit is 8388608 (8 MiB)";
    assert_eq!(output(host, &go(&["fetch", "fmt", "strings"], &body)).await, expected);

    let web = Web::start().await;
    for path in ["bytes/1048577", "stream/1049000"] {
        let url = web.url(&format!("/{path}"));
        let error = failure(online(|_| {}), &format!("fetch.Get(`{url}?key=hunter2`)")).await;
        assert_eq!(
            error,
            format!(
                "fetch: GET {url}: the answer is longer than 1 MiB, the limit that --fetch-max-body-mib sets on the server"
            )
        );
    }
    let most =
        format!("r, err := fetch.Get(`{}`)\nreturn fmt.Sprint(len(r.Body), err), nil", web.url("/bytes/1048576"));
    assert_eq!(output(online(|_| {}), &go(&["fetch", "fmt"], &most)).await, "1048576 <nil>");
    let head = tell(&format!("fetch.Do(`HEAD`, `{}`, ``, nil)", web.url("/bytes/2000000")));
    assert_eq!(output(online(|_| {}), &head).await, "200 ");
}

#[tokio::test]
async fn redirects_are_followed_as_by_gos_client() {
    let (web, other) = (Web::start().await, Web::start().await);
    let post = |path: &str| {
        let url = web.url(path);
        format!(
            "fetch.Do(`POST`, `{url}`, `body`, map[string]string{{`Authorization`: `a`, `Cookie`: `c`, `X-Own`: `o`}})"
        )
    };
    let got = echoed(online(|_| {}), &post("/to/302?/echo")).await;
    assert_eq!(
        (&got["method"], &got["body"], &got["headers"]["authorization"]),
        (&"GET".into(), &"".into(), &"a".into())
    );
    let got = echoed(online(|_| {}), &post("/to/307?/echo")).await;
    assert_eq!(
        (&got["method"], &got["body"], &got["headers"]["cookie"]),
        (&"POST".into(), &"body".into(), &"c".into())
    );
    let got = echoed(online(|_| {}), &post(&format!("/to/308?{}", other.url("/echo")))).await;
    assert_eq!((&got["body"], &got["headers"]["x-own"]), (&"body".into(), &"o".into()));
    assert_eq!((got["headers"].get("authorization"), got["headers"].get("cookie")), (None, None));

    let endless = Web::serve(Router::new().route("/", get(|| async { axum::response::Redirect::to("/") }))).await;
    let url = endless.url("/");
    assert_eq!(
        failure(online(|_| {}), &format!("fetch.Get(`{url}`)")).await,
        format!("fetch: GET {url}: more than 10 redirects")
    );
    let error = failure(online(|_| {}), &format!("fetch.Get(`{}`)", web.url("/to/302?file:///etc/passwd"))).await;
    assert_eq!(
        error,
        format!("fetch: GET {}: it was redirected to something that is no http or https URL", web.url("/to/302"))
    );
}

#[tokio::test]
async fn closed_destinations_stay_closed_by_every_way() {
    let web = Web::start().await;
    let metadata = "http://169.254.169.254/latest/meta-data";
    let why = "the server sends no requests of scripts to 169.254.169.254: it is link-local, where clouds keep their metadata; \
         an address or a network in --fetch-allow opens it";
    let expected = format!("fetch: GET {metadata}: {why}");
    assert_eq!(failure(online(|_| {}), &format!("fetch.Get(`{metadata}?key=hunter2`)")).await, expected);
    let redirected = web.url(&format!("/to/302?{metadata}"));
    assert_eq!(failure(online(|_| {}), &format!("fetch.Get(`{redirected}`)")).await, expected);

    let closed = |allow: &[&str], deny: &[&str]| {
        online(|settings| {
            settings.destinations.allow = allow.iter().map(|rule| rule.parse().unwrap()).collect();
            settings.destinations.deny = deny.iter().map(|rule| rule.parse().unwrap()).collect();
        })
    };
    let port = web.address.port();
    // The name is found to stand for an address that is denied.
    let error =
        failure(closed(&[], &["127.0.0.0/8", "::1"]), &format!("fetch.Get(`http://localhost:{port}/echo`)")).await;
    let expected =
        format!("fetch: GET http://localhost:{port}/echo: the server sends no requests of scripts to localhost (");
    assert!(error.starts_with(&expected) && error.contains("): --fetch-deny lists "), "{error}");
    let error = failure(closed(&["api.example.com"], &[]), &format!("fetch.Get(`{}`)", web.url("/echo"))).await;
    assert!(error.ends_with("to 127.0.0.1: it is not listed in --fetch-allow"), "{error}");
    echoed(closed(&["localhost"], &[]), &format!("fetch.Get(`http://LOCALHOST:{port}/echo`)")).await;
    echoed(closed(&["127.0.0.0/8"], &["::1"]), &format!("fetch.Get(`http://localhost:{port}/echo`)")).await;
    let error =
        failure(closed(&["127.0.0.0/8"], &["localhost"]), &format!("fetch.Get(`http://localhost:{port}/`)")).await;
    assert!(error.ends_with("to localhost: --fetch-deny lists localhost"), "{error}");
}

#[tokio::test]
async fn why_there_is_no_answer_is_one_line_without_secrets() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let cut = Web::raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await;
    let nonsense = Web::raw(b"hunter2\r\n\r\n").await;
    let ask = async |url: &str| failure(online(|_| {}), &format!("fetch.Get(`{url}`)")).await;
    let secret = "u:hunter2@";
    let cases = [
        (format!("http://{secret}{gone}/p?hunter2#hunter2"), format!("http://{gone}/p"), "the connection was refused"),
        (
            format!("http://{secret}nowhere.invalid/?hunter2"),
            "http://nowhere.invalid/".to_owned(),
            "the host name nowhere.invalid could not be resolved",
        ),
        (cut.url("/?hunter2"), cut.url("/"), "the connection was closed before the answer was complete"),
    ];
    for (url, shown, why) in cases {
        assert_eq!(ask(&url).await, format!("fetch: GET {shown}: {why}"));
    }
    let web = Web::start().await;
    let error = ask(&format!("https://{secret}{}/?hunter2", web.address)).await;
    assert!(error.starts_with(&format!("fetch: GET https://{}/: TLS failed: ", web.address)), "{error}");
    let error = ask(&nonsense.url("/?hunter2")).await;
    assert!(error.starts_with(&format!("fetch: GET {}: ", nonsense.url("/"))) && !error.contains("hunter2"), "{error}");
    assert_eq!(ask("ftp://a/?hunter2").await, "fetch: the URL's scheme must be http or https, not ftp");
    let none = failure(Host::default(), "fetch.Get(`http://127.0.0.1/`)").await;
    assert_eq!(none, "this run has no network: the server's --script-network says so");
}

#[tokio::test]
async fn a_run_has_two_of_the_largest_bodies_on_their_way_at_a_time() {
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let release = Arc::new(Semaphore::new(0));
    let waiting = Arc::clone(&release);
    let slow = move |body: axum::body::Bytes| {
        let (arrived, waiting) = (arrived.clone(), Arc::clone(&waiting));
        async move {
            arrived.send(()).unwrap();
            waiting.acquire().await.unwrap().forget();
            body.len().to_string()
        }
    };
    let route = axum::routing::post(slow).layer(axum::extract::DefaultBodyLimit::disable());
    let web = Web::serve(Router::new().route("/", route)).await;
    let body = format!(
        "big := strings.Repeat(`x`, 8<<20)\nvar group sync.WaitGroup\nbodies := make([]string, 6)\nfor i := 0; i < 6; i++ {{\n\
         i := i\n group.Add(1)\n go func() {{ defer group.Done(); if r, err := fetch.Post(`{}`, ``, big); err == nil {{ bodies[i] = r.Body }} }}()\n}}\n\
         group.Wait()\nreturn strings.Join(bodies, ``), nil",
        web.url("/")
    );
    let source = go(&["fetch", "strings", "sync"], &body);
    let watch = async {
        let mut most = 0;
        for ended in 0..6 {
            // The next ones arrive before anything ends, as far as they can.
            until("two arrivals", || arrivals.len() >= 2.min(6 - ended)).await;
            most = most.max(arrivals.len());
            arrivals.recv().await.unwrap();
            release.add_permits(1);
        }
        most
    };
    let (text, most) = soon("six answers", async { tokio::join!(output(online(|_| {}), &source), watch) }).await;
    assert_eq!((text, most), ("8388608".repeat(6), 2));
}

#[tokio::test]
async fn requests_that_are_too_large_are_errors_for_the_script() {
    let web = Web::start().await;
    let body = format!(
        "headers := map[string]string{{}}\nfor i := 0; i < 40000; i++ {{ headers[fmt.Sprint(`h`, i)] = `` }}\n\
         _, a := fetch.Do(`GET`, `{url}`, ``, headers)\n_, b := fetch.Get(`{url}?` + strings.Repeat(`x`, 1000000))\n\
         r, err := fetch.Get(`{url}`)\nif err != nil {{ return ``, err }}\nreturn fmt.Sprint(a, `; `, b, `; `, r.StatusCode), nil",
        url = web.url("/echo")
    );
    let expected = format!(
        "fetch: a request has up to 100 headers, of up to 64 KiB in all; fetch: the URL has {} bytes; the limit is 8192; 200",
        web.url("/echo?").len() + 1_000_000
    );
    assert_eq!(output(online(|_| {}), &go(&["fetch", "fmt", "strings"], &body)).await, expected);
}

#[tokio::test]
async fn a_slow_answer_holds_up_no_other_call() {
    let (release, wait) = tokio::sync::watch::channel(false);
    let slow = move || {
        let mut wait = wait.clone();
        async move { wait.wait_for(|released| *released).await.is_ok().to_string() }
    };
    let web = Web::serve(
        Router::new()
            .route("/slow", get(slow))
            .route("/release", get(move || async move { release.send(true).is_ok().to_string() })),
    )
    .await;
    let body = format!(
        "var group sync.WaitGroup\nbodies := make([]string, 15)\nfor i := 0; i < 15; i++ {{\n i := i\n group.Add(1)\n go func() {{ defer \
         group.Done(); if r, err := fetch.Get(`{slow}`); err == nil {{ bodies[i] = r.Body }} }}()\n}}\n\
         r, err := fetch.Get(`{release}`)\nif err != nil {{ return ``, err }}\ngroup.Wait()\n\
         return r.Body + strings.Join(bodies, ``) + config.Get(`x`), nil",
        slow = web.url("/slow"),
        release = web.url("/release"),
    );
    let source = go(&["config", "fetch", "strings", "sync"], &body);
    assert_eq!(output(online(|_| {}), &source).await, "true".repeat(16));
}

#[tokio::test]
async fn a_run_that_is_stopped_gives_its_requests_up() {
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let (gone, mut departures) = mpsc::unbounded_channel();
    let endless = move || {
        let (arrived, guard) = (arrived.clone(), Departure(gone.clone()));
        async move {
            arrived.send(()).unwrap();
            std::future::pending::<()>().await;
            drop(guard);
        }
    };
    let web = Web::serve(Router::new().route("/", get(endless))).await;
    let lab = Lab::new();
    let source = tell(&format!("fetch.Get(`{}`)", web.url("/")));
    let stop = async { arrivals.recv().await.unwrap() };
    let outcome = soon("the run to end", lab.runner.run(script(online(|_| {}), &source), stop)).await;
    assert_eq!(outcome.end, End::Stopped);
    tokio::time::timeout(Duration::from_secs(10), departures.recv()).await.unwrap().unwrap();
}

struct Departure(mpsc::UnboundedSender<()>);

impl Drop for Departure {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[test]
fn a_rule_that_is_none_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut serve = std::process::Command::new(program("justiam-server"));
    serve.args(["serve", "--fetch-allow", "example.com,10.0.0.0/33", "--data-dir"]).arg(folder.path().join("server"));
    let refused = serve.output().unwrap();
    let text = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{text}");
    assert!(text.contains("`10.0.0.0/33` is no destination: write a host name"), "{text}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
